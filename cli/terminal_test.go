package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/internal/testserver"
)

// console is a terminal with a shell on it, and somebody who types.
type console struct {
	t      *testing.T
	master *os.File
	mu     sync.Mutex // guards seen and read
	seen   bytes.Buffer
	grown  *sync.Cond
	code   chan int
}

func newConsole(t *testing.T, addr, history string) *console {
	t.Helper()
	master, tty, err := pty.Open()
	must(t, err)
	must(t, pty.Setsize(master, &pty.Winsize{Rows: 24, Cols: 200}))
	c := &console{t: t, master: master, code: make(chan int, 1)}
	c.grown = sync.NewCond(&c.mu)
	s, err := New(Config{Servers: addr, Timeout: patience, Out: tty, Err: tty})
	must(t, err)
	var work sync.WaitGroup
	work.Go(func() {
		c.code <- s.Interact(context.Background(), tty, history)
		_ = s.Close()
		_ = tty.Close()
	})
	work.Go(c.watch)
	t.Cleanup(func() {
		c.keys("\x15\x04") // the end of the input, in case the test has failed before
		_ = master.SetReadDeadline(time.Now().Add(patience))
		work.Wait()
		_ = master.Close()
	})
	return c
}

// watch reads the screen.
func (c *console) watch() {
	b := make([]byte, 4096)
	for {
		n, err := c.master.Read(b)
		c.mu.Lock()
		c.seen.Write(b[:n])
		c.grown.Broadcast()
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (c *console) keys(keys string) { _, _ = c.master.WriteString(keys) }

// expect types and waits until the text appears.
func (c *console) expect(keys, text string) {
	c.t.Helper()
	c.keys(keys)
	timeout := time.AfterFunc(patience, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.seen.WriteString("\x00TIMEOUT")
		c.grown.Broadcast()
	})
	defer timeout.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if i := strings.Index(c.seen.String(), text); i >= 0 {
			c.seen.Next(i + len(text))
			return
		}
		if strings.Contains(c.seen.String(), "\x00TIMEOUT") {
			c.t.Fatalf("after %q there is no %q on the screen:\n%q", keys, text, c.seen.String())
		}
		c.grown.Wait()
	}
}

func TestTerminal(t *testing.T) {
	srv := testserver.Start(t)
	history := filepath.Join(t.TempDir(), "history")
	other := client.Open(client.Config{Servers: []string{srv.Addr}})
	defer other.Close()
	c := newConsole(t, srv.Addr, history)
	c.expect("", "Welcome to ZooKeeper!")
	c.expect("", "(CONNECTED) 0] ")
	c.expect("create /terminal one\r", "Created /terminal")
	c.expect("", "(CONNECTED) 1] ")

	// Completion: of a command, of a path, and the list of choices.
	c.expect("getAll\t", "getAllChildrenNumber ")
	c.expect("/ter\t\r", "/terminal\r\n")
	c.expect("", "0\r\n")
	c.expect("add\t\t", "addWatch  addauth")
	c.expect("\x03", "(CONNECTED) 2] ") // Ctrl-C clears the line
	c.expect("ls /zookeeper/\t\t", "config  quota")
	c.expect("\x15ls /zook\t\t\t", "config  quota") // the path, on below it, what there is
	c.expect("\x15get /term\t\t\r", "one\r\n")      // nothing is below this one

	// The history: the line before, and a search.
	c.expect("\x1b[A", "get /terminal")
	c.expect("\x1b[A", "getAllChildrenNumber /terminal")
	c.expect("\x15cre\x12", "create /terminal one")
	c.expect("\r", "Node already exists: /terminal")

	// A watch prints above a line that is being typed, which stays.
	c.expect("get -w /terminal\r", "one\r\n")
	c.expect("getAllChil", "getAllChil")
	_, err := other.SetData(testContext(t), "/terminal", []byte("two"), -1)
	must(t, err)
	c.expect("", "WatchedEvent state:SyncConnected type:NodeDataChanged path:/terminal")
	c.expect("", "getAllChil") // drawn again
	c.expect("drenNumber /terminal\r", "\n0\r\n")
	c.expect("get /terminal\r", "two\r\n")
	c.expect("addauth digest ann:secret\r", "] ")
	c.expect("nonsense\r", "Command not found: Command not found nonsense")
	c.expect("\x04", "\n") // Ctrl-D
	if code := <-c.code; code != exitNotFound {
		t.Errorf("exit code %d", code)
	}
	c.code <- 0

	kept, err := os.ReadFile(history)
	must(t, err)
	if !strings.Contains(string(kept), "create /terminal one\n") || strings.Contains(string(kept), "secret") {
		t.Errorf("the history has\n%s", kept)
	}
	again := newConsole(t, srv.Addr, history)
	again.expect("", "(CONNECTED) 0] ")
	again.expect("\x1b[A", "nonsense")
	again.expect("\x15quit\r", "state:Closed")
	if code := <-again.code; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestHistoryIsBounded keeps the newest lines.
func TestHistoryIsBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history")
	h := openPast(file)
	for i := range 2*maxPast + 1 {
		h.Add(strings.Repeat("x", i%7+1))
	}
	h.Add("newest")
	h.close()
	h = openPast(file)
	defer h.close()
	if h.Len() != maxPast || h.At(0) != "newest" {
		t.Errorf("%d lines, the newest is %q", h.Len(), h.At(0))
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
