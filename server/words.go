package server

import (
	"io"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/fourletter"
	"github.com/meerkat-zk/meerkat/server/session"
	"github.com/meerkat-zk/meerkat/server/stats"
)

// answerWord answers a four-letter word, which the connection began with.
func (c *conn) answerWord(w fourletter.Word) {
	enabled := c.srv.cfg.FourLetter.Allows(string(w))
	var arg []byte
	if enabled { // else nobody waits for what does not count
		arg = c.wordArg(w.ArgBytes())
	}
	c.asks.Store(true)
	c.stats.Packets(1, 0, len("ruok")+len(arg))
	defer c.stats.Packets(0, 1, 0) // its own answer is not in what a word shows
	text := fourletter.Answer(nil, w, enabled, arg, view{c.srv})
	c.writeUntil(c.srv.sessionlessDeadline())
	if _, err := c.nc.Write(text); err != nil {
		c.srv.log.Debug().Err(err).Str("word", string(w)).Msg("four-letter word not answered")
	}
}

// wordArg reads the bytes behind a word; nil when they do not come, and the
// word is then ignored.
func (c *conn) wordArg(size int) []byte {
	arg := make([]byte, size)
	rest := io.MultiReader(&headReader{c.in.peek()[len("ruok"):]}, c.nc)
	if _, err := io.ReadFull(rest, arg); err != nil {
		return nil
	}
	return arg
}

// headReader reads what has arrived already.
type headReader struct{ rest []byte }

