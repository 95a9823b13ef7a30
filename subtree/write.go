package subtree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Options say how znodes are written.
type Options struct {
	Overwrite bool // give znodes that are there already the new data and ACL
	OpenACL   bool // everybody may do everything, instead of the ACL that was read
	DryRun    bool // write nothing, and count what would be

	// Progress is told what was done so far, now and then, by one goroutine
	// at a time. nil: nobody.
	Progress func(Counts)
}

// Counts is what became of the znodes of a source.
type Counts struct {
	Read       int   `json:"read"` // of the source
	Created    int   `json:"created"`
	Updated    int   `json:"updated"`    // were there and differed
	Same       int   `json:"unchanged"`  // were there and did not
	Ephemerals int   `json:"ephemerals"` // left out
	Bytes      int64 `json:"bytes"`
}

// String tells it in one line.
func (c Counts) String() string {
	return fmt.Sprintf("%d znodes read (%d bytes), %d created, %d updated, %d unchanged, %d ephemerals left out",
		c.Read, c.Bytes, c.Created, c.Updated, c.Same, c.Ephemerals)
}

// ErrDiffers means that a znode is there with other data or another ACL, and
// was not to be overwritten.
var ErrDiffers = errors.New("is there and differs (and is not overwritten)")

// progressEvery is after how many znodes progress is told.
const progressEvery = 100

// writer creates znodes in the order in which it is given them.
type writer struct {
	zk   *client.Client
	root string
	opt  Options

	busy sync.WaitGroup
	free chan struct{} // one token for each znode under way

	mu     sync.Mutex // guards all below, and is held while Progress runs
	counts Counts
	err    error // the first one
}

func newWriter(zk *client.Client, root string, opt Options) *writer {
	return &writer{zk: zk, root: root, opt: opt, free: make(chan struct{}, window)}
}

// put begins to write a znode. The error may be that of an earlier one.
func (w *writer) put(ctx context.Context, n Node) error {
	w.mu.Lock()
	err := w.err
	w.counts.Read++
	w.counts.Bytes += int64(len(n.Data))
	if n.Ephemeral() {
		w.counts.Ephemerals++
	}
	if w.opt.Progress != nil && w.counts.Read%progressEvery == 0 {
		w.opt.Progress(w.counts)
	}
	w.mu.Unlock()
	if err != nil || n.Ephemeral() {
		return err
	}
	path := n.At(w.root)
	if w.opt.OpenACL || len(n.ACL) == 0 {
		n.ACL = proto.OpenACL
	} else if err := checkACL(path, n.ACL); err != nil {
		return err
	}
	w.free <- struct{}{}
	// Requests of one session are done in order: a parent is there before
	// its children, and nobody has to wait for it.
	var create *client.Call
	if !w.opt.DryRun && path != "/" {
		if create, err = w.zk.StartCreate(ctx, path, n.Data, n.ACL); err != nil {
			<-w.free
			return err
		}
	}
	w.busy.Go(func() {
		w.settle(w.finish(ctx, create, path, &n))
		<-w.free
	})
	return nil
}

// finish waits for a create and deals with a znode that is there already.
func (w *writer) finish(ctx context.Context, create *client.Call, path string, n *Node) (outcome *int, err error) {
	if create != nil {
		if _, err := create.Wait(ctx); err == nil {
			return &w.counts.Created, nil
		} else if !errors.Is(err, proto.ErrNodeExists) {
			return nil, err
		}
	}
	data, st, err := w.zk.Get(ctx, path, false)
	if errors.Is(err, proto.ErrNoNode) && w.opt.DryRun {
		return &w.counts.Created, nil
	}
	if err != nil {
		return nil, err
	}
	acl, _, err := w.zk.ACL(ctx, path)
	if err != nil {
		return nil, err
	}
	sameData := bytes.Equal(data, n.Data) && (data == nil) == (n.Data == nil)
	sameACL := slices.Equal(acl, n.ACL) || w.opt.OpenACL // then nobody said what it should be
	switch {
	case sameData && sameACL:
		return &w.counts.Same, nil
	case !w.opt.Overwrite:
		return nil, fmt.Errorf("%s %w", path, ErrDiffers)
	case w.opt.DryRun:
		return &w.counts.Updated, nil
	}
	if !sameData {
		if _, err := w.zk.SetData(ctx, path, n.Data, st.Version); err != nil {
			return nil, err
		}
	}
	if !sameACL {
		if _, err := w.zk.SetACL(ctx, path, n.ACL, -1); err != nil {
			return nil, err
		}
	}
	return &w.counts.Updated, nil
}

func (w *writer) settle(outcome *int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if outcome != nil {
		*outcome++
	}
	if w.err == nil {
		w.err = err
	}
}

// end waits for all that was begun. The first error of a znode counts more
// than err, which ended the source.
func (w *writer) end(err error) (Counts, error) {
	w.busy.Wait()
	if w.err != nil {
		err = w.err
	}
	return w.counts, err
}
