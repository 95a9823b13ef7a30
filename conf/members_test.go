package conf

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// three is an ensemble, of which hostOfOne is the first server.
const three = "dataDir=/zk\nclientPort=2181\ninitLimit=10\nsyncLimit=5\nserver.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2\n"

var hostOfOne = fakeHost{"/zk/myid": "1\n"}

func threeConfig() *Config {
	c := Default()
	c.File = "zoo.cfg"
	c.Storage.DataDir, c.Storage.LogDir = "/zk", "/zk"
	c.Client.Port = 2181
	q := &c.Quorum
	q.Enabled, q.ID, q.InitTicks, q.SyncTicks, q.ConnectTicks = true, 1, 10, 5, 10
	for i, host := range []string{"a", "b", "c"} {
		q.Servers = append(q.Servers, Server{ID: int64(i + 1), Addresses: []Address{{host, 1, 2}}, ClientPort: NoPort})
	}
	c.Election.HandshakeTimeoutMs = 15000
	return c
}

// In an ensemble each line, or -D of properties, changes the fields it should
// and no other.
func TestEnsembleHonoured(t *testing.T) {
	type change = func(*Config)
	for _, test := range []struct {
		file  string
		props map[string]string
		want  change
	}{
		{want: func(*Config) {}},
		{file: "tickTime=1000", want: func(c *Config) { c.Session, c.Election.HandshakeTimeoutMs = Session{1000, 2000, 20000}, 5000 }},
		{file: "server.3=c:1:2:observer;9", want: func(c *Config) {
			s := &c.Quorum.Servers[2]
			s.Observer, s.ClientHost, s.ClientPort = true, "0.0.0.0", 9
		}},
		{file: "group.1=1:2:3\nweight.3=2", want: func(c *Config) {
			c.Quorum.Groups, c.Quorum.Weights = map[int64][]int64{1: {1, 2, 3}}, map[int64]int64{3: 2}
		}},
		{file: "version=1f", want: func(c *Config) { c.Quorum.Version = 31 }},
		{file: "oraclePath=/o", want: func(c *Config) { c.Quorum.OraclePath = "/o" }},
		{file: "quorumListenOnAllIPs=true", want: func(c *Config) { c.Quorum.ListenOnAllIPs = true }},
		{file: "multiAddress.enabled=true", want: func(c *Config) { c.Quorum.MultiAddress = true }},
		{props: map[string]string{"zookeeper.multiAddress.enabled": "True"}, want: func(c *Config) { c.Quorum.MultiAddress = true }},
		{props: map[string]string{"zookeeper.multiAddress.enabled": "yes"}, want: func(*Config) {}},
		{file: "multiAddress.enabled=false", props: map[string]string{"zookeeper.multiAddress.enabled": "true"}, want: func(*Config) {}},
		{file: "localSessionsEnabled=true\nlocalSessionsUpgradingEnabled=true", want: func(c *Config) { c.Quorum.LocalSessions, c.Quorum.LocalUpgrades = true, true }},
		{props: map[string]string{"readonlymode.enabled": "TRUE"}, want: func(c *Config) { c.Quorum.ReadOnly = true }},
		{props: map[string]string{"readonlymode.enabled": "true"}, want: func(c *Config) {
			c.Quorum.ReadOnly, c.FourLetter.Words, c.FourLetter.isro = true, []string{"srvr", "isro"}, true
		}},
		{file: "meerkat.linearizableSync=true", want: func(c *Config) { c.Quorum.LinearizableSync = true }},
		{file: "connectToLearnerMasterLimit=7", want: func(c *Config) { c.Quorum.ConnectTicks = 7 }},

		{file: "cnxTimeout=7\ntcpKeepAlive=true", want: func(c *Config) { c.Election.ConnectTimeoutMs, c.Election.TCPKeepAlive = 7, true }},
		{file: "quorumCnxnTimeoutMs=7", want: func(c *Config) { c.Election.HandshakeTimeoutMs = 7 }},
		{file: "electionPortBindRetry=0", want: func(c *Config) { c.Election.BindRetries = 0 }},
		{file: "electionPortBindRetry=-1", want: func(*Config) {}},
		{file: "fastleader.minNotificationInterval=7\nfastleader.maxNotificationInterval=8", want: func(c *Config) { c.Election.MinNotifyMs, c.Election.MaxNotifyMs = 7, 8 }},
		{file: "fastleader.maxNotificationInterval=8", want: func(c *Config) { c.Election.MaxNotifyMs = 200 }},
		{file: "observer.election.DelayMs=0x10", want: func(c *Config) { c.Election.ObserverDelayMs = 16 }},

		{file: "leaderServes=no", want: func(c *Config) { c.Leader.ServesClients = false }},
		{file: "leaderServes=No", want: func(*Config) {}},
		{file: "leader.maxTimeToWaitForEpoch=7", want: func(c *Config) { c.Leader.EpochWaitMs = 7 }},
		{file: "leader.maxConcurrentSnapSyncs=7\nleader.maxConcurrentDiffSyncs=8", want: func(c *Config) { c.Leader.MaxSnapSyncs, c.Leader.MaxDiffSyncs = 7, 8 }},
		{file: "commitLogCount=501", want: func(c *Config) { c.Leader.CommitLogCount = 501 }},
		{file: "commitLogCount=499", want: func(*Config) {}},
		{file: "commitLogCount=2147483648", want: func(*Config) {}},
		{file: "commitLogCount=many", want: func(*Config) {}},
		{file: "snapshotSizeFactor=-1", want: func(c *Config) { c.Leader.SnapshotSizeFactor = -1 }},
		{file: "snapshotSizeFactor=1", want: func(c *Config) { c.Leader.SnapshotSizeFactor = 1 }},
		{file: "snapshotSizeFactor=1.1", want: func(*Config) {}},
		{file: "snapshotSizeFactor=half", want: func(*Config) {}},
		{file: "forceSnapshotSync=true", want: func(c *Config) { c.Leader.ForceSnapshot = true }},

		{file: "leaderConnectDelayDuringRetryMs=7", want: func(c *Config) { c.Learner.ConnectRetryMs = 7 }},
		{file: "observer.reconnectDelayMs=7", want: func(c *Config) { c.Learner.ReconnectDelayMs = 7 }},
		{file: "syncEnabled=false", want: func(c *Config) { c.Learner.SyncEnabled = false }},
		{file: "syncEnabled=false\nobserver.syncEnabled=true", want: func(*Config) {}},
		{file: "syncEnabled=true", props: map[string]string{"zookeeper.observer.syncEnabled": "no"}, want: func(c *Config) { c.Learner.SyncEnabled = false }},
		{file: "observerMasterPort=7\nobserverMaster.sizeLimit=8", want: func(c *Config) { c.Learner.ObserverMasterPort, c.Learner.ObserverQueueBytes = 7, 8 }},

		{
			file: "leader.closeSocketAsync=true\nlearner.closeSocketAsync=true\nlearner.asyncSending=true\nquorum.cnxn.threads.size=30\nmessageTracker.Enabled=true\n" +
				"multiAddress.reachabilityCheckEnabled=false\nleader.ackLoggingFrequency=1\nenableEagerACLCheck=true",
			want: func(*Config) {},
		},
	} {
		t.Run(strings.ReplaceAll(test.file, "\n", ";")+fmt.Sprint(test.props), func(t *testing.T) {
			got, _ := mustParse(t, three+test.file, test.props, hostOfOne)
			want := threeConfig()
			test.want(want)
			for i, name := 0, reflect.TypeFor[Config](); i < name.NumField(); i++ {
				if f := name.Field(i); f.Type.Kind() == reflect.Struct {
					g, w := reflect.ValueOf(*got).Field(i).Interface(), reflect.ValueOf(*want).Field(i).Interface()
					if !reflect.DeepEqual(g, w) {
						t.Errorf("%s: got\n%+v\nwant\n%+v", f.Name, g, w)
					}
				}
			}
		})
	}
}

