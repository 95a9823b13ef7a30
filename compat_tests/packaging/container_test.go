//go:build compat

package packaging

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// An image is what the Dockerfile says, unpacked without a container engine.
type image struct {
	root string
	env  []string
	run  []string // ENTRYPOINT and CMD
}

// unpack does what the few instructions of our Dockerfile mean; one that it
// does not know fails the test, so that nothing is left out.
func unpack(t *testing.T, context string) *image {
	t.Helper()
	img := &image{root: rig.TempDir(t)}
	if err := os.Chmod(img.root, 0o755); err != nil { // as / is
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(context, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(strings.ReplaceAll(line, "${TARGETARCH}", runtime.GOARCH))
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		rest := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), words[0]))
		switch words[0] {
		case "FROM":
			if rest != "scratch" {
				t.Fatalf("the base is %s", rest)
			}
		case "ARG", "VOLUME", "EXPOSE":
		case "STOPSIGNAL":
			if rest != "SIGTERM" {
				t.Errorf("the test stops with SIGTERM, the image with %s", rest)
			}
		case "ADD":
			must(t, exec.Command("tar", "--same-owner", "-C", img.root+words[2], "-xpf", filepath.Join(context, words[1])).Run())
		case "COPY":
			raw, err := os.ReadFile(filepath.Join(context, words[2]))
			must(t, err)
			must(t, os.WriteFile(filepath.Join(img.root, words[3]), raw, 0o755))
		case "ENV":
			img.env = append(img.env, words[1:]...)
		case "ENTRYPOINT", "CMD":
			var args []string
			must(t, json.Unmarshal([]byte(rest), &args))
			img.run = append(img.run, args...)
		default:
			t.Fatalf("the test does not know the instruction %s", words[0])
		}
	}
	return img
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// command runs in the image's root, with nothing but the image's and the given
// environment, as uid.
func (img *image) command(uid uint32, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Path, cmd.Err = args[0], nil // of the new root
	cmd.Dir = "/"
	cmd.Env = append(append([]string{}, img.env...), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: img.root}
	if uid != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: uid}
	}
	return cmd
}

// TestContainer starts the image as root, which becomes user 1000, and as
// that user, on the volumes that the first has left.
func TestContainer(t *testing.T) {
	needRoot(t)
	dist := dist(t)
	build(t, version, "docker/build.sh", dist, "--context-only")
	img := unpack(t, filepath.Join(dist, "docker"))
	port := rig.FreePort(t)
	env := []string{
		fmt.Sprintf("ZOO_SERVERS=server.7=localhost:2888:3888;127.0.0.1:%d", port), "ZOO_MY_ID=7", "ZOO_TICK_TIME=1500",
		"ZOO_ADMINSERVER_ENABLED=false", "ZOO_4LW_COMMANDS_WHITELIST=*", "JMXPORT=9010",
	}
	for round, uid := range []uint32{0, 1000} {
		if round == 1 { // files that are there stay as they are
			env = append(env, "ZOO_MY_ID=8", "ZOO_TICK_TIME=9000")
		}
		var said strings.Builder
		cmd := img.command(uid, env, img.run...)
		cmd.Stderr = &said
		cmd.Stdout = &said
		p := rig.Begin(t, cmd)
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		for end := time.Now().Add(time.Minute); !rig.Serves(addr); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				p.Kill()
				t.Fatalf("user %d: it does not serve\n%s", uid, said.String())
			}
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		must(t, err)
		for _, want := range []string{"Uid:\t1000\t1000\t1000\t1000\n", "Gid:\t1000\t1000\t1000\t1000\n", "CapEff:\t0000000000000000\n"} {
			if !strings.Contains(string(status), want) {
				t.Errorf("started as user %d: %q is not in\n%s", uid, want, status)
			}
		}
		res := rig.Run(t, img.command(1000, nil, "/meerkat", "word", "127.0.0.1", fmt.Sprint(port), "conf"), time.Minute)
		if !strings.Contains(res.Stdout, "tickTime=1500\n") || !strings.Contains(res.Stdout, "dataDir=/data/version-2\n") {
			t.Errorf("conf: %s%s", res.Stdout, res.Stderr)
		}
		must(t, cmd.Process.Signal(syscall.SIGTERM))
		began := time.Now()
		limit, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		must(t, p.Wait(limit))
		cancel()
		if code := cmd.ProcessState.ExitCode(); code != 0 || time.Since(began) > 6*time.Second {
			t.Errorf("SIGTERM: exit code %d after %v", code, time.Since(began))
		}
		if !strings.Contains(said.String(), "JMXPORT=9010: has no effect") {
			t.Errorf("JMXPORT is ignored in silence:\n%s", said.String())
		}
	}
	myid, err := os.ReadFile(filepath.Join(img.root, "data", "myid"))
	if err != nil || string(myid) != "7\n" {
		t.Errorf("myid is %q, %v", myid, err)
	}
	for args, want := range map[string]string{"zkServer.sh version": "3.9.5-meerkat-" + version, "fsck /data /datalog": "verdict: sound", "zkServer.sh start": "start-foreground"} {
		res := rig.Run(t, img.command(1000, nil, append([]string{"/meerkat", "docker-entrypoint"}, strings.Fields(args)...)...), time.Minute)
		if !strings.Contains(res.Stdout+res.Stderr, want) {
			t.Errorf("%s: %s%s", args, res.Stdout, res.Stderr)
		}
	}
}
