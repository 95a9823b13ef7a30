package conf

import "strings"

// storageKeys are about the data directory.
var storageKeys = append([]Key{
	{
		Name: "preAllocSize", Kind: propDecimal, Default: "65536", Unit: "KB", Doc: "by how much a log file grows at a time",
		set: fromKB(func(c *Config) *int64 { return &c.Storage.PreallocBytes }),
	},
	{
		Name: "snapCount", Kind: propInt, Default: "100000", Unit: "transactions",
		Doc: "transactions between snapshots; a snapshot is due after a random number between half of it and all of it; at least 2",
		set: toInt(func(c *Config) *int { return &c.Storage.SnapCount }),
	},
	{
		Name: "snapSizeLimitInKb", Kind: propLong, Default: "4194304", Unit: "KB", Doc: "size of the log between snapshots, by the same rule; 0 is no limit",
		set: fromKB(func(c *Config) *int64 { return &c.Storage.SnapSizeLimitBytes }),
	},
	{
		Name: "txnLogSizeLimitInKb", Kind: propLong, Default: "-1", Unit: "KB", Doc: "size after which a new log file begins, -1 is no limit",
		set: fromKB(func(c *Config) *int64 { return &c.Storage.LogSizeLimitBytes }),
	},
	{
		Name: "forceSync", Kind: text, Default: "yes", Doc: "make transactions durable before they are acknowledged; only no switches it off",
		set: func(c *Config, v value) { c.Storage.ForceSync = v.s != "no" },
	},
	{
		Name: "fsync.warningthresholdms", Also: "fsync.warningthresholdms", Kind: propLong, Default: "1000", Unit: "ms", Doc: "a sync that takes longer is logged and counted",
		set: toInt(func(c *Config) *int64 { return &c.Storage.FsyncWarnMs }),
	},
	{
		Name: "snapshot.compression.method", Kind: text, Default: "", Doc: "gz or snappy, anything else is no compression",
		set: func(c *Config, v value) { c.Storage.Compression = compression(v.s) },
	},
	{
		Name: "snapshot.trust.empty", Kind: propBool, Default: "false", Doc: "recover from logs that have no snapshot",
		set: toBool(func(c *Config) *bool { return &c.Storage.TrustEmptySnapshot }),
	},
	{
		Name: "digest.enabled", Kind: propBool, Default: "true", Doc: "keep a digest of the tree in transactions and snapshots",
		set: toBool(func(c *Config) *bool { return &c.Storage.DigestEnabled }),
	},
	{
		Name: "serializeLastProcessedZxid.enabled", Kind: propBool, Default: "true", Doc: "end snapshots with the last zxid",
		set: toBool(func(c *Config) *bool { return &c.Storage.SerializeLastZxid }),
	},
	{
		Name: "datadir.autocreate", Kind: propBool, Default: "true", Doc: "make missing directories",
		set: toBool(func(c *Config) *bool { return &c.Storage.Autocreate }),
	},
	{
		Name: "db.autocreate", Kind: propBool, Default: "true", Doc: "begin with an empty database where there is none",
		set: toBool(func(c *Config) *bool { return &c.Storage.DBAutocreate }),
	},
}, rows(NoEffect, "a sync makes durable whatever has gathered during the sync before it, and never waits for more", []row{
	{"flushDelay", propLong, "0", "ms", "how long a sync waits for more transactions"},
	{"maxWriteQueuePollTime", propLong, "flushDelay / 3", "ms", "how long an idle log waits for the next transaction"},
	{"maxBatchSize", propInt, "1000", "transactions", "transactions that no longer wait"},
})...)

// compression reads snapshot.compression.method as Apache does.
func compression(s string) string {
	switch s = strings.ToLower(s); s {
	case "gz", "snappy":
		return s
	default:
		return ""
	}
}
