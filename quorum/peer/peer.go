package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/meerkat-zk/meerkat/quorum"
)

// ErrClosed means that the Peer has ended.
var ErrClosed = errors.New("quorum peer: closed")

// inboxSize is how many inputs may wait for the loop; who has more waits.
const inboxSize = 256

// Machine is what is replicated. Apply, Role and Confirmed are called by the
// loop, in the order of what was decided, and must not block.
type Machine interface {
	// Apply hands over the transactions that the tree gets next; see
	// quorum.Ready.
	Apply(entries []quorum.Entry)
	Role(r quorum.Role)
	// Confirmed answers quorum.Confirm.
	Confirmed(ids []uint64)
	// Snapshot returns the tree exact as of one zxid, when it has come to
	// atLeast or further. It is called on a goroutine of its own and gives up
	// when ctx ends.
	Snapshot(ctx context.Context, atLeast int64) (Snapshot, error)
}

// Snapshot is a tree as of one zxid. WriteTo writes it as it goes over a link,
// but for the signature at its end.
type Snapshot interface {
	Zxid() int64
	io.WriterTo
	Close() error
}

// Config is what a Peer is told once. Deliver of Election and Links, Stage and
// Ended of Links are the Peer's own and left empty.
type Config struct {
	Core      quorum.Config
	Recovered quorum.Recovered
	Disk      Disk
	Machine   Machine
	Election  ElectionConfig
	Links     LinksConfig
	// MaxDiskBytes of transactions may wait for the disk before the loop
	// waits for it.
	MaxDiskBytes int
}

// Peer is one server of an ensemble: it owns a quorum.Core and does what that
// decides.
type Peer struct {
	cfg      Config // set once
	start    time.Time
	election *Election
	links    *Links
	writer   *diskWriter
	inbox    chan any      // quorum.Input or func(), for the loop
	done     chan struct{} // closed when the loop ends
	stop     context.CancelFunc
	ctx      context.Context
	wg       sync.WaitGroup // the loop, the disk writer, queries
	err      error          // why the loop ended; read after done

	loop loop // owned by the loop's goroutine
}

// Start begins to take part in the ensemble.
func Start(cfg Config) (*Peer, error) {
	if cfg.Disk == nil || cfg.Machine == nil || cfg.MaxDiskBytes <= 0 {
		return nil, fmt.Errorf("%w: disk, machine and a limit of bytes for the disk are needed", ErrConfig)
	}
	core, err := quorum.New(0, cfg.Core, cfg.Recovered)
	if err != nil {
		return nil, err
	}
	p := &Peer{cfg: cfg, start: time.Now(), inbox: make(chan any, inboxSize), done: make(chan struct{}), writer: newDiskWriter(cfg.Disk, cfg.MaxDiskBytes)}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.loop = newLoop(p, core)
	cfg.Election.Deliver = p.deliver
	cfg.Links.Deliver, cfg.Links.Stage = p.deliver, cfg.Disk.Stage
	cfg.Links.Ended = func(link quorum.Link) { p.post(func() { p.loop.ended(link) }) }
	if p.election, err = NewElection(cfg.Election); err != nil {
		p.stop()
		return nil, err
	}
	if p.links, err = NewLinks(cfg.Links); err != nil {
		close(p.done)
		p.election.Close()
		p.stop()
		return nil, err
	}
	p.wg.Go(p.writer.run)
	p.wg.Go(p.loop.run)
	return p, nil
}

// deliver is the Deliver of both transports.
func (p *Peer) deliver(in quorum.Input) { p.post(in) }

func (p *Peer) post(in any) bool {
	select {
	case p.inbox <- in:
		return true
	case <-p.done:
		return false
	}
}

// Propose asks the leader's core to replicate transactions, in order. The
// first that is refused ends it; its error is quorum.ErrNotLeading,
// quorum.ErrOrder or ErrClosed.
func (p *Peer) Propose(entries ...quorum.Entry) error {
	answer := make(chan error, 1)
	p.post(func() {
		var err error
		for _, e := range entries {
			if err = p.loop.step(quorum.Propose{Entry: e}); err != nil {
				break
			}
		}
		answer <- err
	})
	return p.wait(answer)
}

// Confirm asks whether this server still leads; Machine.Confirmed answers.
func (p *Peer) Confirm(id uint64) error {
	answer := make(chan error, 1)
	p.post(func() { answer <- p.loop.step(quorum.Confirm{ID: id}) })
	return p.wait(answer)
}

func (p *Peer) wait(answer chan error) error {
	select {
	case err := <-answer:
		return err
	case <-p.done:
		return ErrClosed
	}
}

// Resign lays leadership down, if this server has it, and ends the Peer: what
// is outstanding is committed first, see quorum.Resign. It returns when that
// is done; Close must follow.
func (p *Peer) Resign() {
	p.post(func() {
		p.loop.resigned = true
		_ = p.loop.step(quorum.Resign{})
	})
	<-p.done
}

// Done is closed when the Peer has ended, by Close, Resign or an error.
func (p *Peer) Done() <-chan struct{} { return p.done }

// Close ends the Peer and waits for all of its goroutines. It returns the
// error of the disk that ended it before, if there was one.
func (p *Peer) Close() error {
	p.stop()
	<-p.done
	p.election.Close()
	p.links.Close()
	p.writer.close()
	p.wg.Wait()
	p.loop.closeSnapshots()
	return p.err
}
