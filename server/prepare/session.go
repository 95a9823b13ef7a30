package prepare

import (
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// closeSession prepares the end of a session and of the ephemerals that it
// owns or is about to own. No check can fail it: expiry asks for it, too.
func (p *Preparer) closeSession() (proto.Txn, proto.ErrCode) {
	p.sessions.SetClosing(p.req.Session)
	paths := p.ephemerals(p.req.Session)
	for _, path := range paths {
		p.removeEphemeral(path)
	}
	return &proto.CloseSessionTxn{Paths: paths, HasPaths: p.cfg.CloseSessionPaths}, proto.OK
}

// ephemerals lists what the session owns once all pending changes are applied.
func (p *Preparer) ephemerals(session int64) []string {
	paths := p.tree.Ephemerals(session)
	seen := make(map[string]bool, len(paths))
	for _, path := range paths {
		seen[path] = true
	}
	p.overlay.pending(func(r *record) {
		switch {
		case r.gone:
			seen[r.path] = false
		case r.stat.EphemeralOwner == session:
			if _, known := seen[r.path]; !known {
				paths = append(paths, r.path)
			}
			seen[r.path] = true
		}
	})
	live := paths[:0]
	for _, path := range paths {
		if seen[path] {
			live = append(live, path)
		}
	}
	return live
}

func (p *Preparer) removeEphemeral(path string) {
	var node, parent record
	if p.lookup(path, &node) && p.lookup(parentOf(path, strings.LastIndexByte(path, '/')), &parent) {
		p.remove(&node, &parent)
	}
}

// Oversized tells how many of the session's ephemerals must be deleted by
// transactions of their own before its closeSession is small enough for every
// peer to read. It returns them in groups, each of which fits one multi.
func (p *Preparer) Oversized(session int64) [][]string {
	p.overlay.trim(p.tree.LastZxid())
	paths := p.ephemerals(session)
	var groups [][]string
	size, start := 0, 0
	for i, path := range paths {
		if size > 0 && size+len(path)+perPathBytes > p.cfg.MaxTxnBytes/2 {
			groups = append(groups, paths[start:i])
			size, start = 0, i
		}
		size += len(path) + perPathBytes
	}
	return groups
}

// perPathBytes is what a delete inside a multi takes beside its path: type,
// size of the body, length of the path.
const perPathBytes = 12

// PrepareDeletes deletes what the session still owns of a group that Oversized
// returned: other writes may have come in between.
func (p *Preparer) PrepareDeletes(session int64, paths []string, timeMs int64) Result {
	p.begin(&Request{Session: session, Op: proto.OpMulti, TimeMs: timeMs})
	txn := &proto.MultiTxn{Ops: make([]proto.SubTxn, 0, len(paths))}
	for _, path := range paths {
		var node record
		if !p.lookup(path, &node) || node.stat.EphemeralOwner != session {
			continue
		}
		p.removeEphemeral(path)
		txn.Ops = append(txn.Ops, proto.SubTxn{Type: proto.OpDelete, Body: &proto.DeleteTxn{Path: path}})
	}
	result, _ := p.finish(txn)
	return result
}
