package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/server/stats"
)

// The limits of a request. A body counts only where a command reads one; its
// pieces must arrive, and those of an answer be taken, within stallLimit.
const (
	maxHeaderBytes = 16 << 10
	headerLimit    = 10 * time.Second
	stallLimit     = 30 * time.Second
	maxConns       = 256
	pieceBytes     = 64 << 10
)

const (
	jsonType   = "application/json"
	streamType = "application/octet-stream"
)

// ErrListen means that the address could not be listened on.
var ErrListen = errors.New("admin server cannot listen")

// Config says how to serve. Names in parentheses are Apache's keys.
type Config struct {
	Address     string        // host:port (admin.serverAddress, admin.serverPort)
	IdleTimeout time.Duration // <= 0 is never (admin.idleTimeout)
	CommandURL  string        // path of the commands (admin.commandURL)
	// SnapshotInterval and RestoreInterval are the shortest times between two
	// (admin.rateLimiterIntervalInMS).
	SnapshotInterval, RestoreInterval time.Duration
	SnapshotEnabled, RestoreEnabled   bool // admin.snapshot.enabled, admin.restore.enabled
	Meters                            Meters
	Log                               zerolog.Logger
	Now                               func() time.Time // nil is time.Now
}

// Meters counts what the commands refuse and what fails.
type Meters struct {
	SnapshotErrors, SnapshotLimited, RestoreErrors, RestoreLimited *stats.Counter
}

// MetersOf takes the counters from a registry.
func MetersOf(r *stats.Registry) Meters {
	return Meters{
		SnapshotErrors: r.Counter("snapshot_error_count"), SnapshotLimited: r.Counter("snapshot_rate_limited_count"),
		RestoreErrors: r.Counter("restore_error_count"), RestoreLimited: r.Counter("restore_rate_limited_count"),
	}
}

// Server answers HTTP requests about one view.
type Server struct {
	cfg       Config        // set once
	view      View          // set once
	snapshots *limiter      // set once
	restores  *limiter      // set once
	listener  net.Listener  // set once
	http      *http.Server  // set once
	done      chan struct{} // closed when serving has ended
}

// Start listens and serves until Close. The error wraps ErrListen.
func Start(cfg Config, view View) (*Server, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	listener, err := net.Listen("tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrListen, err)
	}
	s := &Server{
		cfg: cfg, view: view, listener: listener, done: make(chan struct{}),
		snapshots: newLimiter(cfg.SnapshotInterval.Truncate(time.Millisecond), cfg.Now),
		restores:  newLimiter(cfg.RestoreInterval, cfg.Now),
	}
	s.http = &http.Server{
		Handler: s.routes(), ReadHeaderTimeout: headerLimit, IdleTimeout: cfg.IdleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: log.New(cfg.Log, "", 0),
	}
	if cfg.IdleTimeout <= 0 {
		s.http.IdleTimeout = -1
	}
	go func() { // ends with Close, which waits for it
		defer close(s.done)
		if err := s.http.Serve(limitConns(listener, maxConns)); !errors.Is(err, http.ErrServerClosed) {
			cfg.Log.Error().Err(err).Msg("admin server ended")
		}
	}()
	return s, nil
}

// Addr returns where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close lets requests under way finish until the context ends, and then cuts
// them off.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	<-s.done
	return err
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(s.cfg.CommandURL, s.links)
	mux.HandleFunc(s.cfg.CommandURL+"/", s.command)
	for path, probe := range map[string]http.HandlerFunc{"/livez": livez, "/readyz": s.readyz, "/role": s.role} {
		if path != s.cfg.CommandURL {
			mux.HandleFunc("GET "+path, probe)
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusNotFound, "no such path: "+r.URL.Path)
	})
	return patient(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodTrace {
			problem(w, http.StatusForbidden, "the method TRACE is not allowed")
			return
		}
		mux.ServeHTTP(w, r)
	}))
}

// links lists the commands.
func (s *Server) links(w http.ResponseWriter, r *http.Request) {
	if !methodFits(w, r) {
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	for _, c := range commands {
		_, err := fmt.Fprintf(w, "<a href=\"%s/%s\">%s</a>\n<br/>\n", s.cfg.CommandURL, c.names[0], c.names[0])
		if err != nil {
			return // who asks is gone
		}
	}
}

// methodFits answers what is neither GET, HEAD nor POST.
func methodFits(w http.ResponseWriter, r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return true
	case http.MethodOptions:
		w.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
		w.WriteHeader(http.StatusOK)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
		problem(w, http.StatusMethodNotAllowed, "the method "+r.Method+" is not allowed")
	}
	return false
}

// command runs what stands behind the path of the commands.
func (s *Server) command(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, s.cfg.CommandURL+"/")
	if name == "" {
		s.links(w, r)
		return
	}
	if !methodFits(w, r) {
		return
	}
	control := http.NewResponseController(w)
	query := r.URL.Query()
	req := &request{
		ctx: r.Context(), view: s.view, body: &patientReader{r.Body, control},
		query: func(key string) (string, bool) { return query.Get(key), query.Has(key) },
		log: func(msg string, err error) {
			s.cfg.Log.Warn().Err(err).Str("client", r.RemoteAddr).Str("command", name).Msg(msg)
		},
	}
	s.send(w, control, s.answer(name, r, req))
}

// send writes a response.
func (s *Server) send(w http.ResponseWriter, control *http.ResponseController, out *response) {
	for _, h := range out.headers {
		w.Header()[h[0]] = []string{h[1]} // in Apache's spelling
	}
	if out.body == nil {
		text := appendJSON(nil, out.data, 0)
		w.Header().Set("Content-Type", jsonType)
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		w.WriteHeader(out.status)
		_, _ = (patientWriter{w, control}).Write(text) // who asks may be gone
		return
	}
	defer out.body.Close() // it was only read
	w.Header().Set("Content-Type", streamType)
	w.Header().Set("Content-Length", strconv.FormatInt(out.size, 10))
	w.WriteHeader(out.status)
	// The client sees from the length when a part is missing.
	if _, err := io.CopyBuffer(patientWriter{w, control}, struct{ io.Reader }{out.body}, make([]byte, pieceBytes)); err != nil {
		s.cfg.Log.Warn().Err(err).Msg("snapshot was not sent to its end")
	}
}

// problem answers what no command does.
func problem(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	_, _ = w.Write(appendJSON(nil, object{{"error", text}}, 0)) // who asks may be gone
}
