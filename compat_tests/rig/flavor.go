package rig

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Reference is the Apache release that Meerkat is compared with.
const Reference = "3.9.5"

// Flavor is one kind of server: Meerkat, or a release of Apache ZooKeeper.
type Flavor struct {
	apache string // release; "" is Meerkat
	beside string // a piece of the cache with more jars; "" for none
}

// Apache is a release whose jars are in the fixture cache.
func Apache(version string) Flavor { return Flavor{apache: version} }

// With is an Apache release that also has the jars of another piece of the
// cache. Meerkat stays as it is.
func (f Flavor) With(fixture string) Flavor {
	if !f.IsMeerkat() {
		f.beside = fixture
	}
	return f
}

// Subject is the server under test, chosen by COMPAT_SUBJECT.
func Subject(t testing.TB) Flavor {
	t.Helper()
	switch name := os.Getenv("COMPAT_SUBJECT"); {
	case name == "" || name == "meerkat":
		return Flavor{}
	case name == "apache":
		return Apache(Reference)
	case strings.HasPrefix(name, "apache-"):
		return Apache(strings.TrimPrefix(name, "apache-"))
	default:
		t.Fatalf("COMPAT_SUBJECT=%q: allowed are meerkat, apache, apache-VERSION", name)
		return Flavor{}
	}
}

// IsMeerkat tells whether the flavor is our own binary.
func (f Flavor) IsMeerkat() bool { return f.apache == "" }

// String names the flavor in messages.
func (f Flavor) String() string {
	if f.IsMeerkat() {
		return "meerkat"
	}
	return "apache-" + f.apache
}

// Fixture is the name of the flavor's piece of the cache.
func (f Flavor) fixture() string { return "apache-" + f.apache }

// Binary returns the path of Meerkat's binary; without one the test fails,
// for a subject that cannot be started is not a missing fixture.
func Binary(t testing.TB) string {
	t.Helper()
	path := os.Getenv("COMPAT_BINARY")
	if path == "" {
		path = filepath.Join(Checkout(), "bin", "meerkat")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no binary to test (make build): %v", err)
	}
	return path
}

// Command is the command line that serves the zoo.cfg at cfgPath with the
// given Java system properties.
func (f Flavor) Command(t testing.TB, cfgPath string, props map[string]string) *exec.Cmd {
	t.Helper()
	if f.IsMeerkat() {
		args := []string{"server", "-D", "zookeeper.admin.enableServer=false"} // a file may say otherwise
		for _, name := range sortedKeys(props) {
			args = append(args, "-D", name+"="+props[name])
		}
		return exec.Command(Binary(t), append(args, cfgPath)...)
	}
	args := append(JavaFlags(t), "-Dzookeeper.admin.enableServer=false")
	for _, name := range sortedKeys(props) {
		args = append(args, "-D"+name+"="+props[name])
	}
	jars := Classpath(t, f.fixture())
	if f.beside != "" {
		jars += string(filepath.ListSeparator) + Classpath(t, f.beside)
	}
	args = append(args, "-cp", jars, "org.apache.zookeeper.server.quorum.QuorumPeerMain", cfgPath)
	return exec.Command("java", args...)
}

// JavaFlags are what every JVM of the tests runs with: a small heap, a quick
// start, and only warnings on standard error.
func JavaFlags(t testing.TB) []string {
	t.Helper()
	logback := filepath.Join(Checkout(), "compat_tests", "fixtures", "logback.xml")
	return []string{
		"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Duser.timezone=UTC",
		"-Dlogback.configurationFile=" + logback, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
	}
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
