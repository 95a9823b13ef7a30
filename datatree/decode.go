package datatree

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// ErrSnapshot means that a snapshot could be read and is none.
var ErrSnapshot = errors.New("damaged snapshot")

// Decode replaces the state by that of a snapshot, reading parts 2 to 5 of
// the file: sessions, ACL lists, znodes, end. Parents come before their
// children, in any order otherwise. No count in the stream is believed: memory
// is taken as bytes arrive. The zxid is not part of the stream; see
// [Tree.SetLastZxid]. After an error the tree is as new.
//
// A znode may name an ACL that the stream does not define; see
// [Tree.LostACLs].
func (t *Tree) Decode(r *jute.Reader) error {
	t.clear()
	l := loader{t: t, r: r, acls: map[int64]aclID{-1: openACL}}
	if err := l.load(); err != nil {
		t.Reset()
		return fmt.Errorf("decoding snapshot: %w", err)
	}
	t.acls.purge()
	t.countRootTwice()
	t.loadQuotas()
	return nil
}

// loader reads one snapshot.
type loader struct {
	t    *Tree
	r    *jute.Reader
	acls map[int64]aclID // ids of the stream to ids of the table

	path   []byte               // scratch: the path at hand
	stat   [persistedBytes]byte // scratch
	last   *Znode               // read last
	parent *Znode               // its parent
}

func (l *loader) load() error {
	l.sessions()
	if err := l.lists(); err != nil {
		return err
	}
	for {
		path, ok := l.nextPath()
		if err := l.r.Err(); err != nil {
			return err
		}
		if !ok {
			break
		}
		if err := l.node(path); err != nil {
			return err
		}
	}
	if l.t.root == nil {
		return fmt.Errorf("%w: no root", ErrSnapshot)
	}
	return nil
}

func (l *loader) sessions() {
	for n := l.r.Int(); n > 0 && l.r.Err() == nil; n-- {
		s := sessionEntry{id: l.r.Long(), timeoutMs: l.r.Int()}
		if l.r.Err() == nil {
			l.t.sessions.ReplaceOrInsert(s)
		}
	}
}

// lists reads the ACL lists. Their ids are the stream's own business: the
// table gives out new ones.
func (l *loader) lists() error {
	for n := l.r.Int(); n > 0; n-- {
		id := l.r.Long()
		acl, err := l.list()
		if err != nil {
			return err
		}
		if id != -1 {
			l.acls[id] = l.t.acls.intern(acl)
		}
	}
	return l.r.Err()
}

func (l *loader) list() ([]proto.ACL, error) {
	n := l.r.Length()
	if n < 0 && l.r.Err() == nil {
		return nil, fmt.Errorf("%w: an ACL list is null", ErrSnapshot)
	}
	acl := []proto.ACL{}
	for ; n > 0 && l.r.Err() == nil; n-- {
		acl = append(acl, proto.ACL{Perms: l.r.Int(), ID: proto.ID{Scheme: l.r.String(), ID: l.r.String()}})
	}
	return acl, l.r.Err()
}

// nextPath reads the path of a znode; false at the end. The path is valid
// until the next one is read.
func (l *loader) nextPath() (string, bool) {
	n := max(l.r.Length(), 0)
	if l.r.Err() != nil {
		return "", false
	}
	if cap(l.path) < n {
		l.path = make([]byte, n)
	}
	l.path = l.path[:n]
	l.r.Full(l.path)
	if !utf8.Valid(l.path) {
		l.path = []byte(jute.Text(l.path))
	}
	path := textString(l.path)
	return path, path != rootPath
}

// node reads what follows the path of a znode and puts it into the tree.
func (l *loader) node(path string) error {
	parent, err := l.parentFor(path)
	if err != nil {
		return err
	}
	z := &Znode{}
	if parent != nil {
		z.depth = parent.depth + uint32(strings.Count(path[len(parent.key()):], "/"))
	}
	l.text(z, path)
	id := l.r.Long()
	l.r.Full(l.stat[:])
	if err := l.r.Err(); err != nil {
		return err
	}
	var st Persisted
	st.decode(&l.stat)
	z.setPersisted(&st)
	z.acl = l.aclOf(id)
	l.t.acls.use(z.acl)
	if !l.t.insert(z, parent) {
		return fmt.Errorf("%w: %q comes twice", ErrSnapshot, path)
	}
	if parent == nil {
		l.t.root = z
	}
	l.last, l.parent = z, parent
	return nil
}

// parentFor returns the parent of the next path, nil for the root. Most often
// it is the parent of the znode before, or that znode.
func (l *loader) parentFor(path string) (*Znode, error) {
	if path == "" {
		if l.t.root != nil {
			return nil, fmt.Errorf("%w: the root comes twice", ErrSnapshot)
		}
		return nil, nil
	}
	key, _, ok := SplitPath(path)
	switch {
	case !ok || l.t.root == nil:
	case l.parent != nil && l.parent.key() == key:
		return l.parent, nil
	case l.last.key() == key:
		return l.last, nil
	default:
		if z := l.t.Lookup(key); z != nil {
			return z, nil
		}
	}
	return nil, fmt.Errorf("%w: %q has no parent", ErrSnapshot, path)
}

// text reads data into the memory of its znode.
func (l *loader) text(z *Znode, path string) {
	n := l.r.Length()
	if l.r.Err() != nil {
		return
	}
	z.allocate(path, n)
	l.r.Full(z.Data())
}

// aclOf translates an id of the stream.
func (l *loader) aclOf(id int64) aclID {
	if known, ok := l.acls[id]; ok {
		return known
	}
	return lostACL
}
