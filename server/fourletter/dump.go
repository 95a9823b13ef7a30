package fourletter

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// javaDate is the layout of Java's Date.toString.
const javaDate = "Mon Jan 02 15:04:05 MST 2006"

func appendDump(b []byte, v View) []byte {
	now := v.Now()
	b = append(b, "SessionTracker dump:\n"...)
	b = appendSessions(b, v.Sessions(), now)
	b = appendEphemerals(append(b, "ephemeral nodes dump:\n"...), v.Ephemerals())
	c := v.ConnDeadlines()
	b = appendSets(append(b, "Connections dump:\nConnections "...), len(c.Buckets), c.Total)
	for _, d := range c.Buckets {
		b = appendExpiry(b, len(d.Conns), now, d.InMs)
		for _, conn := range d.Conns {
			b = appendAddr(append(b, "\tip: "...), conn.Remote)
			b = append(hex(append(b, " sessionId: "...), conn.SessionID), '\n')
		}
	}
	return b
}

func appendSessions(b []byte, s Sessions, now time.Time) []byte {
	if s.Local != nil {
		b = appendDeadlines(append(b, "Local "...), s.Local, now)
	}
	switch {
	case s.Learned != nil:
		b = strconv.AppendInt(append(b, "Global Sessions("...), int64(len(s.Learned)), 10)
		b = append(b, "):\n"...)
		for _, id := range slices.Sorted(maps.Keys(s.Learned)) {
			b = append(hex(b, id), '\t')
			b = append(strconv.AppendInt(b, int64(s.Learned[id]), 10), "ms\n"...)
		}
		return b
	case s.Local != nil:
		b = append(b, "Global "...)
	}
	return appendDeadlines(b, &s.Global, now)
}

func appendDeadlines(b []byte, s *SessionDeadlines, now time.Time) []byte {
	b = appendSets(append(b, "Session "...), len(s.Deadlines), s.Total)
	for _, d := range s.Deadlines {
		b = appendExpiry(b, len(d.IDs), now, d.InMs)
		for _, id := range d.IDs {
			b = append(hex(append(b, '\t'), id), '\n')
		}
	}
	return b
}

func appendSets(b []byte, buckets, members int) []byte {
	b = strconv.AppendInt(append(b, "Sets ("...), int64(buckets), 10)
	b = strconv.AppendInt(append(b, ")/("...), int64(members), 10)
	return append(b, "):\n"...)
}

func appendExpiry(b []byte, members int, now time.Time, inMs int64) []byte {
	at := now.Add(time.Duration(inMs) * time.Millisecond)
	b = strconv.AppendInt(b, int64(members), 10)
	return append(at.AppendFormat(append(b, " expire at "...), javaDate), ":\n"...)
}

func appendEphemerals(b []byte, all []Ephemerals) []byte {
	b = strconv.AppendInt(append(b, "Sessions with Ephemerals ("...), int64(len(all)), 10)
	b = append(b, "):\n"...)
	for _, e := range all {
		b = append(hex(b, e.Session), ":\n"...)
		b = appendPaths(b, e.Paths)
	}
	return b
}

func appendPaths(b []byte, paths []string) []byte {
	for _, p := range paths {
		b = append(append(append(b, '\t'), p...), '\n')
	}
	return b
}

func appendWchs(b []byte, v View) []byte {
	watchers, paths, watches := v.WatchSummary()
	b = strconv.AppendInt(b, int64(watchers), 10)
	b = strconv.AppendInt(append(b, " connections watching "...), int64(paths), 10)
	return keyInt(b, " paths\nTotal watches:", int64(watches))
}

func appendWchc(b []byte, v View) []byte {
	for _, s := range v.WatchesBySession() {
		b = appendPaths(append(hex(b, s.Session), '\n'), s.Paths)
	}
	return append(b, '\n')
}

func appendWchp(b []byte, v View) []byte {
	for _, p := range v.WatchesByPath() {
		b = append(append(b, p.Path...), '\n')
		for _, id := range p.Sessions {
			b = append(hex(append(b, '\t'), id), '\n')
		}
	}
	return append(b, '\n')
}
