package repotest

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// layers says which packages of ours a package may import: those that are
// named, and what is below them when they end in /... A package that is not
// here fails the test, so that its place is decided by somebody.
var layers = map[string][]string{
	"jute":                       {},
	"jute/proto":                 {"jute"},
	"persistence/vfs":            {},
	"persistence":                {"jute/...", "persistence/vfs"},
	"datatree":                   {"jute/..."},
	"quorum":                     {"jute/..."},
	"quorum/sim":                 {"jute/...", "quorum"},
	"quorum/peer":                {"jute/...", "quorum"},
	"conf":                       {},
	"server/auth":                {"jute/..."},
	"server/session":             {"jute/..."},
	"server/stats":               {"jute/..."},
	"server/throttle":            {"jute/..."},
	"server/prepare":             {"jute/...", "datatree", "server/auth", "server/session"},
	"server/admin":               {"jute/...", "server/auth", "server/fourletter", "server/session", "server/stats"},
	"server/exporter":            {"server/stats"},
	"server/audit":               {"jute/..."},
	"server/fourletter":          {"jute/...", "server/auth", "server/session", "server/stats"},
	"server/replica":             {"jute/...", "persistence/...", "quorum/..."},
	"server":                     {"jute/...", "persistence/...", "datatree", "quorum/...", "conf", "server/..."},
	"bench":                      {"jute/..."},
	"bench/cmd/compare":          {"bench"},
	"client":                     {"jute/..."},
	"cli":                        {"jute/...", "client", "subtree"},
	"subtree":                    {"jute/...", "client"},
	"ensemble":                   {"conf"},
	"backup":                     {"client", "datadir", "persistence/..."},
	"datadir":                    {"jute/...", "persistence/...", "datatree"},
	"cmd/meerkat":                {"backup", "bench", "cli", "client", "ensemble", "subtree", "conf", "datadir", "persistence/...", "server/...", "zktest"},
	"zktest":                     {"jute/...", "persistence/vfs", "conf", "server"},
	"recipes":                    {"client", "jute/proto"},
	"examples/hidden-channel":    {"conf", "zktest"},
	"examples/tutorial":          {},
	"examples/masterworker":      {"recipes"},
	"examples/masterworker/demo": {"examples/masterworker", "recipes", "zktest"},
	"internal/page":              {},
	"internal/repotest":          {"conf"},
	"internal/testserver":        {"conf", "server/..."},
	"internal/memnet":            {},
	"compat_tests/tied":          {},
	"compat_tests/wire":          {"jute/..."},
	"compat_tests/rig":           {"jute/...", "compat_tests/..."},
	"compat_tests/datadir":       {"jute/...", "compat_tests/..."},
	"compat_tests/differential":  {"jute/...", "compat_tests/..."},
	"compat_tests/clients":       {"compat_tests/..."},
	"compat_tests/clients/gozk":  {},
	"compat_tests/recipes":       {"compat_tests/...", "recipes", "zktest"},
	"compat_tests/gozk":          {"compat_tests/..."},
	"compat_tests/gozk/launcher": {"compat_tests/tied"},
	"compat_tests/zkcli":         {"compat_tests/..."},
	"compat_tests/admin":         {"jute/...", "compat_tests/..."},
	"compat_tests/words":         {"compat_tests/..."},
	"compat_tests/scripts":       {"compat_tests/..."},
	"compat_tests/packaging":     {"compat_tests/..."},
	"compat_tests/operator":      {"jute/...", "compat_tests/..."},
	"compat_tests/crash":         {"jute/...", "compat_tests/..."},
	"compat_tests/chaos":         {"jute/...", "compat_tests/..."},
	"compat_tests/ensemble":      {"jute/...", "compat_tests/..."},
}

// pure packages decide and do not act: no file, no socket, no log, and the
// time and the randomness they need come from their callers.
var pure = map[string][]string{
	"jute":           {"os", "net", "log", "time"},
	"jute/proto":     {"os", "net", "log", "time"},
	"datatree":       {"os", "net", "log", "github.com/rs/zerolog"},
	"quorum":         {"os", "net", "log", "github.com/rs/zerolog"},
	"server/prepare": {"os", "net", "log", "github.com/rs/zerolog"},
	"persistence":    {"os", "net"},
	"datadir":        {"os", "net", "log", "github.com/rs/zerolog"},
}

func TestImportsPointOneWay(t *testing.T) {
	present := map[string]bool{}
	defer func() {
		for pkg := range layers {
			if !present[pkg] {
				t.Errorf("%s is in the table of this test and nowhere else", pkg)
			}
		}
	}()
	for _, s := range sources(t) {
		present[s.pkg()] = true
		if s.isTest() {
			continue // a test may look from above
		}
		allowed, known := layers[s.pkg()]
		if !known {
			t.Errorf("%s: the package is not in the table of this test", s.path)
			continue
		}
		for _, imported := range s.imports() {
			own, isOwn := strings.CutPrefix(imported, module+"/")
			if isOwn && !permits(allowed, own) {
				t.Errorf("%s imports %s, but may import %v of ours", s.path, own, allowed)
			}
			if slices.Contains(pure[s.pkg()], imported) {
				t.Errorf("%s imports %s, but its package is pure", s.path, imported)
			}
		}
	}
}

func permits(allowed []string, own string) bool {
	for _, a := range allowed {
		if prefix, all := strings.CutSuffix(a, "/..."); a == own || all && (own == prefix || strings.HasPrefix(own, prefix+"/")) {
			return true
		}
	}
	return false
}

// Tests of a lower package must not need an upper one either, or the import
// graph of the test binaries has cycles that Go cannot see.
func TestLayersHaveNoCycle(t *testing.T) {
	state := map[string]int{} // 1: on the way, 2: done
	var visit func(pkg string)
	visit = func(pkg string) {
		if state[pkg] == 1 {
			t.Fatalf("%s imports itself through others", pkg)
		}
		if state[pkg] == 2 {
			return
		}
		state[pkg] = 1
		for other := range layers {
			if other != pkg && permits(layers[pkg], other) && !strings.HasPrefix(pkg, "compat_tests/") {
				visit(other)
			}
		}
		state[pkg] = 2
	}
	for pkg := range layers {
		visit(pkg)
	}
}

// Pure packages get the time and seeded random numbers from outside, and only
// main packages end the process.
func TestNoClockNoExit(t *testing.T) {
	clock := []string{"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.NewTimer", "time.NewTicker", "time.Tick"}
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		_, isPure := pure[s.pkg()]
		isPure = isPure && s.pkg() != "persistence" // it measures the disk
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name := qualified(call.Fun)
			switch {
			case isPure && slices.Contains(clock, name):
				t.Errorf("%s:%d calls %s, but its package is pure", s.path, s.line(n), name)
			case isPure && strings.HasPrefix(name, "rand.") && !strings.HasPrefix(name, "rand.New"):
				t.Errorf("%s:%d calls %s, the source that everybody shares", s.path, s.line(n), name)
			case s.file.Name.Name != "main" && (name == "os.Exit" || strings.HasPrefix(name, "log.Fatal")):
				t.Errorf("%s:%d calls %s: only a main package may", s.path, s.line(n), name)
			}
			return true
		})
	}
}

// qualified is the name of a function of another package, package.Name.
func qualified(e ast.Expr) string {
	if sel, ok := e.(*ast.SelectorExpr); ok {
		if x, ok := sel.X.(*ast.Ident); ok {
			return x.Name + "." + sel.Sel.Name
		}
	}
	return ""
}
