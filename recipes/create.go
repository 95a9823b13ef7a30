package recipes

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/go-zookeeper/zk"
)

// newUUID returns a random UUID.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newMark returns the beginning of a name that nobody else gives to a znode,
// in the form of Curator's protected mode.
func newMark() string { return "_c_" + newUUID() + "-" }

// CreateOnce makes a persistent, sequential znode below dir and returns its
// path: exactly one, whatever gets lost, as long as the session lives. Its name
// is a mark, by which it is recognised, then name, then the server's number.
// When ctx ends first it is removed again, if it was made.
func (c *Client) CreateOnce(ctx context.Context, dir, name string, data []byte) (string, error) {
	s, err := c.await(ctx)
	if err != nil {
		return "", err
	}
	return s.create(ctx, dir, name, data, zk.FlagSequence)
}

// create makes a znode below dir whose name begins with a mark, and returns
// its path: exactly one, whatever gets lost. When ctx ends first, what may have
// been created is removed again, on a goroutine that ends with the answer or
// the session.
func (s *session) create(ctx context.Context, dir, name string, data []byte, flags int32) (string, error) {
	type result struct {
		path string
		err  error
	}
	made := make(chan result)
	ok := s.c.spawn(func() {
		created, err := s.createMarked(dir, newMark(), name, data, flags)
		select {
		case made <- result{created, err}:
		case <-ctx.Done(): // nobody wants it
			if err == nil {
				_ = s.removeNow(created) // fails when it has gone by itself
			}
		}
	})
	if !ok {
		return "", zk.ErrClosing
	}
	select {
	case r := <-made:
		return r.path, r.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// createMarked creates until it is known to have created.
func (s *session) createMarked(dir, mark, name string, data []byte, flags int32) (string, error) {
	for {
		created, err := ask(s.life, s, func(conn *zk.Conn) (string, error) {
			return conn.Create(path.Join(dir, mark+name), data, flags, s.c.acl)
		})
		switch {
		case errors.Is(err, zk.ErrNoNode):
			if err := s.ensure(s.life, dir); err != nil {
				return "", err
			}
			continue
		case !lost(err):
			return created, err
		}
		if err := s.await(s.life); err != nil {
			return "", err
		}
		found, err := s.find(dir, mark)
		if found != "" || err != nil {
			return found, err
		}
	}
}

// find returns the path of the child of dir with a mark, "" when there is
// none. A sync comes first: the server that the client has come to may not
// have heard of what another one has carried out.
func (s *session) find(dir, mark string) (string, error) {
	if _, err := repeat(s.life, s, func(conn *zk.Conn) (string, error) { return conn.Sync(dir) }); err != nil {
		return "", err
	}
	names, err := s.children(s.life, dir)
	for _, name := range names {
		if strings.HasPrefix(name, mark) {
			return path.Join(dir, name), nil
		}
	}
	return "", err
}

// remove deletes a znode that only this session has named. When ctx ends first
// the deletion goes on until it is known to have happened, or the session has
// ended. It returns zk.ErrNoNode when somebody else has removed it.
func (s *session) remove(ctx context.Context, path string) error {
	done := make(chan error, 1)
	if !s.c.spawn(func() { done <- s.removeNow(path) }) {
		return zk.ErrClosing
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *session) removeNow(path string) error {
	defer s.vacate(path)
	for again := false; ; again = true {
		_, err := ask(s.life, s, func(conn *zk.Conn) (struct{}, error) { return struct{}{}, conn.Delete(path, -1) })
		if again && errors.Is(err, zk.ErrNoNode) {
			return nil // most likely by the request whose answer was lost
		}
		if !lost(err) {
			return err
		}
		if err := s.await(s.life); err != nil {
			return err
		}
	}
}
