package conf

// NoPort means that no client port is opened.
const NoPort = -1

// Config is a server's configuration. [Load] and [FromArgs] fill it and
// [Config.Validate] has accepted it; after that nobody changes it. Names in
// parentheses are the keys of zoo.cfg.
type Config struct {
	// File is where the configuration was read; "" when it came from
	// arguments.
	File string
	// Text is what stood in it, with the values of secrets left out.
	Text string
	// Properties are the system properties that Apache would have: those that
	// were given, and those that it makes of the file's lines. The values of
	// secrets are left out.
	Properties map[string]string

	Client      Client
	Session     Session
	Limits      Limits
	Requests    Requests
	Connections Connections
	Storage     Storage
	Znodes      Znodes
	Containers  Containers
	Quota       Quota
	Auth        Auth
	Caches      Caches
	FourLetter  FourLetter
	Admin       Admin
	Metrics     Metrics
	Audit       Audit
	Log         Log
	Reconfig    Reconfig
	Quorum      Quorum
	Election    Election
	Leader      Leader
	Learner     Learner
}

// Client says where clients connect.
type Client struct {
	// Address is the IP address to listen on; "" is all of them
	// (clientPortAddress).
	Address string
	// Port is the TCP port; 0 is any free one, NoPort is none (clientPort).
	Port int
	// ListenBacklog is the length of the accept queue; -1 is the system's
	// default (clientPortListenBacklog).
	ListenBacklog int
	// TCPKeepAlive sets SO_KEEPALIVE on clients' sockets (clientTcpKeepAlive).
	TCPKeepAlive bool
}

// Session says how long sessions live.
type Session struct {
	// TickTimeMs is the unit of time: sessions expire on its multiples
	// (tickTime).
	TickTimeMs int32
	// MinTimeoutMs and MaxTimeoutMs bound what a client may ask for
	// (minSessionTimeout, maxSessionTimeout).
	MinTimeoutMs, MaxTimeoutMs int32
}

// Clamp returns the timeout a client gets that asked for one.
func (s *Session) Clamp(askedMs int32) int32 {
	// In Apache's order: with bounds that cross, which Validate refuses, the
	// upper one would win.
	return min(max(askedMs, s.MinTimeoutMs), s.MaxTimeoutMs)
}

// Limits bounds what clients may take of the server.
type Limits struct {
	// MaxFrameBytes is the largest request (jute.maxbuffer).
	MaxFrameBytes int
	// ExtraFrameBytes is added when data from the disk is decoded, because a
	// transaction is larger than the request that caused it
	// (jute.maxbuffer.extrasize).
	ExtraFrameBytes int
	// MaxConnections is how many clients may be connected; 0 is any number
	// (maxCnxns).
	MaxConnections int
	// MaxConnectionsPerAddress is the same for one IP address
	// (maxClientCnxns).
	MaxConnectionsPerAddress int
	// SessionlessTimeoutMs is how long a connection may wait before it asks
	// for a session (nio.sessionlessCnxnTimeout).
	SessionlessTimeoutMs int
	// ShutdownTimeoutMs bounds how long a stopping server waits for clients
	// to take their replies (nio.shutdownTimeout).
	ShutdownTimeoutMs int64
	// LogQueueBytes is how much may wait for the log's disk before no more
	// requests are read (meerkat.logQueueBytes).
	LogQueueBytes int
}

// Requests says how many requests the server works on at once.
type Requests struct {
	// MaxOutstanding is how many requests may wait for their reply before
	// connections are no longer read (globalOutstandingLimit).
	MaxOutstanding int
	// ThrottleMax is how many requests may be in the pipeline; 0 is any
	// number (request_throttle_max_requests).
	ThrottleMax int
	// ThrottleStallMs is how long a request waits for room at a time
	// (request_throttle_stall_time).
	ThrottleStallMs int
	// ThrottleDropStale drops stale requests instead of running them
	// (request_throttle_drop_stale).
	ThrottleDropStale bool
	// StaleLatencyCheck makes a request stale that waits for longer than its
	// session's timeout (request_stale_latency_check).
	StaleLatencyCheck bool
	// StaleConnectionCheck makes a request stale whose connection is closed
	// (request_stale_connection_check).
	StaleConnectionCheck bool
	// ThrottledOpWaitMs answers requests that waited longer with THROTTLEDOP;
	// 0 is never (throttled_op_wait_time).
	ThrottledOpWaitMs int
	// LargeThresholdBytes is the size above which a request is large; -1 is
	// never (largeRequestThreshold).
	LargeThresholdBytes int
	// LargeMaxBytes bounds the sum of the large requests in the pipeline
	// (largeRequestMaxBytes).
	LargeMaxBytes int
}

// Connections throttles how fast clients may connect: a token bucket, and
// before it an adaptive drop probability (the BLUE algorithm). All values are
// as read: what Apache corrects is not corrected yet, and weights are not
// multiplied in.
type Connections struct {
	// Tokens is the size of the bucket; 0 is no throttling
	// (connection_throttle_tokens).
	Tokens int
	// FillTimeMs is how often FillCount tokens are added
	// (connection_throttle_fill_time, connection_throttle_fill_count).
	FillTimeMs, FillCount int
	// FreezeTimeMs is the shortest time between two changes of the drop
	// probability; -1 is no dropping (connection_throttle_freeze_time).
	FreezeTimeMs int
	// DropIncrease and DropDecrease change the probability
	// (connection_throttle_drop_increase, connection_throttle_drop_decrease).
	DropIncrease, DropDecrease float64
	// DecreaseRatio is the fill level above which it decreases
	// (connection_throttle_decrease_ratio).
	DecreaseRatio float64
	// Weighted makes a new session cost GlobalWeight tokens, a renewed one
	// RenewWeight and a local one LocalWeight
	// (connection_throttle_weight_enabled,
	// connection_throttle_global_session_weight,
	// connection_throttle_renew_session_weight,
	// connection_throttle_local_session_weight).
	Weighted                               bool
	GlobalWeight, RenewWeight, LocalWeight int
}

