//go:build compat

package clients

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// programLimit is how long one program may take, its server's restart or its compiler
// included, on a machine that has other things to do.
const programLimit = 3 * time.Minute

// program is a command that prints its transcript on standard output and ends
// with exit code 0. Behind its own arguments it gets the server's host:port,
// and that of a proxy in front of it, whose connections can be cut.
type program []string

// lastLine is what every program prints when it has come to its end.
const lastLine = "end"

// compare runs the program against the reference and the subject at the same
// time, each fresh, and demands equal transcripts.
func compare(t *testing.T, p program) {
	flavors := [2]rig.Flavor{rig.Apache(rig.Reference), rig.Subject(t)}
	var transcripts [2][]string
	t.Run("on", func(t *testing.T) {
		for i, flavor := range flavors {
			t.Run(flavor.String(), func(t *testing.T) {
				t.Parallel()
				srv := startServer(t, flavor)
				transcripts[i] = p.run(t, srv.Addr(), func() { srv.Stop(); srv.Restart() })
			})
		}
	})
	if t.Failed() {
		return
	}
	if d := difference(normal(transcripts[0]), normal(transcripts[1])); d != "" {
		t.Error(d)
	}
	t.Logf("%d lines", len(transcripts[0]))
}

func startServer(t *testing.T, flavor rig.Flavor) *rig.Server {
	return rig.Start(t, rig.Spec{
		Flavor: flavor,
		Cfg:    map[string]string{"extendedTypesEnabled": "true", "preAllocSize": "4096"},
		Props:  map[string]string{"znode.container.checkIntervalMs": "500"},
	})
}

// run returns the lines that the program printed, and does what it asks for.
func (p program) run(t *testing.T, addr string, restart func()) []string {
	proxy := rig.StartProxy(t, addr)
	services := map[string]func(){
		restartRequest: restart,
		cutRequest:     proxy.Cut,
		mendRequest:    proxy.Mend,
	}
	cmd := exec.Command(p[0], append(p[1:len(p):len(p)], addr, proxy.Addr())...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, answer := pipes(t, cmd)
	running := rig.Begin(t, cmd)
	closeAll(cmd.Stdin.(*os.File), cmd.Stdout.(*os.File)) // the program has them now
	// Killing the program at the limit ends its output and with it the loop.
	ctx, cancel := context.WithTimeout(context.Background(), programLimit)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- running.Wait(ctx) }()

	var transcript []string
	for lines := bufio.NewScanner(output); lines.Scan(); {
		transcript = append(transcript, lines.Text())
		if serve := services[lines.Text()]; serve != nil {
			serve()
			fmt.Fprintln(answer)
		}
	}
	err := <-ended
	if err != nil || cmd.ProcessState.ExitCode() != 0 || at(transcript, len(transcript)-1) != lastLine {
		t.Fatalf("%v, exit code %d, %d lines:\n%s\n%s", err, cmd.ProcessState.ExitCode(), len(transcript),
			tail(transcript, 20), stderr.String())
	}
	return transcript
}

// pipes connects the program's standard input and output.
func pipes(t *testing.T, cmd *exec.Cmd) (output, answer *os.File) {
	output, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, answer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout = stdin, stdout
	t.Cleanup(func() { closeAll(output, answer, stdin, stdout) })
	return output, answer
}

// closeAll closes files that may be closed already.
func closeAll(files ...*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// source is the path of a program's source in this folder.
func source(parts ...string) string {
	return filepath.Join(append([]string{rig.Checkout(), "compat_tests", "clients"}, parts...)...)
}
