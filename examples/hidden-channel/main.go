// Command hidden-channel shows what ZooKeeper does not promise. Anna changes a
// znode through one server, and calls Boris on the telephone, a channel that
// ZooKeeper knows nothing of. Boris reads through another server, which has not
// heard of the change yet, and finds the old value. With a sync before the read
// he finds the new one.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/zktest"
)

// limit is how long anything may take.
const limit = 20 * time.Second

func main() {
	host := &zktest.Host{}
	var stale, fresh string
	var err error
	failure := host.Try(func() { stale, fresh, err = tell(os.Stdout, host) })
	err = errors.Join(failure, err, host.Close())
	if err == nil && (stale != "old" || fresh != "new") {
		err = fmt.Errorf("Boris read %q and %q", stale, fresh)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "hidden-channel:", err)
		os.Exit(1)
	}
}

// patient servers notice late that they have lost their leader: the story takes
// place before that.
func patient(c *conf.Config) { c.Quorum.SyncTicks = 100 }

// tell tells the story, and returns what Boris reads without and with a sync.
func tell(out io.Writer, t zktest.TB) (stale, fresh string, err error) {
	ensemble := zktest.StartEnsemble(t, 3, zktest.WithConfig(patient))
	far := ensemble.Followers()[0]
	anna, err := connect(t, ensemble.Leader().Addr())
	if err != nil {
		return "", "", err
	}
	boris, err := connect(t, far.Addr())
	if err != nil {
		return "", "", err
	}
	if _, err := anna.Create("/menu", []byte("old"), 0, zk.WorldACL(zk.PermAll)); err != nil {
		return "", "", err
	}
	if _, err := boris.Sync("/menu"); err != nil {
		return "", "", err
	}

	ensemble.Isolate(far) // the news travels slowly
	if _, err := anna.Set("/menu", []byte("new"), -1); err != nil {
		return "", "", err
	}
	fmt.Fprintln(out, `Anna   has written "new" and calls Boris: "look at the menu!"`)
	if stale, err = read(boris); err != nil {
		return "", "", err
	}
	fmt.Fprintf(out, "Boris  reads %q from server %d\n", stale, far.ID())

	synced := make(chan error, 1)
	go func() {
		_, err := boris.Sync("/menu")
		synced <- err
	}()
	ensemble.Heal()
	select {
	case err = <-synced:
	case <-time.After(limit):
		err = errors.New("the sync is not answered")
	}
	if err != nil {
		return stale, "", err
	}
	if fresh, err = read(boris); err != nil {
		return stale, "", err
	}
	fmt.Fprintf(out, "Boris  syncs first, and reads %q from server %d\n", fresh, far.ID())
	return stale, fresh, nil
}

func read(conn *zk.Conn) (string, error) {
	data, _, err := conn.Get("/menu")
	return string(data), err
}

type silent struct{}

// Printf drops the library's log.
func (silent) Printf(string, ...any) {}

// connect waits for a session.
func connect(t zktest.TB, addr string) (*zk.Conn, error) {
	conn, events, err := zk.Connect([]string{addr, addr}, limit, zk.WithLogger(silent{}))
	if err != nil {
		return nil, err
	}
	t.Cleanup(conn.Close)
	expired := time.After(limit)
	for {
		select {
		case e := <-events:
			if e.State == zk.StateHasSession {
				return conn, nil
			}
		case <-expired:
			return nil, errors.New("no session")
		}
	}
}
