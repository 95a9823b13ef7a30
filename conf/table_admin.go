package conf

const (
	metricsDefault    = "org.apache.zookeeper.metrics.impl.DefaultMetricsProvider"
	metricsNull       = "org.apache.zookeeper.metrics.impl.NullMetricsProvider"
	metricsPrometheus = "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider"
)

// noAdmin is said at every start unless admin.enableServer is false, for
// Apache serves HTTP by default.
const noAdmin = "the admin server (HTTP on port 8080 in Apache) is not built yet"

// adminKeys are about the admin server. It is on by default in Apache, so its
// keys cannot be errors.
var adminKeys = rows(NoEffect, noAdmin, []row{
	{"admin.enableServer", text, "true", "", "serve commands over HTTP"},
	{"admin.serverAddress", text, "0.0.0.0", "", "address to listen on"},
	{"admin.serverPort", propInt, "8080", "", "port to listen on"},
	{"admin.idleTimeout", propInt, "30000", "ms", "how long a connection may be idle"},
	{"admin.commandURL", text, "/commands", "", "path of the commands"},
	{"admin.httpVersion", propInt, "11", "", "version of the protocol, times ten"},
	{"admin.portUnification", propBool, "false", "", "accept HTTPS too"},
	{"admin.forceHttps", propBool, "false", "", "accept HTTPS only"},
	{"admin.needClientAuth", propBool, "false", "", "ask for certificates"},
	{"admin.rateLimiterIntervalInMS", propInt, "300000", "ms", "shortest time between snapshots or restores"},
	{"admin.snapshot.enabled", propBool, "true", "", "offer the command snapshot"},
	{"admin.restore.enabled", propBool, "true", "", "offer the command restore"},
})

var auditKeys = []Key{
	{
		Name: "audit.enable", Kind: propBool, Default: "false", Doc: "log who changed what",
		Use: NotBuilt, Why: "the audit log", asks: isTrue,
	},
	{
		Name: "audit.impl.class", Kind: text, Default: "org.apache.zookeeper.audit.Slf4jAuditLogger", Doc: "Java class that logs it",
		Use: NoEffect, Why: "the audit log is not built yet",
	},
	{
		Name: "jmx.log4j.disable", Kind: propBool, Default: "false", Doc: "no control of the log over JMX",
		Use: NoEffect, Why: "there is no JMX",
	},
}

// logKeys are what Apache's scripts tell its logging library.
var logKeys = rows(NoEffect, "the server logs to its standard error; see --log-level and --log-format", []row{
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
var metricsKeys = append([]Key{
	{
		Name: "metricsProvider.className", Origin: FileOnly, Kind: text, Default: metricsDefault, Doc: "Java class that exports metrics; mntr always shows them",
		Use: NotBuilt, Why: "an exporter of metrics", asks: isNot(metricsDefault, metricsNull),
	},
}, rowsFrom(FileOnly, NoEffect, "the exporter for Prometheus is not built yet", []row{
	{"metricsProvider.httpHost", text, "0.0.0.0", "", "address of the exporter"},
	{"metricsProvider.httpPort", text, "7000", "", "port of the exporter"},
	{"metricsProvider.exportJvmInfo", text, "true", "", "metrics of the Java virtual machine"},
	{"metricsProvider.numWorkerThreads", text, "1", "threads", "threads that record metrics"},
	{"metricsProvider.maxQueueSize", text, "1000000", "metrics", "metrics that may wait for them"},
	{"metricsProvider.workerShutdownTimeoutMs", text, "1000", "ms", "how long they may take to stop"},
	{"metricsProvider.*", text, "", "", "whatever the class reads"},
})...)
