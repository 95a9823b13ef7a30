package server

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/quorum/peer"
	"github.com/meerkat-zk/meerkat/server/replica"
)

// start listens for the other servers and begins to look for a leader.
func (m *member) start() error {
	srv := m.srv
	srv.vacate()
	core, err := srv.coreConfig()
	if err != nil {
		return err
	}
	disk := replica.NewDisk(replica.Config{
		Store: srv.store, Trees: trees{m}, SnapshotSizeFactor: srv.cfg.Leader.SnapshotSizeFactor,
		Logged: srv.snapshots.logged, Volatile: srv.cfg.Quorum.Observer && !srv.cfg.Learner.SyncEnabled, Log: srv.log,
	})
	recovered, err := replica.Recovered(srv.store, srv.recovered, core.CommitLogCount, historyTailBytes)
	if err != nil {
		return err
	}
	votes, err := m.listen(func(a conf.Address) int { return a.ElectionPort })
	if err != nil {
		return err
	}
	links, err := m.listen(func(a conf.Address) int { return a.QuorumPort })
	if err != nil {
		return errors.Join(err, closeListeners(votes))
	}
	var masters []net.Listener
	if core.ServeObservers {
		masters, err = m.listen(func(conf.Address) int { return srv.cfg.Learner.ObserverMasterPort })
		if err != nil {
			return errors.Join(err, closeListeners(votes), closeListeners(links))
		}
	}
	m.peer, err = peer.Start(peer.Config{
		Core: core, Recovered: recovered, Disk: disk, Machine: m,
		Election: srv.electionConfig(votes), Links: srv.linksConfig(links, masters), MaxDiskBytes: quorumDiskBytes,
		Observe: m.observe, ObserveEach: m.observeEach, Written: writtenMs,
	})
	if err != nil {
		return errors.Join(err, closeListeners(votes), closeListeners(links), closeListeners(masters))
	}
	close(m.started)
	srv.locals.tracker.Start()
	m.gauges()
	srv.background.Go(m.watch)
	return nil
}

// watch reports when the Peer ends by itself: its disk has failed.
func (m *member) watch() {
	select {
	case <-m.peer.Done():
		if err := m.peer.Close(); err != nil && !m.srv.isStopping() {
			m.srv.fail(fmt.Errorf("quorum: %w", err))
		}
	case <-m.srv.stopping:
	}
}

func closeListeners(all []net.Listener) error {
	var errs []error
	for _, l := range all {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// settleLimit is how long a stopping learner waits for its clients' writes to
// come back from the leader.
const settleLimit = time.Second

// finish lays leadership down, or waits for what was forwarded; then it leaves
// the ensemble.
func (m *member) finish() {
	settled := make(chan struct{})
	m.later(func() {
		if f, ok := m.writes().(*forwarder); ok {
			f.settle(settled)
		} else {
			close(settled)
		}
	})
	select {
	case <-settled:
	case <-time.After(settleLimit):
	case <-m.peer.Done():
	}
	m.srv.locals.tracker.Close()
	m.peer.Resign()
	_ = m.peer.Close() // a failure of the disk was reported
	if m.lead != nil {
		m.lead.queue.close() // the disk has failed: the loop has ended without a word
	}
	m.later(m.end)
	m.srv.applier.committed.close()
}

// writes is the write path of the present term, if there is one. It is called
// by the applier.
func (m *member) writes() writePath {
	if m.term == nil {
		return nil
	}
	return m.term.writes
}

// listen opens this server's ports of one kind. One that is taken may become
// free: by the server that is being replaced (electionPortBindRetry).
func (m *member) listen(port func(conf.Address) int) ([]net.Listener, error) {
	return peer.Listen(m.srv.startUntil, m.srv.listenForServers, m.srv.own(port), m.srv.cfg.Election.BindRetries)
}
