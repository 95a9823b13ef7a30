package wire

import (
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Auth adds an identity to the connection.
func (c *Client) Auth(scheme, auth string) error {
	_, err := c.CallXid(proto.XidAuth, proto.OpAuth, &proto.AuthPacket{Scheme: scheme, Auth: []byte(auth)})
	return err
}

// Create makes a znode and returns its path, which a sequence number may
// have extended. Flags choose the kind; a container is made by the op that
// makes containers.
func (c *Client) Create(path string, data []byte, acl []proto.ACL, flags int32) (string, error) {
	op := proto.OpCreate
	if flags == proto.FlagContainer {
		op = proto.OpCreateContainer
	}
	return c.created(c.Call(op, &proto.CreateRequest{Path: path, Data: data, ACL: acl, Flags: flags}))
}

// CreateTTL makes a znode that the server removes ttlMs after its last change.
func (c *Client) CreateTTL(path string, data []byte, acl []proto.ACL, flags int32, ttlMs int64) (string, error) {
	return c.created(c.Call(proto.OpCreateTTL,
		&proto.CreateRequest{Path: path, Data: data, ACL: acl, Flags: flags, TTLMs: ttlMs, HasTTL: true}))
}

func (c *Client) created(d *jute.Decoder, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return d.String(), d.Err()
}

// Delete removes a znode.
func (c *Client) Delete(path string, version int32) error {
	_, err := c.Call(proto.OpDelete, &proto.DeleteRequest{Path: path, Version: version})
	return err
}

// Exists returns a znode's Stat.
func (c *Client) Exists(path string, watch bool) (proto.Stat, error) {
	return c.stat(c.Call(proto.OpExists, &proto.WatchableRequest{Path: path, Watch: watch}))
}

// SetData replaces a znode's data.
func (c *Client) SetData(path string, data []byte, version int32) (proto.Stat, error) {
	return c.stat(c.Call(proto.OpSetData, &proto.SetDataRequest{Path: path, Data: data, Version: version}))
}

// SetACL replaces a znode's ACL.
func (c *Client) SetACL(path string, acl []proto.ACL, version int32) (proto.Stat, error) {
	return c.stat(c.Call(proto.OpSetACL, &proto.SetACLRequest{Path: path, ACL: acl, Version: version}))
}

func (c *Client) stat(d *jute.Decoder, err error) (st proto.Stat, _ error) {
	if err != nil {
		return st, err
	}
	st.Decode(d)
	return st, d.Err()
}

// Get returns a znode's data, nil for null, and its Stat.
func (c *Client) Get(path string, watch bool) ([]byte, proto.Stat, error) {
	d, err := c.Call(proto.OpGetData, &proto.WatchableRequest{Path: path, Watch: watch})
	if err != nil {
		return nil, proto.Stat{}, err
	}
	data := d.Buffer()
	st, err := c.stat(d, nil)
	return data, st, err
}

// Children returns the names of a znode's children in the server's order.
func (c *Client) Children(path string, watch bool) ([]string, proto.Stat, error) {
	d, err := c.Call(proto.OpGetChildren2, &proto.WatchableRequest{Path: path, Watch: watch})
	if err != nil {
		return nil, proto.Stat{}, err
	}
	names := d.Strings()
	st, err := c.stat(d, nil)
	return names, st, err
}

// ACL returns a znode's ACL.
func (c *Client) ACL(path string) ([]proto.ACL, proto.Stat, error) {
	d, err := c.Call(proto.OpGetACL, &proto.PathRequest{Path: path})
	if err != nil {
		return nil, proto.Stat{}, err
	}
	acl := proto.DecodeACLs(d)
	st, err := c.stat(d, nil)
	return acl, st, err
}

// Ephemerals returns the paths of the session's own ephemerals.
func (c *Client) Ephemerals(prefix string) ([]string, error) {
	d, err := c.Call(proto.OpGetEphemerals, &proto.GetEphemeralsRequest{Prefix: prefix})
	if err != nil {
		return nil, err
	}
	return d.Strings(), d.Err()
}

// Sync waits until the server has caught up.
func (c *Client) Sync(path string) error {
	_, err := c.Call(proto.OpSync, &proto.PathRequest{Path: path})
	return err
}
