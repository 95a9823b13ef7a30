package conf

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseServer(t *testing.T) {
	at := func(host string, quorum, election int) []Address { return []Address{{host, quorum, election}} }
	for _, test := range []struct {
		text  string
		multi bool
		want  Server
		fault string // part of the error
	}{
		{text: "zoo1:2888:3888", want: Server{Addresses: at("zoo1", 2888, 3888), ClientPort: NoPort}},
		{text: "zoo1:2888:3888;2181", want: Server{Addresses: at("zoo1", 2888, 3888), ClientHost: "0.0.0.0", ClientPort: 2181}},
		{text: "zoo1:2888:3888:participant;zoo1:2181", want: Server{Addresses: at("zoo1", 2888, 3888), ClientHost: "zoo1", ClientPort: 2181}},
		{text: "[0:0::1]:2888:3888: OBSERVER ;[::]:2181", want: Server{Observer: true, Addresses: at("::1", 2888, 3888), ClientHost: "::", ClientPort: 2181}},
		{text: "[::ffff:192.0.2.1]:1:2;:3", want: Server{Addresses: at("192.0.2.1", 1, 2), ClientHost: "localhost", ClientPort: 3}},
		{text: "10.257:1:2", want: Server{Addresses: at("10.0.1.1", 1, 2), ClientPort: NoPort}},
		{text: "10.256.1.1:1:2", want: Server{Addresses: at("10.256.1.1", 1, 2), ClientPort: NoPort}},
		{text: "b:1:2|a:3:4:observer|b:1:2", multi: true, want: Server{Observer: true, Addresses: []Address{{"b", 1, 2}, {"a", 3, 4}}, ClientPort: NoPort}},
		{text: "a:1:2|b:1:2", fault: "several addresses"},
		{text: "a:1:2:observer|b:1:2:participant", multi: true, fault: "same role"},
		{text: "", fault: "must be host:"},
		{text: ";2181", fault: "must be host:"},
		{text: "a", fault: "must be host:"},
		{text: "a:1", fault: "must be host:"},
		{text: "a:1:2:observer:x", fault: "must be host:"},
		{text: "a:1:2;1;2", fault: "must be host:"},
		{text: "a:1:2;h:1:2", fault: "must be host:"},
		{text: "a:1:1", fault: "must differ"},
		{text: "a:x:1", fault: "numbers"},
		{text: "a:1:65536", fault: "numbers"},
		{text: "a:1:2;x", fault: "client port"},
		{text: "a:1:2:boss", fault: "role"},
		{text: "[::1:1:2", fault: "no matching"},
	} {
		got, err := parseServer(0, test.text, test.multi)
		if test.fault != "" {
			if err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("%q: error %v, want %q", test.text, err, test.fault)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q: got %+v and error %v, want %+v", test.text, got, err, test.want)
		}
	}
}

// A single server line may name the client's address, which counts when it is
// this server's own line.
func TestOwnServerLine(t *testing.T) {
	for _, test := range []struct {
		name, file, myid string
		address          string
		port             int
		fault            string
	}{
		{name: "own", file: "server.1=a:1:2;2181", myid: "1", port: 2181},
		{name: "own with name", file: "server.1=a:1:2;here:2181", myid: "1\r\n", address: "192.0.2.1", port: 2181},
		{name: "without myid", file: "server.1=a:1:2;2181", port: NoPort},
		{name: "of another", file: "server.1=a:1:2;2181", myid: "2", port: NoPort},
		{name: "same port", file: "clientPort=2181\nserver.1=a:1:2;here:2181", myid: "1", address: "192.0.2.1", port: 2181},
		{name: "other port", file: "clientPort=2182\nserver.1=a:1:2;2181", myid: "1", fault: "must be the same as that of clientPort"},
		{name: "other address", file: "clientPort=2181\nclientPortAddress=127.0.0.1\nserver.1=a:1:2;2181", myid: "1", fault: "must be the same as that of clientPort"},
		{name: "unknown name", file: "server.1=a:1:2;nowhere:1", myid: "1", fault: "no such host"},
		{name: "myid is no number", file: "clientPort=1", myid: "one", fault: "the first line of /zk/myid must be a number"},
		{name: "myid is empty", file: "clientPort=1", myid: "\n", fault: "the first line of /zk/myid must be a number"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := fakeHost{}
			if test.myid != "" {
				h["/zk/myid"] = test.myid
			}
			c, _, err := parse("zoo.cfg", []byte(least+test.file), nil, h)
			if test.fault != "" {
				if err == nil || !strings.Contains(err.Error(), test.fault) {
					t.Fatalf("error %v, want %q", err, test.fault)
				}
				return
			}
			if err != nil || c.Client.Address != test.address || c.Client.Port != test.port {
				t.Errorf("got %+v, error %v", c, err)
			}
		})
	}
}
