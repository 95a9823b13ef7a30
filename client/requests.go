package client

import (
	"context"
	"strings"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Create makes a znode and returns its path, which a sequence number may have
// extended. ttlMs counts for the flags with a TTL alone.
func (c *Client) Create(ctx context.Context, path string, data []byte, acl []proto.ACL, flags int32, ttlMs int64) (string, error) {
	sequential := flags == proto.FlagPersistentSequential || flags == proto.FlagEphemeralSequential || flags == proto.FlagPersistentSequentialTTL
	if err := ValidatePath(path, sequential); err != nil {
		return "", err
	}
	if len(acl) == 0 {
		return "", &Error{Code: proto.ErrInvalidACL}
	}
	op, hasTTL := proto.OpCreate, false
	switch flags {
	case proto.FlagContainer:
		op = proto.OpCreateContainer
	case proto.FlagPersistentTTL, proto.FlagPersistentSequentialTTL:
		op, hasTTL = proto.OpCreateTTL, true
	}
	d, err := c.Do(ctx, op, path, &proto.CreateRequest{
		Path: c.remote(path), Data: data, ACL: acl, Flags: flags, TTLMs: ttlMs, HasTTL: hasTTL,
	})
	if err != nil {
		return "", err
	}
	return c.local(d.String()), d.Err()
}

// Delete removes a znode. Version -1 matches any.
func (c *Client) Delete(ctx context.Context, path string, version int32) error {
	if err := ValidatePath(path, false); err != nil {
		return err
	}
	remote := c.remote(path)
	if path == "/" {
		remote = "/" // the root of all, which a server refuses
	}
	_, err := c.Do(ctx, proto.OpDelete, path, &proto.DeleteRequest{Path: remote, Version: version})
	return err
}

// Exists returns a znode's Stat; its absence is [proto.ErrNoNode]. The watch
// stands in either case.
func (c *Client) Exists(ctx context.Context, path string, watch bool) (proto.Stat, error) {
	return c.stat(c.read(ctx, proto.OpExists, path, watch, func(err error) paths {
		switch err {
		case nil:
			return c.watches.data
		case proto.ErrNoNode:
			return c.watches.exist
		}
		return nil
	}))
}

// Get returns a znode's data, nil for null, and its Stat.
func (c *Client) Get(ctx context.Context, path string, watch bool) ([]byte, proto.Stat, error) {
	d, err := c.read(ctx, proto.OpGetData, path, watch, func(err error) paths {
		if err == nil {
			return c.watches.data
		}
		return nil
	})
	if err != nil {
		return nil, proto.Stat{}, err
	}
	data := d.Buffer()
	st, err := c.stat(d, nil)
	return data, st, err
}

// Children returns the names of a znode's children, in the server's order.
func (c *Client) Children(ctx context.Context, path string, watch bool) ([]string, proto.Stat, error) {
	d, err := c.read(ctx, proto.OpGetChildren2, path, watch, func(err error) paths {
		if err == nil {
			return c.watches.child
		}
		return nil
	})
	if err != nil {
		return nil, proto.Stat{}, err
	}
	names := d.Strings()
	st, err := c.stat(d, nil)
	return names, st, err
}

// read does a read that may arm a watch in the table that belongs to its
// result; table runs under mu.
func (c *Client) read(ctx context.Context, op proto.Op, path string, watch bool, table func(error) paths) (*jute.Decoder, error) {
	if err := ValidatePath(path, false); err != nil {
		return nil, err
	}
	remote := c.remote(path)
	call := &Call{op: op, path: path}
	if watch {
		call.reply = func(err error) error {
			if t := table(err); t != nil {
				t[remote] = struct{}{}
			}
			return err
		}
	}
	return c.do(ctx, call, &proto.WatchableRequest{Path: remote, Watch: watch})
}

func (c *Client) stat(d *jute.Decoder, err error) (st proto.Stat, _ error) {
	if err != nil {
		return st, err
	}
	st.Decode(d)
	return st, d.Err()
}

// SetData replaces a znode's data. Version -1 matches any.
func (c *Client) SetData(ctx context.Context, path string, data []byte, version int32) (proto.Stat, error) {
	if err := ValidatePath(path, false); err != nil {
		return proto.Stat{}, err
	}
	return c.stat(c.Do(ctx, proto.OpSetData, path, &proto.SetDataRequest{Path: c.remote(path), Data: data, Version: version}))
}

// ACL returns a znode's ACL.
func (c *Client) ACL(ctx context.Context, path string) ([]proto.ACL, proto.Stat, error) {
	if err := ValidatePath(path, false); err != nil {
		return nil, proto.Stat{}, err
	}
	d, err := c.Do(ctx, proto.OpGetACL, path, &proto.PathRequest{Path: c.remote(path)})
	if err != nil {
		return nil, proto.Stat{}, err
	}
	acl := proto.DecodeACLs(d)
	st, err := c.stat(d, nil)
	return acl, st, err
}

// SetACL replaces a znode's ACL. Version -1 matches any.
func (c *Client) SetACL(ctx context.Context, path string, acl []proto.ACL, version int32) (proto.Stat, error) {
	if err := ValidatePath(path, false); err != nil {
		return proto.Stat{}, err
	}
	if len(acl) == 0 {
		return proto.Stat{}, &Error{Code: proto.ErrInvalidACL}
	}
	return c.stat(c.Do(ctx, proto.OpSetACL, path, &proto.SetACLRequest{Path: c.remote(path), ACL: acl, Version: version}))
}

// Sync waits until the server has caught up with the leader.
func (c *Client) Sync(ctx context.Context, path string) error {
	if err := ValidatePath(path, false); err != nil {
		return err
	}
	_, err := c.Do(ctx, proto.OpSync, path, &proto.PathRequest{Path: c.remote(path)})
	return err
}

// Ephemerals returns the paths of the session's own ephemerals that begin
// with prefix. As in Apache's client neither knows of a root.
func (c *Client) Ephemerals(ctx context.Context, prefix string) ([]string, error) {
	if err := ValidatePath(prefix, false); err != nil {
		return nil, err
	}
	d, err := c.Do(ctx, proto.OpGetEphemerals, "", &proto.GetEphemeralsRequest{Prefix: prefix})
	if err != nil {
		return nil, err
	}
	return d.Strings(), d.Err()
}

// Descendants counts the znodes below a path.
func (c *Client) Descendants(ctx context.Context, path string) (int, error) {
	if err := ValidatePath(path, false); err != nil {
		return 0, err
	}
	d, err := c.Do(ctx, proto.OpGetAllChildrenNumber, path, &proto.PathRequest{Path: c.remote(path)})
	if err != nil {
		return 0, err
	}
	return int(d.Int()), d.Err()
}

// WhoAmI returns the identities of the connection.
func (c *Client) WhoAmI(ctx context.Context) ([]proto.ID, error) {
	d, err := c.Do(ctx, proto.OpWhoAmI, "", nil)
	if err != nil {
		return nil, err
	}
	const idMinBytes = 8
	n, _ := d.Count(idMinBytes)
	ids := make([]proto.ID, 0, n)
	for range n {
		ids = append(ids, proto.ID{Scheme: d.String(), ID: d.String()})
	}
	return ids, d.Err()
}

// AddAuth adds an identity to this connection and to those that follow. A
// refusal ends the session.
func (c *Client) AddAuth(ctx context.Context, scheme string, auth []byte) error {
	_, err := c.Do(ctx, proto.OpAuth, "", &proto.AuthPacket{Scheme: scheme, Auth: auth})
	return err
}

// Reconfig changes the membership of the ensemble and returns the new one.
// What is "" is not asked for; version -1 matches any.
func (c *Client) Reconfig(ctx context.Context, joining, leaving, members string, version int64) ([]byte, proto.Stat, error) {
	d, err := c.Do(ctx, proto.OpReconfig, "", reconfig{joining, leaving, members, version})
	if err != nil {
		return nil, proto.Stat{}, err
	}
	config := d.Buffer()
	st, err := c.stat(d, nil)
	return config, st, err
}

// reconfig is a reconfig request whose empty strings are null, for by that
// Apache's server tells the two kinds of reconfiguration apart.
type reconfig struct {
	joining, leaving, members string
	version                   int64
}

// Append adds the wire form to b.
func (r reconfig) Append(b []byte) []byte {
	for _, s := range []string{r.joining, r.leaving, r.members} {
		if s == "" {
			b = jute.AppendNull(b)
		} else {
			b = jute.AppendString(b, s)
		}
	}
	return jute.AppendLong(b, r.version)
}

// ConfigPath is the znode that has the membership of the ensemble.
const ConfigPath = "/zookeeper/config"

// GetConfig returns the membership of the ensemble, whatever the root is.
func (c *Client) GetConfig(ctx context.Context, watch bool) ([]byte, proto.Stat, error) {
	call := &Call{op: proto.OpGetData, path: ConfigPath}
	if watch {
		call.reply = func(err error) error {
			if err == nil {
				c.watches.data[ConfigPath] = struct{}{}
			}
			return err
		}
	}
	d, err := c.do(ctx, call, &proto.WatchableRequest{Path: ConfigPath, Watch: watch})
	if err != nil {
		return nil, proto.Stat{}, err
	}
	data := d.Buffer()
	st, err := c.stat(d, nil)
	return data, st, err
}

// AddWatch arms a persistent watch.
func (c *Client) AddWatch(ctx context.Context, path string, mode int32) error {
	if err := ValidatePath(path, false); err != nil {
		return err
	}
	remote := c.remote(path)
	call := &Call{op: proto.OpAddWatch, path: path, reply: func(err error) error {
		if err == nil && mode == proto.WatchPersistent {
			c.watches.persistent[remote] = struct{}{}
		} else if err == nil {
			c.watches.recursive[remote] = struct{}{}
		}
		return err
	}}
	_, err := c.do(ctx, call, &proto.AddWatchRequest{Path: remote, Mode: mode})
	return err
}

// RemoveWatches removes the session's watches of a kind from a path, and
// tells of each with an event. With local they are forgotten here even while
// there is no server to remove them from.
func (c *Client) RemoveWatches(ctx context.Context, path string, kind int32, local bool) error {
	if err := ValidatePath(path, false); err != nil {
		return err
	}
	remote := c.remote(path)
	var removed []proto.EventType
	state := StateSyncConnected
	forget := func(err error) error {
		if err != nil && !local {
			return err
		}
		if removed = c.watches.remove(remote, kind); removed == nil {
			return proto.ErrNoWatcher
		}
		return nil
	}
	call := &Call{op: proto.OpRemoveWatches, path: path, reply: forget}
	call, err := c.start(ctx, call, &proto.WatcherKindRequest{Path: remote, Kind: kind})
	switch {
	case err == nil:
		_, err = call.Wait(ctx)
	case local:
		c.mu.Lock()
		err = refused(forget(err), path)
		c.mu.Unlock()
		state = StateDisconnected
	}
	for _, event := range removed {
		c.tell(Event{Type: event, State: state, Path: path, Zxid: NoZxid})
	}
	return err
}

// IsSystem tells whether a path belongs to the server itself.
func IsSystem(path string) bool {
	return path == "/zookeeper" || strings.HasPrefix(path, "/zookeeper/")
}

// StartChildren asks for the names of a znode's children; wait returns them.
func (c *Client) StartChildren(ctx context.Context, path string, watch bool) (wait func(context.Context) ([]string, error), err error) {
	if err := ValidatePath(path, false); err != nil {
		return nil, err
	}
	remote := c.remote(path)
	call := &Call{op: proto.OpGetChildren, path: path}
	if watch {
		call.reply = func(err error) error {
			if err == nil {
				c.watches.child[remote] = struct{}{}
			}
			return err
		}
	}
	call, err = c.start(ctx, call, &proto.WatchableRequest{Path: remote, Watch: watch})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) ([]string, error) {
		d, err := call.Wait(ctx)
		if err != nil {
			return nil, err
		}
		names := d.Strings()
		return names, d.Err()
	}, nil
}

// StartGet asks for a znode's data and Stat.
func (c *Client) StartGet(ctx context.Context, path string) (*Call, error) {
	return c.Start(ctx, proto.OpGetData, path, &proto.WatchableRequest{Path: c.remote(path)})
}

// StartACL asks for a znode's ACL and Stat.
func (c *Client) StartACL(ctx context.Context, path string) (*Call, error) {
	return c.Start(ctx, proto.OpGetACL, path, &proto.PathRequest{Path: c.remote(path)})
}

// StartGetChildren asks for the names of a znode's children.
func (c *Client) StartGetChildren(ctx context.Context, path string) (*Call, error) {
	return c.Start(ctx, proto.OpGetChildren, path, &proto.WatchableRequest{Path: c.remote(path)})
}

// StartCreate asks for a persistent znode.
func (c *Client) StartCreate(ctx context.Context, path string, data []byte, acl []proto.ACL) (*Call, error) {
	return c.Start(ctx, proto.OpCreate, path, &proto.CreateRequest{Path: c.remote(path), Data: data, ACL: acl})
}
