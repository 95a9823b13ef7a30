package differential

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// tree renders every znode that the monitor can see: data, ACL, Stat.
func (s *side) tree() []string {
	var lines []string
	err := s.walk("/", func(path string) error {
		line := path
		for _, op := range []proto.Op{proto.OpGetData, proto.OpGetACL} {
			var body wire.Record = &proto.WatchableRequest{Path: path}
			if op == proto.OpGetACL {
				body = &proto.PathRequest{Path: path}
			}
			d, err := s.monitor.Call(op, body)
			if err != nil {
				return fmt.Errorf("%s %q: %w", op, path, err)
			}
			v := view{mask: s.mask, rest: d.Rest()}
			line += v.body(op) + v.end()
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		return append(lines, err.Error())
	}
	return lines
}

// walk visits path and all below it, parents first, in the order of names.
func (s *side) walk(path string, visit func(string) error) error {
	if err := visit(path); err != nil {
		return err
	}
	names, _, err := s.monitor.Children(path, false)
	if err != nil {
		return fmt.Errorf("children of %q: %w", path, err)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := s.walk(strings.TrimSuffix(path, "/")+"/"+name, visit); err != nil {
			return err
		}
	}
	return nil
}

// tidy ends every session of the run and removes every znode it made.
func (s *side) tidy() error {
	for slot, conn := range s.conns {
		if conn != nil {
			s.closed(slot)
		}
	}
	for _, cred := range s.sessions {
		c, err := wire.Resume(s.addr, longTimeoutMs*time.Millisecond, cred.id, cred.passwd)
		if errors.Is(err, wire.ErrSessionGone) {
			continue
		}
		if err != nil {
			return fmt.Errorf("tidy: %w", err)
		}
		// Where authentication is enforced, nobody else may close a session.
		if err := c.Auth("digest", superAuth); err != nil {
			return fmt.Errorf("tidy: %w", err)
		}
		if err := c.CloseSession(); err != nil {
			return fmt.Errorf("tidy: %w", err)
		}
	}
	var paths []string
	if err := s.walk("/", func(path string) error { paths = append(paths, path); return nil }); err != nil {
		return fmt.Errorf("tidy: %w", err)
	}
	for _, path := range slices.Backward(paths) {
		if err := s.restore(path); err != nil {
			return fmt.Errorf("tidy %q: %w", path, err)
		}
	}
	return s.monitor.CloseSession()
}

// restore removes a znode, or gives one that must stay its first content.
func (s *side) restore(path string) error {
	acl := proto.OpenACL
	switch path {
	case "/zookeeper/config":
		acl = []proto.ACL{{Perms: proto.PermRead, ID: proto.Anyone}}
	case "/", "/zookeeper", "/zookeeper/quota":
	default:
		err := s.monitor.Delete(path, -1)
		if errors.Is(err, proto.ErrNoNode) { // an ephemeral of a session that has just ended
			return nil
		}
		return err
	}
	if _, err := s.monitor.SetData(path, []byte{}, -1); err != nil {
		return err
	}
	_, err := s.monitor.SetACL(path, acl, -1)
	return err
}
