package throttle

import "github.com/meerkat-zk/meerkat/jute/proto"

// StaleRule says when nobody waits for the answer to a request any more.
type StaleRule struct {
	Connection bool // when its connection is closed (request_stale_connection_check, true)
	Latency    bool // when it is older than the session timeout (request_stale_latency_check, false)
}

// Stale applies the rule. A closeSession is never stale, for it has to clean
// up after its client.
func (r StaleRule) Stale(op proto.Op, closed bool, ageMs, timeoutMs int64) bool {
	if op == proto.OpCloseSession {
		return false
	}
	return r.Connection && closed || r.Latency && ageMs > timeoutMs
}
