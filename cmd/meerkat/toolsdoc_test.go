package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestToolsDocumentation runs every command of docs/tools.md, in order, and
// compares what it prints. MEERKAT_UPDATE_DOCS=1 writes the file anew.
func TestToolsDocumentation(t *testing.T) {
	doc, err := filepath.Abs("../../docs/tools.md")
	must(t, err)
	text, err := os.ReadFile(doc)
	must(t, err)
	exampleDirs(t)
	console := regexp.MustCompile("(?s)```console\n(.*?)```\n")
	commands := 0
	updated := console.ReplaceAllStringFunc(string(text), func(block string) string {
		var b strings.Builder
		b.WriteString("```console\n")
		for line := range strings.Lines(strings.TrimPrefix(block, "```console\n")) {
			command, ok := strings.CutPrefix(line, "$ meerkat ")
			if !ok {
				continue
			}
			commands++
			_, out, errOut := runTool(t, "", strings.Fields(command)...)
			b.WriteString(line + out + errOut)
		}
		return b.String() + "```\n"
	})
	if commands < 12 {
		t.Errorf("only %d commands found", commands)
	}
	seconds := regexp.MustCompile(`in \d+\.\d+ seconds`)
	if got, want := seconds.ReplaceAllString(updated, ""), seconds.ReplaceAllString(string(text), ""); got != want {
		if os.Getenv("MEERKAT_UPDATE_DOCS") == "1" {
			must(t, os.WriteFile(doc, []byte(updated), 0o644))
			return
		}
		g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
		for i := range g {
			if i >= len(w) || g[i] != w[i] {
				t.Fatalf("docs/tools.md, line %d: the command prints\n%s\nand not\n%s", i+1, g[i], append(w, "")[min(i, len(w))])
			}
		}
		t.Fatal("docs/tools.md has lines that no command prints")
	}
}

// exampleDirs makes what docs/tools.md speaks of in a new working directory.
func exampleDirs(t *testing.T) {
	t.Helper()
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
	recorded := os.DirFS(filepath.Join("..", "..", "persistence", "testdata", "3.9.5"))
	dir := t.TempDir()
	for _, name := range []string{"data", "broken"} {
		must(t, os.CopyFS(filepath.Join(dir, name, "version-2"), recorded))
	}
	t.Chdir(dir)
	must(t, os.WriteFile("zoo.cfg", []byte("dataDir=data\n"), 0o600))
	must(t, os.WriteFile("new.cfg", []byte("dataDir=new\n"), 0o600))
	spoil(t, "broken/version-2/log.28", 62)
	files, err := filepath.Glob("*/version-2/*")
	must(t, err)
	when := time.Date(2026, 11, 22, 19, 45, 53, 0, time.UTC)
	for _, file := range files {
		must(t, os.Chtimes(file, when, when))
	}
}
