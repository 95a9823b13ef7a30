//go:build compat

package datadir

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// scenario is one way in which a release of Apache leaves a directory.
type scenario struct {
	name    string
	apache  string // release that writes it and gets it back
	killed  bool   // kill -9 under load instead of SIGTERM
	logDir  bool   // dataLogDir apart
	cfg     map[string]string
	subject map[string]string // what the subject's config has in place of cfg
}

var scenarios = []scenario{
	{name: "3.5.10", apache: "3.5.10"},
	{name: "3.5.10 killed", apache: "3.5.10", killed: true},
	{name: "3.8.6", apache: "3.8.6"},
	{name: "3.8.6 gz", apache: "3.8.6", cfg: map[string]string{"snapshot.compression.method": "gz"}},
	{name: "3.9.5 logs apart", apache: "3.9.5", logDir: true},
	{name: "3.9.5 killed", apache: "3.9.5", killed: true},
	{name: "3.9.5 snappy", apache: "3.9.5", cfg: map[string]string{"snapshot.compression.method": "snappy"}},
	{name: "3.9.5 bare", apache: "3.9.5", cfg: map[string]string{
		"digest.enabled": "false", "serializeLastProcessedZxid.enabled": "false", "closeSessionTxn.enabled": "false"}},
	{name: "3.9.5 then compressed", apache: "3.9.5", subject: map[string]string{"snapshot.compression.method": "snappy"}},
}

func TestDirectory(t *testing.T) {
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) { newJourney(t, sc).travel() })
	}
}

// journey is one directory on its way.
type journey struct {
	*testing.T
	scenario
	dataDir, txnDir string
	live            *wire.Client    // its session outlives every server
	halves          map[string]bool // snapshots that may be incomplete: those there when a server was killed
}

func newJourney(t *testing.T, sc scenario) *journey {
	j := &journey{T: t, scenario: sc, dataDir: rig.TempDir(t)}
	if sc.logDir {
		j.txnDir = rig.TempDir(t)
	}
	return j
}

func (j *journey) travel() {
	written := j.writtenByApache()
	subject := rig.Subject(j.T)

	first := j.start(subject, j.dataDir, j.txnDir)
	j.demandEqual("served by the subject", written, first)
	j.resume(first)
	j.write(first, "/by-subject")
	back := j.take(first)
	j.end(first, false)
	j.demandParsedByApache()

	apache := j.start(rig.Apache(j.apache), j.dataDir, j.txnDir)
	j.demandEqual("given back to Apache", back, apache)
	j.resume(apache)
	j.write(apache, "/by-apache-again")
	again := j.take(apache)
	j.demandDigestsMatch(apache)
	j.end(apache, true)

	second := j.start(subject, j.dataDir, j.txnDir)
	j.demandEqual("served by the subject again", again, second)
	j.resume(second)
	j.write(second, "/by-subject-again")
	j.demandDigestsMatch(second)
	j.closeSession(second)
	final := j.take(second)
	j.end(second, true)

	last := j.start(rig.Apache(j.apache), j.dataDir, j.txnDir)
	j.demandEqual("given back to Apache after kill -9", final, last)
	j.demandDigestsMatch(last)
	j.end(last, false)
}

func (j *journey) start(f rig.Flavor, dataDir, txnDir string) *rig.Server {
	j.Helper()
	cfg := map[string]string{"maxSessionTimeout": "3600000", "snapCount": "120", "preAllocSize": "1024"}
	extra := j.cfg
	if f == rig.Subject(j.T) && j.subject != nil {
		extra = j.subject
	}
	maps.Copy(cfg, extra)
	return rig.Start(j.T, rig.Spec{
		Flavor: f, Cfg: cfg, DataDir: dataDir, LogDir: txnDir,
		Props: map[string]string{
			"zookeeper.DigestAuthenticationProvider.superDigest": superDigest,
			"zookeeper.extendedTypesEnabled":                     "true",
			"znode.container.checkIntervalMs":                    "3600000",
		},
	})
}

// end stops a server, or kills it.
func (j *journey) end(s *rig.Server, kill bool) {
	if j.live != nil {
		j.live.Close()
	}
	if kill {
		s.Kill()
		return
	}
	s.Stop()
}

