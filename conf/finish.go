package conf

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
)

// finish does what needs more than one key, as far as each for itself is right.
func (l *loader) finish() {
	c := l.cfg
	l.directories()
	if !l.wrong["clientPort"] {
		l.clientAddress()
	}
	if !l.wrong["tickTime"] && !l.wrong["minSessionTimeout"] && !l.wrong["maxSessionTimeout"] {
		l.sessionTimeouts()
	}
	l.throttles()
	l.frames()
	l.properties()
	l.authProviders()
	l.fourLetterWords()
	c.Storage.SnapCount = l.atLeast("snapCount", c.Storage.SnapCount, 2)
	c.Storage.PurgeRetain = l.atLeast("autopurge.snapRetainCount", c.Storage.PurgeRetain, 3)
	if len(l.errs) == 0 {
		l.ensemble()
	}
	if len(l.errs) == 0 {
		l.advise()
		if err := c.Validate(); err != nil {
			l.errs = append(l.errs, err.(*Error))
		}
	}
}

// of returns the setting of a key, or a setting without a value.
func (l *loader) of(key string) setting {
	if s, ok := l.file[key]; ok {
		return s
	}
	if s, ok := l.props[propertyPrefix+key]; ok {
		return s
	}
	return setting{Place: Place{File: l.path}, name: key}
}

// directories checks dataDir and dataLogDir.
func (l *loader) directories() {
	st := &l.cfg.Storage
	if st.DataDir == "" {
		l.invalid(l.of("dataDir"), "is not set, and must name a directory")
		return
	}
	if st.LogDir == "" {
		st.LogDir = st.DataDir
	}
	for key, dir := range map[string]*string{"dataDir": &st.DataDir, "dataLogDir": &st.LogDir} {
		*dir = javaPath(*dir)
		if _, set := l.file[key]; set && !strings.HasPrefix(*dir, "/") && !strings.HasPrefix(*dir, "./") {
			l.notice(l.of(key), true, "is relative to where the server is started; ./ in front says that this is meant")
		}
	}
}

// javaPath is the path of a java.io.File: single slashes, none at the end.
func javaPath(p string) string {
	for strings.Contains(p, "//") {
		p = strings.ReplaceAll(p, "//", "/")
	}
	if len(p) > 1 {
		p = strings.TrimSuffix(p, "/")
	}
	return p
}

// clientAddress resolves clientPortAddress.
func (l *loader) clientAddress() {
	s, set := l.file["clientPortAddress"]
	if !set {
		return
	}
	if l.cfg.Client.Port == NoPort {
		l.invalid(s, "is set, and so clientPort must be set too")
		return
	}
	ip, err := l.resolve(s.value)
	if err != nil {
		l.invalid(s, fmt.Sprintf("must be an address of this machine: %v", err))
		return
	}
	l.cfg.Client.Address = ip
}

// resolve is InetAddress.getByName: no text is the loopback address, and IPv6
// may stand in brackets.
func (l *loader) resolve(name string) (string, error) {
	if name == "" {
		return "127.0.0.1", nil
	}
	if inner, ok := strings.CutPrefix(name, "["); ok && strings.HasSuffix(inner, "]") {
		name = strings.TrimSuffix(inner, "]")
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.String(), nil
	}
	return l.host.resolve(name)
}

// sessionTimeouts fills in the bounds that follow from tickTime. Only -1
// stands for them.
func (l *loader) sessionTimeouts() {
	s := &l.cfg.Session
	for _, bound := range []struct {
		key   string
		field *int32
		ticks int64
	}{{"minSessionTimeout", &s.MinTimeoutMs, 2}, {"maxSessionTimeout", &s.MaxTimeoutMs, 20}} {
		if *bound.field != -1 {
			continue
		}
		ms := bound.ticks * int64(s.TickTimeMs)
		if ms > math.MaxInt32 {
			l.invalid(l.of("tickTime"), fmt.Sprintf("is too long for %s, which would be %d ms: must be at most %d", bound.key, ms, math.MaxInt32/bound.ticks))
			return
		}
		*bound.field = int32(ms)
	}
	if s.MinTimeoutMs > s.MaxTimeoutMs {
		l.invalid(l.of("minSessionTimeout"), fmt.Sprintf("must not be larger than maxSessionTimeout: %d > %d", s.MinTimeoutMs, s.MaxTimeoutMs))
	}
}

