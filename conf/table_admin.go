package conf

import (
	"slices"
	"strings"
)

const (
	metricsDefault    = "org.apache.zookeeper.metrics.impl.DefaultMetricsProvider"
	metricsNull       = "org.apache.zookeeper.metrics.impl.NullMetricsProvider"
	metricsPrometheus = "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider"
)

// adminKeys are about the admin server, which is on by default, as in Apache.
var adminKeys = append([]Key{
	{
		Name: "admin.enableServer", Kind: text, Default: "true", Doc: "serve commands over HTTP; only false switches it off",
		set: func(c *Config, v value) { c.Admin.Enabled = v.s != "false" },
	},
	{
		Name: "admin.serverAddress", Kind: text, Default: "0.0.0.0", Doc: "address to listen on",
		set: toText(func(c *Config) *string { return &c.Admin.Address }),
	},
	{
		Name: "admin.serverPort", Kind: propInt, Default: "8080", Doc: "port to listen on; 0 is any free one",
		set: toInt(func(c *Config) *int { return &c.Admin.Port }), check: within(0, maxPort, portAllowed),
	},
	{
		Name: "admin.idleTimeout", Kind: propInt, Default: "30000", Unit: "ms", Doc: "how long a connection may be idle; not above 0 is for ever",
		set: toInt(func(c *Config) *int { return &c.Admin.IdleTimeoutMs }),
	},
	{
		Name: "admin.commandURL", Kind: text, Default: "/commands", Doc: "path of the commands",
		set:   toText(func(c *Config) *string { return &c.Admin.CommandURL }),
		check: func(v value) string { return commandURL(v.s) },
	},
	{
		Name: "admin.rateLimiterIntervalInMS", Kind: fileInt, Default: "300000", Unit: "ms", Doc: "shortest time between two restores; between two snapshots a thousandth of it, as in Apache",
		set: toInt(func(c *Config) *int64 { return &c.Admin.RateLimiterMs }),
	},
	{
		Name: "admin.snapshot.enabled", Kind: propBool, Default: "true", Doc: "offer the command snapshot",
		set: toBool(func(c *Config) *bool { return &c.Admin.SnapshotEnabled }),
	},
	{
		Name: "admin.restore.enabled", Kind: propBool, Default: "true", Doc: "offer the command restore",
		set: toBool(func(c *Config) *bool { return &c.Admin.RestoreEnabled }),
	},
	{
		Name: "admin.portUnification", Kind: propBool, Default: "false", Doc: "accept HTTPS too",
		Use: NotBuilt, Why: "HTTPS for the admin server", asks: isTrue,
	},
	{
		Name: "admin.forceHttps", Kind: propBool, Default: "false", Doc: "accept HTTPS only",
		Use: NotBuilt, Why: "HTTPS for the admin server", asks: isTrue,
	},
}, rows(NoEffect, "it is about HTTPS for the admin server, which is not built yet", []row{
	{"admin.httpVersion", propInt, "11", "", "version of the protocol inside TLS, times ten"},
	{"admin.needClientAuth", propBool, "false", "", "ask for certificates"},
})...)

// commandURL says what is wrong with the path of the commands.
func commandURL(path string) string {
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "*?#%{} ") || strings.HasSuffix(path, "/") {
		return "must begin with /, end otherwise, and be plain text"
	}
	return ""
}

// auditSlf4j is the only audit logger that Apache ships.
const auditSlf4j = "org.apache.zookeeper.audit.Slf4jAuditLogger"

var auditKeys = []Key{
	{
		Name: "audit.enable", Kind: propBool, Default: "false", Doc: "log who changed what",
		set: toBool(func(c *Config) *bool { return &c.Audit.Enabled }),
	},
	{
		Name: "audit.impl.class", Kind: text, Default: auditSlf4j, Doc: "Java class that logs it",
		Use: NotBuilt, Why: "another audit logger", asks: isNot(auditSlf4j, ""),
	},
	{
		Name: "jmx.log4j.disable", Kind: propBool, Default: "false", Doc: "no control of the log over JMX",
		Use: NoEffect, Why: "there is no JMX",
	},
}

// logKeys are what Apache's scripts tell its logging library.
var logKeys = rows(NoEffect, "that is for Java's loggers: see meerkat.logLevel, meerkat.logFormat and meerkat.logFile", []row{
	{"log.dir", text, "", "", "directory of the log"},
	{"log.file", text, "", "", "file of the log"},
	{"log.threshold", text, "", "", "level of the file"},
	{"log.maxfilesize", text, "", "", "size at which the file is renamed"},
	{"log.maxbackupindex", text, "", "files", "renamed files that are kept"},
	{"root.logger", text, "", "", "level and target of the log"},
	{"console.threshold", text, "", "", "level of the console"},
	{"tracelog.dir", text, "", "", "directory of the trace log"},
	{"tracelog.file", text, "", "", "file of the trace log"},
})

// metricsKeys choose who gets the metrics.
var metricsKeys = slices.Concat([]Key{
	{
		Name: "metricsProvider.className", Origin: FileOnly, Kind: text, Default: metricsDefault, Doc: "Java class that exports metrics: " + metricsPrometheus + " serves them over HTTP, and then the word mntr shows them under its names",
		set:   func(c *Config, v value) { c.Metrics.Prometheus = v.s == metricsPrometheus },
		check: metricsProvider,
	},
	{
		Name: "metricsProvider.httpHost", Origin: FileOnly, Kind: text, Default: "0.0.0.0", Doc: "address of the exporter",
		set: toText(func(c *Config) *string { return &c.Metrics.Address }),
	},
	{
		Name: "metricsProvider.httpPort", Origin: FileOnly, Kind: fileInt, Default: "7000", Doc: "port of the exporter; 0 is any free one",
		set: toInt(func(c *Config) *int { return &c.Metrics.Port }), check: within(0, maxPort, portAllowed),
	},
	{
		Name: "metricsProvider.exportJvmInfo", Origin: FileOnly, Kind: text, Default: "true", Doc: "export metrics of the process and of Go's runtime",
		set: func(c *Config, v value) { c.Metrics.Runtime = isTrue(v.s) },
	},
}, rowsFrom(FileOnly, NoEffect, "Apache's server has these from 3.10 on; the exporter speaks plain HTTP alone, as that of 3.9", []row{
	{"metricsProvider.httpsPort", fileInt, "", "", "port of the exporter for HTTPS"},
	{"metricsProvider.ssl.*", text, "", "", "its keys and certificates"},
}), rowsFrom(FileOnly, NoEffect, "metrics are recorded where they happen, at once", []row{
	{"metricsProvider.numWorkerThreads", fileInt, "1", "threads", "threads that record metrics"},
	{"metricsProvider.maxQueueSize", fileInt, "1000000", "metrics", "metrics that may wait for them"},
	{"metricsProvider.workerShutdownTimeoutMs", fileLong, "1000", "ms", "how long they may take to stop"},
	{"metricsProvider.*", text, "", "", "whatever the class reads"},
}))

// metricsProvider says what is wrong with the class of a metrics provider.
func metricsProvider(v value) string {
	if isNot(metricsDefault, metricsNull, metricsPrometheus)(v.s) {
		return "must be " + metricsDefault + ", " + metricsNull + " or " + metricsPrometheus + ": Java classes cannot be loaded"
	}
	return ""
}
