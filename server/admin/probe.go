package admin

import (
	"fmt"
	"net/http"
)

// livez answers as long as the process does: a supervisor is to restart it
// only when this fails. A server that loads its data or looks for a leader
// lives.
func livez(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") }

// readyz tells whether clients should be sent here: the server serves, which
// in an ensemble means that it follows or leads a quorum.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := s.ready(); err != nil {
		plain(w, http.StatusServiceUnavailable, err.Error()+"\n")
		return
	}
	plain(w, http.StatusOK, "ok\n")
}

func (s *Server) ready() error {
	if !s.view.Serving() {
		return fmt.Errorf("not serving: %s", s.view.Mode())
	}
	return s.view.Ready()
}

// role tells what the server is. The status is 200 in any role: a load
// balancer that wants the leader asks for ?is=leader, and gets 503 elsewhere.
func (s *Server) role(w http.ResponseWriter, r *http.Request) {
	mode, status := s.view.Mode(), http.StatusOK
	if wanted := r.URL.Query().Get("is"); wanted != "" && (wanted != mode || s.ready() != nil) {
		status = http.StatusServiceUnavailable
	}
	o := object{{"role", mode}, {"ready", s.ready() == nil}, {"leader_id", nil}, {"leader_ip", nil}}
	if e := s.view.Ensemble(); e != nil && e.Leader > 0 {
		o.put("leader_id", e.Leader)
		o.put("leader_ip", e.LeaderAddress)
	}
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	_, _ = w.Write(append(appendJSON(nil, o, 0), '\n')) // who asks may be gone
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // who asks may be gone
}
