//go:build compat

package recipes_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

// patience is how long a test waits for what has to come.
const patience = 60 * time.Second

// program is a Java program that does with Curator what it is told.
type program struct {
	srv   *zktest.Server
	input io.Writer

	mu      sync.Mutex
	answers map[string]chan string // mu: of each actor
}

// start starts a server and the program.
func start(t *testing.T) *program {
	t.Helper()
	jars, dir := rig.Classpath(t, rig.FixtureCurator), rig.TempDir(t)
	source := filepath.Join(rig.Checkout(), "compat_tests", "recipes", "java", "Partner.java")
	res := rig.Run(t, exec.Command("javac", "-proc:none", "-cp", jars, "-d", dir, source), time.Minute)
	if res.ExitCode != 0 {
		t.Fatal(res.Stderr)
	}
	p := &program{srv: zktest.Start(t), answers: map[string]chan string{}}
	args := append([]string{"-Dcompat.log.level=OFF"}, rig.JavaFlags(t)...)
	cmd := exec.Command("java", append(args, "-cp", dir+":"+jars, "Partner", p.srv.Addr())...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, stdout := io.Pipe()
	cmd.Stdout = stdout
	input, err := cmd.StdinPipe()
	must(t, err)
	p.input = input
	rig.Begin(t, cmd)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			actor, result, _ := strings.Cut(lines.Text(), " ")
			p.heard(actor) <- result
		}
	}()
	t.Cleanup(func() {
		_ = input.Close() // the program ends with its input
		_ = stdout.Close()
		<-heard
		if t.Failed() && stderr.Len() > 0 {
			t.Logf("the program says:\n%s", stderr.String())
		}
	})
	return p
}

// heard is where the answers of an actor arrive.
func (p *program) heard(name string) chan string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answers[name] == nil {
		p.answers[name] = make(chan string, 16)
	}
	return p.answers[name]
}

// partner is the program in one test. The test's actors are its own.
type partner struct {
	*program
	t *testing.T
}

// actor is where the answers of an actor arrive.
func (p partner) actor(name string) chan string { return p.heard(p.full(name)) }

func (p partner) full(name string) string {
	return strings.ReplaceAll(p.t.Name(), "/", "-") + "-" + name
}

// begin tells an actor what to do, and does not wait for it.
func (p partner) begin(actor, verb string, args ...any) {
	p.t.Helper()
	line := p.full(actor) + " " + verb
	for _, arg := range args {
		line += fmt.Sprint(" ", arg)
	}
	if _, err := fmt.Fprintln(p.input, line); err != nil {
		p.t.Fatal(err)
	}
}

// says waits for what an actor answers.
func (p partner) says(actor, want string) {
	p.t.Helper()
	if got := receive(p.t, actor+" says "+want, p.actor(actor)); got != want {
		p.t.Fatalf("%s says %q, want %q", actor, got, want)
	}
}

// do tells an actor what to do and waits until it is done.
func (p partner) do(want, actor, verb string, args ...any) {
	p.t.Helper()
	p.begin(actor, verb, args...)
	p.says(actor, want)
}

// ask returns what an actor answers.
func (p partner) ask(actor, verb string, args ...any) string {
	p.t.Helper()
	p.begin(actor, verb, args...)
	return receive(p.t, actor+" answers", p.actor(actor))
}

// silent fails the test when an actor has answered, though it has had the time
// to: another one of the program has asked the server something several times
// since the first one's znode was seen.
func (p partner) silent(actor string) {
	p.t.Helper()
	for range 5 {
		p.do("looked", "witness", "look")
	}
	select {
	case got := <-p.actor(actor):
		p.t.Fatalf("%s says %q and should wait", actor, got)
	default:
	}
}

// session is the id of an actor's session.
func (p partner) session(actor string) int64 {
	p.t.Helper()
	id, err := strconv.ParseInt(p.ask(actor, "session"), 10, 64)
	must(p.t, err)
	return id
}

// client is a client of our recipes.
func (p partner) client() *recipes.Client {
	p.t.Helper()
	addr := p.srv.Addr()
	c, err := recipes.Connect(within(p.t), []string{addr, addr}, time.Minute)
	must(p.t, err)
	p.t.Cleanup(c.Close)
	return c
}

// stand waits until n znodes below a path have a marker in their names.
func (p partner) stand(c *recipes.Client, path, marker string, n int) {
	p.t.Helper()
	conn, err := c.Conn(within(p.t))
	must(p.t, err)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		names, _, err := conn.Children(path)
		if err != nil && !errors.Is(err, zk.ErrNoNode) {
			p.t.Fatal(err)
		}
		found := 0
		for _, name := range names {
			if strings.Contains(name, marker) {
				found++
			}
		}
		if found == n {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%d znodes with %q below %s, want %d: %q", found, marker, path, n, names)
		}
	}
}

// wait runs what waits for a claim. The channel has the claim.
func wait(t *testing.T, acquire func(context.Context) (*recipes.Claim, error)) <-chan *recipes.Claim {
	ctx, got := within(t), make(chan *recipes.Claim, 1)
	go func() {
		claim, err := acquire(ctx)
		if err != nil {
			t.Error(err)
		}
		got <- claim
	}()
	return got
}

// hold waits for a claim.
func hold(t *testing.T, acquire func(context.Context) (*recipes.Claim, error)) *recipes.Claim {
	t.Helper()
	claim, err := acquire(within(t))
	must(t, err)
	return claim
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(context.Background(), patience, errors.New("the test has no more patience"))
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func receive[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("not within %v: %s", patience, what)
		panic("unreachable")
	}
}

func nothing[T any](t *testing.T, what string, c <-chan T) {
	t.Helper()
	select {
	case <-c:
		t.Fatal(what)
	default:
	}
}
