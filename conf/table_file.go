package conf

import "math"

const (
	portAllowed = "must be a port from 0 (any free one) to 65535"
	maxPort     = 65535
)

// fileKeys are what QuorumPeerConfig handles itself and a single server uses.
// Only the file sets them.
var fileKeys = []Key{
	{
		Name: "dataDir", Origin: FileOnly, Kind: text, Doc: "directory of the snapshots, epochs and myid; required",
		set: toText(func(c *Config) *string { return &c.Storage.DataDir }),
	},
	{
		Name: "dataLogDir", Origin: FileOnly, Kind: text, Default: "dataDir", Doc: "directory of the transaction logs",
		set: toText(func(c *Config) *string { return &c.Storage.LogDir }),
	},
	{
		Name: "clientPort", Origin: FileOnly, Kind: fileInt, Default: "none", Doc: "TCP port for clients, 0 is any free one",
		set:   toInt(func(c *Config) *int { return &c.Client.Port }),
		check: within(0, maxPort, portAllowed),
	},
	{
		Name: "clientPortAddress", Origin: FileOnly, Kind: text, Default: "all", Doc: "address to listen on; needs clientPort",
		set: toText(func(c *Config) *string { return &c.Client.Address }),
	},
	{
		Name: "clientPortListenBacklog", Origin: FileOnly, Kind: fileInt, Default: "-1", Unit: "connections",
		Doc: "length of the accept queue, -1 is the system's default",
		set: toInt(func(c *Config) *int { return &c.Client.ListenBacklog }),
	},
	{
		Name: "tickTime", Origin: FileOnly, Kind: fileInt, Default: "3000", Unit: "ms", Doc: "unit of time; sessions expire on its multiples",
		set:   toInt(func(c *Config) *int32 { return &c.Session.TickTimeMs }),
		check: within(1, math.MaxInt32, "must be a number of milliseconds from 1 to 2147483647"),
	},
	{
		Name: "minSessionTimeout", Origin: FileOnly, Kind: fileInt, Default: "-1", Unit: "ms",
		Doc: "shortest session timeout, -1 is 2 x tickTime",
		set: toInt(func(c *Config) *int32 { return &c.Session.MinTimeoutMs }),
	},
	{
		Name: "maxSessionTimeout", Origin: FileOnly, Kind: fileInt, Default: "-1", Unit: "ms",
		Doc: "longest session timeout, -1 is 20 x tickTime",
		set: toInt(func(c *Config) *int32 { return &c.Session.MaxTimeoutMs }),
	},
	{
		Name: "maxClientCnxns", Origin: FileOnly, Kind: fileInt, Default: "60", Unit: "connections",
		Doc: "connections of one IP address, 0 is any number",
		set: toInt(func(c *Config) *int { return &c.Limits.MaxConnectionsPerAddress }),
	},
	{
		Name: "autopurge.snapRetainCount", Origin: FileOnly, Kind: fileInt, Default: "3", Unit: "snapshots",
		Doc: "what a purge leaves, with the logs that belong to it; at least 3",
		set: toInt(func(c *Config) *int { return &c.Storage.PurgeRetain }),
	},
	{
		Name: "autopurge.purgeInterval", Origin: FileOnly, Kind: fileInt, Default: "0", Unit: "hours",
		Doc: "time between purges, the first at start; 0 is no purging",
		set: toInt(func(c *Config) *int { return &c.Storage.PurgeIntervalHours }),
	},
}

// pauseKeys are fileKeys as well.
var pauseKeys = rowsFrom(FileOnly, NoEffect, "there is no Java virtual machine to watch", []row{
	{"jvm.pause.monitor", fileBool, "false", "", "log pauses of the Java virtual machine"},
	{"jvm.pause.info-threshold.ms", fileLong, "1000", "ms", "pause that is logged as information"},
	{"jvm.pause.warn-threshold.ms", fileLong, "10000", "ms", "pause that is logged as a warning"},
	{"jvm.pause.sleep.time.ms", fileLong, "500", "ms", "how often pauses are looked for"},
})

// ownKeys are no keys of Apache, which ignores them: a file with them works
// there too.
var ownKeys = []Key{
	{
		Name: "meerkat.logQueueBytes", Kind: fileLong, Default: "33554432", Unit: "bytes",
		Doc:   "how much may wait for the log's disk before requests are no longer read; less where the disk has little space, for twice as much is held ready",
		set:   toInt(func(c *Config) *int { return &c.Limits.LogQueueBytes }),
		check: within(1<<16, 1<<30, "must be a number of bytes from 65536 to 1073741824"),
	},
	{
		Name: "meerkat.linearizableSync", Kind: fileBool, Default: "false", Use: Ensemble,
		Doc: "sync has a quorum confirm that the leader still leads before it answers, so that a read behind it is linearizable",
		set: toBool(func(c *Config) *bool { return &c.Quorum.LinearizableSync }),
	},
	{
		Name: "meerkat.logLevel", Kind: text, Default: "info", Doc: "log from this level on: trace, debug, info, warn or error; --log-level wins over it",
		set: toText(func(c *Config) *string { return &c.Log.Level }), check: oneOf("trace", "debug", "info", "warn", "error"),
	},
	{
		Name: "meerkat.logFormat", Kind: text, Default: "auto", Doc: "log as console, json, or auto: console on a terminal, json elsewhere; --log-format wins over it",
		set: toText(func(c *Config) *string { return &c.Log.Format }), check: oneOf("auto", "console", "json"),
	},
	{
		Name: "meerkat.logFile", Kind: text, Doc: "file that the server's log is appended to; without it, and without --log-file, which wins over it, that is standard error",
		set: toText(func(c *Config) *string { return &c.Log.File }),
	},
	{
		Name: "meerkat.auditFile", Kind: text, Doc: "file that the audit log is appended to; without it, it is part of the server's log",
		set: toText(func(c *Config) *string { return &c.Audit.File }),
	},
	{
		Name: "meerkat.slowRequestMs", Kind: fileLong, Default: "0", Unit: "ms",
		Doc: "log every request that took longer, with operation, path, session and client; 0 is none",
		set: toInt(func(c *Config) *int64 { return &c.Audit.SlowRequestMs }),
	},
}