// Storage says where and how data is kept.
type Storage struct {
	// DataDir holds snapshots, epochs and myid, LogDir the transaction logs,
	// both below version-2 (dataDir, dataLogDir).
	DataDir, LogDir string
	// Autocreate makes missing directories (datadir.autocreate).
	Autocreate bool
	// DBAutocreate starts with an empty database when there is none
	// (db.autocreate).
	DBAutocreate bool
	// PreallocBytes is by how much log files grow; <= 0 is as written
	// (preAllocSize, in KB).
	PreallocBytes int64
	// LogSizeLimitBytes starts a new log file; <= 0 is no limit
	// (txnLogSizeLimitInKb).
	LogSizeLimitBytes int64
	// SnapCount is the number of transactions between snapshots; at least 2
	// (snapCount).
	SnapCount int
	// SnapSizeLimitBytes is the size of the log between snapshots; <= 0 is no
	// limit (snapSizeLimitInKb).
	SnapSizeLimitBytes int64
	// ForceSync makes every transaction durable before it is acknowledged
	// (forceSync).
	ForceSync bool
	// FsyncWarnMs is the time above which a sync is logged and counted
	// (fsync.warningthresholdms).
	FsyncWarnMs int64
	// Compression of new snapshots: "", "gz" or "snappy"
	// (snapshot.compression.method).
	Compression string
	// TrustEmptySnapshot recovers from logs without a snapshot
	// (snapshot.trust.empty).
	TrustEmptySnapshot bool
	// DigestEnabled keeps a digest of the tree in snapshots and transactions
	// (digest.enabled).
	DigestEnabled bool
	// SerializeLastZxid ends snapshots with the last zxid
	// (serializeLastProcessedZxid.enabled).
	SerializeLastZxid bool
	// PurgeRetain is how many snapshots a purge leaves; at least 3
	// (autopurge.snapRetainCount).
	PurgeRetain int
	// PurgeIntervalHours is the time between purges; <= 0 is no purging
	// (autopurge.purgeInterval).
	PurgeIntervalHours int
}

// Znodes says which kinds of znodes and transactions there are.
type Znodes struct {
	// ExtendedTypes allows TTL znodes (extendedTypesEnabled).
	ExtendedTypes bool
	// Emulate353TTL reads the ephemeralOwner of TTL znodes as 3.5.3 wrote it
	// (emulate353TTLNodes).
	Emulate353TTL bool
	// CloseSessionPaths lists the ephemerals in closeSession transactions
	// (closeSessionTxn.enabled).
	CloseSessionPaths bool
}

// Containers says how empty containers and expired TTL znodes are removed.
type Containers struct {
	// CheckIntervalMs is the time between two searches
	// (znode.container.checkIntervalMs).
	CheckIntervalMs int64
	// MaxPerMinute bounds the removals (znode.container.maxPerMinute).
	MaxPerMinute int
	// MaxNeverUsedIntervalMs is the age at which a container that never had a
	// child is removed; 0 is never (znode.container.maxNeverUsedIntervalMs).
	MaxNeverUsedIntervalMs int64
}

// Quota says what quotas do.
type Quota struct {
	// Enforce refuses writes above a hard quota (enforceQuota).
	Enforce bool
}

// Auth says who may do what.
type Auth struct {
	// SkipACL switches all checks of ACLs off (skipACL).
	SkipACL bool
	// DigestEnabled offers the scheme digest
	// (DigestAuthenticationProvider.enabled).
	DigestEnabled bool
	// DigestAlg is Java's name of the hash
	// (DigestAuthenticationProvider.digestAlg).
	DigestAlg string
	// SuperDigest is user:BASE64(HASH(user:password)) of the super user; ""
	// is nobody (DigestAuthenticationProvider.superDigest).
	SuperDigest string
	// Classes maps free text to the Java class of a provider
	// (authProvider.*).
	Classes map[string]string
	// EnsembleNames are the names clients may expect, by comma
	// (ensembleAuthName).
	EnsembleNames string
	// Enforce closes connections that send requests without an identity of
	// one of EnforceSchemes (enforce.auth.enabled, enforce.auth.schemes).
	Enforce        bool
	EnforceSchemes []string
}

// Caches bounds what the server remembers of its replies.
type Caches struct {
	// Children is the number of lists of children that are kept in their
	// encoded form (maxGetChildrenResponseCacheSize).
	Children int
}

// FourLetter says which four-letter words are answered.
type FourLetter struct {
	// Words are the enabled words, or a single "*" for all. "srvr" is always
	// among them (4lw.commands.whitelist).
	Words []string

	isro bool // readonlymode.enabled adds the word isro
}

// Allows tells whether a word is enabled.
func (f *FourLetter) Allows(word string) bool {
	for _, w := range f.Words {
		if w == word || w == "*" {
			return true
		}
	}
	return false
}

// Reconfig says how the reconfig operation is answered.
type Reconfig struct {
	// Enabled makes a standalone server answer UNIMPLEMENTED instead of
	// RECONFIGDISABLED, as Apache does (reconfigEnabled).
	Enabled bool
}