// writtenByApache makes the directory and returns what is in it; after a kill
// that is what a restarted Apache of the same release reads in a copy.
func (j *journey) writtenByApache() Dump {
	apache := j.start(rig.Apache(j.apache), j.dataDir, j.txnDir)
	live, err := wire.Open(apache.Addr(), sessionTimeout)
	j.must(err)
	j.live = live
	j.must(populate(live, "/live"))
	gone, err := wire.Open(apache.Addr(), sessionTimeout)
	j.must(err)
	j.must(populate(gone, "/gone"))
	j.must(gone.CloseSession())
	if j.killed {
		j.killUnderLoad(apache)
		dump := j.readCopy()
		j.leaveHalves(dump.Before)
		return dump
	}
	dump := j.take(apache)
	j.end(apache, false)
	return dump
}

// killUnderLoad ends the server while clients write.
func (j *journey) killUnderLoad(s *rig.Server) {
	var clients sync.WaitGroup
	var written atomic.Int64
	enough := make(chan struct{})
	for i := range 4 {
		c, err := wire.Open(s.Addr(), sessionTimeout)
		j.must(err)
		clients.Go(func() {
			defer c.Close()
			for n := 0; ; n++ {
				if _, err := c.Create(fmt.Sprintf("/load-%d-%d", i, n), make([]byte, n%700), proto.OpenACL, int32(n%2)); err != nil {
					return
				}
				if written.Add(1) == 900 {
					close(enough)
				}
			}
		})
	}
	<-enough
	j.end(s, true)
	clients.Wait()
}

func (j *journey) readCopy() Dump {
	dataDir, txnDir := rig.TempDir(j.T), ""
	j.must(os.CopyFS(dataDir+"/copy", os.DirFS(j.dataDir)))
	if j.logDir {
		txnDir = rig.TempDir(j.T) + "/copy"
		j.must(os.CopyFS(txnDir, os.DirFS(j.txnDir)))
	}
	if j.apache != rig.Reference {
		// Older releases do not start from a log of theirs that is still
		// empty (ZOOKEEPER-2332). The subject has to, from the directory itself.
		j.must(dropEmptyLogs(dataDir + "/copy/version-2"))
	}
	apache := j.start(rig.Apache(j.apache), dataDir+"/copy", txnDir)
	dump := j.take(apache)
	apache.Stop()
	dump.After = dump.Before // the directory itself has not moved
	return dump
}

// leaveHalves adds what a kill leaves behind only at times: the first half of
// a snapshot, and a log that has no byte yet. zxid is the last one.
func (j *journey) leaveHalves(zxid int64) {
	j.Helper()
	snapshots, err := filepath.Glob(filepath.Join(j.dataDir, "version-2", "snapshot.*"))
	j.must(err)
	whole, err := os.ReadFile(slices.MaxFunc(snapshots, func(a, b string) int { return int(size(a) - size(b)) }))
	j.must(err)
	folders := j.folders()
	half := filepath.Join(folders[0], fmt.Sprintf("snapshot.%x", zxid))
	for path, content := range map[string][]byte{
		half: whole[:len(whole)/2],
		filepath.Join(folders[len(folders)-1], fmt.Sprintf("log.%x", zxid+1)): nil,
	} {
		if _, err := os.Stat(path); err == nil {
			continue // the kill has come at that very moment
		}
		j.must(os.WriteFile(path, content, 0o600))
	}
	j.halves = make(map[string]bool)
	for _, path := range append(snapshots, half) {
		j.halves[filepath.Base(path)] = true
	}
}

func dropEmptyLogs(folder string) error {
	logs, err := filepath.Glob(filepath.Join(folder, "log.*"))
	for _, path := range logs {
		if size(path) == 0 {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}

// size is the length of a file, -1 when it is not there.
func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return -1
	}
	return info.Size()
}

func (j *journey) take(s *rig.Server) Dump {
	j.Helper()
	dump, err := Take(s.Addr())
	j.must(err)
	if len(dump.Znodes) < 150 {
		j.Fatalf("the tree of %s has only %d znodes", s.Flavor, len(dump.Znodes))
	}
	return dump
}

func (j *journey) demandEqual(what string, want Dump, s *rig.Server) {
	j.Helper()
	if diff := want.Diff(j.take(s), 12); len(diff) > 0 {
		j.Fatalf("%s, the tree is not the same (- before, + now):\n%s", what, strings.Join(diff, "\n"))
	}
}

