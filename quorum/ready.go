package quorum

import "github.com/meerkat-zk/meerkat/jute/proto"

// Ready is what a Core has decided since the last call: all of it must be done.
//
// What has to be durable before a thing may be done is the core's business: a
// message that stands for something on disk is put out only after Persisted
// has reported it. So the fields may be acted on at once and side by side,
// but each in its own order, and these in the order Apply, Confirmed, Learners,
// FromLeader, Role. Several Steps may share a Ready, up to one that changes
// the role: after that Ready is due before the next Step (Core.Turned).
type Ready struct {
	// Disk is to be done strictly in this order, after that of earlier calls;
	// many operations may share one sync. Nothing else writes the log.
	Disk []DiskOp
	// Send is in order for each link. What a link cannot take is never
	// dropped: a link that is too slow is broken off as a whole.
	Send []Message
	// Votes may be lost, and of several to one server only the last counts.
	// The last one to each server is repeated when its connection comes back.
	Votes []Vote
	// Dial asks for a quorum connection to this server; 0 is none. Connected
	// or DialFailed answers. A new Dial, or a Role of Looking, cancels an
	// older one. DialMaster: at the address where it serves observers.
	Dial       int64
	DialMaster bool
	// Close tells which links to break off, after what was sent on them.
	Close []Closing
	// Apply are the transactions that the tree gets next. They are committed
	// once Role says Broadcast; in Synchronization they are what the leader
	// believes to be, and no client may be shown them.
	Apply []Entry
	// Snapshots and Queries ask for what the leader's side of a
	// synchronisation needs from tree and disk.
	Snapshots []SnapshotQuery
	Queries   []LogQuery
	// Confirmed are the Confirm requests that a quorum has answered, and the
	// Settle requests whose turn has come. They are for after Apply.
	Confirmed []uint64
	// Learners is what the leader's learners want of its sessions, and which
	// of them are gone, in order for each link.
	Learners []LearnerEvent
	// FromLeader are the packets of the leader that are about sessions:
	// REVALIDATE answers and SYNC, in order. They are for after Apply: a SYNC
	// stands behind the commits that came before it.
	FromLeader []proto.QuorumPacket
	// Role is what this server has become; nil while it has not changed.
	Role *Role
}

// Message is a packet for a link. With a LogTo above LogFrom it is instead a
// PROPOSAL and a COMMIT for each transaction on disk in (LogFrom, LogTo]. A
// SNAP packet is followed by the snapshot announced for the link; the answer to a
// PING, which is the one whose data is not nil, is given the touched sessions.
type Message struct {
	Link           Link
	Packet         proto.QuorumPacket
	LogFrom, LogTo int64
}

// LearnerEvent is a packet of a learner that has the leader's history: a
// REQUEST, a REVALIDATE, or a PING that touches sessions. Or, with Gone, the
// end of its link: no event of that link follows. Links that end with this
// server's leadership are not mentioned.
type LearnerEvent struct {
	Link     Link
	Server   int64 // its id; negative for an observer that has none
	Observer bool
	Gone     bool
	Packet   proto.QuorumPacket
}

// Vote is a notification for a server.
type Vote struct {
	To           int64
	Notification proto.Notification
}

// Closing is a link to break off, and why.
type Closing struct {
	Link   Link
	Reason string
}

// SnapshotQuery asks for a snapshot at AtLeast or later, which the tree reaches
// by itself: everything up to there was put into Apply. SnapshotReady answers.
type SnapshotQuery struct {
	Link    Link
	AtLeast int64
}

// LogQuery asks what the log holds above Peer, up to UpTo. LogFound answers.
type LogQuery struct {
	Link       Link
	Peer, UpTo int64
}

// OpKind says what a DiskOp does.
type OpKind uint8

// The kinds of disk operation.
const (
	OpAppend        OpKind = iota + 1 // add Entries to the log
	OpTruncate                        // remove all above Zxid, snapshots included
	OpInstall                         // replace log and snapshots by the snapshot at Zxid from Link
	OpAcceptedEpoch                   // write the acceptedEpoch file
	OpCurrentEpoch                    // write the currentEpoch file
)

// DiskOp is one operation on the disk. A crash finds it done or not done,
// except that of OpAppend a part may be done. That holds for OpInstall too:
// a new snapshot beside the rest of an old log is a history that never was.
type DiskOp struct {
	Seq     uint64 // ascending, for Persisted
	Kind    OpKind
	Entries []Entry
	Zxid    int64
	Epoch   int64
	Link    Link
	// Rebuild: the tree holds transactions above Zxid, or something else
	// altogether, and must be loaded again from the disk.
	Rebuild bool
}

// Phase is how far a server has come with its leader.
type Phase uint8

// The phases of Zab.
const (
	Election Phase = iota
	Discovery
	Synchronization
	Broadcast
)

// String returns the name as in Apache's peer_state.
func (p Phase) String() string {
	return [...]string{"election", "discovery", "synchronization", "broadcast"}[p]
}

// Reasons why a leader gives up before it is established: its voters have left
// it.
const (
	ReasonDisloyal = "a voter looks for another leader"
	ReasonHopeless = "too few servers are left that could follow"
)

// Role is what a server is. Clients are served in Broadcast only.
type Role struct {
	State  proto.PeerState
	Phase  Phase
	Leader int64 // 0 while looking
	Epoch  int64 // of the leader; 0 until it is known
	// Via is the server that a learner is connected to: the leader, or an
	// observer's master. It is told from Synchronization on.
	Via int64
	// Reason says why the role before it ended; empty when it went well.
	Reason string
}
