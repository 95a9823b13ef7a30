package conf

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/internal/page"
)

var update = flag.Bool("update", false, "write the generated part of docs/configuration.md")

const (
	documentation = "../docs/configuration.md"
	beginMark     = "<!-- generated from the table in conf by `make docs`: begin -->"
	endMark       = "<!-- generated: end -->"
)

// The tables of docs/configuration.md are those of the code.
func TestDocumentation(t *testing.T) {
	page.Check(t, documentation, beginMark, endMark, markdown(), *update)
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
