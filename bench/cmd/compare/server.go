package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/meerkat-zk/meerkat/bench"
)

// A contender is a server that can be started.
type contender struct {
	name    string
	version string
	// command returns the program and its arguments, to serve what the
	// configuration file says, or for the echo server addr.
	command func(configFile, addr string) []string
	echo    bool
}

// A server is a running process. It belongs to whoever started it, who must
// stop it.
type server struct {
	cmd   *exec.Cmd
	addr  string
	dir   string
	ended chan struct{} // closed when the process has ended
	err   error         // why; valid after ended
	log   *os.File
}

const (
	startPatience = 2 * time.Minute
	stopPatience  = 30 * time.Second
)

// start runs c on dir, whatever is in there, and returns once it has answered
// a read of path, and how long that took from before the process existed.
func start(ctx context.Context, c contender, dir, path string, extra ...string) (*server, time.Duration, error) {
	port, err := freePort()
	if err != nil {
		return nil, 0, err
	}
	config, err := writeConfig(dir, port, extra)
	if err != nil {
		return nil, 0, err
	}
	begun := time.Now()
	s, err := launch(c, dir, config, fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, 0, err
	}
	at, err := s.answers(ctx, path)
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("%s does not start, see %s: %w", c.name, s.log.Name(), err), s.stop())
	}
	return s, at.Sub(begun), nil
}

// launch runs c with a configuration file, logs into dir, and waits for
// nothing.
func launch(c contender, dir, config, addr string) (s *server, err error) {
	s = &server{addr: addr, dir: dir, ended: make(chan struct{})}
	s.log, err = os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	args := c.command(config, s.addr)
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", c.name, err), s.log.Close())
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	return s, nil
}

// answers waits for the first reply, or the end of the process.
func (s *server) answers(ctx context.Context, path string) (at time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	replied := make(chan struct{})
	go func() {
		at, err = bench.FirstReply(ctx, s.addr, path)
		close(replied)
	}()
	select {
	case <-s.ended:
		cancel()
		<-replied
		return at, errors.Join(s.err, err)
	case <-replied:
		return at, err
	}
}

// stop ends the process, politely at first.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-s.ended:
	case <-time.After(stopPatience):
		_ = s.cmd.Process.Kill()
		<-s.ended
		return errors.Join(fmt.Errorf("%s did not stop within %v", s.cmd.Path, stopPatience), s.log.Close())
	}
	return s.log.Close()
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// A target is what one run of the load generator loads.
type target struct {
	servers []string
	pids    []int // whose processor time is summed; none: that is not of interest
}

func (s *server) target() target { return target{[]string{s.addr}, []int{s.pid()}} }

// writeConfig writes the zoo.cfg that both servers get, into dir.
func writeConfig(dir string, port int, extra []string) (path string, err error) {
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return "", err
	}
	text := fmt.Sprintf("tickTime=2000\ndataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\n"+
		"maxClientCnxns=0\nadmin.enableServer=false\n", data, port)
	for _, line := range extra {
		text += line + "\n"
	}
	path = filepath.Join(dir, "zoo.cfg")
	return path, os.WriteFile(path, []byte(text), 0o644)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}