// What is wrong with an ensemble is said with its place.
func TestEnsembleRefused(t *testing.T) {
	for _, test := range []struct {
		file string
		host fakeHost // beside /zk/myid
		kind error
		want string
	}{
		{file: "initLimit=0", kind: ErrInvalid, want: "zoo.cfg:8: initLimit=0: must be at least 1"},
		{file: "syncLimit=1000000", kind: ErrInvalid, want: "zoo.cfg:8: syncLimit=1000000: is too long with tickTime=3000: must be at most 715827"},
		{host: fakeHost{"/zk/myid": "9"}, kind: ErrInvalid, want: "zoo.cfg:1: dataDir=/zk: myid is 9, and there is no line server.9"},
		{file: "server.03=d:1:2", kind: ErrInvalid, want: "zoo.cfg:7: server.3=c:1:2: server.03 is the same server, on line 8"},
		{file: "server.0=d:1:2", kind: ErrInvalid, want: "zoo.cfg:8: server.0=d:1:2: the number of a server must be at least 1"},
		{file: "server.4=d:1:2|e:1:2", kind: ErrInvalid, want: "zoo.cfg:8: server.4=d:1:2|e:1:2: several addresses are only read with -Dzookeeper.multiAddress.enabled=true"},
		{file: "group.1=1:2", kind: ErrInvalid, want: "zoo.cfg:7: server.3=c:1:2: server 3 votes and must be in a group"},
		{file: "group.1=1:2:3:4", kind: ErrInvalid, want: "zoo.cfg:8: group.1=1:2:3:4: server 4 is not one of the voters"},
		{file: "weights.1=2", kind: ErrInvalid, want: "zoo.cfg:5: server.1=a:1:2: server 1 votes and must be in a group\nzoo.cfg:6: server.2=b:1:2: server 2 votes and must be in a group\nzoo.cfg:7: server.3=c:1:2: server 3 votes and must be in a group"},
		{file: "group.1=1:2:3\nweight.1=0\nweight.2=0\nweight.3=0", kind: ErrInvalid, want: "zoo.cfg:7: server.3=c:1:2: the weights of all voters are 0, and so nobody can win"},
		{file: "cnxTimeout=0", kind: ErrInvalid, want: "zoo.cfg:8: cnxTimeout=0: must be a number of milliseconds from 1 to 2147483647"},
		{file: "leader.maxConcurrentSnapSyncs=0", kind: ErrInvalid, want: "zoo.cfg:8: leader.maxConcurrentSnapSyncs=0: must be a number of learners from 1 to 2147483647"},
		{file: "dynamicConfigFile=/d", kind: ErrInvalid, want: "zoo.cfg:5: server.1=a:1:2: must stand in the file of dynamicConfigFile, and not here\nzoo.cfg:6: server.2=b:1:2: must stand in the file of dynamicConfigFile, and not here\nzoo.cfg:7: server.3=c:1:2: must stand in the file of dynamicConfigFile, and not here"},
		{file: "sslQuorum=true", kind: ErrNotBuilt, want: "zoo.cfg:8: sslQuorum=true: TLS between servers: not built yet; it must be left out or be false"},
	} {
		t.Run(strings.ReplaceAll(test.file, "\n", ";"), func(t *testing.T) {
			h := test.host
			if h == nil {
				h = hostOfOne
			}
			_, _, err := parse("zoo.cfg", []byte(three+test.file), nil, h)
			if !errors.Is(err, test.kind) || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// A file of members, and a change of them that has not ended.
func TestMembersFile(t *testing.T) {
	const static = "dataDir=/zk\ninitLimit=10\nsyncLimit=5\ndynamicConfigFile=/d.5\nreconfigEnabled=%v\n"
	h := fakeHost{"/zk/myid": "2", "/d.5": "server.1=a:1:2;3\nserver.2=b:1:2;4\n"}
	c, _ := mustParse(t, fmt.Sprintf(static, true), nil, h)
	if q := &c.Quorum; q.ID != 2 || q.Version != 5 || c.Client.Port != 4 {
		t.Errorf("got %+v", c)
	}
	h["/d.5"] += "tickTime=5\n"
	if _, _, err := parse("zoo.cfg", []byte(fmt.Sprintf(static, true)), nil, h); err == nil ||
		err.Error() != "/d.5:3: tickTime=5: a file of members has only the keys server.N, group.N and weight.N" {
		t.Errorf("another key: %v", err)
	}
	h["/d.5"], h["zoo.cfg.dynamic.next"] = "server.1=a:1:2;3\nserver.2=b:1:2;4\n", "version=6\n"
	if _, _, err := parse("zoo.cfg", []byte(fmt.Sprintf(static, true)), nil, h); !errors.Is(err, ErrNotBuilt) {
		t.Errorf("a change that has not ended: %v", err)
	}
	_, notices := mustParse(t, fmt.Sprintf(static, false), nil, h)
	wantNotice(t, notices, "zoo.cfg:4: dynamicConfigFile=/d.5: zoo.cfg.dynamic.next has no effect: without reconfigEnabled the members stay, as in Apache")
}

func TestEnsembleNotices(t *testing.T) {
	for _, test := range []struct{ file, want string }{
		{"reconfigEnabled=true", "zoo.cfg:8: reconfigEnabled=true: changing the members while the ensemble runs is not built yet: this server refuses it, and keeps to the members of zoo.cfg: no other member may do it either while this one runs"},
		{"peerType=observer", "zoo.cfg:8: peerType=observer: server.1 is a participant, which counts, as in Apache"},
		{"server.4=d:1:2", "4 voters stand no more failures than 3"},
		{"server.3=c:1:2:observer", "2 voters: when one fails nobody is served; at least 3 are needed"},
		{"commitLogCount=3", "zoo.cfg:8: commitLogCount=3: must be at least 500: 500 counts, as in Apache"},
		{"snapshotSizeFactor=2", "zoo.cfg:8: snapshotSizeFactor=2: must be at most 1: 0.33 counts, as in Apache"},
		{"learner.asyncSending=true", "zoo.cfg:8: learner.asyncSending=true: has no effect: " + besideTheWork},
		{"group.1=1:2:3\noraclePath=/o", "zoo.cfg:9: oraclePath=/o: groups and weights have no effect beside it, as in Apache"},
	} {
		_, notices := mustParse(t, three+test.file, nil, hostOfOne)
		wantNotice(t, notices, test.want)
	}
}

func wantNotice(t *testing.T, notices []Notice, want string) {
	t.Helper()
	for _, n := range notices {
		if n.String() == want {
			return
		}
	}
	t.Errorf("got %v\nwant %s", notices, want)
}

func TestQuorumAccessors(t *testing.T) {
	q := &threeConfig().Quorum
	q.Servers[1].Observer = true
	q.Servers[2].Addresses = []Address{{"::1", 3, 4}, {"c", 5, 6}}
	if got := q.Voters(); !reflect.DeepEqual(got, []int64{1, 3}) {
		t.Errorf("voters %v", got)
	}
	if q.Server(4) != nil || q.Server(0) != nil {
		t.Error("there is a server 4 or 0")
	}
	s := q.Server(3)
	if got := fmt.Sprint(s.QuorumAddresses(), s.ElectionAddresses()); got != "[[::1]:3 c:5] [[::1]:4 c:6]" {
		t.Errorf("addresses %s", got)
	}
}
