//go:build compat

package scripts

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// How long a script may take, and a server to serve or to end.
const limit = time.Minute

// A side is an installed distribution: Apache's or ours, in a folder of its
// own.
type side struct {
	t     *testing.T
	dir   string
	port  int
	tools bool // there are files for the tools, all that they leave is compared
}

// newSide unpacks a distribution: bin, conf, and what it needs.
func newSide(t *testing.T, apache bool) *side {
	s := &side{t: t, dir: rig.TempDir(t), port: rig.FreePort(t)}
	scripts := filepath.Join(rig.Checkout(), "bin")
	if apache {
		scripts = filepath.Join(rig.Fixture(t, rig.FixtureScripts), "bin")
		// The scripts take the jars in lib, as in a release.
		s.must(os.Symlink(strings.TrimSuffix(rig.Classpath(t, "apache-"+rig.Reference), "*"), filepath.Join(s.dir, "lib")))
	}
	s.must(os.Mkdir(filepath.Join(s.dir, "bin"), 0o755))
	names, err := filepath.Glob(filepath.Join(scripts, "*.sh"))
	s.must(err)
	for _, name := range names {
		text, err := os.ReadFile(name)
		s.must(err)
		s.must(os.WriteFile(filepath.Join(s.dir, "bin", filepath.Base(name)), text, 0o755))
	}
	if !apache {
		s.must(os.Symlink(rig.Binary(t), filepath.Join(s.dir, "bin", "meerkat")))
	}
	t.Cleanup(s.killServers)
	s.write("conf/zoo.cfg", "tickTime=2000\ndataDir=${DIR}/data\nclientPort=${PORT}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n")
	if s.tools = strings.HasPrefix(t.Name(), "TestToolkits/"); s.tools {
		s.copyData()
	}
	return s
}

// copyData gives the tools something to read: files that an Apache server has
// written, with times that both sides print alike.
func (s *side) copyData() {
	data := filepath.Join(s.dir, "data", "version-2")
	s.must(os.CopyFS(data, os.DirFS(filepath.Join(rig.Checkout(), "persistence", "testdata", rig.Reference))))
	files, err := os.ReadDir(data)
	s.must(err)
	when := time.Date(2026, 11, 22, 19, 45, 53, 0, time.UTC)
	for _, f := range files {
		s.must(os.Chtimes(filepath.Join(data, f.Name()), when, when))
	}
}

func (s *side) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// expand puts the side's folder and port into a text.
func (s *side) expand(text string) string {
	return strings.NewReplacer("${DIR}", s.dir, "${PORT}", strconv.Itoa(s.port)).Replace(text)
}

// write makes a file of the side.
func (s *side) write(name, text string) {
	path := filepath.Join(s.dir, name)
	s.must(os.MkdirAll(filepath.Dir(path), 0o755))
	s.must(os.WriteFile(path, []byte(s.expand(text)), 0o644))
}

// A step is one call of a script.
type step struct {
	line string            // the script and its arguments, as one types them
	env  []string          // KEY=VALUE
	put  map[string]string // files written before
	rm   []string          // files and folders removed before
	in   string            // standard input

	serves bool // wait until the server serves
	fails  bool // the server refuses to start; wait until it has
	sorted bool // the order of the lines is not defined
	codes  bool // compare the exit code and files alone, for the reason beside it
}

// run makes a step and returns its transcript.
func (s *side) run(st step) string {
	s.t.Helper()
	for _, name := range st.rm {
		s.must(os.RemoveAll(filepath.Join(s.dir, name)))
	}
	for name, text := range st.put {
		s.write(name, text)
	}
	words := strings.Fields(s.expand(st.line))
	cmd := exec.Command(filepath.Join(s.dir, "bin", words[0]), words[1:]...)
	cmd.Dir = s.dir
	cmd.Stdin = strings.NewReader(st.in)
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "USER=operator", "TZ=UTC", "LC_ALL=C.UTF-8", "JMXDISABLE=true",
		"JAVA_HOME=" + javaHome(s.t), "JVMFLAGS=-Duser.language=en -XX:TieredStopAtLevel=1",
	}, st.env...)
	for i := range cmd.Env {
		cmd.Env[i] = s.expand(cmd.Env[i])
	}
	pids := s.pids()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	s.must(cmd.Start())
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait() // the exit code says it
	if !timer.Stop() {
		s.t.Fatalf("%s did not end within %v\n%s%s", st.line, limit, &stdout, &stderr)
	}
	switch {
	case st.serves:
		s.awaitServing(st.line)
	case st.fails:
		s.awaitEnd(s.pids())
	case strings.Contains(st.line, " stop"): // Apache's does not wait for it
		s.awaitEnd(pids)
	}
	code := cmd.ProcessState.ExitCode()
	if st.fails && code == 0 {
		// The scripts look after a second, in which a busy machine may not get
		// so far: this is what they would have said a little later.
		code = 1
		late := strings.Replace(stdout.String(), "STARTED", "FAILED TO START", 1)
		stdout.Reset()
		stdout.WriteString(late)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "$ %s\n", strings.Join(append(slices.Clone(st.env), st.line), " "))
	if !st.codes {
		b.WriteString(s.lines("  ", stdout.String(), st.sorted))
		b.WriteString(s.lines("! ", stderr.String(), st.sorted))
	}
	fmt.Fprintf(&b, "exit code %d\n", code)
	fmt.Fprintf(&b, "files: %s\n", strings.Join(s.files(), " "))
	return b.String()
}

