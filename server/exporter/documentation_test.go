package exporter

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/internal/page"
	"github.com/meerkat-zk/meerkat/server/stats"
)

var update = flag.Bool("update", false, "write the generated part of docs/metrics.md")

const (
	documentation = "../../docs/metrics.md"
	beginMark     = "<!-- generated from the table in server/stats by `make docs`: begin -->"
	endMark       = "<!-- generated: end -->"
)

// The table of docs/metrics.md is that of the code.
func TestDocumentation(t *testing.T) {
	page.Check(t, documentation, beginMark, endMark, markdown(t), *update)
}

func markdown(t *testing.T) string {
	counted := countedNames(t)
	var b strings.Builder
	b.WriteString("| Name | Type | Unit | Counts | Here |\n|---|---|---|---|---|\n")
	for i := range stats.Table {
		d := &stats.Table[i]
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", d.Name, d.Kind, d.Unit, d.Help, here(t, d, counted[d.Name]))
	}
	return b.String()
}

// here says whether a metric moves.
func here(t *testing.T, d *stats.Def, counted bool) string {
	switch {
	case d.Scope == stats.Never:
		return "always 0: " + d.Why
	case !counted && d.Kind.IsGauge():
		t.Errorf("%s is shown by nothing", d.Name)
	case !counted:
		t.Errorf("%s is counted by nothing", d.Name)
	case d.Scope == stats.Ensemble:
		return "live, in ensembles"
	}
	return "live"
}

// A metric that any server should move is moved by something.
func TestEveryMetricIsCounted(t *testing.T) {
	counted := countedNames(t)
	for i := range stats.Table {
		d := &stats.Table[i]
		if d.Scope != stats.Never && !counted[d.Name] {
			t.Errorf("%s is to be counted, and nothing does", d.Name)
		}
		if d.Scope == stats.Never && (counted[d.Name] || d.Why == "") {
			t.Errorf("%s is never to be counted: counted %v, because %q", d.Name, counted[d.Name], d.Why)
		}
	}
}

// countedNames are the names that the code of the server and of its quorum has
// as text, outside of the tables.
func countedNames(t *testing.T) map[string]bool {
	var all strings.Builder
	for _, folder := range []string{"..", "../../quorum/peer"} {
		readSource(t, folder, &all)
	}
	counted := map[string]bool{}
	for i := range stats.Table {
		name := stats.Table[i].Name
		counted[name] = strings.Contains(all.String(), `"`+name+`"`)
	}
	return counted
}

// readSource reads the code below a folder, but for tables and tests.
func readSource(t *testing.T, folder string, all *strings.Builder) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "table") {
			return err
		}
		data, err := os.ReadFile(path)
		all.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
