package quorum

// repair is what a server does about a tree that contradicts the leader's. Its
// log is as good as anyone's, so it votes with it and is counted; only what it
// shows to clients is wrong, until a leader has sent it a snapshot.
type repair struct {
	wanted bool  // the next leader is to send a snapshot
	asked  bool  // the present one was asked to
	vain   int   // how many in a row were asked that did not, or could not
	epoch  int64 // of the last leader whose snapshot was installed for this
}

// maxVain is how many leaders are asked in vain before this server gives up:
// each may cost the ensemble an initLimit, see repairBegins.
const maxVain = 2

// diverged begins a repair, unless it would be in vain.
func (c *Core) diverged() {
	r := &c.repair
	f := c.follow
	if f == nil || f.step < stepHistory || r.vain >= maxVain || r.epoch == f.epoch {
		return
	}
	r.wanted = true
	c.giveUp("the tree contradicts the leader's")
}

// repairBegins tells whether the leader is to be asked for a snapshot. Saying
// that one has nothing costs a leader that is not established yet the promise,
// so it is not said for ever: if no snapshot comes of it, everyone may be in
// the same state, and must go on without.
func (c *Core) repairBegins() bool {
	r := &c.repair
	if !r.wanted {
		return false
	}
	r.wanted, r.asked = false, true
	r.vain++
	return true
}

// repairEnds is called when the leader has begun to bring this server up to
// date.
func (c *Core) repairEnds(snapshot bool) {
	r := &c.repair
	if r.asked && snapshot {
		r.vain, r.epoch = 0, c.follow.epoch
	}
	r.asked = false
}
