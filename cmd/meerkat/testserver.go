package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/meerkat-zk/meerkat/zktest"
)

const (
	maxTestServers  = 15
	maxCommandBytes = 64 << 10
	// orphanPoll is how often the process looks whether its parent is there.
	orphanPoll = 200 * time.Millisecond
)

// testServerCommand is the verb test-server: package zktest for programs in
// any language. docs/testing-clients.md describes its commands.
func testServerCommand() *cli.Command {
	size := 1
	return &cli.Command{
		Name: "test-server", Usage: "run servers for the tests of a program, and break them on command",
		ArgsUsage: " ",
		Description: "Servers on free ports of the loopback interface with their data in memory. Prints where they are as one line\n" +
			"of JSON, then takes commands, one line of JSON each, and answers each with one. Ends with its input, with\n" +
			"its parent, and on SIGTERM.",
		Flags:           []cli.Flag{&cli.IntFlag{Name: "ensemble", Value: 1, Usage: "run an ensemble of `N` servers", Destination: &size}},
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action: func(c *cli.Context) error {
			if _, err := toolArgs(c, 0, 0); err != nil {
				return err
			}
			if size < 1 || size > maxTestServers {
				return fmt.Errorf("%w: --ensemble=%d: must be from 1 to %d", errUsage, size, maxTestServers)
			}
			return runTestServer(c.Context, c.App.Reader, c.App.Writer, size)
		},
	}
}

// runTestServer serves until its input, its parent or a signal ends it.
func runTestServer(ctx context.Context, in io.Reader, out io.Writer, size int) error {
	parent := os.Getppid() // before anything takes time in which it may die
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	host := &zktest.Host{}
	defer func() { _ = host.Close() }() // what fails then is lost with the data
	var servers []*zktest.Server
	var ensemble *zktest.Ensemble
	err := host.Try(func() {
		if size == 1 {
			servers = []*zktest.Server{zktest.Start(host)}
			return
		}
		ensemble = zktest.StartEnsemble(host, size)
		servers = ensemble.Servers()
	})
	if err != nil {
		return err
	}
	answers := json.NewEncoder(out)
	if err := answers.Encode(introduction(servers)); err != nil {
		return err
	}
	commands, ended := readCommands(ctx, in)
	orphaned := time.NewTicker(orphanPoll)
	defer orphaned.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			return err
		case <-orphaned.C:
			if os.Getppid() != parent {
				return nil
			}
		case line := <-commands:
			if err := answers.Encode(answerTo(line, host, servers, ensemble)); err != nil {
				return err
			}
		}
	}
}

// testServers is the first line of the output.
type testServers struct {
	Connect string           `json:"connect"` // all addresses, as clients take them
	Servers []testServerInfo `json:"servers"`
}

type testServerInfo struct {
	ID      int    `json:"id"`
	Address string `json:"address"`
}

func introduction(servers []*zktest.Server) testServers {
	var t testServers
	var addrs []string
	for _, s := range servers {
		t.Servers = append(t.Servers, testServerInfo{s.ID(), s.Addr()})
		addrs = append(addrs, s.Addr())
	}
	t.Connect = strings.Join(addrs, ",")
	return t
}

// readCommands delivers the lines of the input, and its end. Input from a
// device that is no terminal, /dev/null above all, has no end to wait for. The
// goroutine ends with the input: nothing else ends a read from a terminal, and
// the process ends then, too.
func readCommands(ctx context.Context, in io.Reader) (commands <-chan []byte, ended <-chan error) {
	lines, end := make(chan []byte), make(chan error, 1)
	if f, ok := in.(*os.File); ok {
		if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice != 0 && !isTerminal(f) {
			return lines, end
		}
	}
	go func() {
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, maxCommandBytes)
		for scanner.Scan() {
			select {
			case lines <- append([]byte(nil), scanner.Bytes()...):
			case <-ctx.Done():
				return
			}
		}
		end <- scanner.Err()
	}()
	return lines, end
}

// testAnswer answers a command.
type testAnswer struct {
	OK     bool   `json:"ok"`
	Error  string `json:"error,omitempty"`
	Server int    `json:"server,omitempty"` // of leader
	Mode   string `json:"mode,omitempty"`   // of mode; absent while the server serves nobody
	Count  int64  `json:"count,omitempty"`  // of drop-connections and events
}

// answerTo carries a command out.
func answerTo(line []byte, host *zktest.Host, servers []*zktest.Server, ensemble *zktest.Ensemble) testAnswer {
	answer := testAnswer{OK: true}
	c, err := parseTestCommand(line)
	if err == nil {
		failure := host.Try(func() { err = c.run(servers, ensemble, &answer) })
		err = errors.Join(failure, err)
	}
	if err != nil {
		return testAnswer{Error: err.Error()}
	}
	return answer
}

// errCommand means a command that makes no sense.
var errCommand = errors.New("test-server")
