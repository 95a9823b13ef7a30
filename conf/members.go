package conf

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// members are the lines that describe an ensemble, by key, and where they
// stand: in the configuration file, or in one of their own.
type members struct {
	place   Place
	dynamic bool
	lines   map[string]setting
	servers map[int64]setting // of lines, by id
	// hierarchical tells whether there are groups or weights: then every
	// voter must be in a group.
	hierarchical bool
}

// ensemble decides whether there is one, and fills in Quorum.
func (l *loader) ensemble() {
	m, ok := l.memberLines()
	if !ok || !l.servers(&m) || !l.version(&m) || !l.groups(&m) {
		return
	}
	q := &l.cfg.Quorum
	voters := len(q.Voters())
	observers := len(q.Servers) - voters
	alone := !isFalse(l.file["standaloneEnabled"].value)
	switch {
	case voters == 0 && !alone:
		l.invalid(l.of("standaloneEnabled"), "needs a server line with a voter")
		return
	case observers > 0 && (voters == 0 || voters == 1 && alone):
		l.invalid(m.last(), "an observer needs an ensemble: observers must be left out, or there must be more voters")
		return
	}
	q.Enabled = voters > 1 || !alone
	id, ok := l.myid()
	if !ok {
		if q.Enabled && len(l.errs) == 0 {
			l.invalid(l.of("dataDir"), "the file myid is missing, and must hold this server's number")
		}
		l.standAlone(&m)
		return
	}
	if own := q.Server(id); own != nil && own.ClientPort != NoPort {
		l.ownAddress(m.servers[id], *own)
	}
	if !q.Enabled {
		l.standAlone(&m)
		return
	}
	l.takePart(&m, id)
}

// takePart finishes the configuration of a member.
func (l *loader) takePart(m *members, id int64) {
	q := &l.cfg.Quorum
	own := q.Server(id)
	if own == nil {
		l.invalid(l.of("dataDir"), fmt.Sprintf("myid is %d, and there is no line server.%d", id, id))
		return
	}
	q.ID, q.Observer = id, own.Observer
	if s, set := l.file["peerType"]; set && strings.EqualFold(s.value, "observer") != q.Observer {
		l.notice(s, true, fmt.Sprintf("server.%d is a %s, which counts, as in Apache", id, role(q.Observer)))
	}
	if l.cfg.Znodes.ExtendedTypes && id > 254 {
		l.invalid(l.of("extendedTypesEnabled"), fmt.Sprintf("needs a server number of at most 254, and myid is %d", id))
	}
	l.limits()
	l.tuning()
	l.reconfiguration(m)
	switch voters := len(q.Voters()); {
	case voters <= 2:
		l.notices = append(l.notices, Notice{Warn: true, Text: fmt.Sprintf("%d voters: when one fails nobody is served; at least 3 are needed", voters)})
	case voters%2 == 0:
		l.notices = append(l.notices, Notice{Warn: true, Text: fmt.Sprintf("%d voters stand no more failures than %d", voters, voters-1)})
	}
}

// standAlone makes what is about ensembles have no effect, and says so.
func (l *loader) standAlone(m *members) {
	c, d := l.cfg, Default()
	c.Quorum, c.Election, c.Leader, c.Learner = d.Quorum, d.Election, d.Leader, d.Learner
	for _, s := range l.aboutEnsembles {
		l.notice(s, false, "has no effect: "+noEnsemble)
	}
	for _, id := range sortedIDs(m.servers) {
		l.notice(m.servers[id], false, "has no effect but for the client's address: "+noEnsemble)
	}
}

// limits checks the numbers of ticks.
func (l *loader) limits() {
	q, tick := &l.cfg.Quorum, int(l.cfg.Session.TickTimeMs)
	if q.ConnectTicks <= 0 {
		q.ConnectTicks = q.InitTicks
	}
	for _, limit := range []struct {
		key   string
		ticks int
	}{{"initLimit", q.InitTicks}, {"syncLimit", q.SyncTicks}, {"connectToLearnerMasterLimit", q.ConnectTicks}} {
		switch s := l.of(limit.key); {
		case limit.ticks == 0 && s.value == "":
			l.invalid(s, "is not set, and an ensemble needs a number of ticks, at least 1")
		case limit.ticks < 1:
			l.invalid(s, "must be at least 1")
		case limit.ticks > math.MaxInt32/tick:
			l.invalid(s, fmt.Sprintf("is too long with tickTime=%d: must be at most %d", tick, math.MaxInt32/tick))
		}
		if len(l.errs) > 0 {
			return
		}
	}
	if e := &l.cfg.Election; e.HandshakeTimeoutMs <= 0 {
		e.HandshakeTimeoutMs = int64(q.SyncTicks) * int64(tick)
	}
}

