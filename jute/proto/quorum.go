package proto

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/meerkat-zk/meerkat/jute"
)

// PacketType is the type of a QuorumPacket (the constants of Apache's Leader).
type PacketType int32

// The packets between a learner and its leader.
const (
	PacketRequest           PacketType = 1
	PacketProposal          PacketType = 2
	PacketAck               PacketType = 3
	PacketCommit            PacketType = 4
	PacketPing              PacketType = 5
	PacketRevalidate        PacketType = 6
	PacketSync              PacketType = 7
	PacketInform            PacketType = 8
	PacketCommitAndActivate PacketType = 9
	PacketNewLeader         PacketType = 10
	PacketFollowerInfo      PacketType = 11
	PacketUpToDate          PacketType = 12
	PacketDiff              PacketType = 13
	PacketTrunc             PacketType = 14
	PacketSnap              PacketType = 15
	PacketObserverInfo      PacketType = 16
	PacketLeaderInfo        PacketType = 17
	PacketAckEpoch          PacketType = 18
	PacketInformAndActivate PacketType = 19
)

var packetNames = [...]string{
	1: "REQUEST", "PROPOSAL", "ACK", "COMMIT", "PING", "REVALIDATE", "SYNC", "INFORM", "COMMITANDACTIVATE",
	"NEWLEADER", "FOLLOWERINFO", "UPTODATE", "DIFF", "TRUNC", "SNAP", "OBSERVERINFO", "LEADERINFO", "ACKEPOCH",
	"INFORMANDACTIVATE",
}

// String returns Apache's name of the type, or its number when it has none.
func (t PacketType) String() string {
	if t > 0 && int(t) < len(packetNames) {
		return packetNames[t]
	}
	return "packet " + strconv.Itoa(int(t))
}

// QuorumPacket is what a learner and its leader send each other. Packets
// follow one another on the stream without a length in front.
type QuorumPacket struct {
	Type PacketType
	Zxid int64
	Data []byte // nil is null
	Auth []ID   // nil is null
}

// Append adds the wire form to b.
func (p *QuorumPacket) Append(b []byte) []byte {
	b = jute.AppendInt(b, int32(p.Type))
	b = jute.AppendLong(b, p.Zxid)
	b = jute.AppendBuffer(b, p.Data)
	return AppendIDs(b, p.Auth)
}

// Read reads a packet from a stream. An identity list longer than the bytes
// that arrive costs no more memory than those bytes.
func (p *QuorumPacket) Read(r *jute.Reader) {
	p.Type, p.Zxid, p.Data = PacketType(r.Int()), r.Long(), r.Buffer()
	p.Auth = nil
	n := r.Length()
	if n < 0 {
		return
	}
	p.Auth = []ID{}
	for i := 0; i < n && r.Err() == nil; i++ {
		p.Auth = append(p.Auth, ID{Scheme: r.String(), ID: r.String()})
	}
}

// Decode reads a packet from memory.
func (p *QuorumPacket) Decode(d *jute.Decoder) {
	p.Type, p.Zxid, p.Data = PacketType(d.Int()), d.Long(), d.Buffer()
	p.Auth = nil
	n, ok := d.Count(idMinBytes)
	if !ok {
		return
	}
	p.Auth = make([]ID, 0, n)
	for i := 0; i < n && d.Err() == nil; i++ {
		p.Auth = append(p.Auth, ID{Scheme: d.String(), ID: d.String()})
	}
}

const idMinBytes = 8

// LearnerProtocol is the protocol version that leader and learner tell each
// other: epochs are agreed on before synchronisation (since Apache 3.4).
const LearnerProtocol int32 = 0x10000

// LearnerInfo is the data of FOLLOWERINFO and OBSERVERINFO.
type LearnerInfo struct {
	ServerID      int64
	Protocol      int32
	ConfigVersion int64 // of the learner's active configuration
}

// Append adds the wire form to b.
func (l LearnerInfo) Append(b []byte) []byte {
	b = jute.AppendLong(b, l.ServerID)
	b = jute.AppendInt(b, l.Protocol)
	return jute.AppendLong(b, l.ConfigVersion)
}

