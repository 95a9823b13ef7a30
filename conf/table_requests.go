package conf

import "math"

// requestKeys bound and throttle what clients ask for.
var requestKeys = []Key{
	{
		Name: "globalOutstandingLimit", Kind: propInt, Default: "1000", Unit: "requests",
		Doc: "requests that may wait for their reply before connections are no longer read",
		set: toInt(func(c *Config) *int { return &c.Requests.MaxOutstanding }),
	},
	{
		Name: "request_throttle_max_requests", Kind: propInt, Default: "0", Unit: "requests",
		Doc: "requests that may be worked on at once, 0 is any number",
		set: toInt(func(c *Config) *int { return &c.Requests.ThrottleMax }),
	},
	{
		Name: "request_throttle_stall_time", Kind: propInt, Default: "100", Unit: "ms",
		Doc: "longest time a throttled request waits before it looks again for room",
		set: toInt(func(c *Config) *int { return &c.Requests.ThrottleStallMs }),
	},
	{
		Name: "request_throttle_drop_stale", Kind: propBool, Default: "true", Doc: "drop stale requests instead of running them",
		set: toBool(func(c *Config) *bool { return &c.Requests.ThrottleDropStale }),
	},
	{
		Name: "request_stale_latency_check", Kind: propBool, Default: "false",
		Doc: "a request is stale when it waits for longer than its session's timeout",
		set: toBool(func(c *Config) *bool { return &c.Requests.StaleLatencyCheck }),
	},
	{
		Name: "request_stale_connection_check", Kind: propBool, Default: "true", Doc: "a request is stale when its connection is closed",
		set: toBool(func(c *Config) *bool { return &c.Requests.StaleConnectionCheck }),
	},
	{
		Name: "request_throttler.shutdownTimeout", Kind: propInt, Default: "10000", Unit: "ms", Doc: "how long a stopping throttler waits",
		Use: NoEffect, Why: "nio.shutdownTimeout bounds the whole stop",
	},
	{
		Name: "throttled_op_wait_time", Kind: propInt, Default: "0", Unit: "ms",
		Doc: "requests that had to wait longer are answered with THROTTLEDOP, 0 is never",
		set: toInt(func(c *Config) *int { return &c.Requests.ThrottledOpWaitMs }),
	},
	{
		Name: "largeRequestThreshold", Kind: propInt, Default: "-1", Unit: "bytes", Doc: "a larger request is a large request, -1 is never",
		set: toInt(func(c *Config) *int { return &c.Requests.LargeThresholdBytes }),
	},
	{
		Name: "largeRequestMaxBytes", Kind: propInt, Default: "104857600", Unit: "bytes", Doc: "sum of the large requests that are worked on at once",
		set: toInt(func(c *Config) *int { return &c.Requests.LargeMaxBytes }),
	},
	{
		Name: "connection_throttle_tokens", Kind: propInt, Default: "0", Unit: "tokens", Doc: "size of the token bucket for new connections, 0 is no throttling",
		set: toInt(func(c *Config) *int { return &c.Connections.Tokens }),
	},
	{
		Name: "connection_throttle_fill_time", Kind: propInt, Default: "1", Unit: "ms", Doc: "how often the bucket is filled",
		set: toInt(func(c *Config) *int { return &c.Connections.FillTimeMs }),
	},
	{
		Name: "connection_throttle_fill_count", Kind: propInt, Default: "1", Unit: "tokens", Doc: "by how much it is filled",
		set: toInt(func(c *Config) *int { return &c.Connections.FillCount }),
	},
	{
		Name: "connection_throttle_freeze_time", Kind: propInt, Default: "-1", Unit: "ms",
		Doc: "time between two changes of the drop probability, -1 is no dropping",
		set: toInt(func(c *Config) *int { return &c.Connections.FreezeTimeMs }),
	},
	{
		Name: "connection_throttle_drop_increase", Kind: propFloat, Default: "0.02", Doc: "step up of the drop probability",
		set: toFloat(func(c *Config) *float64 { return &c.Connections.DropIncrease }),
	},
	{
		Name: "connection_throttle_drop_decrease", Kind: propFloat, Default: "0.002", Doc: "step down of the drop probability",
		set: toFloat(func(c *Config) *float64 { return &c.Connections.DropDecrease }),
	},
	{
		Name: "connection_throttle_decrease_ratio", Kind: propFloat, Default: "0", Doc: "fill level of the bucket above which it steps down",
		set: toFloat(func(c *Config) *float64 { return &c.Connections.DecreaseRatio }),
	},
	{
		Name: "connection_throttle_weight_enabled", Kind: propBool, Default: "false",
		Doc: "connections cost tokens by the weights below; tokens and fill count are multiplied by the global weight",
		set: toBool(func(c *Config) *bool { return &c.Connections.Weighted }),
	},
	{
		Name: "connection_throttle_global_session_weight", Kind: propInt, Default: "3", Unit: "tokens", Doc: "cost of a new session",
		set: toInt(func(c *Config) *int { return &c.Connections.GlobalWeight }),
	},
	{
		Name: "connection_throttle_renew_session_weight", Kind: propInt, Default: "2", Unit: "tokens", Doc: "cost of a renewed session",
		set: toInt(func(c *Config) *int { return &c.Connections.RenewWeight }),
	},
	{
		Name: "connection_throttle_local_session_weight", Kind: propInt, Default: "1", Unit: "tokens",
		Doc: "cost of a local session; no other weight may be below it",
		set: toInt(func(c *Config) *int { return &c.Connections.LocalWeight }),
	},
}

