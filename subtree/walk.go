package subtree

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Node is a znode as it was read.
type Node struct {
	Path string // below the root of the walk: "" for the root itself, "/a/b" for others
	Data []byte // nil for null
	ACL  []proto.ACL
	Stat proto.Stat
}

// Ephemeral tells whether the znode belongs to a session.
func (n *Node) Ephemeral() bool { return n.Stat.EphemeralOwner != 0 }

// At is the znode's path below a root.
func (n *Node) At(root string) string { return at(root, n.Path) }

func at(root, rel string) string {
	switch {
	case rel == "":
		return root
	case root == "/":
		return rel
	}
	return root + rel
}

// window is how many requests a walk has in flight, and a writer.
const window = 200

// ErrMaskedACL means that the server hid who is in an ACL, as it does from
// whom the ACL does not make an administrator.
var ErrMaskedACL = errors.New("the server does not show the whole ACL without the permission ADMIN (add the identity of an administrator)")

// walk is one run of [Walk].
type walk struct {
	zk       *client.Client
	root     string
	acl      bool
	visit    func(Node) error
	paths    []string // not asked for yet, relative
	asked    []asked
	families []family
}

// asked is a znode whose data was asked for.
type asked struct {
	rel       string
	data, acl *client.Call // acl nil: not wanted
}

// family is a znode whose children were asked for.
type family struct {
	rel  string
	call *client.Call
}

// Walk visits a subtree, every parent before its children. ACLs are read only
// when they are wanted. The server's own znodes below /zookeeper are left out
// unless the root is one of them; a znode that is deleted meanwhile is, too.
func Walk(ctx context.Context, zk *client.Client, root string, acl bool, visit func(Node) error) error {
	if err := client.ValidatePath(root, false); err != nil {
		return err
	}
	w := &walk{zk: zk, root: root, acl: acl, visit: visit, paths: []string{""}}
	for len(w.paths)+len(w.asked)+len(w.families) > 0 {
		if err := w.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// step keeps the window full and takes the oldest reply.
func (w *walk) step(ctx context.Context) error {
	for len(w.paths) > 0 && len(w.asked) < window {
		if err := w.ask(ctx, w.paths[0]); err != nil {
			return err
		}
		w.paths = w.paths[1:]
	}
	if len(w.asked) == 0 || len(w.families) >= window {
		return w.takeFamily(ctx)
	}
	return w.takeNode(ctx)
}

func (w *walk) ask(ctx context.Context, rel string) error {
	path := at(w.root, rel)
	a := asked{rel: rel}
	var err error
	if a.data, err = w.zk.StartGet(ctx, path); err == nil && w.acl {
		a.acl, err = w.zk.StartACL(ctx, path)
	}
	w.asked = append(w.asked, a)
	return err
}

// gone tells whether a znode below the root was deleted meanwhile.
func gone(err error, rel string) bool { return rel != "" && errors.Is(err, proto.ErrNoNode) }

func (w *walk) takeNode(ctx context.Context) error {
	a := w.asked[0]
	w.asked = w.asked[1:]
	n, err := a.node(ctx)
	if gone(err, a.rel) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := w.visit(n); err != nil || n.Stat.NumChildren == 0 {
		return err
	}
	call, err := w.zk.StartGetChildren(ctx, at(w.root, a.rel))
	w.families = append(w.families, family{a.rel, call})
	return err
}

// node waits for the replies about a znode.
func (a *asked) node(ctx context.Context) (Node, error) {
	n := Node{Path: a.rel}
	d, err := a.data.Wait(ctx)
	if err != nil {
		return n, err
	}
	n.Data = d.Buffer()
	n.Stat.Decode(d)
	if d.Err() != nil || a.acl == nil {
		return n, d.Err()
	}
	if d, err = a.acl.Wait(ctx); err != nil {
		return n, err
	}
	n.ACL = proto.DecodeACLs(d)
	return n, d.Err()
}

func (w *walk) takeFamily(ctx context.Context) error {
	f := w.families[0]
	w.families = w.families[1:]
	d, err := f.call.Wait(ctx)
	if gone(err, f.rel) {
		return nil
	}
	if err != nil {
		return err
	}
	names := childNames(d)
	if d.Err() != nil {
		return d.Err()
	}
	for _, name := range names {
		rel := f.rel + "/" + name
		if w.root == "/" && client.IsSystem(rel) {
			continue
		}
		w.paths = append(w.paths, rel)
	}
	return nil
}

func childNames(d *jute.Decoder) []string {
	names := d.Strings()
	slices.Sort(names)
	return names
}

// checkACL refuses an ACL whose secrets the server has hidden.
func checkACL(path string, acl []proto.ACL) error {
	for _, a := range acl {
		if a.ID.Scheme == "digest" && strings.HasSuffix(a.ID.ID, ":x") {
			return fmt.Errorf("%s: %w", path, ErrMaskedACL)
		}
	}
	return nil
}
