// Command launcher is the zkServer.sh that the suite starts: it serves a
// zoo.cfg with the server command it is given, behind a port of its own.
//
//	launcher CONFIG COMMAND [ARGUMENT...]
//
// The suite's health check parses the date in the answer to the word srvr
// and knows only the form that servers wrote before 3.7 (05/29/2022 16:59
// GMT); with today's form (2026-02-11 20:18 UTC) every test that starts a
// server would fail before it begins. So the server listens on another port,
// connections are passed through byte by byte, and in the answer to srvr,
// nowhere else, the date is rewritten.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"sync"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/tied"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: launcher CONFIG COMMAND [ARGUMENT...]")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "launcher:", err)
		os.Exit(1)
	}
}

func run(cfgPath string, command []string) error {
	front, inner, backPort, err := divert(cfgPath)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+front)
	if err != nil {
		return err
	}
	go accept(listener, "127.0.0.1:"+backPort)
	runtime.LockOSThread() // the kernel ties the child to this thread
	cmd := exec.Command(command[0], append(command[1:], inner)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	tied.ToThread(cmd)
	return cmd.Run()
}

var clientPort = regexp.MustCompile(`(?m)^clientPort=(\d+)$`)

// divert writes a copy of the config whose client port is a free one and
// returns the port asked for, the copy's path, and the free port.
func divert(cfgPath string) (front, inner, back string, err error) {
	cfg, err := os.ReadFile(cfgPath)
	if err != nil {
		return "", "", "", err
	}
	found := clientPort.FindSubmatch(cfg)
	if found == nil {
		return "", "", "", fmt.Errorf("%s has no clientPort", cfgPath)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", "", err
	}
	_, back, _ = net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	inner = cfgPath + ".diverted"
	cfg = clientPort.ReplaceAll(cfg, []byte("clientPort="+back))
	return string(found[1]), inner, back, os.WriteFile(inner, cfg, 0o600)
}

func accept(l net.Listener, backend string) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		go pass(client.(*net.TCPConn), backend)
	}
}

// pass couples a client with the server until either side closes.
func pass(client *net.TCPConn, backend string) {
	defer client.Close()
	conn, err := net.DialTimeout("tcp", backend, 5*time.Second)
	if err != nil {
		return
	}
	server := conn.(*net.TCPConn)
	defer server.Close()
	first := make([]byte, 4)
	n, err := io.ReadFull(client, first)
	if _, werr := server.Write(first[:n]); err != nil || werr != nil {
		return
	}
	if string(first) == "srvr" {
		answerSrvr(client, server)
		return
	}
	var both sync.WaitGroup
	for _, pair := range [][2]*net.TCPConn{{client, server}, {server, client}} {
		both.Go(func() {
			_, _ = io.Copy(pair[1], pair[0])
			// One side's end is the other's too, as without a launcher.
			_ = pair[0].Close()
			_ = pair[1].Close()
		})
	}
	both.Wait()
}

var builtOn = regexp.MustCompile(`built on (\d{4}-\d\d-\d\d \d\d:\d\d \w+)`)

func answerSrvr(client, server net.Conn) {
	answer, err := io.ReadAll(server)
	if err != nil {
		return
	}
	if m := builtOn.FindSubmatch(answer); m != nil {
		if date, err := time.Parse("2006-01-02 15:04 MST", string(m[1])); err == nil {
			answer = bytes.Replace(answer, m[1], []byte(date.Format("01/02/2006 15:04 MST")), 1)
		}
	}
	_, _ = client.Write(answer)
}
