package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/meerkat-zk/meerkat/client"
)

// Config says what a shell talks to.
type Config struct {
	Servers        string // a connect string, see [client.ParseServers]
	Timeout        time.Duration
	RequestTimeout time.Duration // how long a command may take; 0: without limit
	ReadOnly       bool
	Wait           bool // give up unless connected within Timeout
	Auth           []client.Auth
	Dial           func(ctx context.Context, addr string) (net.Conn, error) // nil: TCP

	Out, Err io.Writer
	JSON     bool                                         // answers and events as one line of JSON each
	Version  string                                       // of this program
	Edit     func(ctx context.Context, path string) error // lets the user edit a file; nil: nobody can
}

// Shell runs commands. It is for one goroutine.
type Shell struct {
	cfg      Config
	zk       *client.Client
	servers  string // as the prompt shows them
	p        *printer
	commands []*command // sorted by name
	history  []string   // every line so far, by number
	noEvents bool       // printwatches off; guarded by p.mu
	exitCode int        // of the last command
}

// New makes a shell and begins to connect it. It must be closed.
func New(cfg Config) (*Shell, error) {
	s := &Shell{cfg: cfg, p: newPrinter(cfg.Out, cfg.Err)}
	s.commands = slices.Concat(apacheCommands(), ownCommands())
	slices.SortFunc(s.commands, func(a, b *command) int { return strings.Compare(a.name, b.name) })
	if !cfg.JSON {
		s.p.println("Connecting to " + cfg.Servers)
		_ = s.p.flush()
	}
	return s, s.connect(context.Background(), cfg.Servers)
}

// connect replaces the session by a new one.
func (s *Shell) connect(ctx context.Context, connect string) error {
	servers, root, err := client.ParseServers(connect)
	if err != nil {
		return failure("%v", err)
	}
	if s.zk != nil {
		s.zk.Close()
	}
	s.servers = connect
	s.zk = client.Open(client.Config{
		Servers: servers, Root: root, Timeout: s.cfg.Timeout, ReadOnly: s.cfg.ReadOnly, Auth: s.cfg.Auth,
		OnEvent: s.event, Dial: s.cfg.Dial,
	})
	if !s.cfg.Wait {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	if err := s.zk.Connect(ctx); err != nil {
		s.zk.Close()
		return failure("%v", err)
	}
	return nil
}

// Close ends the session.
func (s *Shell) Close() error {
	if s.zk != nil {
		s.zk.Close()
	}
	return s.p.flush()
}

// event prints what a watch saw, or a change of the connection.
func (s *Shell) event(e client.Event) {
	if s.eventsAreOff() {
		return
	}
	if s.cfg.JSON {
		if e.Type != client.EventNone {
			s.p.json(map[string]any{"event": map[string]any{"type": e.TypeName(), "state": e.State, "path": e.Path, "zxid": fmt.Sprintf("0x%x", uint64(e.Zxid))}})
			_ = s.p.flush()
		}
		return
	}
	s.p.event("\nWATCHER::\n\n" + e.String() + "\n")
}

func (s *Shell) eventsAreOff() bool {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return s.noEvents
}

// Once runs one command and returns its exit code.
func (s *Shell) Once(ctx context.Context, words []string) int {
	if err := s.zk.Connect(ctx); err != nil && s.zk.State().Alive() {
		s.p.complain(err.Error())
		return exitFailed
	}
	err := s.run(ctx, words)
	s.p.mu.Lock()
	s.noEvents = true // the answer's last line is the last: scripts look there
	s.p.mu.Unlock()
	if errors.Is(err, errQuit) {
		return exitOK
	}
	s.report(err)
	return s.exitCode
}

// Line runs a line of input; done tells that it was the last.
func (s *Shell) Line(ctx context.Context, line string) (done bool) {
	if line == "" {
		return false
	}
	s.history = append(s.history, line)
	err := s.run(ctx, splitWords(line))
	if errors.Is(err, errQuit) {
		return true
	}
	s.report(err)
	return false
}

// ExitCode is that of the last command.
func (s *Shell) ExitCode() int { return s.exitCode }

// report prints how a command ended.
func (s *Shell) report(err error) {
	s.exitCode = exitOK
	switch {
	case errors.Is(err, errNotConnected):
		s.p.println(err.Error())
	case err != nil:
		var text string
		text, s.exitCode = explain(err)
		s.p.complain(text)
	}
	if err := s.p.flush(); err != nil && s.exitCode == exitOK {
		s.exitCode = exitFailed
	}
}

// Prompt is what stands before the next line.
func (s *Shell) Prompt() string {
	return "[zk: " + s.servers + "(" + s.zk.State().String() + ") " + strconv.Itoa(len(s.history)) + "] "
}

// run does one command.
func (s *Shell) run(ctx context.Context, words []string) error {
	if len(words) == 0 {
		s.usage()
		return failure("No command entered")
	}
	cmd := s.find(words[0])
	if cmd == nil {
		s.usage()
		return &commandError{"Command not found: Command not found " + words[0], exitNotFound}
	}
	if s.cfg.RequestTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.cfg.RequestTimeout)
		defer cancel()
	}
	if cmd.offline != nil {
		if err := cmd.offline(ctx, s, words); err != nil {
			return err
		}
	}
	if !s.zk.State().Alive() && !cmd.always {
		return errNotConnected
	}
	if cmd.run == nil {
		return nil
	}
	p, err := cmd.parse(words, s.p.complain)
	if err != nil {
		return err
	}
	return cmd.run(ctx, s, p)
}

func (s *Shell) find(name string) *command {
	for _, cmd := range s.commands {
		if cmd.name == name {
			return cmd
		}
	}
	return nil
}

// usage lists Apache's commands as its shell does, and ours after them.
func (s *Shell) usage() { s.p.complain(s.usageText()) }

func (s *Shell) usageText() string {
	var b strings.Builder
	b.WriteString("ZooKeeper -server host:port -client-configuration properties-file cmd args")
	list := func(own bool) {
		for _, cmd := range s.commands {
			if cmd.own == own {
				b.WriteString("\n\t" + cmd.name + " " + cmd.usage)
			}
		}
	}
	list(false)
	b.WriteString("\nand beyond Apache's shell:")
	list(true)
	return b.String()
}

// answer prints a value as JSON, or as the text that print makes of it.
func (s *Shell) answer(value any, print func()) {
	if s.cfg.JSON {
		s.p.json(value)
		return
	}
	print()
}
