//go:build compat

package scripts

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

var record = flag.Bool("record", false, "write what Apache's scripts print into testdata")

// compare runs steps with both distributions and compares their transcripts
// with the recorded one.
func compare(t *testing.T, name string, steps []step) {
	path := filepath.Join("testdata", name+".txt")
	t.Run("apache", func(t *testing.T) {
		got := transcript(newSide(t, true), steps)
		if *record {
			if err := os.WriteFile(path, []byte(strings.Join(got, "\n")), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		match(t, got, path)
	})
	t.Run("meerkat", func(t *testing.T) { match(t, transcript(newSide(t, false), steps), path) })
}

func transcript(s *side, steps []step) []string {
	var all []string
	for _, st := range steps {
		all = append(all, s.run(st))
	}
	return all
}

func match(t *testing.T, got []string, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(string(text), "\n$ ")
	if len(want) != len(got) {
		t.Fatalf("%s has %d steps, and there are %d", path, len(want), len(got))
	}
	for i := range want {
		if i > 0 {
			want[i] = "$ " + want[i]
		}
		if got, want := strings.TrimSpace(got[i]), strings.TrimSpace(want[i]); got != want {
			t.Errorf("step %d:\n%s\nApache %s:\n%s", i+1, got, rig.Reference, want)
		}
	}
}

const other = "tickTime=2000\ndataDir=${DIR}/other\nclientPort=${PORT}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n"

func TestServer(t *testing.T) {
	compare(t, "server", []step{
		{line: "zkServer.sh"},
		{line: "zkServer.sh nonsense"},
		{line: "zkServer.sh status"},
		{line: "zkServer.sh stop"},
		{line: "zkServer.sh start", serves: true},
		{line: "zkServer.sh start"},
		{line: "zkServer.sh status"},
		{line: "zkCli.sh -server 127.0.0.1:${PORT} create /a 1", codes: true /* the shell is compared in zkcli */},
		{line: "zkCli.sh --config ${DIR}/conf -server 127.0.0.1:${PORT} get /a", codes: true},
		{line: "zkCli.sh -server 127.0.0.1:${PORT} get /none", codes: true},
		{line: "zkServer.sh restart", serves: true},
		{line: "zkServer.sh status"},
		{line: "zkServer.sh stop"},
		{line: "zkServer.sh status"},
		{line: "zkServer.sh stop"},
		// A file left by a server that was killed.
		{line: "zkServer.sh start", put: map[string]string{"data/zookeeper_server.pid": "4194399"}, serves: true},
		{line: "zkServer.sh stop"},
		{line: "zkServer.sh stop", put: map[string]string{"data/zookeeper_server.pid": "4194399"}},
		// Another configuration: by its name, its path, its folder, in the environment.
		{line: "zkServer.sh start other.cfg", put: map[string]string{"conf/other.cfg": other}, serves: true},
		{line: "zkServer.sh status other.cfg"},
		{line: "zkServer.sh stop other.cfg"},
		{line: "zkServer.sh start ${DIR}/elsewhere/my.cfg", put: map[string]string{"elsewhere/my.cfg": other}, serves: true},
		{line: "zkServer.sh stop ${DIR}/elsewhere/my.cfg"},
		{line: "zkServer.sh --config ${DIR}/elsewhere status my.cfg"},
		{line: "zkServer.sh --config ${DIR}/elsewhere start", put: map[string]string{"elsewhere/zoo.cfg": other}, serves: true},
		{line: "zkServer.sh --config ${DIR}/elsewhere status"},
		{line: "zkServer.sh --config ${DIR}/elsewhere stop"},
		{line: "zkServer.sh start", env: []string{"ZOOCFGDIR=${DIR}/elsewhere", "ZOOCFG=my.cfg"}, serves: true},
		{line: "zkServer.sh stop", env: []string{"ZOOCFGDIR=${DIR}/elsewhere", "ZOOCFG=my.cfg"}},
		// Its own places for the process id and the output.
		{line: "zkServer.sh start", env: []string{"ZOOPIDFILE=${DIR}/run/zk.pid", "ZOO_LOG_DIR=${DIR}/var/log"}, serves: true},
		{line: "zkServer.sh stop", env: []string{"ZOOPIDFILE=${DIR}/run/zk.pid", "ZOO_LOG_DIR=${DIR}/var/log"}},
		{line: "zkServer.sh start", put: map[string]string{"conf/zookeeper-env.sh": "ZOO_LOG_DIR=${DIR}/var/env\n", "conf/java.env": "ZOOPIDFILE=${DIR}/run/java.pid\n"}, serves: true},
		{line: "zkServer.sh stop"},
		// No such file, and one that makes no sense.
		{line: "zkServer.sh start bad.cfg", put: map[string]string{"conf/bad.cfg": "dataDir=${DIR}/bad\nclientPort=none\n"}, fails: true, rm: []string{"conf/zookeeper-env.sh", "conf/java.env"}},
		{line: "zkServer.sh start-foreground bad.cfg", codes: true /* the log */},
		{line: "zkServer.sh start-foreground bad.cfg", env: []string{"ZOO_NOEXEC=true"}, codes: true /* the log */},
	})
}

func TestProperties(t *testing.T) {
	compare(t, "properties", []step{
		{line: "zkServer.sh start", env: []string{"ZOO_DATADIR_AUTOCREATE_DISABLE=1"}},
		{line: "zkServer.sh start", env: []string{"ZOO_DATADIR_AUTOCREATE_DISABLE=1"}, put: map[string]string{"conf/zoo.cfg": other + "dataLogDir=${DIR}/txn\n", "other/version-2/keep": ""}},
		{line: "zkServer.sh start", env: []string{"ZOO_DATADIR_AUTOCREATE_DISABLE=1"}, put: map[string]string{"txn/version-2/keep": ""}, serves: true},
		{line: "zkServer.sh stop"},
		// The server itself refuses, by the property.
		{line: "zkServer.sh start", env: []string{"SERVER_JVMFLAGS=-Dzookeeper.datadir.autocreate=false"}, rm: []string{"txn", "other"}, fails: true},
		// What the operator defines wins over the script's definition. The file
		// of the server that has ended is removed: where nobody waits for that
		// process, Apache's script takes it for a running one.
		{line: "zkServer.sh start", env: []string{"ZOO_DATADIR_AUTOCREATE_DISABLE=1", "SERVER_JVMFLAGS=-Dzookeeper.datadir.autocreate=true"}, rm: []string{"other/zookeeper_server.pid"}, put: map[string]string{"other/version-2/keep": "", "txn/version-2/keep": ""}, serves: true},
		{line: "zkServer.sh stop"},
		// A file of the operator sets a variable without exporting it.
		{line: "zkServer.sh start", put: map[string]string{"conf/java.env": "SERVER_JVMFLAGS='-Dzookeeper.4lw.commands.whitelist=ruok'\n"}, serves: true},
		{line: "zkServer.sh status"},
		{line: "zkServer.sh stop"},
	})
}

func TestStatus(t *testing.T) {
	const head = "tickTime=2000\ninitLimit=5\nsyncLimit=2\ndataDir=${DIR}/data\nadmin.enableServer=false\n"
	cfg := func(rest string) map[string]string { return map[string]string{"conf/zoo.cfg": head + rest} }
	compare(t, "status", []step{
		{line: "zkServer.sh status", put: cfg("")},
		{line: "zkServer.sh status", put: cfg("secureClientPort=1\n"), codes: true /* the note names other keys */},
		{line: "zkServer.sh status", put: cfg("server.1=localhost:2888:3888;${PORT}\n")},
		{line: "zkServer.sh status", put: map[string]string{"data/myid": "2\n"}},
		{line: "zkServer.sh status", put: map[string]string{"data/myid": "1\n"}},
		{line: "zkServer.sh start", serves: true},
		{line: "zkServer.sh status"},
		{line: "zkServer.sh stop"},
		{line: "zkServer.sh start", put: cfg("server.1=localhost:2888:3888:participant;127.0.0.1:${PORT}\n"), serves: true},
		{line: "zkServer.sh status"},
		{line: "zkServer.sh stop"},
		// Which port is asked, while a server runs with another file.
		{line: "zkServer.sh start", put: cfg("clientPort=${PORT}\n"), serves: true},
		{line: "zkServer.sh status"},
		{line: "zkServer.sh status dyn.cfg", put: map[string]string{
			"conf/dyn.cfg": head + "dynamicConfigFile=${DIR}/conf/dyn.cfg.dynamic\n", "conf/dyn.cfg.dynamic": "server.1=localhost:2888:3888:participant;0.0.0.0:${PORT}\n",
		}},
		{line: "zkServer.sh status spaced.cfg", put: map[string]string{"conf/spaced.cfg": head + "  clientPort=${PORT}\n#clientPort=1\n"}},
		{line: "zkServer.sh status six.cfg", put: map[string]string{"conf/six.cfg": head + "server.1=localhost:2888:3888;[::1]:1\n"}},
		{line: "zkServer.sh stop"},
	})
}

func TestInitialize(t *testing.T) {
	compare(t, "initialize", []step{
		{line: "zkServer-initialize.sh --nonsense", codes: true /* the text of the usage */},
		{line: "zkServer-initialize.sh -h", codes: true /* the text of the usage */},
		{line: "zkServer-initialize.sh --configfile=${DIR}/no.cfg"},
		{line: "zkServer-initialize.sh --configfile ${DIR}/conf/empty.cfg", put: map[string]string{"conf/empty.cfg": "clientPort=1\n"}},
		{line: "zkServer-initialize.sh"},
		{line: "zkServer-initialize.sh"},
		{line: "zkServer-initialize.sh --force --myid=7"},
		{line: "zkServer-initialize.sh --config ${DIR}/conf --force --myid 3"},
		{line: "zkServer-initialize.sh --myid=3 --configfile=${DIR}/conf/log.cfg", put: map[string]string{"conf/log.cfg": other + "dataLogDir=${DIR}/txn\n"}},
		{line: "zkServer-initialize.sh --myid=3 --configfile=${DIR}/conf/log.cfg", rm: []string{"other/version-2"}},
		{line: "zkServer.sh start", env: []string{"SERVER_JVMFLAGS=-Dzookeeper.db.autocreate=false"}, serves: true},
		{line: "zkServer.sh stop"},
	})
}

func TestToolkits(t *testing.T) {
	const data = "${DIR}/data/version-2/"
	compare(t, "toolkits", []step{
		{line: "zkSnapShotToolkit.sh", codes: true /* the text of the usage */},
		{line: "zkSnapShotToolkit.sh " + data + "none", codes: true /* the text of the error */},
		{line: "zkSnapShotToolkit.sh -d -json " + data + "snapshot.0", codes: true /* the text of the error */},
		{line: "zkSnapShotToolkit.sh " + data + "snapshot.0", sorted: true},
		{line: "zkSnapShotToolkit.sh --config ${DIR}/conf -d " + data + "snapshot.26.gz", sorted: true},
		{line: "zkSnapshotComparer.sh", codes: true /* the text of the usage */},
		{line: "zkSnapshotComparer.sh -l " + data + "snapshot.23 -r " + data + "snapshot.26.gz -b 1 -n 1", sorted: true},
		{line: "zkSnapshotRecursiveSummaryToolkit.sh", env: []string{oneFlag}, codes: true /* the text of the usage */},
		{line: "zkSnapshotRecursiveSummaryToolkit.sh " + data + "snapshot.26.gz / 2", env: []string{oneFlag}, sorted: true},
		{line: "zkTxnLogToolkit.sh", codes: true /* the text of the usage */},
		{line: "zkTxnLogToolkit.sh -h", codes: true /* the text of the usage */},
		{line: "zkTxnLogToolkit.sh -q " + data + "log.24", codes: true /* the text of the usage */},
		{line: "zkTxnLogToolkit.sh " + data + "none", codes: true /* the text of the error */},
		{line: "zkTxnLogToolkit.sh " + data + "log.24"},
		{line: "zkTxnLogToolkit.sh --dump " + data + "log.24"},
		{line: "zkTxnLogToolkit.sh -rvy " + data + "log.24"},
		{line: "zkTxnLogToolkit.sh -r -y " + data + "log.28"},
		{line: "zkTxnLogToolkit.sh -c -z 0x25 " + data + "log.24"},
		{line: "zkTxnLogToolkit.sh --chop --zxid 0x2 " + data + "log.1"},
		{line: "zkTxnLogToolkit.sh -c " + data + "log.27"},
		{line: "zkCleanup.sh", codes: true /* the text of the usage */},
		{line: "zkCleanup.sh -n 2", codes: true /* the text of the usage */},
		{line: "zkCleanup.sh -n 3 --config ${DIR}/conf", codes: true /* the text of the usage */},
		{line: "zkCleanup.sh -n 3"},
		{line: "zkCleanup.sh --config ${DIR}/conf -n 3"},
	})
}

// oneFlag makes Apache's script for summaries work: it hands empty flags on
// as an empty name of the class.
const oneFlag = "JVMFLAGS=-Duser.language=en"

// TestOurs is what the scripts print of themselves, and where Apache's would
// not do: the version, the command line, a link to a script, a stop that
// waits, and a restart that keeps its --config.
func TestOurs(t *testing.T) {
	s := newSide(t, false)
	if got := s.run(step{line: "zkServer.sh version"}); !strings.Contains(got, "Apache ZooKeeper, version 3.9.5-meerkat-") {
		t.Error(got)
	}
	if err := os.Symlink(filepath.Join(s.dir, "bin", "zkServer.sh"), filepath.Join(s.dir, "conf", "zk")); err != nil {
		t.Fatal(err)
	}
	printed := s.run(step{line: "../conf/zk print-cmd", env: []string{"SERVER_JVMFLAGS=-Dzookeeper.snapCount=7 -Xmx1g", "JVMFLAGS="}})
	for _, want := range []string{"/meerkat\" server \"-Dzookeeper.snapCount=7\" \"DIR/bin/../conf/zoo.cfg\" > ", "2>&1 < /dev/null\n"} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is not in\n%s", want, printed)
		}
	}
	s.write("elsewhere/zoo.cfg", other)
	for _, command := range []string{"start", "restart", "stop"} {
		got := s.run(step{line: "zkServer.sh --config ${DIR}/elsewhere " + command, serves: command != "stop"})
		if !strings.Contains(got, "exit code 0") || strings.Contains(got, "conf/zoo.cfg") {
			t.Error(got)
		}
	}
	for _, missing := range []string{"zkServer.sh version", "zkTxnLogToolkit.sh file", "zkCli.sh ls /"} {
		got := s.run(step{line: missing, rm: []string{"bin/meerkat"}, env: []string{"PATH=/usr/bin:/bin"}})
		if !strings.Contains(got, "meerkat could not be found") || !strings.Contains(got, "exit code 1") {
			t.Error(got)
		}
	}
}
