package exporter

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/server/stats"
)

var update = flag.Bool("update", false, "write the generated part of docs/metrics.md")

const (
	documentation = "../../docs/metrics.md"
	beginMark     = "<!-- generated from the table in server/stats by `make docs`: begin -->\n"
	endMark       = "<!-- generated: end -->\n"
)

// The table of docs/metrics.md is that of the code.
func TestDocumentation(t *testing.T) {
	data, err := os.ReadFile(documentation)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), beginMark)
	_, after, closed := strings.Cut(rest, endMark)
	if !ok || !closed {
		t.Fatalf("%s has no marks around its generated part", documentation)
	}
	want := before + beginMark + markdown(t) + endMark + after
	if want == string(data) {
		return
	}
	if !*update {
		t.Fatalf("%s is stale: make docs", documentation)
	}
	if err := os.WriteFile(documentation, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func markdown(t *testing.T) string {
	counted := countedNames(t)
	var b strings.Builder
	b.WriteString("| Name | Type | Unit | Counts | Here |\n|---|---|---|---|---|\n")
	for i := range stats.Table {
		d := &stats.Table[i]
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", d.Name, d.Kind, d.Unit, d.Help, here(d, counted[d.Name]))
	}
	return b.String()
}

// here says whether a metric moves.
func here(d *stats.Def, counted bool) string {
	switch {
	case d.Scope == stats.Never:
		return "always 0: " + d.Why
	case !counted && d.Kind.IsGauge():
		return "not shown yet"
	case !counted:
		return "not counted yet"
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
		if d.Scope == stats.Always && !counted[d.Name] {
			t.Errorf("%s is always to be counted, and nothing does", d.Name)
		}
		if d.Scope == stats.Never && (counted[d.Name] || d.Why == "") {
			t.Errorf("%s is never to be counted: counted %v, because %q", d.Name, counted[d.Name], d.Why)
		}
	}
}

// countedNames are the names that the server's code has as text, outside of
// the tables.
func countedNames(t *testing.T) map[string]bool {
	var all strings.Builder
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
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
	counted := map[string]bool{}
	for i := range stats.Table {
		name := stats.Table[i].Name
		counted[name] = strings.Contains(all.String(), `"`+name+`"`)
	}
	return counted
}