// throttles applies Apache's rules for numbers that make no sense.
func (l *loader) throttles() {
	r, c := &l.cfg.Requests, &l.cfg.Connections
	if r.LargeThresholdBytes == 0 || r.LargeThresholdBytes < -1 {
		l.corrected("largeRequestThreshold", "-1", "must be -1 or more than 0")
		r.LargeThresholdBytes = -1
	}
	if r.LargeMaxBytes <= 0 {
		r.LargeMaxBytes = Default().Requests.LargeMaxBytes
		l.corrected("largeRequestMaxBytes", fmt.Sprint(r.LargeMaxBytes), "must be more than 0")
	}
	l.weight("local", c.LocalWeight, 1, c.LocalWeight)
	l.weight("global", c.GlobalWeight, 3, c.LocalWeight)
	l.weight("renew", c.RenewWeight, 2, c.LocalWeight)
}

// weight tells which weight counts instead of one that makes no sense. The
// throttle corrects it.
func (l *loader) weight(kind string, n, byDefault, local int) {
	key := "connection_throttle_" + kind + "_session_weight"
	switch {
	case n <= 0:
		l.corrected(key, fmt.Sprint(byDefault), "must be more than 0")
	case n < local:
		l.corrected(key, fmt.Sprint(local), "must not be below the weight of a local session")
	}
}

// frames derives the extra size, of which Apache insists on 1024.
func (l *loader) frames() {
	f := &l.cfg.Limits
	if s := l.of("jute.maxbuffer.extrasize"); s.value == "" {
		f.ExtraFrameBytes = f.MaxFrameBytes
	} else if _, ok := propInt.parse(s.value); !ok {
		f.ExtraFrameBytes = f.MaxFrameBytes
	}
	f.ExtraFrameBytes = max(f.ExtraFrameBytes, 1024)
}

// authProviders gathers authProvider.*.
func (l *loader) authProviders() {
	for _, name := range sortedKeys(l.props) {
		if text, ok := isBelow(name, propertyPrefix+"authProvider."); ok {
			if l.cfg.Auth.Classes == nil {
				l.cfg.Auth.Classes = map[string]string{}
			}
			l.cfg.Auth.Classes[text] = l.props[name].value
		}
	}
}

// fourLetterWords adds the words that are always answered.
func (l *loader) fourLetterWords() {
	f := &l.cfg.FourLetter
	if f.isro && !f.Allows("isro") {
		f.Words = append(f.Words, "isro")
	}
	if !f.Allows("srvr") {
		f.Words = append(f.Words, "srvr")
	}
}

// atLeast raises a number to the least that Apache accepts.
func (l *loader) atLeast(key string, n, least int) int {
	if n < least {
		l.corrected(key, fmt.Sprint(least), fmt.Sprintf("must be at least %d", least))
	}
	return max(n, least)
}

// corrected tells that another value than the one given counts.
func (l *loader) corrected(key, counts, must string) {
	l.notice(l.of(key), true, fmt.Sprintf("%s: %s counts, as in Apache", must, counts))
}

// advise points at settings that are legal and probably not wanted.
func (l *loader) advise() {
	c := l.cfg
	if c.Storage.PurgeIntervalHours <= 0 {
		l.notices = append(l.notices, Notice{Warn: true, Text: "autopurge.purgeInterval is 0: old snapshots and logs are never removed"})
	}
	if !c.Storage.ForceSync {
		l.notice(l.of("forceSync"), true, "acknowledged writes can be lost when the machine fails")
	}
	if c.Auth.SkipACL {
		l.notice(l.of("skipACL"), true, "nobody's access is checked")
	}
	if c.Client.Port == NoPort {
		l.notices = append(l.notices, Notice{Warn: true, Text: "clientPort is not set: no client can connect"})
	}
}
