package fourletter

import (
	"net/netip"
	"slices"
	"time"

	"github.com/meerkat-zk/meerkat/server/session"
	"github.com/meerkat-zk/meerkat/server/stats"
)

// View is what the words show of a server. Methods are called only for the
// words that need them, and all but Version, Serving and TraceMask only while
// the server serves.
type View interface {
	Version() string // as Version gives it
	Serving() bool
	ReadOnly() bool // serves only clients that want nothing but to read
	Now() time.Time // in the zone that times are shown in

	Status() Status
	ResetStats() // srst

	Config() Config
	DirSizes() (dataBytes, logBytes int64)

	Conns() []ConnInfo // with the one that asks; in any order
	ResetConns()       // crst

	Sessions() Sessions
	Ephemerals() []Ephemerals
	ConnDeadlines() ConnDeadlines

	WatchSummary() (watchers, paths, watches int) // one-shot and persistent ones on data
	WatchesBySession() []SessionWatches
	WatchesByPath() []PathWatches

	Metrics(sink stats.Sink) // all but version and state
	Digests() []Digest       // oldest first
	Member() *Member         // nil of a server that stands alone

	TraceMask() int64
	SetTraceMask(mask int64)
}

// Status is what srvr and stat say in a few lines.
type Status struct {
	Totals      stats.Totals
	Connections int // with the one that asks
	Outstanding int64
	Zxid        int64  // the last applied
	Mode        string // standalone, leader, follower, observer or read-only
	Nodes       int    // the root counts twice
}

// Config is what conf shows.
type Config struct {
	ClientPort, SecureClientPort int    // -1: none
	DataDir, LogDir              string // absolute, with version-2
	DataDirBytes, LogDirBytes    int64
	TickTimeMs                   int32
	MaxClientConns               int
	MinSessionMs, MaxSessionMs   int32
	ListenBacklog                int
	ServerID                     int64 // 0 when standalone
}

// ConnInfo is one connection. With SessionID 0 only the first line of fields
// is shown.
type ConnInfo struct {
	Remote      netip.AddrPort
	InterestOps int // 1 when requests are read, plus 4 when replies wait to be sent
	Outstanding int64
	Totals      stats.ConnTotals

	SessionID     int64
	TimeoutMs     int32
	EstablishedMs int64 // since the Unix epoch
}

// SessionDeadlines says when sessions expire that a server keeps alive.
type SessionDeadlines struct {
	Total     int // with those that are closing
	Deadlines []session.Deadline
}

// Sessions are those that a server knows of.
type Sessions struct {
	Global SessionDeadlines
	Local  *SessionDeadlines // nil without localSessionsEnabled
	// Learned are a learner's in the place of Global, by id, with their timeouts
	// in ms: its leader knows when they expire. Else nil.
	Learned map[int64]int32
}

// Deadlines are all that the server itself decides about.
func (s *Sessions) Deadlines() []session.Deadline {
	var all []session.Deadline
	if s.Learned == nil {
		all = s.Global.Deadlines
	}
	if s.Local != nil {
		all = slices.Concat(all, s.Local.Deadlines)
	}
	return all
}

// Ephemerals are the znodes of one session.
type Ephemerals struct {
	Session int64
	Paths   []string
}

// ConnDeadlines says when silent connections are closed.
type ConnDeadlines struct {
	Total   int
	Buckets []ConnBucket // soonest first
}

// ConnBucket are the connections that are closed at one time.
type ConnBucket struct {
	InMs  int64 // from now
	Conns []ConnID
}

// ConnID names a connection.
type ConnID struct {
	Remote    netip.AddrPort
	SessionID int64 // 0: none yet
}

// SessionWatches are the watched paths of one session.
type SessionWatches struct {
	Session int64
	Paths   []string
}

// PathWatches are the sessions that watch one path.
type PathWatches struct {
	Path     string
	Sessions []int64
}

// Digest is the digest of the tree as of one zxid.
type Digest struct {
	Zxid   int64
	Digest uint64
}
