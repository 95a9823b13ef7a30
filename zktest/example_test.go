package zktest_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/zktest"
)

// The answer to a create is lost. What does the program under test do?
func ExampleServer_Intercept() {
	host := &zktest.Host{} // in a test, t stands in its place
	defer host.Close()
	srv := zktest.Start(host)
	srv.Intercept(func(r zktest.Request) zktest.Fate {
		if r.Op == proto.OpCreate && r.Path == "/master" {
			return zktest.LoseReply
		}
		return zktest.Pass
	})

	conn, _, err := zk.Connect([]string{srv.Addr(), srv.Addr()}, 10*time.Second, zk.WithLogger(quiet{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	_, err = conn.Create("/master", nil, 0, zk.WorldACL(zk.PermAll))
	fmt.Println("connection lost:", errors.Is(err, zk.ErrConnectionClosed))
	there, _, err := conn.Exists("/master")
	fmt.Println("created all the same:", there, err)
	// Output:
	// connection lost: true
	// created all the same: true <nil>
}

// The leader dies, and another one leads.
func ExampleEnsemble_Leader() {
	host := &zktest.Host{} // in a test, t stands in its place
	defer host.Close()
	ensemble := zktest.StartEnsemble(host, 3)
	old := ensemble.Leader()
	old.Kill()
	fmt.Println("another leads:", ensemble.Leader().ID() != old.ID())
	old.Restart()
	fmt.Println("the old one is a", old.Mode())
	// Output:
	// another leads: true
	// the old one is a follower
}