func (r *headReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// view shows the server to the four-letter words.
type view struct{ srv *Server }

// read runs f under the gate's read side.
func (v view) read(f func(t *datatree.Tree)) {
	v.srv.gate.enterRead()
	defer v.srv.gate.leaveRead()
	f(v.srv.tree)
}

func (v view) Version() string {
	return fourletter.Version(v.srv.build.Version, v.srv.build.Commit, v.srv.build.Date)
}

func (v view) Serving() bool {
	return v.srv.term.Load() != nil && !v.srv.isStopping()
}

func (v view) ReadOnly() bool {
	t := v.srv.term.Load()
	return t != nil && t.readOnly
}

func (v view) Now() time.Time { return v.srv.clock.now() }

func (v view) Status() fourletter.Status {
	s := fourletter.Status{
		Totals: v.srv.stats.Totals(), Connections: v.srv.conns.count(),
		Outstanding: v.srv.requests.InProcess(),
	}
	if t := v.srv.term.Load(); t != nil {
		s.Mode = t.mode
	}
	v.read(func(t *datatree.Tree) { s.Zxid, s.Nodes = t.LastZxid(), t.Nodes() })
	return s
}

func (v view) ResetStats() { v.srv.stats.Reset() }

func (v view) Config() fourletter.Config {
	c := v.srv.cfg
	data, logs := v.DirSizes()
	port := -1
	if c.Client.Port != conf.NoPort {
		port = int(addrPort(v.srv.Addr()).Port())
	}
	return fourletter.Config{
		ClientPort: port, SecureClientPort: -1,
		DataDir: absolute(v.srv.store.SnapDir()), LogDir: absolute(v.srv.store.LogDir()),
		DataDirBytes: data, LogDirBytes: logs,
		TickTimeMs: c.Session.TickTimeMs, MaxClientConns: c.Limits.MaxConnectionsPerAddress,
		MinSessionMs: c.Session.MinTimeoutMs, MaxSessionMs: c.Session.MaxTimeoutMs,
		ListenBacklog: c.Client.ListenBacklog, ServerID: c.Quorum.ID,
	}
}

func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

func (v view) DirSizes() (data, logs int64) {
	data, logs, err := v.srv.store.DirSizes()
	if err != nil {
		v.srv.log.Warn().Err(err).Msg("size of the data directory is not known")
	}
	return data, logs
}

func (v view) Conns() []fourletter.ConnInfo {
	var infos []fourletter.ConnInfo
	for _, c := range v.srv.conns.list() {
		infos = append(infos, c.info())
	}
	return infos
}

// info describes the connection for the words cons and stat.
func (c *conn) info() fourletter.ConnInfo {
	info := fourletter.ConnInfo{
		Remote: c.remote, InterestOps: 1, Outstanding: c.waiting.Load(), Totals: c.stats.Totals(),
		SessionID: c.sessionID(), TimeoutMs: c.timeout.Load(), EstablishedMs: c.since.UnixMilli(),
	}
	switch {
	case c.asks.Load():
		info.InterestOps = 0
	case !c.out.idle():
		info.InterestOps |= 4
	}
	return info
}

func (v view) ResetConns() {
	for _, c := range v.srv.conns.list() {
		c.stats.Reset()
	}
}

func (v view) Sessions() fourletter.Sessions {
	all := fourletter.Sessions{Global: deadlines(v.srv.sessions)}
	if v.srv.cfg.Quorum.LocalSessions {
		local := deadlines(v.srv.locals.tracker)
		all.Local = &local
	}
	if m, ok := v.srv.engine.(*member); ok && m.present().State != proto.Leading {
		v.read(func(t *datatree.Tree) { all.Learned = maps.Collect(t.Sessions()) })
	}
	return all
}

func deadlines(t *session.Tracker) fourletter.SessionDeadlines {
	return fourletter.SessionDeadlines{Total: t.Len(), Deadlines: t.Deadlines()}
}

func (v view) Ephemerals() []fourletter.Ephemerals {
	var all []fourletter.Ephemerals
	v.read(func(t *datatree.Tree) {
		for id, paths := range t.EphemeralOwners() {
			all = append(all, fourletter.Ephemerals{Session: id, Paths: paths})
		}
	})
	return all
}

// ConnDeadlines shows when each connection would be closed in which nothing
// moves any more: with its session, or when the patience with one that has
// none is over. Apache gathers them in buckets as wide as that patience.
func (v view) ConnDeadlines() fourletter.ConnDeadlines {
	patience, tracker := int64(v.srv.cfg.Limits.SessionlessTimeoutMs), v.srv.sessions
	ends := make(map[int64]int64) // of sessions, in ms from now
	for _, deadline := range tracker.Deadlines() {
		for _, id := range deadline.IDs {
			ends[id] = deadline.InMs
		}
	}
	conns, now, width := v.srv.conns.list(), tracker.NowMs(), max(patience, 1)
	d := fourletter.ConnDeadlines{Total: len(conns)}
	buckets := make(map[int64][]fourletter.ConnID) // by their ends
	for _, c := range conns {
		id := c.sessionID()
		in, known := ends[id]
		switch {
		case known:
		case id != 0: // its session is about to end, or another server expires it
			in = int64(c.timeout.Load())
		case patience <= 0:
			continue // it is never closed
		default:
			in = max(patience-v.srv.clock.now().Sub(c.since).Milliseconds(), 0)
		}
		end := (now + in + width - 1) / width * width
		buckets[end] = append(buckets[end], fourletter.ConnID{Remote: c.remote, SessionID: id})
	}
	for _, end := range slices.Sorted(maps.Keys(buckets)) {
		d.Buckets = append(d.Buckets, fourletter.ConnBucket{InMs: end - now, Conns: buckets[end]})
	}
	return d
}

func (v view) WatchSummary() (watchers, paths, watches int) {
	v.read(func(t *datatree.Tree) { watchers, paths, watches = t.Watches().Summary() })
	return watchers, paths, watches
}

func (v view) WatchesBySession() []fourletter.SessionWatches {
	var all []fourletter.SessionWatches
	v.read(func(t *datatree.Tree) {
		for w, paths := range t.Watches().ByWatcher() {
			all = append(all, fourletter.SessionWatches{Session: w.(*conn).sessionID(), Paths: paths})
		}
	})
	return all
}

func (v view) WatchesByPath() []fourletter.PathWatches {
	var all []fourletter.PathWatches
	v.read(func(t *datatree.Tree) {
		for path, watchers := range t.Watches().ByPath() {
			p := fourletter.PathWatches{Path: path}
			for _, w := range watchers {
				p.Sessions = append(p.Sessions, w.(*conn).sessionID())
			}
			all = append(all, p)
		}
	})
	return all
}

// Metrics shows what the chosen provider of metrics shows, as in Apache.
func (v view) Metrics(sink stats.Sink) {
	if v.srv.exporter == nil {
		v.srv.metrics.Each(sink)
	} else if err := v.srv.exporter.Dump(sink); err != nil {
		v.srv.log.Warn().Err(err).Msg("not all metrics can be shown")
	}
}

func (v view) Digests() []fourletter.Digest {
	var all []fourletter.Digest
	v.read(func(t *datatree.Tree) {
		for _, d := range t.DigestLog() {
			all = append(all, fourletter.Digest{Zxid: d.Zxid, Digest: d.Digest})
		}
	})
	return all
}

func (v view) TraceMask() int64 { return v.srv.traceMask.Load() }

func (v view) SetTraceMask(mask int64) { v.srv.traceMask.Store(mask) }
