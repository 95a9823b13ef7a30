package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// fakeHost is a machine with a few files and the names "here" and "localhost".
type fakeHost map[string]string

func (h fakeHost) resolve(name string) (string, error) {
	switch name {
	case "here":
		return "192.0.2.1", nil
	case "localhost":
		return "127.0.0.1", nil
	}
	return "", fmt.Errorf("no such host: %s", name)
}

func (h fakeHost) readFile(path string) ([]byte, error) {
	if data, ok := h[path]; ok {
		return []byte(data), nil
	}
	return nil, fs.ErrNotExist
}

// least is a file with no more than what is needed, and what it means.
const least = "dataDir=/zk\n"

func leastConfig() *Config {
	c := Default()
	c.File = "zoo.cfg"
	c.Storage.DataDir, c.Storage.LogDir = "/zk", "/zk"
	return c
}

func mustParse(t *testing.T, file string, props map[string]string, h host) (*Config, []Notice) {
	t.Helper()
	c, notices, err := parse("zoo.cfg", []byte(file), props, h)
	if err != nil {
		t.Fatalf("%q: %v", file, err)
	}
	return c, notices
}

// Each line of a file, or -D of properties, changes the fields it should and
// no other.
func TestHonoured(t *testing.T) {
	type change = func(*Config)
	for _, test := range []struct {
		file  string
		props map[string]string
		want  change
	}{
		{file: "", want: func(*Config) {}},
		{file: "clientPort=2181", want: func(c *Config) { c.Client.Port = 2181 }},
		{file: "clientPort=0", want: func(c *Config) { c.Client.Port = 0 }},
		{file: "clientPort=+2181", want: func(c *Config) { c.Client.Port = 2181 }},
		{file: "clientPort=1\nclientPortAddress=127.0.0.1", want: func(c *Config) { c.Client.Port, c.Client.Address = 1, "127.0.0.1" }},
		{file: "clientPort=1\nclientPortAddress=[::1]", want: func(c *Config) { c.Client.Port, c.Client.Address = 1, "::1" }},
		{file: "clientPort=1\nclientPortAddress=", want: func(c *Config) { c.Client.Port, c.Client.Address = 1, "127.0.0.1" }},
		{file: "clientPort=1\nclientPortAddress=here", want: func(c *Config) { c.Client.Port, c.Client.Address = 1, "192.0.2.1" }},
		{file: "clientPortListenBacklog=7", want: func(c *Config) { c.Client.ListenBacklog = 7 }},
		{file: "dataDir=/a//b/\ndataLogDir=/c/", want: func(c *Config) { c.Storage.DataDir, c.Storage.LogDir = "/a/b", "/c" }},
		{file: "dataDir=./d", want: func(c *Config) { c.Storage.DataDir, c.Storage.LogDir = "./d", "./d" }},
		{file: "tickTime=2000", want: func(c *Config) { c.Session = Session{2000, 4000, 40000} }},
		{file: "tickTime=2000\nminSessionTimeout=-1\nmaxSessionTimeout=9000", want: func(c *Config) { c.Session = Session{2000, 4000, 9000} }},
		{file: "minSessionTimeout=0\nmaxSessionTimeout=0", want: func(c *Config) { c.Session = Session{3000, 0, 0} }},
		{file: "maxClientCnxns=0", want: func(c *Config) { c.Limits.MaxConnectionsPerAddress = 0 }},
		{file: "autopurge.snapRetainCount=5\nautopurge.purgeInterval=1", want: func(c *Config) { c.Storage.PurgeRetain, c.Storage.PurgeIntervalHours = 5, 1 }},
		{file: "autopurge.snapRetainCount=2", want: func(*Config) {}},
		{file: "reconfigEnabled=TRUE", want: func(c *Config) { c.Reconfig.Enabled = true }},

		{file: "snapCount=10", want: func(c *Config) { c.Storage.SnapCount = 10 }},
		{file: "snapCount=0x10", want: func(c *Config) { c.Storage.SnapCount = 16 }},
		{file: "snapCount=1", want: func(c *Config) { c.Storage.SnapCount = 2 }},
		{file: "snapCount=many", want: func(*Config) {}},
		{props: map[string]string{"zookeeper.snapCount": "10"}, want: func(c *Config) { c.Storage.SnapCount = 10 }},
		{file: "snapCount=11", props: map[string]string{"zookeeper.snapCount": "10"}, want: func(c *Config) { c.Storage.SnapCount = 11 }},
		{file: "preAllocSize=1024", want: func(c *Config) { c.Storage.PreallocBytes = 1 << 20 }},
		{file: "preAllocSize=0x400", want: func(*Config) {}},
		{file: "preAllocSize=9223372036854775807", want: func(c *Config) { c.Storage.PreallocBytes = 1<<63 - 1024 }},
		{file: "snapSizeLimitInKb=0\ntxnLogSizeLimitInKb=5", want: func(c *Config) { c.Storage.SnapSizeLimitBytes, c.Storage.LogSizeLimitBytes = 0, 5120 }},
		{file: "forceSync=no", want: func(c *Config) { c.Storage.ForceSync = false }},
		{file: "forceSync=No", want: func(*Config) {}},
		{file: "fsync.warningthresholdms=5", want: func(c *Config) { c.Storage.FsyncWarnMs = 5 }},
		{props: map[string]string{"fsync.warningthresholdms": "6"}, want: func(c *Config) { c.Storage.FsyncWarnMs = 6 }},
		{
			props: map[string]string{"fsync.warningthresholdms": "6", "zookeeper.fsync.warningthresholdms": "7"},
			want:  func(c *Config) { c.Storage.FsyncWarnMs = 7 },
		},
		{file: "snapshot.compression.method=GZ", want: func(c *Config) { c.Storage.Compression = "gz" }},
		{file: "snapshot.compression.method=snappy", want: func(c *Config) { c.Storage.Compression = "snappy" }},
		{file: "snapshot.compression.method=zip", want: func(*Config) {}},
		{
			file: "snapshot.trust.empty=true\ndigest.enabled=false\nserializeLastProcessedZxid.enabled=off\ndatadir.autocreate=false\ndb.autocreate=false",
			want: func(c *Config) {
				st := &c.Storage
				st.TrustEmptySnapshot, st.DigestEnabled, st.SerializeLastZxid, st.Autocreate, st.DBAutocreate = true, false, false, false, false
			},
		},

		{file: "globalOutstandingLimit=5", want: func(c *Config) { c.Requests.MaxOutstanding = 5 }},
		{
			file: "request_throttle_max_requests=1\nrequest_throttle_stall_time=2\nrequest_throttle_drop_stale=false\nrequest_stale_latency_check=true\nrequest_stale_connection_check=false",
			want: func(c *Config) {
				r := &c.Requests
				r.ThrottleMax, r.ThrottleStallMs, r.ThrottleDropStale, r.StaleLatencyCheck, r.StaleConnectionCheck = 1, 2, false, true, false
			},
		},
		{file: "throttled_op_wait_time=3", want: func(c *Config) { c.Requests.ThrottledOpWaitMs = 3 }},
		{file: "largeRequestThreshold=4\nlargeRequestMaxBytes=5", want: func(c *Config) { c.Requests.LargeThresholdBytes, c.Requests.LargeMaxBytes = 4, 5 }},
		{file: "largeRequestThreshold=0\nlargeRequestMaxBytes=0", want: func(*Config) {}},
		{
			file: "connection_throttle_tokens=1\nconnection_throttle_fill_time=2\nconnection_throttle_fill_count=3\nconnection_throttle_freeze_time=4\n" +
				"connection_throttle_drop_increase=0.5\nconnection_throttle_drop_decrease=.25\nconnection_throttle_decrease_ratio=1e-1\n" +
				"connection_throttle_weight_enabled=true\nconnection_throttle_global_session_weight=9\nconnection_throttle_renew_session_weight=8\nconnection_throttle_local_session_weight=7",
			want: func(c *Config) { c.Connections = Connections{1, 2, 3, 4, 0.5, 0.25, 0.1, true, 9, 8, 7} },
		},
		{
			file: "connection_throttle_global_session_weight=0\nconnection_throttle_renew_session_weight=4\nconnection_throttle_local_session_weight=5",
			want: func(c *Config) {
				c.Connections.GlobalWeight, c.Connections.RenewWeight, c.Connections.LocalWeight = 0, 4, 5
			},
		},
		{props: map[string]string{"jute.maxbuffer": "0x200000"}, want: func(c *Config) { c.Limits.MaxFrameBytes, c.Limits.ExtraFrameBytes = 1<<21, 1<<21 }},
		{file: "jute.maxbuffer.extrasize=2000", want: func(c *Config) { c.Limits.ExtraFrameBytes = 2000 }},
		{file: "jute.maxbuffer.extrasize=5", want: func(c *Config) { c.Limits.ExtraFrameBytes = 1024 }},
		{file: "jute.maxbuffer.extrasize=x", want: func(*Config) {}},
		{file: "jute.maxbuffer=5", want: func(*Config) {}},
		{file: "maxGetChildrenResponseCacheSize=1", want: func(c *Config) { c.Caches = Caches{1} }},
		{
			file: "enforceQuota=true\ncloseSessionTxn.enabled=false\nextendedTypesEnabled=true\nemulate353TTLNodes=true",
			want: func(c *Config) { c.Quota.Enforce = true; c.Znodes = Znodes{true, true, false} },
		},
		{
			props: map[string]string{"znode.container.checkIntervalMs": "1", "znode.container.maxPerMinute": "2", "znode.container.maxNeverUsedIntervalMs": "3"},
			want:  func(c *Config) { c.Containers = Containers{1, 2, 3} },
		},
		{file: "maxCnxns=3\nclientTcpKeepAlive=true", want: func(c *Config) { c.Limits.MaxConnections = 3; c.Client.TCPKeepAlive = true }},
		{file: "nio.sessionlessCnxnTimeout=1\nnio.shutdownTimeout=2", want: func(c *Config) { c.Limits.SessionlessTimeoutMs, c.Limits.ShutdownTimeoutMs = 1, 2 }},
		{file: "4lw.commands.whitelist=stat, ruok ,,conf", want: func(c *Config) { c.FourLetter.Words = []string{"stat", "ruok", "conf", "srvr"} }},
		{file: "4lw.commands.whitelist=stat,*", want: func(c *Config) { c.FourLetter.Words = []string{"*"} }},
		{file: "4lw.commands.whitelist=", want: func(*Config) {}},
		{props: map[string]string{"readonlymode.enabled": "true"}, want: func(c *Config) { c.FourLetter.Words, c.FourLetter.isro = []string{"srvr", "isro"}, true }},

		{file: "skipACL=yes", want: func(c *Config) { c.Auth.SkipACL = true }},
		{file: "skipACL=true", want: func(*Config) {}},
		{
			file: "DigestAuthenticationProvider.enabled=false\nDigestAuthenticationProvider.digestAlg=SHA-256\nDigestAuthenticationProvider.superDigest=super:x=",
			want: func(c *Config) {
				c.Auth.DigestEnabled, c.Auth.DigestAlg, c.Auth.SuperDigest = false, "SHA-256", "super:x="
			},
		},
		{
			file: "authProvider.1=org.apache.zookeeper.server.auth.EnsembleAuthenticationProvider\nensembleAuthName=a,b",
			want: func(c *Config) {
				c.Auth.Classes = map[string]string{"1": "org.apache.zookeeper.server.auth.EnsembleAuthenticationProvider"}
				c.Auth.EnsembleNames = "a,b"
			},
		},
		{file: "enforce.auth.enabled=true\nenforce.auth.schemes=digest, ip,,", want: func(c *Config) { c.Auth.Enforce, c.Auth.EnforceSchemes = true, []string{"digest", "ip"} }},
		{file: "meerkat.logQueueBytes=65536", want: func(c *Config) { c.Limits.LogQueueBytes = 65536 }},

		// What asks for nothing that is missing.
		{file: "sslQuorum=false\nstandaloneEnabled=true\nquorum.auth.enableSasl=FALSE\nlocalSessionsEnabled=true\naudit.enable=false", want: func(*Config) {}},
		{file: "metricsProvider.className=org.apache.zookeeper.metrics.impl.DefaultMetricsProvider\nelectionAlg=3\npeerType=Observer", want: func(*Config) {}},
		{file: "initLimit=10\nsyncLimit=5\nserver.1=zoo1:2888:3888", want: func(*Config) {}},
	} {
		t.Run(strings.ReplaceAll(test.file, "\n", ";")+fmt.Sprint(test.props), func(t *testing.T) {
			got, _ := mustParse(t, least+test.file, test.props, fakeHost{})
			got.Text, got.Properties = "", nil // see TestSecretsAreNotShown
			want := leastConfig()
			test.want(want)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%+v\nwant\n%+v", got, want)
			}
		})
	}
}

