package server

import (
	"github.com/meerkat-zk/meerkat/quorum"
)

// standalone is what orders and commits the writes of a server that stands alone: its own
// proposer and log, with the tally of a single voter.
type standalone struct {
	srv      *Server
	proposer *proposer
	writer   *logWriter
	term     *term
}

func newStandalone(srv *Server) *standalone {
	queue := newLogQueue(srv.logQueueBytes)
	p := &proposer{srv: srv, queue: queue, prep: srv.newPreparer()}
	return &standalone{
		srv: srv, proposer: p, term: newTerm("standalone", p, p),
		writer: &logWriter{
			srv: srv, queue: queue, done: make(chan struct{}),
			commit: quorum.NewCommitment(quorum.NewMajority(selfID), srv.tree.LastZxid()),
		},
	}
}

func (a *standalone) start() error {
	go a.writer.run() // ends with the queue; see finish
	a.srv.begin(a.term)
	a.srv.sessions.Start()
	return nil
}

// diverged can change nothing here: there is nobody to ask.
func (a *standalone) diverged() {}

// finish makes everything durable that was proposed and has it applied.
func (a *standalone) finish() {
	a.srv.sessions.Close()
	a.proposer.queue.close()
	<-a.writer.done
}
