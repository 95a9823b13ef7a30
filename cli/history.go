package cli

import (
	"bufio"
	"os"
	"strings"
)

// maxPast is how many lines a history keeps.
const maxPast = 1000

// past is the history of the line editor, the newest line first. It is kept
// in a file; a file that cannot be written is no reason to complain.
type past struct {
	lines []string // oldest first
	file  *os.File // nil: in memory alone
}

// openPast reads a history; "" is one without a file.
func openPast(path string) *past {
	h := &past{}
	if path == "" {
		return h
	}
	// Commands may hold passwords.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return h
	}
	in := bufio.NewScanner(f)
	in.Buffer(nil, maxLineBytes)
	for in.Scan() {
		h.lines = append(h.lines, in.Text())
	}
	h.file = f
	if len(h.lines) > 2*maxPast {
		h.lines = h.lines[len(h.lines)-maxPast:]
		if f.Truncate(0) == nil {
			_, _ = f.WriteString(strings.Join(h.lines, "\n") + "\n")
		}
	}
	return h
}

// Add remembers a line, unless it is empty, has a password or repeats the
// last.
func (h *past) Add(line string) {
	if strings.TrimSpace(line) == "" || strings.HasPrefix(strings.TrimSpace(line), "addauth") || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	if h.file != nil {
		_, _ = h.file.WriteString(line + "\n")
	}
}

// Len returns how many lines there are.
func (h *past) Len() int { return len(h.lines) }

// At returns a line, 0 for the newest.
func (h *past) At(i int) string { return h.lines[len(h.lines)-1-i] }

func (h *past) close() {
	if h.file != nil {
		_ = h.file.Close()
	}
}
