package cli

import (
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

func lastRune(s string) (rune, int) { return utf8.DecodeLastRuneInString(s) }

// names strips the folders from paths, for a list of choices.
func names(choices []string) []string {
	short := make([]string, len(choices))
	for i, c := range choices {
		short[i] = path.Base(c)
	}
	return short
}

// defaultWidth is that of a terminal that does not say.
const defaultWidth = 80

func (t *terminal) width() int {
	if width, _, err := term.GetSize(int(t.file.Fd())); err == nil && width > 0 {
		return width
	}
	return defaultWidth
}

// maxChoices is how many choices are listed; more help nobody.
const maxChoices = 200

// columns lists words side by side, in the order of columns.
func columns(words []string, width int) string {
	more := ""
	if len(words) > maxChoices {
		words, more = words[:maxChoices], "...\n"
	}
	widest := 0
	for _, w := range words {
		widest = max(widest, utf8.RuneCountInString(w)+2)
	}
	across := max(1, width/widest)
	rows := (len(words) + across - 1) / across
	var b strings.Builder
	for row := range rows {
		for i := row; i < len(words); i += rows {
			b.WriteString(words[i])
			if i+rows < len(words) {
				b.WriteString(strings.Repeat(" ", widest-utf8.RuneCountInString(words[i])))
			}
		}
		b.WriteByte('\n')
	}
	return b.String() + more
}
