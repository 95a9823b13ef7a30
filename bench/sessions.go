package bench

import "context"

// runSessions opens sessions, and measures how fast and what each costs the
// server in memory once they idle.
func runSessions(ctx context.Context, e *engine, m *meter, r *Report) error {
	m.begin()
	latency, took, err := e.dial(ctx, e.cfg.Connections)
	if err != nil {
		return err
	}
	r.Latency = summarize(&latency)
	r.operations(latency.Count(), took)
	if err := m.end(r, 0); err != nil { // the cost of opening, without that of holding
		return err
	}
	server := r.Server
	now := e.clock.now()
	if _, err := e.stream(ctx, "hold sessions", plan{measureFrom: now, until: now + int64(e.cfg.Hold), count: -1}, nil); err != nil {
		return err
	}
	if err := m.end(r, int64(e.cfg.Connections)); err != nil {
		return err
	}
	if server != nil {
		r.Server.CPUSeconds, r.Server.CPUPer100k = server.CPUSeconds, server.CPUPer100k
	}
	return e.finish(ctx)
}
