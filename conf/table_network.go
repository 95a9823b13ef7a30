package conf

import "strings"

const (
	nioFactory   = "org.apache.zookeeper.server.NIOServerCnxnFactory"
	nettyFactory = "org.apache.zookeeper.server.NettyServerCnxnFactory"
)

// networkKeys are about sockets of clients.
var networkKeys = append([]Key{
	{
		Name: "maxCnxns", Kind: propInt, Default: "0", Unit: "connections", Doc: "connections of all clients, 0 is any number",
		set: toInt(func(c *Config) *int { return &c.Limits.MaxConnections }),
	},
	{
		Name: "clientTcpKeepAlive", Kind: propBool, Default: "false", Doc: "set SO_KEEPALIVE on the sockets of clients",
		set: toBool(func(c *Config) *bool { return &c.Client.TCPKeepAlive }),
	},
	{
		Name: "nio.sessionlessCnxnTimeout", Kind: propInt, Default: "10000", Unit: "ms", Doc: "how long a connection may wait before it asks for a session",
		set: toInt(func(c *Config) *int { return &c.Limits.SessionlessTimeoutMs }),
	},
	{
		Name: "nio.shutdownTimeout", Kind: propLong, Default: "5000", Unit: "ms", Doc: "how long a stopping server waits for clients to take their replies",
		set: toInt(func(c *Config) *int64 { return &c.Limits.ShutdownTimeoutMs }),
	},
	{
		Name: "4lw.commands.whitelist", Kind: text, Default: "srvr", Doc: "four-letter words that are answered, by comma, * is all of them",
		set: func(c *Config, v value) { c.FourLetter.Words = splitWords(v.s) },
	},
	{
		Name: "secureClientPort", Origin: FileOnly, Kind: fileInt, Default: "none", Doc: "TCP port for clients with TLS",
		Use: NotBuilt, Why: "TLS",
	},
	{
		Name: "secureClientPortAddress", Origin: FileOnly, Kind: text, Default: "all", Doc: "address to listen on for clients with TLS",
		Use: NotBuilt, Why: "TLS",
	},
	{
		Name: "client.portUnification", Kind: propBool, Default: "false", Doc: "accept TLS on the plain port too",
		Use: NotBuilt, Why: "TLS", asks: isTrue,
	},
	{
		Name: "serverCnxnFactory", Kind: text, Default: nioFactory, Doc: "Java class that serves connections",
		Use: NoEffect, Why: "connections are served by one goroutine each",
	},
}, rows(NoEffect, "connections are served by one goroutine each", []row{
	{"nio.numSelectorThreads", propInt, "max(1, sqrt(cores / 2))", "threads", "threads that wait for requests"},
	{"nio.numWorkerThreads", propInt, "2 x cores", "threads", "threads that read and write"},
	{"nio.directBufferBytes", propInt, "65536", "bytes", "buffer of a thread that writes"},
	{"netty.advancedFlowControl.enabled", propBool, "false", "", "read from a socket only as fast as requests are done"},
	{"netty.server.outstandingHandshake.limit", propInt, "-1", "handshakes", "TLS handshakes at once"},
	{"netty.server.earlyDropSecureConnectionHandshakes", propBool, "false", "", "close TLS connections while not serving"},
	{"client.certReload", propBool, "false", "", "watch the key and trust stores of clients"},
})...)

// splitWords reads 4lw.commands.whitelist as Apache does: words by comma,
// blanks around them dropped, everything from a * on is all words.
func splitWords(s string) []string {
	var words []string
	for _, w := range strings.Split(s, ",") {
		switch w = trim(w); w {
		case "*":
			return []string{"*"}
		case "":
		default:
			words = append(words, w)
		}
	}
	return words
}
