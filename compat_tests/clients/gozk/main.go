// Command gozk prints what github.com/go-zookeeper/zk hears of changes that
// were made while its connection was cut, as a transcript. All else about
// this client is in its own test suite.
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/go-zookeeper/zk"
)

// limit is how long anything may take.
const limit = 40 * time.Second

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: gozk ADDRESS PROXY")
	}
	p := program{
		client: connect(os.Args[2]), other: connect(os.Args[1]),
		requests: bufio.NewReader(os.Stdin), watches: map[string]<-chan zk.Event{},
	}
	p.away()
	p.client.conn.Close()
	p.other.conn.Close()
	fmt.Println("end")
}

// client is a connection and the states that it goes through.
type client struct {
	conn   *zk.Conn
	states chan zk.State
}

func connect(address string) *client {
	conn, events, err := zk.Connect([]string{address}, 20*time.Second, zk.WithLogger(log.New(io.Discard, "", 0)))
	must(err)
	c := &client{conn: conn, states: make(chan zk.State, 1000)}
	go func() { // ends with the connection
		for event := range events {
			if event.Type == zk.EventSession {
				c.states <- event.State
			}
		}
	}()
	c.await(zk.StateHasSession)
	return c
}

func (c *client) await(state zk.State) {
	for timeout := time.After(limit); ; {
		select {
		case s := <-c.states:
			if s == state {
				return
			}
		case <-timeout:
			log.Fatalf("no state %v", state)
		}
	}
}

type program struct {
	client, other *client
	requests      *bufio.Reader
	watches       map[string]<-chan zk.Event
	names         []string // of the watches, in order
}

func (p *program) away() {
	open := zk.WorldACL(zk.PermAll)
	for _, name := range []string{"", "/set", "/kids", "/gone", "/again", "/still", "/secret", "/shut"} {
		path := "/away" + name
		_, err := p.other.conn.Create(path, nil, 0, open)
		must(err)
		_, _, data, err := p.client.conn.GetW(path)
		must(err)
		_, _, children, err := p.client.conn.ChildrenW(path)
		must(err)
		p.watch(path+" data", data)
		p.watch(path+" children", children)
	}
	for _, path := range []string{"/away/new", "/away/brief", "/away/never"} {
		_, _, created, err := p.client.conn.ExistsW(path)
		must(err)
		p.watch(path+" absent", created)
	}
	// Children of /away were created before the last of its watches was left.
	p.events("/away children")
	_, _, children, err := p.client.conn.ChildrenW("/away")
	must(err)
	p.watch("/away children", children)

	p.ask("@cut")
	p.missed(1)
	p.ask("@mend")
	p.client.await(zk.StateDisconnected)
	p.client.await(zk.StateHasSession)
	p.events("/away/set data", "/away/kids children", "/away/gone data", "/away/gone children", "/away/again data",
		"/away/again children", "/away/secret data", "/away children", "/away/new absent")

	p.ask("@cut")
	p.missed(2)
	p.ask("@mend")
	p.client.await(zk.StateDisconnected)
	p.client.await(zk.StateHasSession)
	p.events()

	p.missed(3)
	_, err = p.other.conn.Create("/away/never", nil, 0, open)
	must(err)
	_, err = p.other.conn.Set("/away/still", nil, -1)
	must(err)
	_, err = p.other.conn.Create("/away/still/c", nil, 0, open)
	must(err)
	p.events("/away/never absent", "/away/brief absent", "/away/still data", "/away/still children")
}

func (p *program) missed(round int) {
	conn, open := p.other.conn, zk.WorldACL(zk.PermAll)
	create := func(path string) { _, err := conn.Create(path, nil, 0, open); must(err) }
	set := func(path string) { _, err := conn.Set(path, []byte("new"), -1); must(err) }
	shut := func(path string) {
		_, err := conn.SetACL(path, []zk.ACL{{Perms: zk.PermAll, Scheme: "ip", ID: "10.0.0.1"}}, -1)
		must(err)
	}
	set("/away/set")
	set("/away/set")
	create(fmt.Sprintf("/away/kids/%d", round))
	must(conn.Delete("/away/again", -1))
	create("/away/again")
	create("/away/brief")
	must(conn.Delete("/away/brief", -1))
	if round != 1 {
		return
	}
	must(conn.Delete("/away/gone", -1))
	create("/away/new")
	shut("/away/shut")
	set("/away/secret")
	shut("/away/secret")
}

// watch keeps a watch under its name.
func (p *program) watch(name string, events <-chan zk.Event) {
	if p.watches[name] == nil {
		p.names = append(p.names, name)
	}
	p.watches[name] = events
}

// events prints what the watches have heard. Each event goes to a channel of
// its own: those of want are waited for, and then a reply, which comes behind
// what was sent before it.
func (p *program) events(want ...string) {
	heard := map[string]string{}
	timeout := time.After(limit)
	for _, name := range want {
		select {
		case event := <-p.watches[name]:
			heard[name] = text(event)
		case <-timeout:
			log.Fatalf("no event for %s", name)
		}
	}
	_, err := p.client.conn.Sync("/")
	must(err)
	for _, name := range p.names {
		select {
		case event, more := <-p.watches[name]:
			if more {
				heard[name] += text(event)
			}
		default:
		}
		if heard[name] != "" {
			fmt.Println(name, heard[name])
		}
	}
	fmt.Println("events:", len(heard))
}

func text(event zk.Event) string { return fmt.Sprintf("[%v %s]", event.Type, event.Path) }

// ask asks the test for something and waits until it is done.
func (p *program) ask(request string) {
	fmt.Println(request)
	_, err := p.requests.ReadString('\n')
	must(err)
}

func must(err error) {
	if err != nil {
		log.Panic(err)
	}
}
