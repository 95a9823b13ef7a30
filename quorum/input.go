package quorum

import "github.com/meerkat-zk/meerkat/jute/proto"

// Link names one quorum connection, on either end of it. The shell numbers
// them and never uses a number twice; 0 is none.
type Link uint64

// Input is anything that happens to a server. The types below are all of them.
type Input interface{ input() }

// Tick says that nothing happened but that the deadline may have passed.
type Tick struct{}

// Notified is a vote from another server.
type Notified struct {
	From         int64
	Notification proto.Notification
}

// Unreachable says that a server's election connection broke or cannot be
// made, Reachable that there is one. They only shorten the election: a server
// of which neither was said is waited for.
type Unreachable struct{ Server int64 }

// Reachable is the opposite of Unreachable.
type Reachable struct{ Server int64 }

// Connected says that the connection asked for by Ready.Dial is made.
type Connected struct{ Link Link }

// DialFailed says that it could not be made.
type DialFailed struct{}

// Received is a packet from a link. REQUEST, REVALIDATE, SYNC and the sessions
// in a PING belong to the sessions' side of the server: the core checks that
// they are due, and hands them on as Ready.Learners and Ready.FromLeader. A SNAP is handed over only when the
// stream after it has arrived whole and is ready to be installed.
type Received struct {
	Link   Link
	Packet proto.QuorumPacket
}

// LinkGone says that a link broke. Links that Ready closed need no such word.
type LinkGone struct{ Link Link }

// Propose asks the leader to replicate a transaction. Its zxid must follow the
// last one proposed; the first of an epoch has counter 1. It is refused with
// ErrNotLeading or ErrOrder.
type Propose struct{ Entry Entry }

// Proposals asks the leader to replicate transactions, in order, as Propose
// does with one. The first that is refused ends it, and none after it is
// proposed; the error is a Refused.
type Proposals struct{ Entries []Entry }

// Settle asks to be told when everything proposed so far is committed: a sync
// of the leader's own clients. Ready.Confirmed repeats the ID, behind what
// that hands to Apply; at once when nothing is outstanding. It says nothing
// about whether this server still leads: that is what Confirm is for. Settles
// are answered in order. It is refused with ErrNotLeading; when the server
// stops leading there is no answer. The IDs are of one series with Confirm's.
type Settle struct{ ID uint64 }

// Resign says that this server is about to stop. A leader first commits what
// is outstanding, for a syncLimit at most, and refuses new proposals; then it
// leaves, and does not vote any more: the others elect one among themselves
// who has everything. When Role says Looking it is done, and should break its
// election connections too, so that nobody waits for its vote.
type Resign struct{}

// StepDown ends leadership, if this server has it: it goes on as a voter. What
// was proposed and not committed is for the next leader to decide about.
type StepDown struct{ Reason string }

// Persisted says that all disk operations up to and including Op are durable.
type Persisted struct{ Op uint64 }

// TruncateFailed says that the log does not reach back to where OpTruncate
// should have cut it, or that the tree's digest contradicts the leader's: what
// is here must be replaced by a snapshot. It comes before Persisted for that
// operation. From then on appends and truncations are left out, though
// Persisted counts them, until the next OpInstall.
type TruncateFailed struct{}

// LogFound answers a LogQuery.
type LogFound struct {
	Link  Link
	Reach LogReach
}

// SnapshotReady answers a SnapshotQuery: a snapshot of the tree exact as of
// Zxid will follow the SNAP packet on the link.
type SnapshotReady struct {
	Link Link
	Zxid int64
}

// SnapshotSent says that its last byte was handed to the connection.
type SnapshotSent struct{ Link Link }

// Alive says that bytes moved on a link though no packet is complete: a
// snapshot is on its way. Once a second is enough.
type Alive struct{ Link Link }

// SyncRequested is a client's sync that came through a learner's link. A SYNC
// packet answers it, behind the commit of everything proposed so far; with
// Confirm also only after a quorum has confirmed that this server leads, so
// that a read that follows is linearizable.
type SyncRequested struct {
	Link    Link
	Confirm bool
}

// Confirm asks whether this server still leads. Once a quorum has said so,
// after this Step, Ready.Confirmed repeats the ID: nobody else can have
// committed anything before this Step, and what this server had committed has
// been handed to Apply. It is refused with ErrNotLeading; when the server
// stops leading there is no answer.
type Confirm struct{ ID uint64 }

// Diverged says that the tree is not what the leader's is, though the log may
// be: a digest contradicts that of the leader's transaction. A follower or an
// observer stops serving and asks for a snapshot. It does so only when there is
// hope: not again when a snapshot of the same leader did not help, nor after no
// leader gave it one, for then all servers may disagree with what was
// predicted, and an ensemble that serves is worth more. A leader goes on.
type Diverged struct{}

func (Tick) input()           {}
func (Diverged) input()       {}
func (Notified) input()       {}
func (Unreachable) input()    {}
func (Reachable) input()      {}
func (Connected) input()      {}
func (DialFailed) input()     {}
func (Received) input()       {}
func (LinkGone) input()       {}
func (Propose) input()        {}
func (Proposals) input()      {}
func (Settle) input()         {}
func (Resign) input()         {}
func (StepDown) input()       {}
func (Persisted) input()      {}
func (TruncateFailed) input() {}
func (LogFound) input()       {}
func (SnapshotReady) input()  {}
func (SnapshotSent) input()   {}
func (Alive) input()          {}
func (SyncRequested) input()  {}
func (Confirm) input()        {}
