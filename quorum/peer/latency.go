package peer

import (
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// latencies measures the way of transactions through the ensemble, from the
// leader's writing them down on: some of them, one after the other, so that it
// costs no more when there are many. It belongs to the loop. Clocks of two
// servers differ: what seems to come before its time is not told.
type latencies struct {
	written func(entry []byte) (ms int64, ok bool) // see Config.Written; nil: nothing is measured
	observe func(Measure, int64)
	each    func(Measure, int64, int64)

	// A transaction that this server is to make durable: 0 is none.
	op   uint64
	opAt int64 // ms

	// A proposal of this leader's, until every learner has acknowledged it, or
	// another one's turn comes.
	proposed   int64
	proposedAt int64 // ms
	since      time.Time
	waits      map[quorum.Link]int64 // learners that have not acknowledged it yet, by their links
}

// ackedWithin is how long a proposal waits for the slowest learner.
const ackedWithin = time.Second

func (l *latencies) reset() { l.op, l.proposed, l.waits = 0, 0, nil }

// tell reports the age of a transaction.
func (l *latencies) tell(m Measure, writtenMs int64) {
	if age := time.Now().UnixMilli() - writtenMs; age >= 0 {
		l.observe(m, age)
	}
}

// last finds when the last of some entries was written.
func (l *latencies) last(entries []quorum.Entry) (ms int64, ok bool) {
	if l.written == nil || len(entries) == 0 {
		return 0, false
	}
	return l.written(entries[len(entries)-1].Data)
}

// ready looks at what the core has decided while clients are served.
func (l *latencies) ready(out *quorum.Ready, leads bool, learners func() []quorum.LearnerStatus) {
	if !leads {
		if ms, ok := l.last(out.Apply); ok {
			l.tell(CommitPropagationLatency, ms)
		}
	}
	for i := len(out.Disk) - 1; i >= 0; i-- {
		op := &out.Disk[i]
		ms, ok := l.last(op.Entries)
		if !ok {
			continue
		}
		if l.op == 0 {
			l.op, l.opAt = op.Seq, ms
		}
		if leads {
			l.follow(op.Entries[len(op.Entries)-1].Zxid, ms, learners)
		} else {
			l.tell(ProposalLatency, ms)
		}
		return
	}
}

// follow takes the next proposal to wait for, if it is time for one.
func (l *latencies) follow(zxid, ms int64, learners func() []quorum.LearnerStatus) {
	now := time.Now()
	if len(l.waits) > 0 && now.Sub(l.since) < ackedWithin {
		return
	}
	l.proposed, l.proposedAt, l.since, l.waits = zxid, ms, now, map[quorum.Link]int64{}
	for _, s := range learners() {
		if s.Synced && !s.Observer {
			l.waits[s.Link] = s.Server
		}
	}
}

// received looks for acknowledgements.
func (l *latencies) received(in *quorum.Received) {
	if len(l.waits) == 0 || in.Packet.Type != proto.PacketAck || in.Packet.Zxid < l.proposed {
		return
	}
	if server, waits := l.waits[in.Link]; waits {
		delete(l.waits, in.Link)
		l.acked(server, l.proposedAt)
	}
}

func (l *latencies) acked(server, writtenMs int64) {
	if age := time.Now().UnixMilli() - writtenMs; age >= 0 {
		l.each(AckLatency, server, age)
	}
}

// persisted is told what has become durable: that is when it is acknowledged,
// by a leader too.
func (l *latencies) persisted(op uint64, leads bool, self int64) {
	if l.op == 0 || op < l.op {
		return
	}
	l.op = 0
	l.tell(ProposalAckCreationLatency, l.opAt)
	if leads {
		l.acked(self, l.opAt)
	}
}
