package bench

// A pace is the schedule of an open loop: requests fall due at equal
// distances, on all connections of the run in turn. It is decided before the
// first request and never waits for a reply.
type pace struct {
	start       int64   // when the first request is due: ns on the engine's clock
	periodNs    float64 // between two requests of the whole run
	connections int
}

func newPace(start int64, ratePerSec float64, connections int) pace {
	return pace{start: start, periodNs: 1e9 / ratePerSec, connections: connections}
}

// due is when request n, counted from 0, of connection i must be sent.
func (p pace) due(n int64, i int) int64 {
	return p.start + int64((float64(n)*float64(p.connections)+float64(i))*p.periodNs)
}