// DecodeLearnerInfo reads what the data of the packet holds: older learners
// send only the first field or the first two. Without even the first ok is
// false: the leader numbers such a learner itself.
func DecodeLearnerInfo(data []byte) (l LearnerInfo, ok bool) {
	if len(data) < 8 {
		return l, false
	}
	l.ServerID = int64(binary.BigEndian.Uint64(data))
	if len(data) >= 12 {
		l.Protocol = int32(binary.BigEndian.Uint32(data[8:]))
	}
	if len(data) >= 20 {
		l.ConfigVersion = int64(binary.BigEndian.Uint64(data[12:]))
	}
	return l, true
}

// PeerState is what a server is doing, as it says in a Notification.
type PeerState int32

// The states of a server (Apache's QuorumPeer.ServerState).
const (
	Looking PeerState = iota
	Following
	Leading
	Observing
)

// String returns the state's name in lower case, as in Apache's peer_state.
func (s PeerState) String() string {
	switch s {
	case Looking:
		return "looking"
	case Following:
		return "following"
	case Leading:
		return "leading"
	case Observing:
		return "observing"
	}
	return "state " + strconv.Itoa(int(s))
}

// NotificationVersion is the version of the notifications this server sends:
// the first that carries a configuration.
const NotificationVersion int32 = 2

// Notification is a server's vote, the only message of the election.
//
//	offset  size  field
//	0       4     State
//	4       8     Leader
//	12      8     Zxid
//	20      8     Round
//	28      8     PeerEpoch   absent before Apache 3.4
//	36      4     Version     absent before Apache 3.4.6
//	40      4     length of Config, when Version > 1
//	44      n     Config
type Notification struct {
	State     PeerState
	Leader    int64 // server voted for
	Zxid      int64 // its last zxid
	Round     int64 // of the election, counted by the sender
	PeerEpoch int64 // current epoch of the server voted for
	Version   int32
	Config    string // the sender's configuration
}

// ErrNotification means that a notification is malformed; it is dropped, and
// its connection stays.
var ErrNotification = errors.New("malformed notification")

// Append adds the wire form to b.
func (n *Notification) Append(b []byte) []byte {
	b = jute.AppendInt(b, int32(n.State))
	b = jute.AppendLong(b, n.Leader)
	b = jute.AppendLong(b, n.Zxid)
	b = jute.AppendLong(b, n.Round)
	b = jute.AppendLong(b, n.PeerEpoch)
	b = jute.AppendInt(b, NotificationVersion)
	b = jute.AppendInt(b, int32(len(n.Config)))
	return append(b, n.Config...)
}

// DecodeNotification reads a notification of any age. What follows the
// configuration is ignored, as Apache does.
func DecodeNotification(data []byte) (Notification, error) {
	const oldest, unversioned = 28, 40
	var n Notification
	if len(data) < oldest {
		return n, fmt.Errorf("%w: %d bytes", ErrNotification, len(data))
	}
	d := jute.NewDecoder(data)
	n.State, n.Leader, n.Zxid, n.Round = PeerState(d.Int()), d.Long(), d.Long(), d.Long()
	if n.State < Looking || n.State > Observing {
		return n, fmt.Errorf("%w: state %d", ErrNotification, int32(n.State))
	}
	if len(data) == oldest {
		n.PeerEpoch = n.Zxid >> 32
		return n, nil
	}
	n.PeerEpoch = d.Long()
	if len(data) != unversioned {
		n.Version = d.Int()
	}
	if n.Version > 1 {
		size := d.Int()
		if rest := d.Rest(); size >= 0 && int(size) <= len(rest) {
			n.Config = string(rest[:size])
		} else {
			d.Fail(fmt.Errorf("configuration of %d bytes", size))
		}
	}
	if err := d.Err(); err != nil {
		return n, fmt.Errorf("%w: %w", ErrNotification, err)
	}
	return n, nil
}
