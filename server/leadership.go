package server

import (
	"math"
	"slices"
	"sync"

	"github.com/meerkat-zk/meerkat/quorum"
)

// leadership is one term as the leader: it orders the writes of all servers.
type leadership struct {
	m        *member
	epoch    int64
	queue    *logQueue
	inFlight inFlight
	learners *learners
	syncs    leaderSyncs
	proposer *proposer     // set by begin
	over     chan struct{} // closed by end
	running  sync.WaitGroup
}

func newLeadership(m *member, epoch int64) *leadership {
	l := &leadership{m: m, epoch: epoch, queue: newLogQueue(m.srv.logQueueBytes), over: make(chan struct{})}
	l.learners = newLearners(l)
	return l
}

// begin is called by the applier, when the tree holds everything that was
// committed before this epoch.
func (l *leadership) begin() *term {
	srv := l.m.srv
	srv.resumeSessions()
	l.m.proposals.reset()
	srv.gate.enterRead()
	prep := srv.newPreparer()
	srv.gate.leaveRead()
	prep.Advance(quorum.EpochStart(l.epoch))
	srv.applier.wake(prep.Zxid()) // the tree has all there is before the first proposal
	l.proposer = &proposer{srv: srv, queue: l.queue, prep: prep}
	l.running.Go(l.replicate)
	l.running.Go(l.learners.run)
	t := newTerm("leader", l.proposer, l.proposer)
	t.leads = l
	t.awaitsSync = srv.cfg.Quorum.LinearizableSync
	t.closed = !srv.cfg.Leader.ServesClients
	srv.begin(t)
	srv.sessions.Start()
	l.running.Go(func() { srv.closeOrphans(l.proposer, l.over) })
	return t
}

// end is called by the applier, after the term has ended.
func (l *leadership) end() {
	close(l.over)
	l.learners.inbox.close()
	l.m.srv.sessions.Close()
	l.running.Wait()
}

// replicate hands what is proposed to the quorum, until the queue is closed.
func (l *leadership) replicate() {
	for {
		batch, ok := l.queue.take()
		if !ok {
			return
		}
		inputs := l.inputs(batch)
		l.queue.recycle(batch)
		if l.m.peer.Submit(inputs) != nil {
			return // the server stops
		}
	}
}

// inputs turns a batch into inputs of the quorum's core, in the same order.
func (l *leadership) inputs(batch logBatch) []quorum.Input {
	raw := slices.Clone(batch.raw) // the entries keep it, the queue fills its own again
	var inputs []quorum.Input
	entries := make([]quorum.Entry, 0, len(batch.items))
	first := 0
	flush := func(next int) {
		if len(entries) > 0 {
			l.inFlight.add(batch.items[first:next])
			inputs = append(inputs, quorum.Proposals{Entries: entries})
			entries = nil
		}
		first = next + 1
	}
	for i := range batch.items {
		p := &batch.items[i]
		if p.aside != nil {
			flush(i)
			inputs = append(inputs, p.aside.input)
			continue
		}
		if quorum.Counter(p.entry.Header.Zxid) == math.MaxUint32 {
			// As Apache, before the counter runs into the epoch: what comes is
			// for the next one.
			l.m.peer.StepDown("the counter of this epoch is used up")
			l.queue.close()
			flush(i)
			return inputs
		}
		l.m.proposals.saw(p.size)
		entries = append(entries, quorum.Entry{Zxid: p.entry.Header.Zxid, Data: raw[:p.size:p.size]})
		raw = raw[p.size:]
	}
	flush(len(batch.items))
	return inputs
}

// inFlight are proposals that the quorum has yet to commit.
type inFlight struct {
	mu    sync.Mutex
	items []proposal // mu: by zxid
	head  int        // mu
}

func (f *inFlight) add(items []proposal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.head > 0 && len(f.items)+len(items) > cap(f.items) {
		n := copy(f.items, f.items[f.head:])
		clear(f.items[n:])
		f.items, f.head = f.items[:n], 0
	}
	f.items = append(f.items, items...)
}

// take removes and returns the proposal with the zxid, if it is the next.
func (f *inFlight) take(zxid int64) (proposal, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.head == len(f.items) || f.items[f.head].entry.Header.Zxid != zxid {
		return proposal{}, false
	}
	p := f.items[f.head]
	f.items[f.head] = proposal{}
	if f.head++; f.head == len(f.items) {
		f.items, f.head = f.items[:0], 0
	}
	return p, true
}
