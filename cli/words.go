package cli

import (
	"regexp"
	"strings"
)

var (
	word   = regexp.MustCompile(`\s*([^"']\S*|"[^"]*"|'[^']*')\s*`)
	quoted = regexp.MustCompile(`^("[^"]*"|'[^']*')$`)
)

// splitWords splits a line as Apache's shell does: at blanks, except within
// quotes that begin a word.
func splitWords(line string) []string {
	var words []string
	for _, found := range word.FindAllStringSubmatch(line, -1) {
		w := found[1]
		if quoted.MatchString(w) {
			w = w[1 : len(w)-1]
		}
		words = append(words, w)
	}
	return words
}

// quoteWord writes a word so that splitWords reads it back, if it can be
// written at all.
func quoteWord(w string) string {
	switch {
	case w != "" && !strings.ContainsAny(w, " \t'\""):
		return w
	case !strings.Contains(w, `"`):
		return `"` + w + `"`
	}
	return "'" + w + "'"
}
