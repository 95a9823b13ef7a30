package main

import (
	"fmt"
	"os"
	"strings"
)

// The lines between which the figures stand in the note.
const (
	beginMark = "<!-- figures: written by make bench -->"
	endMark   = "<!-- end of the figures -->"
)

// replaceFigures returns the note with new figures between the marks.
func replaceFigures(note, figures string) (string, error) {
	before, rest, ok1 := strings.Cut(note, beginMark)
	_, after, ok2 := strings.Cut(rest, endMark)
	if !ok1 || !ok2 {
		return "", fmt.Errorf("the note has no lines %q and %q", beginMark, endMark)
	}
	return before + beginMark + "\n\n" + strings.TrimSpace(figures) + "\n\n" + endMark + after, nil
}

func rewriteNote(path, figures string) error {
	note, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err := replaceFigures(string(note), figures)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// section is what is written into the note: conditions, tables, and what is
// missed.
func section(c conditions, f figures) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s.\n\n", c.date)
	fmt.Fprintf(&b, "* Machine, shared by the server and the load generator: %s.\n", c.machine)
	fmt.Fprintf(&b, "* Disk: %s.\n", c.disk)
	for _, s := range c.servers {
		fmt.Fprintf(&b, "* %s.\n", s)
	}
	fmt.Fprintf(&b, "* Medians of %d rounds; each workload %v after %v of warm-up.\n\n", c.scale.rounds, c.scale.measure, c.scale.warmUp)
	b.WriteString(render(f, c.scale.keys))
	if list := misses(f); len(list) > 0 {
		b.WriteString("\nGoals that were missed:\n\n")
		for _, m := range list {
			fmt.Fprintf(&b, "* %s.\n", m)
		}
	}
	return b.String()
}
