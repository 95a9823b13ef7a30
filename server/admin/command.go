package admin

import (
	"context"
	"io"
	"net/http"
	"slices"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// request is what a command gets to know.
type request struct {
	ctx   context.Context
	view  View
	query func(key string) (value string, given bool) // the first value counts
	body  io.Reader                                   // of a POST
	log   func(msg string, err error)
}

// response is what a command answers.
type response struct {
	status  int // of HTTP
	headers [][2]string
	data    object
	body    io.ReadCloser // instead of data; nil for none
	size    int64         // of body
}

func (r *response) header(name, value string) { r.headers = append(r.headers, [2]string{name, value}) }

// fail sets status and the text of the error; "" leaves error null, as Apache
// does for some.
func (r *response) fail(status int, text string) {
	r.status = status
	if text != "" {
		r.data.put("error", text)
	}
}

// command is one row of the table.
type command struct {
	names       []string // the primary name first
	method      string   // GET or POST
	idle        bool     // works without a serving server
	perms       int32    // that are needed on the root; 0 is none
	isExtension bool     // not in Apache ZooKeeper 3.9
	run         func(s *Server, r *request, out *response)
}

// commands are those of Apache's Commands, by their primary names.
var commands = []command{
	{names: []string{"configuration", "conf", "config"}, run: configuration},
	{names: []string{"connection_stat_reset", "crst"}, run: func(_ *Server, r *request, _ *response) { r.view.ResetConns() }},
	{names: []string{"connections", "cons"}, run: connections},
	{names: []string{"dirs"}, run: dirs},
	{names: []string{"dump"}, run: dump},
	{names: []string{"environment", "env", "envi"}, idle: true, run: environment},
	{names: []string{"get_trace_mask", "gtmk"}, idle: true, run: getTraceMask},
	{names: []string{"hash"}, run: hash},
	{names: []string{"initial_configuration", "icfg"}, run: initialConfiguration},
	{names: []string{"is_read_only", "isro"}, run: isReadOnly},
	{names: []string{"last_snapshot", "lsnp"}, run: lastSnapshot},
	{names: []string{"leader", "lead"}, run: leader},
	{names: []string{"monitor", "mntr"}, idle: true, run: monitor},
	{names: []string{"observer_connection_stat_reset", "orst"}, run: resetObservers},
	{names: []string{"observers", "obsr"}, run: observers},
	{names: []string{"restore", "rest"}, method: http.MethodPost, perms: proto.PermAll, run: restore},
	{names: []string{"ruok"}, run: func(*Server, *request, *response) {}},
	{names: []string{"server_stats", "srvr"}, run: serverStats},
	{names: []string{"set_trace_mask", "stmk"}, idle: true, run: setTraceMask},
	{names: []string{"shed_connections", "shed"}, method: http.MethodPost, perms: proto.PermAll, isExtension: true, run: shedConnections},
	{names: []string{"snapshot", "snap"}, perms: proto.PermAll, run: snapshot},
	{names: []string{"stat_reset", "srst"}, run: func(_ *Server, r *request, _ *response) { r.view.ResetStats() }},
	{names: []string{"stats", "stat"}, run: stat},
	{names: []string{"system_properties", "sysp"}, idle: true, run: systemProperties},
	{names: []string{"voting_view"}, run: votingView},
	{names: []string{"watch_summary", "wchs"}, run: watchSummary},
	{names: []string{"watches", "wchc"}, run: watches},
	{names: []string{"watches_by_path", "wchp"}, run: watchesByPath},
	{names: []string{"zabstate"}, idle: true, run: zabState},
}

// find returns the command of that name or alias; nil if there is none.
func find(name string) *command {
	for i := range commands {
		if slices.Contains(commands[i].names, name) {
			return &commands[i]
		}
	}
	return nil
}

// takes tells whether the command is asked for by this method.
func (c *command) takes(method string) bool {
	if c.method == http.MethodPost {
		return method == http.MethodPost
	}
	return method == http.MethodGet || method == http.MethodHead
}

// answer runs a command, if it may run, and completes its response. Until it
// runs, the response bears the name that it was asked for by.
func (s *Server) answer(name string, hr *http.Request, r *request) *response {
	out := &response{status: http.StatusOK}
	c := find(name)
	switch {
	case c == nil:
		out.data = object{{"command", name}, {"error", "Unknown command: " + name}}
		return out
	case !c.idle && !r.view.Serving():
		out.data = object{{"command", name}, {"error", "This ZooKeeper instance is not currently serving requests"}}
		return out
	}
	if c.perms != 0 {
		if status, problem := authorize(r.view, hr, c.perms); problem != "" {
			out.status = status
			out.data = object{{"command", name}, {"error", problem}}
			return out
		}
	}
	if !c.takes(hr.Method) {
		out.status = http.StatusInternalServerError // Apache's answer, there by an exception
		out.data = object{{"command", c.names[0]}, {"error", "the command is not for the method " + hr.Method}}
		return out
	}
	c.run(s, r, out)
	out.data.put("command", c.names[0])
	if !out.data.has("error") {
		out.data.put("error", nil)
	}
	return out
}
