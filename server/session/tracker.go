package session

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Owner is where a session's requests come in: this server's own connections
// ([Local]), or one learner that forwards them. Owners are compared by
// address.
type Owner struct {
	Name string // for people
}

// Local owns every session whose client is connected to this very server.
var Local = &Owner{Name: "local"}

// Session is one client's session. It is closing from the moment at which it
// expires or a closeSession is prepared, until Remove.
type Session struct {
	ID        int64 // set once
	TimeoutMs int32 // as of its creation, set once; a reconnect may negotiate another for its connection

	owner atomic.Pointer[Owner] // nil until the first request or SetOwner
	item  Item[*Session]
}

// Closing tells whether the session can do nothing any more.
func (s *Session) Closing() bool { return s.item.Ended() }

// Config is what a Tracker needs.
type Config struct {
	TickMs   int32        // width of the buckets; > 0
	ServerID int64        // for the ids of new sessions; 1 for a standalone server
	NowMs    func() int64 // monotonic; nil is MonotonicMs()

	// Expire is told of each session that has expired, on the tracker's own
	// goroutine, and should start its end. When it returns false, because
	// nothing can be written at the moment, it is told again one tick later.
	Expire func(*Session) bool
}

// Tracker knows the sessions of this server. Its methods may be called from
// any goroutine.
type Tracker struct {
	cfg   Config
	queue *Queue[*Session]

	mu       sync.RWMutex
	sessions map[int64]*Session // guarded by mu
	nextID   int64              // guarded by mu

	stop    context.CancelFunc // set by Start
	stopped chan struct{}      // closed when the goroutine has ended
}

// NewTracker makes a tracker without sessions. Nothing expires before Start.
func NewTracker(cfg Config) *Tracker {
	if cfg.NowMs == nil {
		cfg.NowMs = MonotonicMs()
	}
	now := cfg.NowMs()
	return &Tracker{
		cfg: cfg, queue: NewQueue[*Session](int64(cfg.TickMs), now),
		sessions: map[int64]*Session{}, nextID: FirstID(cfg.ServerID, now),
	}
}

// NowMs reads the tracker's clock, for Keep.
func (t *Tracker) NowMs() int64 { return t.cfg.NowMs() }

// Start begins to expire sessions, on a goroutine that Close waits for. Start
// and Close are called by one goroutine at a time.
func (t *Tracker) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	t.stop, t.stopped = cancel, make(chan struct{})
	go func() {
		defer close(t.stopped)
		t.queue.Run(ctx, t.cfg.NowMs, t.expire)
	}()
}

// Close stops the expiry and waits until no callback runs. It must not be
// called from the callback. The tracker can still be asked, and started again.
func (t *Tracker) Close() {
	if t.stop != nil {
		t.stop()
		<-t.stopped
		t.stop = nil
	}
}

// expire hands a session over. One that cannot be ended now gets an item of
// its own to come back with; the session itself remains closing.
func (t *Tracker) expire(s *Session) {
	if t.Find(s.ID) != s || t.cfg.Expire(s) {
		return
	}
	t.queue.Add(&Item[*Session]{Value: s}, t.cfg.NowMs(), 0)
}

// Create opens a session with a new id. The session table of the tree learns
// of it by the createSession transaction.
func (t *Tracker) Create(timeoutMs int32, owner *Owner) *Session {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.track(t.newID(), timeoutMs)
	s.owner.Store(owner)
	return s
}

// NewID returns an id that no session has, nor will get.
func (t *Tracker) NewID() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.newID()
}

// newID takes the next id. Callers hold mu.
func (t *Tracker) newID() int64 {
	for t.sessions[t.nextID] != nil { // after a reboot the clock that ids come from starts again
		t.nextID++
	}
	t.nextID++
	return t.nextID - 1
}

// Track takes note of a session that the tree or another server knows. A
// known one is only touched. Its timeout starts now.
func (t *Tracker) Track(id int64, timeoutMs int32) *Session {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.sessions[id]; s != nil {
		t.queue.Touch(&s.item, t.cfg.NowMs(), timeoutMs)
		return s
	}
	return t.track(id, timeoutMs)
}

