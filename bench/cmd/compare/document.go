package main

import (
	"fmt"
	"os"
	"strings"
)

// replaceFigures returns the note with new figures between the group's marks.
func (g group) replaceFigures(note, figures string) (string, error) {
	before, rest, ok1 := strings.Cut(note, g.begin)
	_, after, ok2 := strings.Cut(rest, g.end)
	if !ok1 || !ok2 {
		return "", fmt.Errorf("the note has no lines %q and %q", g.begin, g.end)
	}
	return before + g.begin + "\n\n" + strings.TrimSpace(figures) + "\n\n" + g.end + after, nil
}

func rewriteNote(path string, g group, figures string) error {
	note, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err := g.replaceFigures(string(note), figures)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// section is what is written into the note: conditions, tables, and what is
// missed.
func section(g group, c conditions, f figures) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s.\n\n", c.date)
	fmt.Fprintf(&b, "* Machine, shared by %s and the load generator: %s.\n", g.servers, c.machine)
	fmt.Fprintf(&b, "* Disk: %s.\n", c.disk)
	for _, s := range c.servers {
		fmt.Fprintf(&b, "* %s.\n", s)
	}
	fmt.Fprintf(&b, "* Medians of %d rounds; each workload %v after %v of warm-up.\n\n", c.scale.rounds, c.scale.measure, c.scale.warmUp)
	b.WriteString(render(g, f, c.scale))
	if list := misses(g, f); len(list) > 0 {
		b.WriteString("\nGoals that were missed:\n\n")
		for _, m := range list {
			fmt.Fprintf(&b, "* %s.\n", m)
		}
	}
	return b.String()
}
