package differential

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// superAuth is the identity that may do everything: both servers are started
// with its digest.
const (
	superAuth   = "super:test"
	superDigest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="
)

// Difference is where two servers parted.
type Difference struct {
	Steps []Step      // all steps up to the one that differs, which is last
	Lines [2][]string // what each side made of the last step
	Final bool        // not a step but the trees after all steps differ
}

// String shows the last steps and both outcomes.
func (d *Difference) String() string {
	var text strings.Builder
	for i, st := range d.Steps {
		if i < len(d.Steps)-25 {
			continue
		}
		fmt.Fprintf(&text, "  step %d: %s\n", i, st)
	}
	if d.Final {
		text.WriteString("  the trees or their digests differ after the last step\n")
	}
	for _, line := range d.Lines[0] {
		if !slices.Contains(d.Lines[1], line) {
			fmt.Fprintf(&text, "  - %s\n", line)
		}
	}
	for _, line := range d.Lines[1] {
		if !slices.Contains(d.Lines[0], line) {
			fmt.Fprintf(&text, "  + %s\n", line)
		}
	}
	if slices.Equal(slices.Sorted(slices.Values(d.Lines[0])), slices.Sorted(slices.Values(d.Lines[1]))) {
		fmt.Fprintf(&text, "  the order differs:\n  - %s\n  + %s\n", strings.Join(d.Lines[0], "\n  - "), strings.Join(d.Lines[1], "\n  + "))
	}
	return text.String()
}

// Run does the steps on the servers at both addresses and returns the first
// difference, or nil. Afterwards both servers' trees are as they were, unless
// they differed.
func Run(addrs [2]string, steps []Step) (*Difference, error) {
	var sides [2]*side
	for i, addr := range addrs {
		s, err := newSide(addr)
		if err != nil {
			return nil, err
		}
		defer s.monitor.Close()
		sides[i] = s
	}
	diff := compareSteps(sides, steps)
	errs := onBoth(sides, func(s *side) error { return s.tidy() })
	for _, err := range errs {
		if err != nil && diff == nil {
			return nil, err
		}
	}
	return diff, nil
}

func compareSteps(sides [2]*side, steps []Step) *Difference {
	for i, st := range steps {
		lines := onBoth(sides, func(s *side) []string { return s.finish(st) })
		if !slices.Equal(lines[0], lines[1]) && !settles(sides, st) {
			return &Difference{Steps: steps[:i+1], Lines: lines}
		}
	}
	trees := onBoth(sides, (*side).tree)
	if !slices.Equal(trees[0], trees[1]) {
		return &Difference{Steps: steps, Lines: trees, Final: true}
	}
	// Apache mispredicts the digest after a create whose flags are of another
	// kind than its op; the subject must always be right.
	if found := sides[1].mismatches(); found != "0" {
		return &Difference{Steps: steps, Lines: [2][]string{{"digest mismatches: 0"}, {"digest mismatches: " + found}}, Final: true}
	}
	return nil
}

// mismatches is how often the server has found a tree digest that differs
// from the one it had predicted. Apache's servers are not asked.
func (s *side) mismatches() string {
	text, err := rig.FourLetterWord(s.addr, "mntr")
	if err != nil {
		return err.Error()
	}
	values := make(map[string]string)
	for _, line := range strings.Split(text, "\n") {
		name, value, _ := strings.Cut(line, "\t")
		values[name] = value
	}
	if !strings.Contains(values["zk_version"], "meerkat") {
		return "0"
	}
	return values["zk_digest_mismatches_count"]
}

// settles repeats a word for a while: a server notices the end of a
// connection in its own time, and only words can see that it has not yet.
func settles(sides [2]*side, st Step) bool {
	if _, ok := st.(word); !ok {
		return false
	}
	for range 100 {
		time.Sleep(20 * time.Millisecond)
		lines := onBoth(sides, func(s *side) []string { return s.finish(st) })
		if slices.Equal(lines[0], lines[1]) {
			return true
		}
	}
	return false
}

func onBoth[T any](sides [2]*side, do func(*side) T) (results [2]T) {
	var both sync.WaitGroup
	for i, s := range sides {
		both.Go(func() { results[i] = do(s) })
	}
	both.Wait()
	return results
}
