package clients

import (
	"slices"
	"strings"
)

// The lines by which a program asks for something; it goes on when it reads a
// line from its standard input.
const (
	restartRequest = "@restart" // of the server
	cutRequest     = "@cut"     // no connection by the proxy any more
	mendRequest    = "@mend"    // connections by the proxy again
)

// eventPrefix begins the lines of watch events, "event TYPE PATH by WATCHER".
const eventPrefix = "event "

// normal sorts what a client delivers in the order of a hash table: one event
// to several of its watchers. The programs mask the rest themselves, for they
// know which of their words are a time, a zxid or a session.
func normal(lines []string) []string {
	lines = slices.Clone(lines)
	for i := 0; i < len(lines); {
		end := i + 1
		for end < len(lines) && sameEvent(lines[i], lines[end]) {
			end++
		}
		slices.Sort(lines[i:end])
		i = end
	}
	return lines
}

func sameEvent(a, b string) bool {
	what, _, watched := strings.Cut(a, " by ")
	other, _, _ := strings.Cut(b, " by ")
	return watched && strings.HasPrefix(a, eventPrefix) && what == other
}

// difference tells where two transcripts part, with the lines before it; it
// is empty when they are equal.
func difference(want, have []string) string {
	for i := range max(len(want), len(have)) {
		if w, h := at(want, i), at(have, i); w != h {
			return "after\n  " + strings.Join(want[max(0, i-5):min(i, len(want))], "\n  ") +
				"\nApache prints\n  " + w + "\nand the subject\n  " + h
		}
	}
	return ""
}

// tail is the last n lines in one text.
func tail(lines []string, n int) string {
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func at(lines []string, i int) string {
	if 0 <= i && i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}