func javaHome(t *testing.T) string {
	java, err := exec.LookPath("java")
	if err != nil {
		return "" // Apache is not run, then
	}
	java, err = filepath.EvalSymlinks(java)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(filepath.Dir(java))
}

func (s *side) awaitServing(line string) {
	addr := "127.0.0.1:" + strconv.Itoa(s.port)
	for end := time.Now().Add(limit); !rig.Serves(addr); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			logs, _ := filepath.Glob(filepath.Join(s.dir, "logs", "*.out"))
			for _, name := range logs {
				text, _ := os.ReadFile(name)
				s.t.Logf("%s ends with\n%s", name, text[max(0, len(text)-2000):])
			}
			s.t.Fatalf("after %s nobody serves %s", line, addr)
		}
	}
}

// What differs from run to run.
var (
	processID  = regexp.MustCompile(`(process |\()\d+`)
	seconds    = regexp.MustCompile(`\d+\.\d+ seconds`)
	scriptLine = regexp.MustCompile(`(\.sh: line )\d+`)
	// What a JVM says beside the scripts, our binary of why it fails, and
	// grep of a file without a name.
	beside = regexp.MustCompile(`(?m)^(SLF4J|OpenJDK|Picked up|\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d |meerkat: |grep: : ).*\n`)
)

// lines masks a text, and puts a mark in front of each line.
func (s *side) lines(mark, text string, sorted bool) string {
	text = beside.ReplaceAllString(text, "")
	text = strings.NewReplacer(s.dir, "DIR", strconv.Itoa(s.port), "PORT").Replace(text)
	text = scriptLine.ReplaceAllString(text, "${1}N")
	text = processID.ReplaceAllString(text, "${1}N")
	text = seconds.ReplaceAllString(text, "N seconds")
	if text == "" {
		return ""
	}
	all := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := range all {
		all[i] = mark + strings.TrimRight(all[i], " \t\r") + "\n"
	}
	if sorted {
		slices.Sort(all)
	}
	return strings.Join(all, "")
}

// files lists what the scripts and servers have made: the files beside the
// data, and the folders of data.
func (s *side) files() []string {
	var names []string
	host, err := os.Hostname()
	s.must(err)
	s.must(filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(s.dir, path)
		switch {
		case err != nil:
			return err
		case name == "lib": // a link
			return nil
		case name == "bin", name == "conf":
			return filepath.SkipDir
		case d.Name() == "version-2":
			names = append(names, name+"/")
			if !s.tools {
				return filepath.SkipDir
			}
		case !d.IsDir():
			names = append(names, strings.ReplaceAll(name, host, "HOST"))
		}
		return nil
	}))
	return names
}

// killServers ends the servers that a failing test has left.
func (s *side) killServers() {
	for _, pid := range s.pids() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// awaitEnd waits until none of the processes holds its port any more.
func (s *side) awaitEnd(pids []int) {
	for end := time.Now().Add(limit); slices.ContainsFunc(pids, alive); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("one of the servers %v still runs", pids)
		}
	}
}

// alive tells whether a process has not ended, waited for or not.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(text), ") Z ")
}

// pids reads the files with process ids that are there.
func (s *side) pids() []int {
	var pids []int
	_ = filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".pid" {
			return nil
		}
		if text, err := os.ReadFile(path); err == nil {
			if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && pid > 1 {
				pids = append(pids, pid)
			}
		}
		return nil
	})
	return pids
}
