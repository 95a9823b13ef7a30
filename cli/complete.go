package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/meerkat-zk/meerkat/client"
)

// completeLimit is how long a completion may ask the server.
const completeLimit = 3 * time.Second

// complete extends the word before the cursor as far as it is clear, and
// lists the choices when it is not.
func (t *terminal) complete(line string, pos int) (string, int, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), completeLimit)
	defer cancel()
	start, choices := t.shell.choices(ctx, line[:pos])
	typed := line[start:pos]
	common := commonPrefix(choices)
	if len(common) <= len(typed) && len(choices) > 1 {
		t.shell.p.event(columns(names(choices), t.width()))
		return line, pos, true
	}
	if len(choices) == 0 {
		return line, pos, true
	}
	if len(choices) == 1 && !strings.HasSuffix(common, "/") && pos == len(line) && !strings.HasPrefix(common, "/") {
		common += " "
	}
	if common == typed && t.shell.hasChildren(ctx, common) {
		common += "/" // the whole path stood there: on to what is below it
	}
	return line[:start] + common + line[pos:], start + len(common), true
}

// hasChildren tells of a path whether there is something below it.
func (s *Shell) hasChildren(ctx context.Context, path string) bool {
	if !strings.HasPrefix(path, "/") || path == "/" {
		return false
	}
	children, _, err := s.zk.Children(ctx, path, false)
	return err == nil && len(children) > 0
}

// choices are what the last word of a line may become, and where it begins:
// the name of a command, or the path of a znode.
func (s *Shell) choices(ctx context.Context, line string) (start int, choices []string) {
	start = strings.LastIndexAny(line, " \t") + 1
	word := line[start:]
	if quote := strings.LastIndexAny(line, `"'`); quote >= 0 && strings.Count(line, line[quote:quote+1])%2 == 1 {
		start, word = quote+1, line[quote+1:]
	}
	if strings.HasPrefix(word, "/") {
		return start, s.paths(ctx, word)
	}
	first := strings.TrimSpace(line[:start])
	if first != "" && first != "help" {
		return start, nil
	}
	for _, cmd := range s.commands {
		if strings.HasPrefix(cmd.name, word) {
			choices = append(choices, cmd.name)
		}
	}
	return start, choices
}

// paths lists the znodes whose path begins with a word.
func (s *Shell) paths(ctx context.Context, word string) []string {
	i := strings.LastIndexByte(word, '/')
	dir, prefix := word[:i], word[i+1:]
	if dir == "" {
		dir = "/"
	}
	children, _, err := s.zk.Children(ctx, dir, false)
	if err != nil {
		return nil
	}
	slices.Sort(children)
	var paths []string
	for _, name := range children {
		if strings.HasPrefix(name, prefix) {
			paths = append(paths, client.Join(dir, name))
		}
	}
	return paths
}

func commonPrefix(words []string) string {
	if len(words) == 0 {
		return ""
	}
	common := words[0]
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, common) {
			_, size := lastRune(common)
			common = common[:len(common)-size]
		}
	}
	return common
}
