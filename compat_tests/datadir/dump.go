package datadir

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

const (
	superAuth   = "super:test"
	superDigest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="
	// sessionTimeout outlives a whole test.
	sessionTimeout = 10 * time.Minute
)

// Dump is all that a client can see of a tree.
type Dump struct {
	Before int64    // zxid at which the tree was read
	After  int64    // zxid after the session that read it had ended
	Znodes []string // a line for each, parents first
}

// Take reads the tree of the server at addr with a session of its own, as a
// super user.
func Take(addr string) (Dump, error) {
	c, err := wire.Open(addr, sessionTimeout)
	if err != nil {
		return Dump{}, err
	}
	defer c.Close()
	if err := c.Auth("digest", superAuth); err != nil {
		return Dump{}, err
	}
	if err := c.Ping(); err != nil {
		return Dump{}, err
	}
	dump := Dump{Before: c.LastZxid - 1} // the session took one
	if err := dump.add(c); err != nil {
		return Dump{}, err
	}
	err = c.CloseSession()
	dump.After = c.LastZxid
	return dump, err
}

// batch is how many znodes are asked for at once.
const batch = 200

// add reads the tree level by level.
func (d *Dump) add(c *wire.Client) error {
	for level := []string{"/"}; len(level) > 0; {
		var next []string
		for paths := range slices.Chunk(level, batch) {
			children, err := d.addBatch(c, paths)
			if err != nil {
				return err
			}
			next = append(next, children...)
		}
		slices.Sort(next)
		level = next
	}
	return nil
}

// addBatch adds the lines of some znodes and returns their children's paths.
func (d *Dump) addBatch(c *wire.Client, paths []string) (children []string, err error) {
	var calls []wire.MultiOp
	for _, path := range paths {
		calls = append(calls,
			wire.MultiOp{Op: proto.OpGetData, Body: &proto.WatchableRequest{Path: path}},
			wire.MultiOp{Op: proto.OpGetACL, Body: &proto.PathRequest{Path: path}},
			wire.MultiOp{Op: proto.OpGetChildren, Body: &proto.WatchableRequest{Path: path}})
	}
	replies, err := c.Pipeline(calls)
	if err != nil {
		return nil, err
	}
	for i, path := range paths {
		data, st := replies[3*i].Buffer(), proto.Stat{}
		st.Decode(replies[3*i])
		acl, names := proto.DecodeACLs(replies[3*i+1]), replies[3*i+2].Strings()
		d.Znodes = append(d.Znodes, fmt.Sprintf("%q %s acl=%v %+v", path, digest(data), acl, st))
		for _, name := range names {
			children = append(children, strings.TrimSuffix(path, "/")+"/"+name)
		}
	}
	return children, nil
}

func digest(data []byte) string {
	switch {
	case data == nil:
		return "null"
	case len(data) <= 40:
		return fmt.Sprintf("%q", data)
	}
	return fmt.Sprintf("%d bytes %x", len(data), sha256.Sum256(data))
}

// Diff says, in at most limit lines, where a later dump of what must be the
// same tree differs: in its znodes, or in the zxid at which it stands.
func (d Dump) Diff(later Dump, limit int) []string {
	var lines []string
	if d.After != later.Before {
		lines = append(lines, fmt.Sprintf("- zxid %#x", d.After), fmt.Sprintf("+ zxid %#x", later.Before))
	}
	lines = append(lines, without("- ", d.Znodes, later.Znodes)...)
	lines = append(lines, without("+ ", later.Znodes, d.Znodes)...)
	return lines[:min(len(lines), limit)]
}

// without lists the lines that are not in the other list.
func without(mark string, lines, other []string) []string {
	known := make(map[string]bool, len(other))
	for _, line := range other {
		known[line] = true
	}
	var missing []string
	for _, line := range lines {
		if !known[line] {
			missing = append(missing, mark+line)
		}
	}
	return missing
}

// digestACL grants perms to the user ann, whose password is "secret".
func digestACL(perms int32) []proto.ACL {
	return []proto.ACL{{Perms: perms, ID: proto.ID{Scheme: "digest", ID: "ann:7RJfAeIvrl4zdj6sS2fXrQHDvHM="}}}
}
