package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/internal/testserver"
)

const patience = 30 * time.Second

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// utc makes dates those of UTC.
func utc(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
}

// server is one on which what the scripts do has its recorded effects.
func server(t *testing.T) *testserver.Server {
	return testserver.Start(t, "reconfigEnabled=true", "enforceQuota=true",
		"DigestAuthenticationProvider.superDigest=super:D/InIHSb7yEEbrWz8b9l71RjZJU=")
}

// script runs lines as an interactive shell without a terminal does.
func script(t *testing.T, cfg Config, input string) (out, errOut string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	cfg.Out, cfg.Err = &o, &e
	if cfg.Timeout == 0 {
		cfg.Timeout = patience
	}
	s, err := New(cfg)
	must(t, err)
	code = s.Interact(testContext(t), strings.NewReader(input), "")
	must(t, s.Close())
	return o.String(), e.String(), code
}

var (
	prompt  = regexp.MustCompile(`\[zk: \S*\(\w+\) \d+\] `)
	dates   = regexp.MustCompile(`[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d UTC \d{4}`)
	session = regexp.MustCompile(`0x[0-9a-f]{10,16}`)
	lists   = regexp.MustCompile(`(?m)^\[[^\]]*\]$`)
)

// sections puts a transcript in order: the answers to the commands, and the
// events of watches, which come when they come.
func sections(text string) (answers, events []string) {
	var kept []string
	for line := range strings.Lines(text) {
		switch line = strings.TrimSuffix(line, "\n"); {
		case line == "" || line == "WATCHER::" || strings.Contains(line, "type:None"):
		case strings.HasPrefix(line, "WatchedEvent "):
			events = append(events, line)
		default:
			kept = append(kept, line)
		}
	}
	removed := func(e string) bool { return strings.Contains(e, "WatchRemoved") }
	slices.SortStableFunc(events, func(a, b string) int {
		if removed(a) && removed(b) {
			return strings.Compare(a, b) // Apache's order is that of a hash table
		}
		return 0
	})
	for _, answer := range prompt.Split(strings.Join(kept, "\n"), -1)[1:] {
		answers = append(answers, lists.ReplaceAllStringFunc(strings.TrimSpace(answer), sorted))
	}
	for i, answer := range answers {
		if users, ok := strings.CutPrefix(answer, "Auth scheme: User\n"); ok {
			lines := strings.Split(users, "\n")
			slices.Sort(lines)
			answers[i] = strings.Join(lines, "\n")
		}
	}
	return answers, events
}

// sorted orders a list in brackets.
func sorted(list string) string {
	items := strings.Split(strings.Trim(list, "[]"), ", ")
	slices.Sort(items)
	return "[" + strings.Join(items, ", ") + "]"
}

// TestRecorded plays scripts whose output Apache's shell 3.9.5 has printed on
// a fresh server, and expects every answer, event and line of standard error
// to be equal.
func TestRecorded(t *testing.T) {
	utc(t)
	scripts, err := filepath.Glob("testdata/zkcli-3.9.5/*.cli")
	must(t, err)
	if len(scripts) < 6 {
		t.Fatalf("only %d scripts", len(scripts))
	}
	for _, file := range scripts {
		t.Run(filepath.Base(file), func(t *testing.T) { playRecorded(t, strings.TrimSuffix(file, ".cli")) })
	}
}

func playRecorded(t *testing.T, base string) {
	read := func(suffix string) string {
		text, err := os.ReadFile(base + suffix)
		must(t, err)
		return string(text)
	}
	srv := server(t)
	members := filepath.Join(t.TempDir(), "members")
	must(t, os.WriteFile(members, []byte("server.1=127.0.0.1:2888:3888;2181\n"), 0o600))
	commands := strings.Split(strings.TrimSpace(read(".cli")), "\n")
	input := strings.NewReplacer("${HOST}", srv.Addr, "${FILE}", members).Replace(strings.Join(commands, "\n"))
	out, errOut, _ := script(t, Config{Servers: srv.Addr}, input+"\n")
	mask := func(text string) string {
		text = strings.ReplaceAll(strings.ReplaceAll(text, srv.Addr, "HOST"), members, "FILE")
		return session.ReplaceAllString(dates.ReplaceAllString(withoutOwn(text), "DATE"), "SESSION")
	}
	got, gotEvents := sections(mask(out))
	want, wantEvents := sections(read(".stdout"))
	if len(want) < len(commands) {
		t.Fatalf("%d answers were recorded to %d commands", len(want), len(commands))
	}
	for i, command := range commands {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("%d %q prints\n%s\nand not\n%s", i, command, append(got, make([]string, len(want))...)[i], want[i])
		}
	}
	if g, w := strings.Join(gotEvents, "\n"), strings.Join(wantEvents, "\n"); g != w {
		t.Errorf("events\n%s\nand not\n%s", g, w)
	}
	if g, w := mask(errOut), read(".stderr"); g != w {
		gl, wl := strings.Split(g, "\n"), strings.Split(w, "\n")
		for i := range wl {
			if i >= len(gl) || gl[i] != wl[i] {
				t.Fatalf("standard error, line %d: %q and not %q", i, append(gl, make([]string, len(wl))...)[i], wl[i])
			}
		}
	}
}

// withoutOwn drops the commands that Apache's shell lacks from every usage.
func withoutOwn(text string) string {
	var kept []string
	own := false
	for _, line := range strings.Split(text, "\n") {
		if line == "and beyond Apache's shell:" {
			own = true
			continue
		}
		if own = own && strings.HasPrefix(line, "\t"); !own {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}
