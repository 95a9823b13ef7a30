// Package zkcli compares what Apache's shell prints on two servers.
package zkcli

import (
	"regexp"
	"slices"
	"strings"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// transcript is what an interactive shell printed, put in order.
type transcript struct {
	answers []string // of each command, in turn
	events  []string // watch events, which another thread prints at any time
	errors  []string // lines of standard error
}

var (
	prompt = regexp.MustCompile(`\[zk: \S*\(\w+\) \d+\] `)
	date   = regexp.MustCompile(`[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d [A-Z]+ \d{4}`)
	// A session id as an ephemeral's owner; zxids here are short.
	sessionID = regexp.MustCompile(`0x[0-9a-f]{10,16}`)
	tempFile  = regexp.MustCompile(`/\S*compat-[0-9]+/`)
	list      = regexp.MustCompile(`(?m)^\[[^\]]*\]$`)
	// Another thread than the one that prints answers and prompts prints watch
	// events, and their last line feed by a call of its own: anything may stand
	// between the two.
	event = regexp.MustCompile(`WatchedEvent state:\w+ type:\w+ path:[^\s\[]*(?: zxid: -?\d+)?`)
	// What jline, the line editor, says about a terminal that is none.
	jline = regexp.MustCompile(`(?m)^.*(org\.jline\.utils\.Log|creating a dumb terminal).*\n`)
)

func newTranscript(res rig.Result, addr string) transcript {
	var tr transcript
	for _, e := range event.FindAllString(res.Stdout, -1) {
		// Connection states come when they come; they are no watch's.
		if !strings.Contains(e, "type:None") {
			tr.events = append(tr.events, e)
		}
	}
	sortRemovals(tr.events)
	parts := prompt.Split(withoutEvents(res.Stdout), -1)
	for _, part := range parts[1:] { // before the first prompt stands the welcome
		tr.answers = append(tr.answers, sortUsers(mask(strings.TrimSpace(part), addr)))
	}
	tr.errors = strings.Split(strings.TrimSpace(mask(res.Stderr, addr)), "\n")
	return tr
}

// sortUsers orders the answer to whoami, which is in the order of a hash
// table.
func sortUsers(answer string) string {
	const title = "Auth scheme: User\n"
	users, found := strings.CutPrefix(answer, title)
	if !found {
		return answer
	}
	lines := strings.Split(users, "\n")
	slices.Sort(lines)
	return title + strings.Join(lines, "\n")
}

// sortRemovals orders the events of one removal, which the client makes
// itself, in the order of a hash table.
func sortRemovals(events []string) {
	removal := func(e string) bool { return strings.Contains(e, "WatchRemoved ") }
	for i := 0; i < len(events); i++ {
		end := i
		for end < len(events) && removal(events[end]) {
			end++
		}
		slices.Sort(events[i:end])
		i = max(i, end-1)
	}
}

// withoutEvents drops watch events, the shell's word in front of them, and the
// empty lines around.
func withoutEvents(text string) string {
	text = strings.ReplaceAll(event.ReplaceAllString(text, ""), "WATCHER::", "")
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return line == "" })
	return strings.Join(lines, "\n")
}

// mask hides what must differ: addresses, dates, session ids, folders; and
// sorts the lists in brackets, whose order is that of a hash table.
func mask(text, addr string) string {
	text = jline.ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, addr, "HOST")
	text = date.ReplaceAllString(text, "DATE")
	text = sessionID.ReplaceAllString(text, "SESSION")
	text = tempFile.ReplaceAllString(text, "TEMP/")
	return list.ReplaceAllStringFunc(text, func(line string) string {
		items := strings.Split(strings.Trim(line, "[]"), ", ")
		slices.Sort(items)
		return "[" + strings.Join(items, ", ") + "]"
	})
}
