package rig

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The pieces of the fixture cache, by the names that fixtures/fetch.sh gives
// them.
const (
	FixtureScripts     = "apache-scripts"
	FixtureAdmin       = "apache-3.9.5-admin"
	FixtureCurator     = "curator"
	FixtureCClient     = "c-client"
	FixtureKazooDebian = "kazoo-debian"
	FixtureKazooPyPI   = "kazoo-pypi"
)

// Checkout returns the root of the checkout that this package was built from.
func Checkout() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Fixture returns the folder of a piece of the cache. When the piece is not
// there the test is skipped with the reason that the fetch recorded.
func Fixture(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(cacheDir(), name)
	if _, err := os.Stat(filepath.Join(dir, "ready")); err == nil {
		return dir
	}
	reason, err := os.ReadFile(filepath.Join(dir, "missing"))
	if err != nil {
		reason = []byte("not fetched: run compat_tests/fixtures/fetch.sh")
	}
	t.Skipf("%s is missing: %s", name, strings.TrimSpace(string(reason)))
	return ""
}

func cacheDir() string {
	if dir := os.Getenv("COMPAT_CACHE"); dir != "" {
		return dir
	}
	return filepath.Join(Checkout(), ".cache", "compat")
}

// Classpath returns all jars of a piece, for java -cp.
func Classpath(t testing.TB, name string) string {
	return filepath.Join(Fixture(t, name), "*")
}