// resume brings the live session back: it still owns its ephemerals.
func (j *journey) resume(s *rig.Server) {
	j.Helper()
	c, err := wire.Resume(s.Addr(), sessionTimeout, j.live.SessionID, j.live.Passwd)
	if err != nil {
		j.Fatalf("the session does not come back on %s: %v", s.Flavor, err)
	}
	j.live = c
	for _, path := range []string{"/live/kinds/ephemeral", "/live/multi/b"} {
		st, err := c.Exists(path, false)
		j.must(err)
		if st.EphemeralOwner != c.SessionID {
			j.Fatalf("%s belongs to %#x, not to the session %#x", path, st.EphemeralOwner, c.SessionID)
		}
	}
}

// write adds another tree with the live session, goes on counting where the
// servers before left off, and changes what they wrote.
func (j *journey) write(s *rig.Server, root string) {
	j.Helper()
	before, _, err := j.live.Children("/live/counters", false)
	j.must(err)
	path, err := j.live.Create("/live/counters/n-", nil, proto.OpenACL, proto.FlagPersistentSequential)
	j.must(err)
	if last := slices.Max(before); path <= "/live/counters/"+last {
		j.Fatalf("after %s, %s counts %s", last, s.Flavor, path)
	}
	j.must(populate(j.live, root))
	_, err = j.live.SetData("/live/versions", []byte(root), -1)
	j.must(err)
	_, err = j.live.SetACL("/live/acls/changed", proto.OpenACL, -1)
	if err != nil && err != proto.ErrNoAuth {
		j.must(err)
	}
	names, _, err := j.live.Children("/live/wide", false)
	j.must(err)
	j.must(j.live.Delete("/live/wide/"+slices.Min(names), -1))
}

// closeSession ends the live session; its ephemerals go, wherever they were
// made.
func (j *journey) closeSession(s *rig.Server) {
	j.Helper()
	owned := fmt.Sprintf("EphemeralOwner:%d ", j.live.SessionID)
	count := func() (n int) {
		for _, line := range j.take(s).Znodes {
			n += strings.Count(line, owned)
		}
		return n
	}
	if count() < 10 {
		j.Fatalf("the session owns only %d ephemerals", count())
	}
	j.must(j.live.CloseSession())
	if count() != 0 {
		j.Fatalf("%d ephemerals outlived their session", count())
	}
	j.live = nil
}

// demandDigestsMatch fails when a server that computes digests has found one
// that the log does not agree with.
func (j *journey) demandDigestsMatch(s *rig.Server) {
	j.Helper()
	text, err := rig.FourLetterWord(s.Addr(), "mntr")
	j.must(err)
	for _, line := range strings.Split(text, "\n") {
		if name, value, _ := strings.Cut(line, "\t"); name == "zk_digest_mismatches_count" && value != "0" {
			j.Fatalf("%s counts %s digests that do not match", s.Flavor, value)
		}
	}
	if strings.Contains(s.Log(), "Digests are not matching") {
		j.Fatalf("%s says that digests do not match", s.Flavor)
	}
}

func (j *journey) must(err error) {
	j.Helper()
	if err != nil {
		j.Fatal(err)
	}
}

func (j *journey) folders() []string {
	dirs := []string{filepath.Join(j.dataDir, "version-2")}
	if j.logDir {
		dirs = append(dirs, filepath.Join(j.txnDir, "version-2"))
	}
	return dirs
}

// demandParsedByApache reads every file of the directory, whoever wrote it,
// with the code of the newest Apache server.
func (j *journey) demandParsedByApache() {
	j.Helper()
	args := append(rig.JavaFlags(j.T), "-cp", rig.Classpath(j.T, "apache-"+rig.Reference))
	if j.cfg["digest.enabled"] == "false" {
		// Apache finds out what a snapshot holds by its own settings.
		args = append(args, "-Dzookeeper.digest.enabled=false", "-Dzookeeper.serializeLastProcessedZxid.enabled=false")
	}
	args = append(args, filepath.Join(rig.Checkout(), "compat_tests", "datadir", "java", "Inspect.java"))
	res := rig.Run(j.T, exec.Command("java", append(args, j.folders()...)...), time.Minute)
	if res.ExitCode != 0 {
		j.Fatalf("Apache's code does not read the directory:\n%s%s", res.Stdout, res.Stderr)
	}
	for _, line := range strings.Split(res.Stdout, "\n") {
		if name, incomplete := strings.CutPrefix(line, "incomplete: "); incomplete && !j.halves[name] {
			j.Fatalf("%s is not complete", name)
		}
	}
	if !strings.Contains(res.Stdout, "snapshot.") || !strings.Contains(res.Stdout, "transactions") {
		j.Fatalf("there are no files to read:\n%s", res.Stdout)
	}
}
