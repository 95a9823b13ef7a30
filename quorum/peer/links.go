package peer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// LinksConfig is what Links are told once.
type LinksConfig struct {
	// Peers are the quorum addresses of the other servers, "host:port".
	Peers     map[int64][]string
	Listeners []net.Listener // closed by Close
	// Masters are the addresses where the other servers serve observers, for
	// an observer that has quorum.Config.Masters. MasterListeners are where
	// this server does, with quorum.Config.ServeObservers (observerMasterPort).
	Masters         map[int64][]string
	MasterListeners []net.Listener // closed by Close
	Dial            Dial
	Deliver         Deliver
	// Burst, if set, gets packets that arrived together, in order, instead of a
	// quorum.Received for each.
	Burst func(link quorum.Link, packets []proto.QuorumPacket)
	// Stage reads the snapshot that follows a SNAP packet, up to the end of
	// its tree, and keeps it for the OpInstall of that link. It runs on the
	// link's own goroutine.
	Stage func(link quorum.Link, zxid int64, r *jute.Reader) error
	// Ended, if set, is called last for every link, however it ended: nothing
	// of it is running any more.
	Ended func(link quorum.Link)
	// Closed, if set, is told how long the closing of a connection took, and
	// Sending what goes to a learner together, and how long the first of it has
	// waited. Links' own goroutines call them.
	Closed  func(took time.Duration)
	Sending func(server int64, packets int, waited time.Duration)

	DialTimeout  time.Duration // for all addresses of a server together
	FirstTimeout time.Duration // for a learner's first packet; tickTime × initLimit
	// MaxPacketBytes is the largest field of a packet that is believed.
	MaxPacketBytes int
	// MaxQueueBytes may wait to be written to one peer. One that is further
	// behind is dropped: it is brought up to date again when it comes back.
	MaxQueueBytes int
	// MaxMasterBytes is the same for one that came through MasterListeners
	// (zookeeper.observerMaster.sizeLimit); 0 is MaxQueueBytes.
	MaxMasterBytes int
	// MaxLinks is how many learners may be connected.
	MaxLinks int
	Log      zerolog.Logger
}

func (c *LinksConfig) validate() error {
	switch {
	case c.Dial == nil || c.Deliver == nil || c.Stage == nil:
		return fmt.Errorf("%w: links without dial, deliver or stage", ErrConfig)
	case c.DialTimeout <= 0 || c.FirstTimeout <= 0:
		return fmt.Errorf("%w: link timeouts %v and %v", ErrConfig, c.DialTimeout, c.FirstTimeout)
	case c.MaxPacketBytes <= 0 || c.MaxQueueBytes <= 0 || c.MaxMasterBytes < 0 || c.MaxLinks <= 0:
		return fmt.Errorf("%w: limits of %d and %d bytes, %d links", ErrConfig, c.MaxPacketBytes, c.MaxQueueBytes, c.MaxLinks)
	}
	return nil
}

// Links are the quorum connections of a server: streams of packets between a
// leader and its learners. Nothing but a link's own goroutines waits for its
// peer: Send and Break never block.
//
// Deliver gets every packet of a link in order, then LinkGone when it breaks
// by itself.
type Links struct {
	cfg    LinksConfig // set once
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup // every goroutine

	mu       sync.Mutex
	closed   bool
	number   quorum.Link // the last one given away
	links    map[quorum.Link]*link
	accepted int // of links, those that others dialled
}

// NewLinks starts to listen.
func NewLinks(cfg LinksConfig) (*Links, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ls := &Links{cfg: cfg, ctx: ctx, cancel: cancel, links: make(map[quorum.Link]*link)}
	for _, l := range cfg.Listeners {
		ls.wg.Go(func() { ls.accept(l, cfg.MaxQueueBytes) })
	}
	for _, l := range cfg.MasterListeners {
		ls.wg.Go(func() { ls.accept(l, cmp.Or(cfg.MaxMasterBytes, cfg.MaxQueueBytes)) })
	}
	return ls, nil
}

// Close breaks all links off, as Break does, and waits for every goroutine.
// Nothing is delivered after it has returned.
func (ls *Links) Close() {
	ls.mu.Lock()
	ls.closed = true
	for _, l := range ls.links {
		l.finish()
	}
	ls.mu.Unlock()
	ls.cancel()
	for _, l := range slices.Concat(ls.cfg.Listeners, ls.cfg.MasterListeners) {
		_ = l.Close()
	}
	ls.wg.Wait()
}