func TestEveryHonouredKeySetsSomething(t *testing.T) {
	for _, g := range Groups() {
		for _, k := range g.Keys {
			if k.Use != Honoured && k.Use != Ensemble || k.gathered || strings.HasSuffix(k.Name, "*") {
				continue
			}
			if k.set == nil {
				t.Errorf("%s is honoured and sets nothing", k.Name)
				continue
			}
			changed := false
			for _, v := range []value{{n: 4097, f: 1, b: true, s: "true"}, {n: 4098, f: 2, s: "yes"}, {n: 4099, s: "no"}, {n: 4100, s: "gz"}, {s: "false"}, {s: metricsPrometheus}} {
				c := Default()
				k.set(c, v)
				changed = changed || !reflect.DeepEqual(c, Default())
			}
			if !changed {
				t.Errorf("%s changes nothing", k.Name)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		file  string
		props map[string]string
		kind  error
		want  string // all of the message
	}{
		{file: "tickTime=abc", kind: ErrInvalid, want: "zoo.cfg:2: tickTime=abc: must be a whole number from -2147483648 to 2147483647"},
		{file: "\n\ntickTime = 0", kind: ErrInvalid, want: "zoo.cfg:4: tickTime=0: must be a number of milliseconds from 1 to 2147483647"},
		{file: "tickTime=", kind: ErrInvalid, want: "zoo.cfg:2: tickTime=: must be a whole number from -2147483648 to 2147483647"},
		{file: "tickTime=200000000", kind: ErrInvalid, want: "zoo.cfg:2: tickTime=200000000: is too long for maxSessionTimeout, which would be 4000000000 ms: must be at most 107374182"},
		{file: "clientPort=65536", kind: ErrInvalid, want: "zoo.cfg:2: clientPort=65536: must be a port from 0 (any free one) to 65535"},
		{file: "clientPort=-1", kind: ErrInvalid, want: "zoo.cfg:2: clientPort=-1: must be a port from 0 (any free one) to 65535"},
		{file: "clientPortAddress=127.0.0.1", kind: ErrInvalid, want: "zoo.cfg:2: clientPortAddress=127.0.0.1: is set, and so clientPort must be set too"},
		{file: "clientPort=1\nclientPortAddress=nowhere", kind: ErrInvalid, want: "zoo.cfg:3: clientPortAddress=nowhere: must be an address of this machine: no such host: nowhere"},
		{file: "minSessionTimeout=5\nmaxSessionTimeout=4", kind: ErrInvalid, want: "zoo.cfg:2: minSessionTimeout=5: must not be larger than maxSessionTimeout: 5 > 4"},
		{file: "maxSessionTimeout=4", kind: ErrInvalid, want: "zoo.cfg: minSessionTimeout: must not be larger than maxSessionTimeout: 6000 > 4"},
		{ // what is wrong with one key hides nothing about the others, and brings nothing about
			file: "clientPort=x\nclientPortAddress=nowhere\nminSessionTimeout=5\nmaxSessionTimeout=4\nsslQuorum=yes", kind: ErrInvalid,
			want: "zoo.cfg:2: clientPort=x: must be a whole number from -2147483648 to 2147483647\n" +
				"zoo.cfg:4: minSessionTimeout=5: must not be larger than maxSessionTimeout: 5 > 4\n" +
				"zoo.cfg:6: sslQuorum=yes: must be true or false",
		},
		{
			file: "tickTime=0\nminSessionTimeout=5\nclientPortAddress=127.0.0.1", kind: ErrInvalid,
			want: "zoo.cfg:2: tickTime=0: must be a number of milliseconds from 1 to 2147483647\n" +
				"zoo.cfg:4: clientPortAddress=127.0.0.1: is set, and so clientPort must be set too",
		},
		{file: "dataDir=", kind: ErrInvalid, want: "zoo.cfg:2: dataDir=: is not set, and must name a directory"},
		{file: "initLimit=ten", kind: ErrInvalid, want: "zoo.cfg:2: initLimit=ten: must be a whole number from -2147483648 to 2147483647"},
		{file: "electionAlg=2", kind: ErrInvalid, want: "zoo.cfg:2: electionAlg=2: must be 3"},
		{file: "peerType=leader", kind: ErrInvalid, want: "zoo.cfg:2: peerType=leader: must be participant or observer"},
		{file: "syncEnabled=yes", kind: ErrInvalid, want: "zoo.cfg:2: syncEnabled=yes: must be true or false"},
		{file: "connection_throttle_drop_increase=1x", kind: ErrInvalid, want: "zoo.cfg:2: connection_throttle_drop_increase=1x: must be a decimal number"},
		{
			props: map[string]string{"zookeeper.connection_throttle_drop_increase": "x"}, kind: ErrInvalid,
			want: "-Dzookeeper.connection_throttle_drop_increase=x: must be a decimal number",
		},
		{props: map[string]string{"jute.maxbuffer": "-1"}, kind: ErrInvalid, want: "-Djute.maxbuffer=-1: must be a number of bytes from 1 to 2147483647"},
		{file: "meerkat.logQueueBytes=1", kind: ErrInvalid, want: "zoo.cfg:2: meerkat.logQueueBytes=1: must be a number of bytes from 65536 to 1073741824"},
		{
			file: "authProvider.1=com.example.Auth", kind: ErrInvalid,
			want: "zoo.cfg:2: authProvider.1=com.example.Auth: must be org.apache.zookeeper.server.auth.IPAuthenticationProvider, DigestAuthenticationProvider or EnsembleAuthenticationProvider: x509 and SASL are not built yet, and other classes cannot be loaded",
		},

		{file: "secureClientPort=2281", kind: ErrNotBuilt, want: "zoo.cfg:2: secureClientPort=2281: TLS: not built yet; the key must be left out"},
		{file: "sslQuorum=true", kind: ErrNotBuilt, want: "zoo.cfg:2: sslQuorum=true: TLS between servers: not built yet; it must be left out or be false"},
		{file: "sslQuorum=1", kind: ErrInvalid, want: "zoo.cfg:2: sslQuorum=1: must be true or false"},
		{file: "quorum.auth.enableSasl=true", kind: ErrNotBuilt, want: "zoo.cfg:2: quorum.auth.enableSasl=true: SASL between servers: not built yet; it must be left out or be false"},
		{file: "standaloneEnabled=false", kind: ErrInvalid, want: "zoo.cfg:2: standaloneEnabled=false: needs a server line with a voter"},
		{file: "dynamicConfigFile=/x", kind: ErrInvalid, want: "zoo.cfg:2: dynamicConfigFile=/x: must name a file: file does not exist"},
		{file: "admin.forceHttps=true", kind: ErrNotBuilt, want: "zoo.cfg:2: admin.forceHttps=true: HTTPS for the admin server: not built yet; it must be left out or be false"},
		{file: "admin.commandURL=commands", kind: ErrInvalid, want: "zoo.cfg:2: admin.commandURL=commands: must begin with /, end otherwise, and be plain text"},
		{file: "admin.serverPort=65536", kind: ErrInvalid, want: "zoo.cfg:2: admin.serverPort=65536: must be a port from 0 (any free one) to 65535"},
		{
			file: "audit.impl.class=com.example.Audit", kind: ErrNotBuilt,
			want: "zoo.cfg:2: audit.impl.class=com.example.Audit: another audit logger: not built yet; it must be left out or be org.apache.zookeeper.audit.Slf4jAuditLogger",
		},
		{file: "client.portUnification=true", kind: ErrNotBuilt, want: "zoo.cfg:2: client.portUnification=true: TLS: not built yet; it must be left out or be false"},
		{
			file: "metricsProvider.className=com.example.Metrics", kind: ErrInvalid,
			want: "zoo.cfg:2: metricsProvider.className=com.example.Metrics: must be " + metricsDefault + ", " + metricsNull + " or " + metricsPrometheus + ": Java classes cannot be loaded",
		},
		{file: "metricsProvider.httpPort=x", kind: ErrInvalid, want: "zoo.cfg:2: metricsProvider.httpPort=x: must be a whole number from -2147483648 to 2147483647"},
		{props: map[string]string{"java.security.auth.login.config": "/jaas"}, kind: ErrNotBuilt, want: "-Djava.security.auth.login.config=/jaas: SASL: not built yet; the key must be left out"},
		{file: "sessionRequireClientSASLAuth=true", kind: ErrNotBuilt, want: "zoo.cfg:2: sessionRequireClientSASLAuth=true: SASL: not built yet; it must be left out or be false"},

		{file: "server.1=a:1:2\nserver.2=b:1:2", kind: ErrInvalid, want: "zoo.cfg:1: dataDir=/zk: the file myid is missing, and must hold this server's number"},
		{file: "server.1=a:1:2\nserver.2=b:1:2:observer", kind: ErrInvalid, want: "zoo.cfg:3: server.2=b:1:2:observer: an observer needs an ensemble: observers must be left out, or there must be more voters"},
		{file: "server.x=a:1:2", kind: ErrInvalid, want: "zoo.cfg:2: server.x=a:1:2: what follows server. must be a number"},
		{file: "server.1=a:1", kind: ErrInvalid, want: "zoo.cfg:2: server.1=a:1: " + errServerForm.Error()},

		{file: "initLimit=a\nsslQuorum=true", kind: ErrNotBuilt, want: "zoo.cfg:2: initLimit=a: must be a whole number from -2147483648 to 2147483647\nzoo.cfg:3: sslQuorum=true: TLS between servers: not built yet; it must be left out or be false"},
		{file: "a=\\u00", kind: ErrInvalid, want: `invalid configuration: zoo.cfg: line 2: malformed \uXXXX escape`},
	} {
		t.Run(strings.ReplaceAll(test.file, "\n", ";")+fmt.Sprint(test.props), func(t *testing.T) {
			_, _, err := parse("zoo.cfg", []byte(least+test.file), test.props, fakeHost{})
			if !errors.Is(err, test.kind) {
				t.Errorf("error %v is not %v", err, test.kind)
			}
			if err != nil && err.Error() != test.want {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
		})
	}
}

func TestNotices(t *testing.T) {
	const quiet = "dataDir=/zk\nclientPort=1\nautopurge.purgeInterval=1\nadmin.enableServer=false\n"
	for _, test := range []struct {
		file  string
		props map[string]string
		want  string // "" for none
	}{
		{"", nil, ""},
		{"nosuchkey=1", nil, "zoo.cfg:5: nosuchkey=1: has no effect: unknown key"},
		{"zookeeper.snapCount=1", nil, "zoo.cfg:5: zookeeper.snapCount=1: has no effect: in a file the key is snapCount, without a prefix"},
		{"jute.maxbuffer=1", nil, "zoo.cfg:5: jute.maxbuffer=1: has no effect: it can only be given as -Djute.maxbuffer=..., not in the file"},
		{"zookeeper.jute.maxbuffer=1", nil, "zoo.cfg:5: zookeeper.jute.maxbuffer=1: has no effect: it can only be given as -Djute.maxbuffer=..., not in the file"},
		{"connectionMaxTokens=1", nil, "zoo.cfg:5: connectionMaxTokens=1: has no effect: Apache's guide names it so, but what is read is connection_throttle_tokens"},
		{"", map[string]string{"zookeeper.requestThrottleLimit": "1"}, "-Dzookeeper.requestThrottleLimit=1: has no effect: Apache's guide names it so, but what is read is request_throttle_max_requests"},
		{"", map[string]string{"snapCount": "1"}, "-DsnapCount=1: has no effect: the property is zookeeper.snapCount, with the prefix"},
		{"", map[string]string{"zookeeper.jute.maxbuffer": "1"}, "-Dzookeeper.jute.maxbuffer=1: has no effect: the property is jute.maxbuffer"},
		{"", map[string]string{"zookeeper.tickTime": "1"}, "-Dzookeeper.tickTime=1: has no effect: it is read only from the configuration file"},
		{"", map[string]string{"user.name": "x"}, "-Duser.name=x: has no effect: unknown property"},
		{"flushDelay=5", nil, "zoo.cfg:5: flushDelay=5: has no effect: a sync makes durable whatever has gathered during the sync before it, and never waits for more"},
		{"initLimit=5", nil, "zoo.cfg:5: initLimit=5: has no effect: it is about ensembles, and this server stands alone"},
		{"admin.serverPort=5", nil, ""},
		{"admin.serverPort=x", nil, "zoo.cfg:5: admin.serverPort=x: is not a whole number from -2147483648 to 2147483647: the default 8080 counts, as in Apache"},
		{"admin.enableServer=False", nil, "zoo.cfg:4: admin.enableServer=false: is set again on line 5, which counts"},
		{"snapCount=x", nil, "zoo.cfg:5: snapCount=x: is not a whole number from -2147483648 to 2147483647: the default 100000 counts, as in Apache"},
		{"snapCount=0", nil, "zoo.cfg:5: snapCount=0: must be at least 2: 2 counts, as in Apache"},
		{"connection_throttle_global_session_weight=0", nil, "zoo.cfg:5: connection_throttle_global_session_weight=0: must be more than 0: 3 counts, as in Apache"},
		{
			"connection_throttle_renew_session_weight=2\nconnection_throttle_local_session_weight=3", nil,
			"zoo.cfg:5: connection_throttle_renew_session_weight=2: must not be below the weight of a local session: 3 counts, as in Apache",
		},
		{"enforceQuota=yes", nil, "zoo.cfg:5: enforceQuota=yes: is neither true nor false and counts as false, as in Apache"},
		{"tickTime=1\ntickTime=2", nil, "zoo.cfg:5: tickTime=1: is set again on line 6, which counts"},
		{"DigestAuthenticationProvider.superDigest=a\nDigestAuthenticationProvider.superDigest=b", nil, "zoo.cfg:5: DigestAuthenticationProvider.superDigest=...: is set again on line 6, which counts"},
		{"ssl.keyStore.password=geheim", nil, "zoo.cfg:5: ssl.keyStore.password=...: has no effect: " + noTLS},
		{"dataLogDir=logs", nil, "zoo.cfg:5: dataLogDir=logs: is relative to where the server is started; ./ in front says that this is meant"},
		{"forceSync=no", nil, "zoo.cfg:5: forceSync=no: acknowledged writes can be lost when the machine fails"},
		{"", map[string]string{"zookeeper.skipACL": "yes"}, "-Dzookeeper.skipACL=yes: nobody's access is checked"},
		{"ssl.keyStore.location=/k", map[string]string{"zookeeper.ssl.keyStore.location": "/x"}, "-Dzookeeper.ssl.keyStore.location=/x: has no effect: zoo.cfg sets it on line 5\nzoo.cfg:5: ssl.keyStore.location=/k: has no effect: " + noTLS},
		{"server.1=a:1:2", nil, "zoo.cfg:5: server.1=a:1:2: has no effect but for the client's address: " + noEnsemble},
		{"metricsProvider.foo=1", nil, "zoo.cfg:5: metricsProvider.foo=1: has no effect: metrics are recorded where they happen, at once"},
	} {
		t.Run(strings.ReplaceAll(test.file, "\n", ";")+fmt.Sprint(test.props), func(t *testing.T) {
			_, notices := mustParse(t, quiet+test.file, test.props, fakeHost{})
			var got []string
			for _, n := range notices {
				got = append(got, n.String())
			}
			if all := strings.Join(got, "\n"); all != test.want {
				t.Errorf("got\n%s\nwant\n%s", all, test.want)
			}
		})
	}
}

func TestAdvice(t *testing.T) {
	_, notices := mustParse(t, "dataDir=/zk", nil, fakeHost{})
	want := []string{
		"autopurge.purgeInterval is 0: old snapshots and logs are never removed",
		"clientPort is not set: no client can connect",
	}
	for i, n := range notices {
		if i >= len(want) || n.String() != want[i] {
			t.Errorf("notice %d: %s", i, n)
		}
	}
	if len(notices) != len(want) {
		t.Errorf("%d notices, want %d", len(notices), len(want))
	}
}

func TestLoadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "zoo.cfg")
	if err := os.WriteFile(path, []byte(least+"clientPort=0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := Load(path, nil)
	if err != nil || c.File != path || c.Client.Port != 0 {
		t.Errorf("%+v, error %v", c, err)
	}
	if _, _, err := Load(path+".none", nil); !errors.Is(err, ErrInvalid) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestFromArgs(t *testing.T) {
	c, _, err := FromArgs([]string{"2181", "/zk", "500", "7"}, map[string]string{"zookeeper.snapCount": "9"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Client.Port != 2181 || c.Storage.LogDir != "/zk" || c.Session != (Session{500, 1000, 10000}) || c.Limits.MaxConnectionsPerAddress != 7 || c.Storage.SnapCount != 9 {
		t.Errorf("got %+v", c)
	}
	if c, _, err = FromArgs([]string{"2181", "/zk"}, nil); err != nil || c.Limits.MaxConnectionsPerAddress != 0 || c.Session.TickTimeMs != 3000 {
		t.Errorf("got %+v, error %v", c, err)
	}
	for _, args := range [][]string{nil, {"2181"}, {"x", "/zk"}, {"1", "/zk", "x"}, {"1", "/zk", "1", "x"}, {"1", "/zk", "1", "1", "1"}} {
		if _, _, err := FromArgs(args, nil); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: error %v", args, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		least, "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/zk\nclientPort=2181\n",
		"dataDir=/zk\nserver.1=[::1]:1:2:observer;[::]:3|x\nclientPortAddress=here\n",
		"dataDir=/zk\nauthProvider.1=x\n4lw.commands.whitelist=a,*,b\nenforce.auth.schemes=,,\n",
		"minSessionTimeout=0x5\nsnapCount=-5\npreAllocSize=9223372036854775807\ndataDir=//",
	} {
		f.Add([]byte(seed), "zookeeper.snapCount", "1")
	}
	f.Add([]byte(least), "jute.maxbuffer", "-5")
	f.Add([]byte(three+"server.4=[::1]:1:2|x:3:4:observer;5\ngroup.7=1:2:3\nweight.2=0\nversion=a"), "zookeeper.multiAddress.enabled", "true")
	f.Add([]byte("dataDir=/zk\ninitLimit=1\nsyncLimit=1\nstandaloneEnabled=false\ndynamicConfigFile=/members.5\n"), "readonlymode.enabled", "true")
	f.Fuzz(func(t *testing.T, data []byte, property, text string) {
		c, notices, err := parse("zoo.cfg", data, map[string]string{property: text}, fakeHost{"/zk/myid": "1\n", "/members.5": "server.1=a:1:2;3\n"})
		if err == nil && c.Quorum.Enabled && !strings.HasSuffix(c.Quorum.Text(), fmt.Sprintf("\nversion=%x", uint64(c.Quorum.Version))) {
			t.Fatalf("text %q", c.Quorum.Text())
		}
		switch {
		case err == nil:
			if err := c.Validate(); err != nil {
				t.Fatalf("loaded, but %v", err)
			}
		case !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNotBuilt):
			t.Fatalf("error %v has no kind", err)
		}
		for _, n := range notices {
			if n.Text == "" || n.Line < 0 {
				t.Fatalf("notice %+v", n)
			}
		}
	})
}
