package admin

import (
	"context"
	"errors"
	"io"
	"net/netip"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/auth"
	"github.com/meerkat-zk/meerkat/server/fourletter"
	"github.com/meerkat-zk/meerkat/server/stats"
)

// View is what the commands show of a server, and what they may do to it.
// Version, Mode, Ensemble, Metrics, TraceMask, SetTraceMask, Properties and
// Serving are called at any time, all else only while the server serves. The
// methods may be called by several goroutines at once.
type View interface {
	fourletter.View

	NowMs() int64        // of the clock that sessions expire by
	Mode() string        // standalone, leader, follower, observer, looking or read-only
	Ensemble() *Ensemble // nil when the server stands alone

	// Ready returns why the server should get no clients, or nil.
	Ready() error

	InitialConfig() (text string, known bool)
	Properties() map[string]string

	Stats() *stats.Server
	LastSnapshot() (s SavedSnapshot, known bool)

	// Authenticate returns the identities that a scheme grants; none when it
	// refuses.
	Authenticate(peer auth.Peer, scheme string, data []byte) []proto.ID
	// Permits tells whether the ACL of the root grants every single bit of
	// perms to one of ids.
	Permits(ids []proto.ID, perms int32) bool

	// TakeSnapshot saves a snapshot of the present state to the data
	// directory and opens it.
	TakeSnapshot(ctx context.Context) (*TakenSnapshot, error)
	// Restore replaces the whole state by a snapshot, and returns the zxid
	// that the server goes on from. Until src has been read and found whole,
	// nothing changes.
	Restore(ctx context.Context, src io.Reader) (zxid int64, err error)
	// CanSnapshot tells whether snapshots end with the zxid, without which
	// the commands snapshot and restore refuse.
	CanSnapshot() bool
	// Shed closes this percentage of the clients' connections, chosen at
	// random, and returns how many these were.
	Shed(percent int) int
}

// ErrUnsupported means that the server cannot do it in its present role.
var ErrUnsupported = errors.New("not possible in this role")

// SavedSnapshot is the newest snapshot on the disk.
type SavedSnapshot struct {
	Zxid    int64
	UnixSec int64 // when it was saved
}

// TakenSnapshot is a snapshot that was asked for. Its reader is closed by who
// asked.
type TakenSnapshot struct {
	Zxid      int64
	SizeBytes int64
	io.ReadCloser
}

// Ensemble is what a member of an ensemble knows of it.
type Ensemble struct {
	ID            int64 // of this server
	Leader        int64 // 0 or less: none known
	LeaderAddress string
	Voting        bool             // this server has a vote
	ZabState      string           // election, discovery, synchronization or broadcast
	Members       []Member         // those that vote
	Quorum        []netip.AddrPort // of this server
	Election      []netip.AddrPort // of this server
	Client        netip.AddrPort   // of this server; invalid: none

	Observers []Learner // connected to this server, in sync
	// ResetObservers starts the numbers of the observers anew.
	ResetObservers func()
}

// Member is a voter. Addresses are host:port.
type Member struct {
	ID       int64
	Quorum   []string
	Election []string
	Client   string // "" is none
	Observer bool
}

// Learner is an observer that this server feeds.
type Learner struct {
	Remote          netip.AddrPort
	ID              int64
	EstablishedMs   int64 // since the Unix epoch
	QueuedPackets   int64
	QueuedBytes     int64
	PacketsReceived int64
	PacketsSent     int64
	Requests        int64
	LastZxid        int64
}
