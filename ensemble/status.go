package ensemble

import (
	"fmt"
	"slices"
	"strings"
)

// Health is how well an ensemble is.
type Health int

// Healths, the better the smaller.
const (
	OK       Health = iota // all members are there
	Degraded               // reads and writes are served, and something is wrong
	Down                   // nobody takes writes
)

// String returns the name of a health.
func (h Health) String() string { return [...]string{"ok", "degraded", "down"}[h] }

// Status is an ensemble at a glance.
type Status struct {
	Reports []Report
	Health  Health
	Notes   []string // what is wrong
}

// Judge makes a status of what the members said.
func Judge(reports []Report) Status {
	s := Status{Reports: reports}
	roles := map[string]int{}
	for _, r := range reports {
		switch {
		case r.Err != nil:
			s.note(Degraded, "%s: %v", r.Addr, r.Err)
		default:
			roles[r.Role]++
		}
		if r.Err == nil && strings.Contains(r.Role, "read-only") {
			s.note(Degraded, "%s serves reads alone: it has lost the quorum", r.Addr)
		}
	}
	serving := roles["leader"] + roles["standalone"]
	switch {
	case serving == 0 && len(reports) > 0:
		s.note(Down, "there is no leader among the servers that answer")
	case roles["leader"] > 1:
		s.note(Degraded, "%d servers say that they lead: they are not of one ensemble, or one has not noticed yet", roles["leader"])
	case roles["standalone"] > 0 && len(reports) > roles["standalone"]:
		s.note(Degraded, "a server stands alone, beside others")
	}
	if lead := s.leader(); lead != nil && lead.Metrics != nil {
		// What the leader counts are those that follow in time, without itself.
		if synced, voters := lead.Metric("synced_followers"), s.voters(); synced >= 0 && len(reports) > 1 && int(synced)+1 < voters {
			s.note(Degraded, "%d of %d voting servers follow the leader in time", synced+1, voters)
		}
	}
	return s
}

func (s *Status) note(h Health, format string, args ...any) {
	s.Health = max(s.Health, h)
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

// leader is the one that leads, if there is one.
func (s *Status) leader() *Report {
	i := slices.IndexFunc(s.Reports, func(r Report) bool { return r.Err == nil && r.Role == "leader" })
	if i < 0 {
		return nil
	}
	return &s.Reports[i]
}

// voters counts the members that are no observers, as far as is known.
func (s *Status) voters() int {
	n := 0
	for _, r := range s.Reports {
		if !r.Observer && r.Role != "observer" {
			n++
		}
	}
	return n
}

// Lag tells how many transactions a member is behind the leader. ok is false
// for the leader itself, and where there is nothing to compare. It is asked
// at slightly different times, so that a few are no lag at all; behind an
// epoch it cannot be counted and is -1.
func (s *Status) Lag(r *Report) (txns int64, ok bool) {
	lead := s.leader()
	if lead == nil || r.Err != nil || r.Role == "leader" || r.Role == "standalone" {
		return 0, false
	}
	if r.Zxid>>32 != lead.Zxid>>32 {
		return -1, r.Zxid < lead.Zxid
	}
	return max(0, lead.Zxid-r.Zxid), true
}

// Sessions is the number of sessions of the ensemble, -1 if nobody tells it.
func (s *Status) Sessions() int64 {
	most := int64(-1)
	for i := range s.Reports {
		if r := &s.Reports[i]; r.Err == nil {
			most = max(most, r.Sessions())
		}
	}
	return most
}
