package ensemble

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// guide is docs/migration.md: its commands are what the test of the migration
// runs. A block of commands is indented, and has a name in a comment before
// it, <!-- run: NAME -->. A line of a block that begins with "# " is what the
// command before it has to print.
type guide map[string][]command

// command is one line of a block.
type command struct {
	text  string
	wants []string // lines of its output, all of it when there are any
}

func readGuide(t testing.TB) guide {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(rig.Checkout(), "docs", "migration.md"))
	if err != nil {
		t.Fatal(err)
	}
	g, block := guide{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		name, isName := strings.CutPrefix(line, "<!-- run: ")
		code, isCode := strings.CutPrefix(line, "    ")
		want, isWant := strings.CutPrefix(code, "# ")
		last := len(g[block]) - 1
		switch {
		case isName:
			block = strings.TrimSuffix(name, " -->")
		case !isCode && line != "":
			block = ""
		case block == "" || line == "":
		case isWant && last >= 0:
			g[block][last].wants = append(g[block][last].wants, want)
		default:
			g[block] = append(g[block], command{text: code})
		}
	}
	return g
}

// names are the blocks that the test runs; the guide has to have them all.
var names = []string{"before", "stop", "check", "start", "follows", "leader", "digests", "hash", "back"}

func (g guide) demandComplete(t testing.TB) {
	t.Helper()
	for _, name := range names {
		if len(g[name]) == 0 {
			t.Errorf("docs/migration.md has no commands named %q", name)
		}
	}
	if len(g) != len(names) {
		t.Errorf("docs/migration.md names %d blocks of commands, the test runs %d", len(g), len(names))
	}
}

// fill puts real addresses and paths in the place of the guide's: zk1 is the
// leader there, and zk2 the server in turn.
func fill(t testing.TB, text string, leader, m *rig.Member) string {
	t.Helper()
	filled := strings.NewReplacer(
		"meerkat ", rig.Binary(t)+" ",
		"zk1 2181", fmt.Sprintf("127.0.0.1 %d", leader.Port),
		"zk2 2181", fmt.Sprintf("127.0.0.1 %d", m.Port),
		"/var/lib/zookeeper", m.DataDir,
	).Replace(text)
	if strings.Contains(filled, "2181") || strings.Contains(filled, "/etc/") {
		t.Fatalf("docs/migration.md: the test cannot run %q", text)
	}
	return filled
}
