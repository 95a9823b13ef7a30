package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/internal/testserver"
)

// The servers of docs/cli.md. They are as long as those that stand for them,
// so that tables are aligned.
var docServers = [...]string{"192.0.2.11:2181", "192.0.2.12:2181"}

// varying is what differs from run to run.
var varying = regexp.MustCompile(`[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d UTC \d{4}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?|\d+(\.\d+)?/\d+(\.\d+)?/\d+|3\.9\.5-meerkat-\S*| +`)

// connections is the column of a server's connections: those of the command
// before may not be gone yet.
var connections = regexp.MustCompile(`(standalone 0x[0-9a-f]+ \S+) \d+ `)

func steady(line string) string {
	return connections.ReplaceAllString(varying.ReplaceAllString(line, " "), "$1 ")
}

// TestCLIDocumentation runs every command of docs/cli.md, in order, and
// compares what it prints. MEERKAT_UPDATE_DOCS=1 writes the file anew.
func TestCLIDocumentation(t *testing.T) {
	doc, err := filepath.Abs("../../docs/cli.md")
	must(t, err)
	text, err := os.ReadFile(doc)
	must(t, err)
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
	t.Setenv("MEERKAT_HISTORY", "")
	var forth, back []string
	for _, name := range docServers {
		srv := testserver.Start(t)
		forth, back = append(forth, name, srv.Addr), append(back, srv.Addr, name)
	}
	t.Chdir(t.TempDir())
	d := &document{t: t, forth: strings.NewReplacer(forth...), back: strings.NewReplacer(back...)}
	blocks := regexp.MustCompile("(?s)```(console|zkcli)\n(.*?)```\n")
	updated := blocks.ReplaceAllStringFunc(string(text), func(block string) string {
		found := blocks.FindStringSubmatch(block)
		if found[1] == "console" {
			return "```console\n" + d.console(found[2]) + "```\n"
		}
		return "```zkcli\n" + d.session(found[2]) + "```\n"
	})
	if d.commands < 18 {
		t.Errorf("only %d commands found", d.commands)
	}
	got, want := strings.Split(updated, "\n"), strings.Split(string(text), "\n")
	for i := range max(len(got), len(want)) {
		g, w := append(got, make([]string, len(want))...)[i], append(want, make([]string, len(got))...)[i]
		if steady(g) == steady(w) {
			continue
		}
		if os.Getenv("MEERKAT_UPDATE_DOCS") == "1" {
			must(t, os.WriteFile(doc, []byte(updated), 0o644))
			return
		}
		t.Fatalf("docs/cli.md, line %d: the command prints\n%s\nand not\n%s", i+1, g, w)
	}
}

// document runs what a document shows.
type document struct {
	t           *testing.T
	forth, back *strings.Replacer // names of servers to addresses, and back
	commands    int
}

var shellWord = regexp.MustCompile(`"([^"]*)"|(\S+)`)

// console runs the commands of a block.
func (d *document) console(block string) string {
	var b strings.Builder
	for line := range strings.Lines(block) {
		command, ok := strings.CutPrefix(line, "$ meerkat ")
		if !ok {
			continue
		}
		d.commands++
		var words []string
		for _, word := range shellWord.FindAllStringSubmatch(d.forth.Replace(command), -1) {
			words = append(words, word[1]+word[2])
		}
		_, out, errOut := runTool(d.t, "", words...)
		b.WriteString(line + d.back.Replace(out+errOut))
	}
	return b.String()
}

var docPrompt = regexp.MustCompile(`(?m)^\[zk: \S+\(\w+\) \d+\] `)

// session runs the lines behind the prompts of a block in one shell. A shell
// without a terminal does not show what is typed: it is put behind the
// prompts again.
func (d *document) session(block string) string {
	var typed []string
	for line := range strings.Lines(block) {
		if prompt := docPrompt.FindString(line); prompt != "" {
			typed = append(typed, strings.TrimSpace(line[len(prompt):]))
			d.commands++
		}
	}
	// Standard error and output are one on a terminal.
	var screen lockedBuffer
	app := newApp(&screen, &screen)
	app.Reader = strings.NewReader(strings.Join(typed, "\n") + "\n")
	must(d.t, app.RunContext(d.t.Context(), []string{"meerkat", "cli", "--server", d.forth.Replace(docServers[0])}))
	prompt := regexp.MustCompile(`\[zk: \S+\(\w+\) \d+\] `)
	text := d.back.Replace(screen.String())
	var b strings.Builder
	at := prompt.FindAllStringIndex(text, -1)
	for i, command := range typed {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		b.WriteString(text[at[i][0]:at[i][1]] + command + "\n" + text[at[i][1]:end])
		if command == "quit" {
			return strings.TrimSuffix(b.String(), text[at[i][1]:end])
		}
	}
	return b.String()
}