// dataKeys are about znodes, watches and the replies that show them.
var dataKeys = []Key{
	{
		Name: "jute.maxbuffer", Origin: PropertyOnly, Kind: propInt, Default: "1048575", Unit: "bytes", Doc: "largest request",
		set:   toInt(func(c *Config) *int { return &c.Limits.MaxFrameBytes }),
		check: within(1, math.MaxInt32, "must be a number of bytes from 1 to 2147483647"),
	},
	{
		Name: "jute.maxbuffer.extrasize", Kind: propInt, Default: "jute.maxbuffer", Unit: "bytes",
		Doc: "what a transaction may be larger than a request; at least 1024",
		set: toInt(func(c *Config) *int { return &c.Limits.ExtraFrameBytes }),
	},
	{
		Name: "intBufferStartingSizeBytes", Kind: propInt, Default: "1024", Unit: "bytes", Doc: "first size of a buffer for replies",
		Use: NoEffect, Why: "replies are appended to buffers that the server keeps",
		check: within(32, math.MaxInt32, "must be at least 32"),
	},
	{
		Name: "maxResponseCacheSize", Kind: propInt, Default: "400", Unit: "replies", Doc: "getData replies that are kept in their encoded form",
		Use: NoEffect, Why: "encoding such a reply costs less than finding it in a cache",
	},
	{
		Name: "maxGetChildrenResponseCacheSize", Kind: propInt, Default: "400", Unit: "lists", Doc: "lists of children that are kept in their encoded form",
		set: toInt(func(c *Config) *int { return &c.Caches.Children }),
	},
	{
		Name: "enforceQuota", Kind: propBool, Default: "false", Doc: "refuse writes above a hard quota",
		set: toBool(func(c *Config) *bool { return &c.Quota.Enforce }),
	},
	{
		Name: "closeSessionTxn.enabled", Kind: propBool, Default: "true", Doc: "list the ephemerals in closeSession transactions",
		set: toBool(func(c *Config) *bool { return &c.Znodes.CloseSessionPaths }),
	},
	{
		Name: "extendedTypesEnabled", Kind: propBool, Default: "false", Doc: "allow TTL znodes",
		set: toBool(func(c *Config) *bool { return &c.Znodes.ExtendedTypes }),
	},
	{
		Name: "emulate353TTLNodes", Kind: propBool, Default: "false", Doc: "read TTL znodes as 3.5.3 wrote them",
		set: toBool(func(c *Config) *bool { return &c.Znodes.Emulate353TTL }),
	},
	{
		Name: "znode.container.checkIntervalMs", Origin: PropertyOnly, Kind: propInt, Default: "60000", Unit: "ms",
		Doc:   "time between two searches for empty containers and expired TTL znodes",
		set:   toInt(func(c *Config) *int64 { return &c.Containers.CheckIntervalMs }),
		check: within(1, math.MaxInt32, "must be a number of milliseconds from 1 to 2147483647"),
	},
	{
		Name: "znode.container.maxPerMinute", Origin: PropertyOnly, Kind: propInt, Default: "10000", Unit: "znodes", Doc: "how many of them are removed in a minute",
		set:   toInt(func(c *Config) *int { return &c.Containers.MaxPerMinute }),
		check: within(1, math.MaxInt32, "must be a number from 1 to 2147483647"),
	},
	{
		Name: "znode.container.maxNeverUsedIntervalMs", Origin: PropertyOnly, Kind: propLong, Default: "0", Unit: "ms",
		Doc: "age at which a container that never had a child is removed, 0 is never",
		set: toInt(func(c *Config) *int64 { return &c.Containers.MaxNeverUsedIntervalMs }),
	},
	{
		Name: "readonlymode.enabled", Origin: PropertyOnly, Kind: text, Default: "false",
		Doc: "serve reads without a quorum; a server that stands alone only answers isro then",
		set: func(c *Config, v value) { c.FourLetter.isro, c.Quorum.ReadOnly = v.s == "true", isTrue(v.s) },
	},
}

// watchKeys are the knobs of Apache's watch managers, pathStatsKeys those of
// its statistics.
var (
	watchKeys = rows(NoEffect, "there is one watch table, and a watcher leaves it with its connection", []row{
		{"watchManagerName", text, "org.apache.zookeeper.server.watch.WatchManager", "", "Java class that keeps the watches"},
		{"watcherCleanThreadsNum", propInt, "2", "threads", "threads that remove dead watchers"},
		{"watcherCleanThreshold", propInt, "1000", "watchers", "dead watchers that are removed at once"},
		{"watcherCleanIntervalInSeconds", propInt, "600", "s", "time between two removals"},
		{"maxInProcessingDeadWatchers", propInt, "-1", "watchers", "dead watchers that may wait"},
		{"bitHashCacheSize", propInt, "10", "entries", "cache of the optimised watch manager"},
	})
	pathStatsKeys = append([]Key{{
		Name: "pathStats.enabled", Kind: propBool, Default: "false", Doc: "log which paths are used most",
		Use: NotBuilt, Why: "statistics per path", asks: isTrue,
	}}, rows(NoEffect, "statistics per path are not built yet", []row{
		{"pathStats.slotCapacity", propInt, "60", "slots", "how many slots of time are kept"},
		{"pathStats.slotDuration", propInt, "15", "s", "how long a slot is"},
		{"pathStats.maxDepth", propInt, "6", "names", "how much of a path counts"},
		{"pathStats.sampleRate", propFloat, "0.1", "", "share of the requests that is counted"},
		{"pathStats.initialDelay", propLong, "5", "min", "time until the first line of the log"},
		{"pathStats.delay", propLong, "5", "min", "time between lines of the log"},
		{"pathStats.topPathMax", propInt, "20", "paths", "paths in a line of the log"},
	})...)
)
