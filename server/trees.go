package server

import (
	"errors"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/server/replica"
)

// trees replaces the served tree of a member that has to leave its own history
// for the leader's. It implements replica.Trees.
type trees struct{ m *member }

// stagedTree is a leader's snapshot on its way to be served.
type stagedTree struct {
	*datatree.Tree
	srv *Server
}

// Snapshot returns the tree as it came. The gate's read side stands for a lock
// that nobody else needs yet.
func (t stagedTree) Snapshot() replica.Snapshot {
	return undigested{t.Tree.Snapshot(t.srv.gate.reader())}
}

// undigested is a snapshot that says nothing of its digest: as it comes from an
// Apache leader it may have effects of transactions that follow, which only
// replaying them makes exact.
type undigested struct{ *datatree.Snapshot }

// Digest tells that there is none.
func (undigested) Digest() (digest uint64, ok bool) { return 0, false }

// Decode reads a leader's snapshot into a tree of its own.
func (t trees) Decode(zxid int64, r *jute.Reader) (replica.Tree, error) {
	tree := t.m.srv.newTree()
	if err := tree.Decode(r); err != nil {
		return nil, err
	}
	tree.SetLastZxid(zxid)
	return stagedTree{tree, t.m.srv}, nil
}

// Swap serves a tree from Decode.
func (t trees) Swap(tree replica.Tree, zxid int64) {
	staged := tree.(stagedTree)
	t.m.srv.adopt(staged.Tree, zxid)
	t.drain()
	t.serve(staged.Tree)
}

// Reload serves what is on the disk. The tree that was makes room for it
// first.
func (t trees) Reload(recover func(persistence.State) (persistence.Recovered, error)) error {
	srv := t.m.srv
	t.drain()
	t.serve(srv.newTree())
	r := &recovery{tree: srv.newTree()}
	found, err := recover(r)
	if err != nil {
		return err
	}
	if found.Zxid < 0 {
		return errors.New("the data directory is empty now")
	}
	srv.adopt(r.tree, found.Zxid)
	t.serve(r.tree)
	return nil
}

// drain waits until the applier has done all that it was given: nothing more
// comes for the tree that was.
func (t trees) drain() {
	done := make(chan struct{})
	t.m.later(func() { close(done) })
	select {
	case <-done:
	case <-t.m.srv.applier.done:
	}
}

func (t trees) serve(tree *datatree.Tree) {
	srv := t.m.srv
	srv.gate.enterWrite()
	srv.tree, srv.history, srv.hollow = tree, srv.store.History(), false
	srv.gate.leaveWrite()
	srv.applier.moved(tree.LastZxid())
}