// Reset forgets all sessions. It is called between Close and the next Start.
func (t *Tracker) Reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.sessions {
		t.queue.End(&s.item)
	}
	clear(t.sessions)
}

// track adds a session. Callers hold mu.
func (t *Tracker) track(id int64, timeoutMs int32) *Session {
	s := &Session{ID: id, TimeoutMs: timeoutMs}
	s.item.Value = s
	t.sessions[id] = s
	t.queue.Add(&s.item, t.cfg.NowMs(), timeoutMs)
	return s
}

// Find returns a session, nil if there is none. A connection keeps what it
// gets and so saves the look-up.
func (t *Tracker) Find(id int64) *Session {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.sessions[id]
}

// Keep starts a session's timeout anew, for every request that comes in: the
// connection's negotiated timeout counts. It returns false when the session
// is closing or gone; then the request is dropped without an answer. Keep
// takes no lock unless the timeout has become shorter. nowMs is NowMs, read
// at most a few ms ago.
func (t *Tracker) Keep(s *Session, nowMs int64, timeoutMs int32) bool {
	return t.queue.Touch(&s.item, nowMs, timeoutMs)
}

// Touch is Keep for a session of which only the id is known.
func (t *Tracker) Touch(id int64, timeoutMs int32) bool {
	s := t.Find(id)
	return s != nil && t.Keep(s, t.cfg.NowMs(), timeoutMs)
}

// Check tells whether a request of the session, coming from owner, may
// proceed: OK, ErrUnknownSession, ErrSessionExpired when it is closing, or
// ErrSessionMoved when it belongs to another owner, which means that the
// client has gone elsewhere and the connection should close without an
// answer. A session without an owner gets this one.
func (t *Tracker) Check(id int64, owner *Owner) proto.ErrCode {
	s := t.Find(id)
	switch {
	case s == nil:
		return proto.ErrUnknownSession
	case s.Closing():
		return proto.ErrSessionExpired
	}
	if s.owner.Load() != owner && !s.owner.CompareAndSwap(nil, owner) {
		return proto.ErrSessionMoved
	}
	return proto.OK
}

// CheckGlobal is Check, where a session that is not known has expired.
func (t *Tracker) CheckGlobal(id int64, owner *Owner) proto.ErrCode {
	code := t.Check(id, owner)
	if code == proto.ErrUnknownSession {
		return proto.ErrSessionExpired
	}
	return code
}

// SetOwner moves a session: its client has connected through owner. It
// returns ErrSessionExpired when there is nothing to move.
func (t *Tracker) SetOwner(id int64, owner *Owner) proto.ErrCode {
	s := t.Find(id)
	if s == nil || s.Closing() {
		return proto.ErrSessionExpired
	}
	s.owner.Store(owner)
	return proto.OK
}

// SetClosing ends a session for all requests that come later. It is called
// when its closeSession is prepared.
func (t *Tracker) SetClosing(id int64) {
	if s := t.Find(id); s != nil {
		t.queue.End(&s.item)
	}
}

// Remove forgets a session. It is called when its closeSession is applied.
func (t *Tracker) Remove(id int64) {
	t.mu.Lock()
	s := t.sessions[id]
	delete(t.sessions, id)
	t.mu.Unlock()
	if s != nil {
		t.queue.End(&s.item)
	}
}

// Len counts the sessions, closing ones included.
func (t *Tracker) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.sessions)
}

// Deadline says which sessions expire at one time.
type Deadline struct {
	InMs int64   // from now; negative when overdue
	IDs  []int64 // sorted as unsigned numbers
}

// Deadlines lists the sessions that are not closing by the time at which they
// expire, soonest first, for the word dump.
func (t *Tracker) Deadlines() []Deadline {
	now := t.cfg.NowMs()
	var list []Deadline
	for _, b := range t.queue.Buckets() {
		d := Deadline{InMs: b.DueMs - now}
		for _, s := range b.Values {
			if !s.Closing() { // else it waits to be handed over again
				d.IDs = append(d.IDs, s.ID)
			}
		}
		if len(d.IDs) > 0 {
			slices.SortFunc(d.IDs, compareIDs)
			list = append(list, d)
		}
	}
	return list
}

func compareIDs(a, b int64) int {
	if uint64(a) < uint64(b) {
		return -1
	}
	return 1
}