// Dial connects to a server, or, with master, to where it serves observers,
// until ctx ends, and calls done with the new link or with an error. Packets from the link are delivered after done has
// returned.
func (ls *Links) Dial(ctx context.Context, server int64, master bool, done func(quorum.Link, error)) {
	addresses := ls.cfg.Peers[server]
	if master {
		addresses = ls.cfg.Masters[server]
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.closed {
		return
	}
	ls.wg.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, ls.cfg.DialTimeout)
		defer cancel()
		stop := context.AfterFunc(ls.ctx, cancel)
		defer stop()
		conn, err := dialAny(ctx, ls.cfg.Dial, addresses)
		if err != nil {
			done(0, err)
			return
		}
		l := ls.add(conn, false, ls.cfg.MaxQueueBytes)
		if l == nil {
			_ = conn.Close()
			return
		}
		done(l.id, nil)
		ls.start(l)
	})
}

// accept takes learners; maxBytes may wait for each.
func (ls *Links) accept(listener net.Listener, maxBytes int) {
	for {
		conn, err := listener.Accept()
		switch {
		case err == nil:
			if l := ls.add(conn, true, maxBytes); l != nil {
				ls.start(l)
			} else {
				_ = conn.Close()
			}
		case ls.ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return
		default:
			ls.cfg.Log.Warn().Err(err).Msg("accept of a quorum connection failed")
			select { // out of file descriptors, perhaps
			case <-time.After(acceptPause):
			case <-ls.ctx.Done():
			}
		}
	}
}

// add numbers a connection; it returns nil when there are too many.
func (ls *Links) add(conn net.Conn, accepted bool, maxBytes int) *link {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.closed || accepted && ls.accepted >= ls.cfg.MaxLinks {
		return nil
	}
	if accepted {
		ls.accepted++
	}
	ls.number++
	l := newLink(ls.number, conn, accepted, maxBytes)
	l.closed = ls.cfg.Closed
	ls.links[l.id] = l
	return l
}

// start runs a link's goroutines, unless it has been broken off meanwhile.
func (ls *Links) start(l *link) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.closed {
		l.abort()
		return
	}
	ls.wg.Go(func() {
		defer close(l.written)
		if err := l.write(&ls.cfg); err != nil && !errors.Is(err, net.ErrClosed) {
			ls.cfg.Log.Info().Uint64("link", uint64(l.id)).Err(err).Msg("quorum connection cannot be written to")
		}
		l.abort() // ends the reader
	})
	ls.wg.Go(func() { ls.read(l) })
}

// read delivers what a link brings until it breaks.
func (ls *Links) read(l *link) {
	err := l.read(&ls.cfg)
	l.abort()
	ls.mu.Lock()
	delete(ls.links, l.id)
	if l.accepted {
		ls.accepted--
	}
	ls.mu.Unlock()
	if !l.isBroken() {
		ls.gone(l, err)
	}
	<-l.written
	if ls.cfg.Ended != nil {
		ls.cfg.Ended(l.id)
	}
}

func (ls *Links) gone(l *link, err error) {
	if !errors.Is(err, io.EOF) {
		ls.cfg.Log.Info().Uint64("link", uint64(l.id)).Err(err).Msg("quorum connection broke")
	}
	ls.cfg.Deliver(quorum.LinkGone{Link: l.id})
}

// Send queues messages for a link. Those for a link that is gone are dropped.
func (ls *Links) Send(id quorum.Link, m Outgoing) {
	ls.mu.Lock()
	l := ls.links[id]
	ls.mu.Unlock()
	if l != nil && !l.push(m) {
		ls.cfg.Log.Warn().Uint64("link", uint64(id)).Int("bytes", l.maxBytes).Msg("peer cannot keep up, too much waits for it")
		l.abort()
	}
}

// Break closes a link once what waits for it has been written, or soon in any
// case. Nothing that it brings is delivered from now on, but for one input
// that is being delivered at this moment.
func (ls *Links) Break(id quorum.Link) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.links[id]; l != nil {
		l.finish()
	}
}

// Drop closes a link at once. LinkGone follows, as when it breaks by itself.
func (ls *Links) Drop(id quorum.Link) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.links[id]; l != nil {
		l.abort()
	}
}

// Remote returns the address at the other end of a link, nil when it is gone.
func (ls *Links) Remote(id quorum.Link) net.Addr {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.links[id]; l != nil {
		return l.conn.RemoteAddr()
	}
	return nil
}

// describe fills in what is known of a link; false: it is gone.
func (ls *Links) describe(to *Learner) bool {
	ls.mu.Lock()
	l := ls.links[to.Link]
	ls.mu.Unlock()
	if l == nil {
		return false
	}
	to.Remote, to.Established, to.Received = l.conn.RemoteAddr(), l.established, l.received.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	to.Sent, to.Queued, to.QueuedBytes = l.sent, len(l.queue), l.bytes
	return true
}

// resetCounts forgets how many packets have been sent and received.
func (ls *Links) resetCounts() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.links {
		l.received.Store(0)
		l.mu.Lock()
		l.sent = 0
		l.mu.Unlock()
	}
}

// violation is a packet that this end of a link cannot take.
func violation(p *proto.QuorumPacket) error { return fmt.Errorf("unexpected %s", p.Type) }