// tuning applies Apache's rules for numbers that make no sense.
func (l *loader) tuning() {
	e, ld, d := &l.cfg.Election, &l.cfg.Leader, Default()
	if e.BindRetries < 0 {
		e.BindRetries = d.Election.BindRetries
		l.corrected("electionPortBindRetry", fmt.Sprint(e.BindRetries), "must be at least 0")
	}
	if e.MaxNotifyMs < e.MinNotifyMs {
		e.MaxNotifyMs = e.MinNotifyMs
		l.corrected("fastleader.maxNotificationInterval", fmt.Sprint(e.MaxNotifyMs), "must not be below fastleader.minNotificationInterval")
	}
	switch n := ld.CommitLogCount; {
	case n > math.MaxInt32:
		ld.CommitLogCount = d.Leader.CommitLogCount
		l.corrected("commitLogCount", fmt.Sprint(ld.CommitLogCount), "must be at most 2147483647")
	default:
		ld.CommitLogCount = l.atLeast("commitLogCount", n, d.Leader.CommitLogCount)
	}
	if ld.SnapshotSizeFactor > 1 {
		ld.SnapshotSizeFactor = d.Leader.SnapshotSizeFactor
		l.corrected("snapshotSizeFactor", fmt.Sprint(ld.SnapshotSizeFactor), "must be at most 1")
	}
}

// reconfiguration tells what happens to members that are changed while the
// ensemble runs.
func (l *loader) reconfiguration(m *members) {
	const notBuilt = "changing the members while the ensemble runs is not built yet"
	s, set := l.file["reconfigEnabled"]
	enabled := set && l.cfg.Reconfig.Enabled
	if enabled {
		l.notice(s, true, notBuilt+": this server refuses it, and keeps to the members of "+m.place.File+": no other member may do it either while this one runs")
	}
	if !m.dynamic {
		return
	}
	next := l.path + ".dynamic.next"
	if _, err := l.host.readFile(next); err != nil {
		return
	}
	where := l.of("dynamicConfigFile")
	if !enabled {
		l.notice(where, true, next+" has no effect: without reconfigEnabled the members stay, as in Apache")
		return
	}
	l.errs = append(l.errs, &Error{
		Place: where.Place, Key: where.name, Value: where.shown(), Kind: ErrNotBuilt,
		Problem: next + " is a change of members that has not ended: " + notBuilt + "; end it with the server that began it",
	})
}

// servers parses the lines server.N.
func (l *loader) servers(m *members) bool {
	m.servers = map[int64]setting{}
	multi := isTrue(l.props[propertyPrefix+"multiAddress.enabled"].value)
	for _, name := range sortedKeys(m.lines) {
		number, isServer := strings.CutPrefix(name, "server.")
		if !isServer {
			continue
		}
		s := m.lines[name]
		id, ok := parseLong(number, 64)
		switch old, twice := m.servers[id]; {
		case !ok:
			l.invalid(s, "what follows server. must be a number")
			continue
		case id < 1:
			l.invalid(s, "the number of a server must be at least 1")
			continue
		case twice:
			l.invalid(s, fmt.Sprintf("%s is the same server, on line %d", old.name, old.Line))
			continue
		}
		srv, err := parseServer(id, s.raw, multi)
		if err != nil {
			l.invalid(s, err.Error())
			continue
		}
		m.servers[id] = s
		l.cfg.Quorum.Servers = append(l.cfg.Quorum.Servers, srv)
	}
	slices.SortFunc(l.cfg.Quorum.Servers, func(a, b Server) int { return cmp.Compare(a.ID, b.ID) })
	return len(l.errs) == 0
}

// groups parses the lines group.N and weight.N.
func (l *loader) groups(m *members) bool {
	groups, weights := map[int64][]int64{}, map[int64]int64{}
	groupOf := map[int64]int64{}
	for _, name := range sortedKeys(m.lines) {
		s := m.lines[name]
		isGroup := strings.HasPrefix(name, "group")
		if !isGroup && !strings.HasPrefix(name, "weight") {
			continue
		}
		m.hierarchical = true
		_, number, dot := strings.Cut(name, ".")
		n, ok := parseLong(number, 64)
		if !dot || !ok {
			l.invalid(s, "the key must be group.N or weight.N, with a number")
			continue
		}
		if !isGroup {
			l.weightOf(s, n, weights)
			continue
		}
		if groups[n] != nil {
			l.invalid(s, fmt.Sprintf("group %d is described twice", n))
			continue
		}
		groups[n] = l.groupMembers(s, n, groupOf)
	}
	if len(l.errs) > 0 || !m.hierarchical {
		return len(l.errs) == 0
	}
	if _, oracle := l.file["oraclePath"]; oracle {
		l.notice(l.of("oraclePath"), true, "groups and weights have no effect beside it, as in Apache")
		return true
	}
	return l.checkGroups(m, groups, weights, groupOf)
}

func (l *loader) weightOf(s setting, id int64, weights map[int64]int64) {
	w, ok := parseLong(s.raw, 64)
	_, twice := weights[id]
	switch {
	case twice:
		l.invalid(s, fmt.Sprintf("the weight of server %d is given twice", id))
	case !ok || w < 0:
		l.invalid(s, "must be a whole number, at least 0")
	}
	weights[id] = w
}

