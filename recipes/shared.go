package recipes

import (
	"context"
	"errors"
	"iter"

	"github.com/go-zookeeper/zk"
)

// Value is what a shared znode holds.
type Value struct {
	Data []byte
	// Version counts the changes, from 0; -1 means that there is no such
	// znode. It begins anew when the znode is deleted and made again.
	Version int32
	// Zxid is that of the last change; it never goes back.
	Zxid int64
}

// Shared is a piece of configuration that everybody reads and is told of when
// it changes: the data of one znode.
type Shared struct {
	client *Client
	path   string
}

// NewShared names the configuration by its znode.
func NewShared(c *Client, path string) *Shared { return &Shared{c, path} }

// Get returns the value as far as the server that is asked knows. A value that
// this Client has seen is never followed by an older one.
func (v *Shared) Get(ctx context.Context) (Value, error) {
	s, err := v.client.await(ctx)
	if err != nil {
		return Value{}, err
	}
	data, stat, err := s.read(ctx, v.path)
	if errors.Is(err, zk.ErrNoNode) {
		return Value{Version: -1}, nil
	}
	return valueOf(data, stat), err
}

func valueOf(data []byte, stat *zk.Stat) Value {
	if stat == nil {
		return Value{Version: -1}
	}
	return Value{Data: data, Version: stat.Version, Zxid: stat.Mzxid}
}

// Set replaces the value whatever it was, and creates the znode if need be.
// Who reads first and writes what follows from it uses [Shared.Replace].
//
// When an answer is lost the value is set again, perhaps over what somebody
// else has set meanwhile. After zk.ErrSessionExpired it is not known whether it
// was set.
func (v *Shared) Set(ctx context.Context, data []byte) error {
	s, err := v.client.await(ctx)
	if err != nil {
		return err
	}
	for {
		_, err := repeat(ctx, s, func(conn *zk.Conn) (*zk.Stat, error) { return conn.Set(v.path, data, -1) })
		if !errors.Is(err, zk.ErrNoNode) {
			return err
		}
		if err := s.ensurePersistent(ctx, v.path); err != nil {
			return err
		}
	}
}

// Replace changes the value if it still has the version that was read, and
// does so once, whatever gets lost. zk.ErrBadVersion means that somebody else
// was faster. When the session expires or ctx ends before the answer comes, it
// is not known whether the value was changed.
func (v *Shared) Replace(ctx context.Context, data []byte, version int32) error {
	s, err := v.client.await(ctx)
	if err != nil {
		return err
	}
	if version < 0 {
		err := s.ensurePersistent(ctx, v.path)
		if err != nil {
			return err
		}
		version = 0
	}
	return s.replace(ctx, v.path, data, version)
}

// Watch yields the value now and after each change. Changes that follow each
// other fast are seen together. It ends with ctx, or with an error as its last
// value, such as zk.ErrSessionExpired. A lost connection is no error: what is
// seen is then as old as it was.
func (v *Shared) Watch(ctx context.Context) iter.Seq2[Value, error] {
	return func(yield func(Value, error) bool) {
		s, err := v.client.await(ctx)
		for err == nil {
			var w watched
			if w, err = s.watchValue(ctx, v.path); err != nil {
				break
			}
			if !yield(valueOf(w.data, w.stat), nil) {
				return
			}
			err = s.wait(ctx, w.watch)
		}
		if ctx.Err() == nil {
			yield(Value{}, err)
		}
	}
}

// watchValue reads and watches a znode, also one that is yet to come.
func (s *session) watchValue(ctx context.Context, path string) (watched, error) {
	for {
		w, err := s.watchData(ctx, path)
		if err != nil || w.found {
			return w, err
		}
		w, err = s.watchExists(ctx, path)
		if err != nil || !w.found {
			w.stat = nil
			return w, err
		}
	}
}

// replace is a compare and set whose outcome is always learned. A change that
// stands alone could not be told from somebody else's after its answer was
// lost; so it leaves a marker, which is removed when the answer is known, or
// goes with the session.
func (s *session) replace(ctx context.Context, path string, data []byte, version int32) error {
	marker := path + "/" + newMark() + "set"
	for again := false; ; again = true {
		_, err := ask(ctx, s, func(conn *zk.Conn) (struct{}, error) {
			return struct{}{}, all(conn.Multi(&zk.SetDataRequest{Path: path, Data: data, Version: version},
				&zk.CreateRequest{Path: marker, Acl: s.c.acl, Flags: zk.FlagEphemeral}))
		})
		if again && errors.Is(err, zk.ErrBadVersion) {
			// Perhaps our own. The answer is as new as the change it tells of.
			stat, look := s.stat(ctx, marker)
			if look != nil {
				return look
			}
			if stat != nil {
				err = nil
			}
		}
		if err == nil {
			s.abandon(marker)
		}
		if !lost(err) {
			return err
		}
		if err := s.await(ctx); err != nil {
			return err
		}
	}
}
