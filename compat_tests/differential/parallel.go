package differential

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// parallelConns is how many connections RunParallel keeps busy at once.
const parallelConns = 8

// RunParallel lets many connections send bursts at the same time, each below
// a znode of its own, where nothing that another does is seen. What each is
// told is then determined by its own requests, all but the zxids. It returns
// the first line of any connection in which the servers differ, or "".
func RunParallel(addrs [2]string, seed uint64, bursts int) (string, error) {
	var sides [2]*side
	for i, addr := range addrs {
		s, err := newSide(addr)
		if err != nil {
			return "", err
		}
		defer s.monitor.Close()
		s.hideZxids = true
		sides[i] = s
	}
	told := onBoth(sides, func(s *side) [][]string { return s.runParallel(seed, bursts) })
	difference := ""
	for c := range told[0] {
		for i := 0; i < max(len(told[0][c]), len(told[1][c])) && difference == ""; i++ {
			if w, h := at(told[0][c], i), at(told[1][c], i); w != h {
				difference = fmt.Sprintf("connection %d, line %d:\n- %s\n+ %s", c, i, w, h)
			}
		}
	}
	if subject := sides[1].mismatches(); subject != "0" && difference == "" {
		difference = "digest mismatches: " + subject
	}
	for _, err := range onBoth(sides, (*side).tidy) {
		if err != nil && difference == "" {
			return "", err
		}
	}
	return difference, nil
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

// runParallel opens the connections one after the other, so that sessions
// have the same numbers on both sides, and then sets all of them going.
func (s *side) runParallel(seed uint64, bursts int) [][]string {
	told := make([][]string, parallelConns)
	lanes := make([]*side, parallelConns)
	for c := range lanes {
		lane := &side{mask: s.mask, addr: s.addr}
		told[c] = connect{slot: 0, session: -1, timeoutMs: longTimeoutMs, passwdLen: proto.PasswdBytes}.do(lane)
		s.sessions = append(s.sessions, lane.sessions...)
		if _, err := s.monitor.Create(laneRoot(c), nil, proto.OpenACL, proto.FlagPersistent); err != nil {
			told[c] = append(told[c], err.Error())
		}
		lanes[c] = lane
	}
	var all sync.WaitGroup
	for c, lane := range lanes {
		all.Go(func() {
			g := &generator{Rand: rand.New(rand.NewPCG(seed, uint64(c))), below: laneRoot(c)}
			for range bursts {
				told[c] = append(told[c], g.laneBurst().do(lane)...)
			}
			told[c] = append(told[c], drop{0}.do(lane)...)
		})
	}
	all.Wait()
	return told
}

func laneRoot(c int) string { return fmt.Sprintf("/lane%d", c) }

// notInLanes are the ops whose effect depends on the moment: zxids of others,
// or, for setACL, that Apache checks writes against the old ACL until the new
// one is applied.
var notInLanes = []proto.Op{proto.OpReconfig, proto.OpCloseSession, proto.OpSetWatches, proto.OpSetWatches2, proto.OpSetACL}

// laneBurst makes requests whose answers only this connection determines.
func (g *generator) laneBurst() send {
	st := send{}
	for range 1 + g.IntN(12) {
		r := g.orderly()
		for slices.Contains(notInLanes, r.op) {
			r = g.orderly()
		}
		st.requests = append(st.requests, r)
	}
	return st
}
