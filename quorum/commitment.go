package quorum

import "slices"

// Commitment tells which transactions of one epoch are committed: those that
// a quorum has acknowledged. An acknowledgement of a zxid stands for every
// earlier one too, because servers write in order and a caller that finds a
// hole in a server's acknowledgements must not report what is behind it.
//
// Three rules keep it safe: the committed zxid never goes back; what is at or
// below the start is not decided here (a new leader's history is committed by
// the quorum that accepted the leader); and only durable transactions may be
// reported.
//
// It is not safe for concurrent use. In an ensemble of one, Acked neither
// allocates nor searches: what is durable locally is committed.
type Commitment struct {
	verifier  Verifier
	voters    Set
	acked     []int64 // by position in voters: highest zxid acknowledged
	committed int64
	scratch   Set // servers that reach the zxid in question
}

// NewCommitment returns a Commitment that begins after start, the last zxid
// that is already committed: the recovered one, or an epoch's first, epoch<<32.
func NewCommitment(v Verifier, start int64) *Commitment {
	voters := v.Voters()
	c := &Commitment{
		verifier:  v,
		voters:    voters,
		acked:     make([]int64, len(voters)),
		committed: start,
		scratch:   make(Set, 0, len(voters)),
	}
	for i := range c.acked {
		c.acked[i] = start
	}
	return c
}

// Acked reports that server has made everything up to zxid durable. It
// returns the highest committed zxid, and whether this call advanced it.
// Servers that are no voters, and zxids already acknowledged, change nothing.
func (c *Commitment) Acked(server, zxid int64) (committed int64, advanced bool) {
	at, voter := slices.BinarySearch(c.voters, server)
	if !voter || zxid <= c.acked[at] {
		return c.committed, false
	}
	c.acked[at] = zxid
	if zxid <= c.committed {
		return c.committed, false
	}
	if len(c.voters) > 1 {
		zxid = c.reached(zxid)
	}
	if zxid <= c.committed {
		return c.committed, false
	}
	c.committed = zxid
	return zxid, true
}

// reached returns the highest zxid, at most limit, that a quorum has
// acknowledged, or the committed one. Only zxids that some server reported
// last can be the answer, and none above the newest report, which is limit.
func (c *Commitment) reached(limit int64) int64 {
	best := c.committed
	for _, candidate := range c.acked {
		if candidate <= best || candidate > limit {
			continue
		}
		c.scratch = c.scratch[:0]
		for i, id := range c.voters {
			if c.acked[i] >= candidate {
				c.scratch = append(c.scratch, id)
			}
		}
		if c.verifier.Quorum(c.scratch) {
			best = candidate
		}
	}
	return best
}

// Forget takes back what server has acknowledged above the committed zxid:
// it reconnected, and may have been told to drop what it wrote.
func (c *Commitment) Forget(server int64) {
	if at, voter := slices.BinarySearch(c.voters, server); voter {
		c.acked[at] = min(c.acked[at], c.committed)
	}
}

// Committed returns the highest committed zxid.
func (c *Commitment) Committed() int64 { return c.committed }
