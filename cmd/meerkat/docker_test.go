package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/conf"
)

// What the official image writes without any variable set.
const imageZooCfg = `dataDir=/data
dataLogDir=/datalog
tickTime=2000
initLimit=5
syncLimit=2
autopurge.snapRetainCount=3
autopurge.purgeInterval=0
maxClientCnxns=60
standaloneEnabled=true
admin.enableServer=true
`

func envOf(vars map[string]string) imageEnv {
	return imageEnv{func(name string) string { return vars[name] }}
}

func TestImageZooCfg(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want string
	}{
		{"nothing set", nil, imageZooCfg + "server.1=localhost:2888:3888;2181\n"},
		{"empty is not set", map[string]string{"ZOO_TICK_TIME": "", "ZOO_SERVERS": ""}, imageZooCfg + "server.1=localhost:2888:3888;2181\n"},
		{"an ensemble", map[string]string{
			"ZOO_MY_ID": "2", "ZOO_SERVERS": "server.1=zoo1:2888:3888;2181 server.2=zoo2:2888:3888;2181  server.3=zoo3:2888:3888;2181",
		}, imageZooCfg + "server.1=zoo1:2888:3888;2181\nserver.2=zoo2:2888:3888;2181\nserver.3=zoo3:2888:3888;2181\n"},
		{"every variable", map[string]string{
			"ZOO_DATA_DIR": "/d", "ZOO_DATA_LOG_DIR": "/l", "ZOO_TICK_TIME": "1000", "ZOO_INIT_LIMIT": "10", "ZOO_SYNC_LIMIT": "4",
			"ZOO_AUTOPURGE_PURGEINTERVAL": "12", "ZOO_AUTOPURGE_SNAPRETAINCOUNT": "5", "ZOO_MAX_CLIENT_CNXNS": "0",
			"ZOO_STANDALONE_ENABLED": "false", "ZOO_ADMINSERVER_ENABLED": "false", "ZOO_SERVERS": "server.1=a:1:2;3",
			"ZOO_4LW_COMMANDS_WHITELIST": "srvr, mntr", "ZOO_CFG_EXTRA": "preAllocSize=1024 metricsProvider.httpPort=7001\nsnapCount=10",
		}, "dataDir=/d\ndataLogDir=/l\ntickTime=1000\ninitLimit=10\nsyncLimit=4\nautopurge.snapRetainCount=5\nautopurge.purgeInterval=12\n" +
			"maxClientCnxns=0\nstandaloneEnabled=false\nadmin.enableServer=false\nserver.1=a:1:2;3\n4lw.commands.whitelist=srvr, mntr\n" +
			"preAllocSize=1024\nmetricsProvider.httpPort=7001\nsnapCount=10\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := envOf(tt.env).zooCfg(); got != tt.want {
				t.Errorf("%s\nwant\n%s", got, tt.want)
			}
			if _, err := conf.ParseProperties([]byte(tt.want)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestImageMeaningless(t *testing.T) {
	got := strings.Join(envOf(map[string]string{
		"JMXPORT": "9010", "ZK_SERVER_HEAP": "512", "ZOO_LOG_DIR": "/logs", "JVMFLAGS": "-javaagent:/jmx.jar -Da=b", "ZOO_TICK_TIME": "1",
	}).meaningless(), "\n")
	for _, want := range []string{"JMXPORT=9010: has no effect", "ZK_SERVER_HEAP=512: ", "ZOO_LOG_DIR=/logs: ", "-javaagent:/jmx.jar: has no effect"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Count(got, "\n") != 3 {
		t.Errorf("more is said:\n%s", got)
	}
}

func TestImageVerb(t *testing.T) {
	tests := []struct {
		args   string
		want   string // "" is a mistake
		serves bool
	}{
		{"", "server /conf/zoo.cfg", true},
		{"zkServer.sh start-foreground", "server /conf/zoo.cfg", true},
		{"zkServer.sh start-foreground my.cfg", "server /conf/my.cfg", true},
		{"zkServer.sh start-foreground /a/my.cfg", "server /a/my.cfg", true},
		{"zkServer.sh version", "version --apache", false},
		{"zkServer.sh start", "", false},
		{"zkServer.sh", "", false},
		{"zkCli.sh -server zoo1 ls /", "cli -server zoo1 ls /", false},
		{"/meerkat fsck /data", "fsck /data", false},
		{"fsck /data", "fsck /data", false},
		{"server /conf/zoo.cfg", "server /conf/zoo.cfg", true},
	}
	for _, tt := range tests {
		got, serves, err := imageVerb(envOf(nil), strings.Fields(tt.args))
		if strings.Join(got, " ") != tt.want || serves != tt.serves || (err != nil) != (tt.want == "") {
			t.Errorf("%q: %q, serves %v, %v", tt.args, got, serves, err)
		}
	}
}

func TestImageAutocreate(t *testing.T) {
	got := envOf(map[string]string{"SERVER_JVMFLAGS": "-Da=b", "ZOO_DATADIR_AUTOCREATE_DISABLE": "1"}).jvmFlags()
	if got != "-Dzookeeper.datadir.autocreate=false -Da=b" {
		t.Error(got)
	}
}

// The first start writes the files, the second leaves them as they are.
func TestWriteOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "myid")
	must(t, writeOnce(path, "1\n"))
	must(t, writeOnce(path, "2\n"))
	text, err := os.ReadFile(path)
	must(t, err)
	names, err := os.ReadDir(dir)
	must(t, err)
	if string(text) != "1\n" || len(names) != 1 {
		t.Errorf("%q, %v", text, names)
	}
	if err := writeOnce(filepath.Join(dir, "myid", "x"), ""); err == nil {
		t.Error("a file below a file was written")
	}
}

func TestGiveAway(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "version-2"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "version-2", "log.1"), nil, 0o600))
	// To the owner it has: what anybody may do.
	must(t, giveAway(dir, os.Getuid(), os.Getgid()))
	if err := giveAway(filepath.Join(dir, "none"), 1, 1); err == nil {
		t.Error("a folder that is not there was given away")
	}
}

// The image's defaults are settings of the image and of nothing else.
func TestImageDefaultsAreUsed(t *testing.T) {
	var asked []string
	env := imageEnv{func(name string) string { asked = append(asked, name); return "" }}
	env.zooCfg()
	env.myid()
	env.dirs()
	env.get("ZOO_MY_ID")
	for name := range imageDefaults {
		if !slices.Contains(asked, name) {
			t.Errorf("%s is never read", name)
		}
	}
}
