package conf

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated part of docs/configuration.md")

const (
	documentation = "../docs/configuration.md"
	beginMark     = "<!-- generated from the table in conf by `make docs`: begin -->\n"
	endMark       = "<!-- generated: end -->\n"
)

// The tables of docs/configuration.md are those of the code.
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
	want := before + beginMark + markdown() + endMark + after
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

// markdown renders all keys, a table for each group.
func markdown() string {
	var b strings.Builder
	for _, g := range Groups() {
		fmt.Fprintf(&b, "\n### %s\n\n| Key | Where | Type | Default | Meaning | Here |\n|---|---|---|---|---|---|\n", g.Title)
		for i := range g.Keys {
			k := &g.Keys[i]
			cells := []string{"`" + k.Name + "`", where(k), k.Kind.String(), withUnit(k), k.Doc, here(k)}
			for j, c := range cells {
				cells[j] = strings.ReplaceAll(c, "|", "\\|")
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		}
	}
	b.WriteString(`
## Names in Apache's guide that do nothing

Apache's administrator guide heads some settings by names that its code never reads. Meerkat answers each with a line
that names the key that works.

| Guide | What is read |
|---|---|
`)
	for _, name := range slices.Sorted(maps.Keys(guideNames)) {
		fmt.Fprintf(&b, "| %s | %s |\n", name, guideNames[name])
	}
	b.WriteString("\n")
	return b.String()
}

func where(k *Key) string {
	return map[Origin]string{FileOrProperty: "both", FileOnly: "file", PropertyOnly: "-D"}[k.Origin]
}

func withUnit(k *Key) string {
	if k.Default == "" || k.Unit == "" || strings.ContainsAny(k.Default, "abcdefghijklmnopqrstuvwxyz") {
		return k.Default
	}
	return k.Default + " " + k.Unit
}

func here(k *Key) string {
	switch {
	case k.Use == Honoured:
		return "honoured"
	case k.Use == Ensemble:
		return "honoured in ensembles"
	case k.Use == NoEffect:
		return "no effect: " + k.Why
	case k.asks == nil:
		return "**refused**: " + k.Why + ": not built yet"
	default:
		return fmt.Sprintf("**refused** unless %s: %s: not built yet", k.Default, k.Why)
	}
}
