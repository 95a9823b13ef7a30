package recipes

import (
	"slices"
	"strings"
)

// sequence returns what stands behind a marker in a name: the number that the
// server has appended, ten digits, so that it compares as text. ok is false
// for names that another recipe, or a person, has made.
func sequence(name, marker string) (number string, ok bool) {
	at := strings.LastIndex(name, marker)
	if at < 0 {
		return "", false
	}
	return name[at+len(marker):], true
}

// inOrder returns the names that have a marker, by their sequence.
func inOrder(names []string, marker string) []string {
	var own []string
	for _, name := range names {
		if _, ok := sequence(name, marker); ok {
			own = append(own, name)
		}
	}
	slices.SortFunc(own, func(a, b string) int {
		x, _ := sequence(a, marker)
		y, _ := sequence(b, marker)
		return strings.Compare(x, y)
	})
	return own
}

// directlyAhead returns the name right before the own one among those with a
// marker; "" when the own one is the first. A name that is not there any more
// has nobody ahead: what follows finds out that it is gone.
func directlyAhead(marker string) func(names []string, own string) string {
	return func(names []string, own string) string {
		line := inOrder(names, marker)
		if at := slices.Index(line, own); at > 0 {
			return line[at-1]
		}
		return ""
	}
}
