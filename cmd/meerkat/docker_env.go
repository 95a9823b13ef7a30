package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
)

// imageDefaults is what the official image of Apache ZooKeeper sets, by the
// names of the variables that change it. Empty counts as not set.
var imageDefaults = map[string]string{
	"ZOO_CONF_DIR":                  "/conf",
	"ZOO_DATA_DIR":                  "/data",
	"ZOO_DATA_LOG_DIR":              "/datalog",
	"ZOO_TICK_TIME":                 "2000",
	"ZOO_INIT_LIMIT":                "5",
	"ZOO_SYNC_LIMIT":                "2",
	"ZOO_AUTOPURGE_PURGEINTERVAL":   "0",
	"ZOO_AUTOPURGE_SNAPRETAINCOUNT": "3",
	"ZOO_MAX_CLIENT_CNXNS":          "60",
	"ZOO_STANDALONE_ENABLED":        "true",
	"ZOO_ADMINSERVER_ENABLED":       "true",
	"ZOO_SERVERS":                   "server.1=localhost:2888:3888;2181",
	"ZOO_MY_ID":                     "1",
}

// imageEnv is the environment of a container, read as the entry point of the
// official image of Apache ZooKeeper reads it.
type imageEnv struct{ getenv func(string) string }

func (e imageEnv) get(name string) string { return cmp.Or(e.getenv(name), imageDefaults[name]) }

// config is the file that is written, and served unless there is one.
func (e imageEnv) config() string { return filepath.Join(e.get("ZOO_CONF_DIR"), "zoo.cfg") }

// myid is the file that says which member of the ensemble this is.
func (e imageEnv) myid() string { return filepath.Join(e.get("ZOO_DATA_DIR"), "myid") }

// dirs are the folders that the server writes to.
func (e imageEnv) dirs() []string {
	return []string{e.get("ZOO_DATA_DIR"), e.get("ZOO_DATA_LOG_DIR"), e.get("ZOO_CONF_DIR")}
}

// zooCfg is the content of config.
func (e imageEnv) zooCfg() string {
	var b strings.Builder
	for _, line := range [][2]string{
		{"dataDir", "ZOO_DATA_DIR"},
		{"dataLogDir", "ZOO_DATA_LOG_DIR"},
		{"tickTime", "ZOO_TICK_TIME"},
		{"initLimit", "ZOO_INIT_LIMIT"},
		{"syncLimit", "ZOO_SYNC_LIMIT"},
		{"autopurge.snapRetainCount", "ZOO_AUTOPURGE_SNAPRETAINCOUNT"},
		{"autopurge.purgeInterval", "ZOO_AUTOPURGE_PURGEINTERVAL"},
		{"maxClientCnxns", "ZOO_MAX_CLIENT_CNXNS"},
		{"standaloneEnabled", "ZOO_STANDALONE_ENABLED"},
		{"admin.enableServer", "ZOO_ADMINSERVER_ENABLED"},
	} {
		fmt.Fprintf(&b, "%s=%s\n", line[0], e.get(line[1]))
	}
	for _, server := range strings.Fields(e.get("ZOO_SERVERS")) {
		fmt.Fprintln(&b, server)
	}
	if words := e.get("ZOO_4LW_COMMANDS_WHITELIST"); words != "" {
		fmt.Fprintf(&b, "4lw.commands.whitelist=%s\n", words)
	}
	for _, line := range strings.Fields(e.get("ZOO_CFG_EXTRA")) {
		fmt.Fprintln(&b, line)
	}
	return b.String()
}

// jvmFlags is what SERVER_JVMFLAGS must be for what zkServer.sh adds to it.
func (e imageEnv) jvmFlags() string {
	flags := e.getenv("SERVER_JVMFLAGS")
	if e.getenv("ZOO_DATADIR_AUTOCREATE_DISABLE") != "" {
		flags = strings.TrimSpace("-Dzookeeper.datadir.autocreate=false " + flags)
	}
	return flags
}

// meaningless says for each variable that is set and has no effect why that
// is.
func (e imageEnv) meaningless() []string {
	var lines []string
	for _, group := range []struct{ names, why string }{
		{"JMXDISABLE JMXPORT JMXAUTH JMXSSL JMXLOG4J JMXLOCALONLY JMXHOSTNAME", "there is no JMX"},
		{"ZK_SERVER_HEAP ZK_CLIENT_HEAP", "there is no heap to size, memory follows the limit of the container"},
		{"ZOO_LOG_DIR ZOO_LOG_FILE ZOO_LOG4J_PROP", "the server logs to its standard error"},
		{"JAVA_HOME CLASSPATH", "there is no Java"},
	} {
		for _, name := range strings.Fields(group.names) {
			if value := e.getenv(name); value != "" {
				lines = append(lines, fmt.Sprintf("%s=%s: has no effect: %s", name, value, group.why))
			}
		}
	}
	for _, word := range strings.Fields(e.getenv("SERVER_JVMFLAGS") + " " + e.getenv("JVMFLAGS")) {
		if !strings.HasPrefix(word, "-D") {
			lines = append(lines, word+": has no effect: there is no JVM")
		}
	}
	return lines
}
