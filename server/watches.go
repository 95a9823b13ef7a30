package server

import (
	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// watch arms a watch. It can fail for a connection alone that is over, to
// which no reply goes either.
func (r *reader) watch(path string, kind datatree.WatchKind) {
	if err := r.tree.Watches().Add(path, kind, r.c); err != nil {
		r.c.srv.log.Debug().Err(err).Str("client", r.c.remote.String()).Msg("watch not added")
	}
}

// addWatch needs neither a valid path nor a znode there.
func (r *reader) addWatch() proto.ErrCode {
	var req proto.AddWatchRequest
	req.Decode(&r.d)
	if r.d.Err() != nil {
		return proto.ErrMarshalling
	}
	switch req.Mode {
	case proto.WatchPersistent:
		r.watch(req.Path, datatree.WatchPersistent)
	case proto.WatchPersistentRecursive:
		r.watch(req.Path, datatree.WatchRecursive)
	default:
		return proto.ErrMarshalling
	}
	return r.close(jute.AppendInt(r.open(), int32(proto.OK)))
}

// selectWatches is checkWatches and removeWatches: header-only replies, and
// no event for a watch that goes.
func (r *reader) selectWatches(remove bool) proto.ErrCode {
	var req proto.WatcherKindRequest
	req.Decode(&r.d)
	if r.d.Err() != nil || req.Kind < proto.WatcherChildren || req.Kind > proto.WatcherPersistentRecursive {
		return proto.ErrMarshalling
	}
	watches := r.tree.Watches()
	var found bool
	if remove {
		found = watches.Remove(req.Path, req.Kind, r.c)
	} else {
		found = watches.Check(req.Path, req.Kind, r.c)
	}
	if !found {
		return proto.ErrNoWatcher
	}
	return proto.OK
}

// setWatches arms the client's watches again; what it missed while it was
// away is sent before the reply.
func (r *reader) setWatches(persistent bool) proto.ErrCode {
	req := proto.SetWatchesRequest{HasPersistent: persistent}
	d := jute.NewDecoder(r.d.Rest()) // copies: the paths are kept
	req.Decode(&d)
	if d.Err() != nil {
		return proto.ErrMarshalling
	}
	if err := r.tree.ReplayWatches(&req, r.c); err != nil {
		r.c.srv.log.Debug().Err(err).Str("client", r.c.remote.String()).Msg("watches not replayed")
	}
	return proto.OK
}