// groupMembers parses the ids of a group.
func (l *loader) groupMembers(s setting, group int64, groupOf map[int64]int64) (ids []int64) {
	for _, part := range splitDropEmpty(s.raw, ":") {
		id, ok := parseLong(part, 64)
		_, twice := groupOf[id]
		voter := l.cfg.Quorum.Server(id)
		switch {
		case !ok:
			l.invalid(s, "must be numbers of servers, apart by :")
		case twice:
			l.invalid(s, fmt.Sprintf("server %d is in two groups", id))
		case voter == nil || voter.Observer:
			l.invalid(s, fmt.Sprintf("server %d is not one of the voters", id))
		}
		groupOf[id] = group
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		l.invalid(s, "must be numbers of servers, apart by :")
	}
	return ids
}

// checkGroups demands that every voter is in a group, and that somebody can
// win.
func (l *loader) checkGroups(m *members, groups map[int64][]int64, weights, groupOf map[int64]int64) bool {
	q := &l.cfg.Quorum
	total := 0.0
	for _, id := range q.Voters() {
		if _, ok := groupOf[id]; !ok {
			l.invalid(m.servers[id], fmt.Sprintf("server %d votes and must be in a group", id))
		}
		weight, given := weights[id]
		if !given {
			weight = 1
		}
		total += float64(weight)
	}
	switch {
	case len(l.errs) > 0:
		return false
	case total > math.MaxInt64/2:
		l.invalid(m.last(), "the sum of all weights is too large")
	case total == 0:
		l.invalid(m.last(), "the weights of all voters are 0, and so nobody can win")
	}
	q.Groups, q.Weights = groups, weights
	return len(l.errs) == 0
}

// version reads the version of the members.
func (l *loader) version(m *members) bool {
	s, set := m.lines["version"]
	switch v, ok := parseHex(s.raw); {
	case m.dynamic && set:
		l.invalid(s, "must be left out: the version of the members is the end of the file's name")
		return false
	case m.dynamic:
		l.cfg.Quorum.Version = versionOfName(m.place.File)
		if l.cfg.Quorum.Version < 0 {
			l.invalid(l.of("dynamicConfigFile"), "the version at the end of the file's name must not be negative")
			return false
		}
	case set && !ok:
		l.invalid(s, "must be a hexadecimal number")
		return false
	case set:
		l.cfg.Quorum.Version = v
	}
	return true
}

// versionOfName is the hexadecimal number behind the last dot of a file's
// name, 0 if there is none.
func versionOfName(name string) int64 {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return 0
	}
	v, _ := parseHex(name[dot+1:])
	return v
}

// memberLines finds the lines about members. A file of their own holds
// nothing else, and the configuration file none then.
func (l *loader) memberLines() (members, bool) {
	m := members{place: Place{File: l.path}, lines: map[string]setting{}}
	pointer, dynamic := l.file["dynamicConfigFile"]
	for name, s := range l.file {
		switch {
		case !isMemberKey(name):
		case dynamic && name != "version":
			l.invalid(s, "must stand in the file of dynamicConfigFile, and not here")
		case !dynamic:
			m.lines[name] = s
		}
	}
	if !dynamic || len(l.errs) > 0 {
		return m, len(l.errs) == 0
	}
	m.dynamic, m.place = true, Place{File: pointer.value}
	data, err := l.host.readFile(pointer.value)
	if err != nil || pointer.value == "" {
		l.invalid(pointer, fmt.Sprintf("must name a file: %v", cmp.Or(err, errors.New("it is empty"))))
		return m, false
	}
	lines, err := ParseProperties(data)
	if err != nil {
		l.invalid(pointer, fmt.Sprintf("cannot be read: %v", err))
		return m, false
	}
	for _, p := range lines {
		s := setting{Place: Place{File: pointer.value, Line: p.Line}, name: p.Key, value: trim(p.Value), raw: p.Value}
		if !isMemberKey(p.Key) {
			l.invalid(s, "a file of members has only the keys server.N, group.N and weight.N")
		}
		if old, twice := m.lines[p.Key]; twice {
			l.notice(old, true, fmt.Sprintf("is set again on line %d, which counts", s.Line))
		}
		m.lines[p.Key] = s
	}
	return m, len(l.errs) == 0
}

func isMemberKey(name string) bool {
	return strings.HasPrefix(name, "server.") || strings.HasPrefix(name, "group") || strings.HasPrefix(name, "weight") || name == "version"
}

// last is the line of the server with the largest number, for what is wrong
// with all of them together.
func (m *members) last() setting {
	ids := sortedIDs(m.servers)
	if len(ids) == 0 {
		return setting{Place: m.place, name: "server.*"}
	}
	return m.servers[ids[len(ids)-1]]
}

func sortedIDs(m map[int64]setting) []int64 {
	ids := make([]int64, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func role(observer bool) string {
	if observer {
		return "observer"
	}
	return "participant"
}
