package fourletter

import (
	"strings"
	"time"
)

// compatible is the release of Apache ZooKeeper that the server behaves as.
// Clients and scripts decide by it what they may use.
const compatible = "3.9.5"

// What stands for what a build does not know about itself. The date has the
// shape of one: clients parse it.
const (
	unknown     = "unknown"
	unknownDate = "1970-01-01 00:00 UTC"
)

// Version is the text that stands for a build of this server, in Apache's
// shape: 3.9.5-meerkat-VERSION-COMMIT, built on DATE. date is RFC 3339 and
// appears in Apache's format; any other text counts as not known.
func Version(version, commit, date string) string {
	built := unknownDate
	if t, err := time.Parse(time.RFC3339, date); err == nil {
		built = t.UTC().Format("2006-01-02 15:04 MST")
	}
	return compatible + "-meerkat-" + plain(version) + "-" + plain(commit) + ", built on " + built
}

// plain keeps what version parsers expect: letters, digits, points and
// hyphens.
func plain(s string) string {
	return orUnknown(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-':
			return r
		}
		return '.'
	}, s))
}

func orUnknown(s string) string {
	if s == "" {
		return unknown
	}
	return s
}
