package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// ErrClosed means that the Peer has ended.
var ErrClosed = errors.New("quorum peer: closed")

// ErrNotFollowing means that there is no leader to send anything to.
var ErrNotFollowing = errors.New("quorum peer: not following a leader")

// asidesSize is how many of the inputs may wait that the Machine may give.
const asidesSize = 8

// inboxSize is how many inputs may wait for the loop; who has more waits.
const inboxSize = 256

// Machine is what is replicated, with the sessions around it. All methods but
// Snapshot and Touches are called by the loop, in the order of what was
// decided. None of these may block, or call a method of the Peer that waits:
// whoever has to do more queues it. While the tree is being loaded again (see
// Disk.Truncate and Disk.Install) they are held back, all but Refused.
//
// Whatever they are handed stays valid and may be kept; it must not be
// modified.
type Machine interface {
	// Apply hands over the transactions that the tree gets next; see
	// quorum.Ready.
	Apply(entries []quorum.Entry)
	// Role tells what this server has become. Between two terms, with the same
	// leader or with others, there is always a Role of Looking.
	Role(r quorum.Role)
	// Confirmed answers quorum.Confirm and quorum.Settle, behind the Apply of
	// what they waited for.
	Confirmed(ids []uint64)
	// Refused says that something handed to Submit was not done, because this
	// server does not lead (quorum.ErrNotLeading), or because a zxid is of
	// another term or out of order (quorum.ErrOrder). Of Proposals it gets
	// only the entries that were not proposed. It may come after the Role
	// that explains it.
	Refused(in quorum.Input, err error)

	// FromLearner hands the leader's server what a learner that is up to date
	// wants: a REQUEST, a REVALIDATE, or a PING whose data are touched
	// sessions. Answers go through Peer.ToLearner, and a SYNC through
	// quorum.SyncRequested. A follower that serves observers gets the same from
	// these: it passes REQUEST and REVALIDATE to its leader as its own, in
	// order, keeps the sessions touched for its own Touches, and passes each
	// REVALIDATE answer and SYNC of FromLeader that one of them waits for on
	// by ToLearner. The server id tells observers without one apart by
	// negative numbers. A server that cannot keep up with a learner calls
	// Peer.DropLearner instead of waiting.
	FromLearner(link quorum.Link, server int64, observer bool, p proto.QuorumPacket)
	// LearnerGone says that no more comes from a link that FromLearner may
	// have been called for. It is not called for links that end because this
	// server stops leading.
	LearnerGone(link quorum.Link)
	// FromLeader hands a learner's server the answers to its REVALIDATEs and
	// the SYNCs that answer its sync requests, each in the order of the
	// requests. A SYNC comes behind the Apply of everything that it waits for.
	FromLeader(p proto.QuorumPacket)
	// Touches returns, and forgets, the sessions that were heard of since the
	// last call: for each a long session id and an int timeout in
	// milliseconds. It is the data of the answer to a PING of the leader, and
	// called by the loop at any time.
	Touches() []byte

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

// Config is what a Peer is told once. Deliver of Election and Links, Burst,
// Stage, Ended, Closed and Sending of Links are the Peer's own and left empty.
type Config struct {
	Core      quorum.Config
	Recovered quorum.Recovered
	Disk      Disk
	Machine   Machine
	Election  ElectionConfig
	Links     LinksConfig
	// Observe, if set, is told a value of a summary, and ObserveEach one about
	// another server. Both are called from several goroutines, the loop among
	// them, and must not block.
	Observe     func(m Measure, value int64)
	ObserveEach func(m Measure, server, value int64)
	// Written, if set, reads from an entry when its leader wrote it down, in ms
	// since the Unix epoch. Without it no latencies of entries are observed.
	Written func(entry []byte) (ms int64, ok bool)
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
	inbox    chan any          // quorum.Input, burst, []quorum.Input of Submit, or func(), for the loop
	leader   atomic.Uint64     // link to the leader while clients are served with it; 0: none
	asides   chan quorum.Input // for the loop, from within it too
	done     chan struct{}     // closed when the loop ends
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
	if cfg.Observe == nil {
		cfg.Observe = func(Measure, int64) {}
	}
	if cfg.ObserveEach == nil {
		cfg.ObserveEach = func(Measure, int64, int64) {}
	}
	cfg.Links.Closed = func(took time.Duration) { cfg.Observe(SocketClosingTime, took.Milliseconds()) }
	cfg.Links.Sending = func(server int64, packets int, waited time.Duration) {
		cfg.ObserveEach(LearnerHandlerQueue, server, int64(packets))
		cfg.ObserveEach(LearnerHandlerWaitTime, server, waited.Milliseconds())
	}
	core, err := quorum.New(0, cfg.Core, cfg.Recovered)
	if err != nil {
		return nil, err
	}
	p := &Peer{cfg: cfg, start: time.Now(), inbox: make(chan any, inboxSize), asides: make(chan quorum.Input, asidesSize), done: make(chan struct{}), writer: newDiskWriter(cfg.Disk, cfg.MaxDiskBytes, cfg.Observe)}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.loop = newLoop(p, core)
	cfg.Election.Deliver = p.deliver
	cfg.Links.Deliver, cfg.Links.Stage = p.deliver, cfg.Disk.Stage
	cfg.Links.Burst = func(link quorum.Link, packets []proto.QuorumPacket) { p.post(burst{link, packets}) }
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

// burst is several packets of one link.
type burst struct {
	link    quorum.Link
	packets []proto.QuorumPacket
}

// deliver is the Deliver of both transports.
func (p *Peer) deliver(in quorum.Input) { p.post(in) }

func (p *Peer) post(in any) bool {
	select {
	case <-p.done:
		return false
	default:
	}
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

// Submit hands the leader's core a batch, in order: any of quorum.Proposals,
// quorum.SyncRequested, quorum.Settle and quorum.Confirm. It waits only while
// the loop is far behind. What the core refuses is told to Machine.Refused;
// an error, ErrClosed, means that nothing of the batch was done. When the Peer
// ends just then, what was handed over gets no answer any more: Done tells. The
// batch and the entries in it belong to the Peer from now on. A batch stands behind
// those submitted before it by the same goroutine.
func (p *Peer) Submit(batch []quorum.Input) error {
	if !p.post(batch) {
		return ErrClosed
	}
	return nil
}

// ToLeader sends a packet, a REQUEST or a REVALIDATE, to the leader that this
// server follows, in order and without waiting. The error is ErrNotFollowing
// from the moment on that it does not serve clients with a leader. Without an
// error the packet is on its way; a Role that follows means that it may have
// been lost.
func (p *Peer) ToLeader(packet proto.QuorumPacket) error {
	link := quorum.Link(p.leader.Load())
	if link == 0 {
		return ErrNotFollowing
	}
	p.links.Send(link, Outgoing{Packet: packet})
	return nil
}

// ToLearner sends a packet, the answer to a REVALIDATE, to a learner that
// FromLearner has named. It never waits; for a link that is gone it does
// nothing.
func (p *Peer) ToLearner(link quorum.Link, packet proto.QuorumPacket) {
	p.links.Send(link, Outgoing{Packet: packet})
}

// DropLearner breaks a link off, for what its server asks is too much. Nothing
// else is lost: it comes back and is brought up to date. LearnerGone follows.
func (p *Peer) DropLearner(link quorum.Link) { p.links.Drop(link) }

// Diverged says that the tree contradicts the leader's transactions: a digest
// differs. A follower or an observer stops serving and gets a snapshot, if that
// can help; see quorum.Diverged. It may be called by the Machine: it waits for
// nobody.
func (p *Peer) Diverged() { p.aside(quorum.Diverged{}) }

// aside hands over what may come from the Machine itself, and more than once.
func (p *Peer) aside(in quorum.Input) {
	select {
	case p.asides <- in:
	default: // the loop has yet to hear of the last ones
	}
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
		p.loop.over = p.loop.over || p.loop.core.Role().State == proto.Looking // it had nothing to lay down
	})
	<-p.done
}

// StepDown lets the others elect another leader, or this one for a new epoch.
// It does not wait.
func (p *Peer) StepDown(reason string) { p.aside(quorum.StepDown{Reason: reason}) }

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
