package conf

import "strings"

const noEnsemble = "it is about ensembles, and this server stands alone"

// memberKeys say who the members are.
var memberKeys = []Key{
	{
		Name: "server.*", Origin: FileOnly, Kind: text,
		Doc:      "a member: host:quorumPort:electionPort[:role][;[host:]clientPort], IPv6 in brackets, several addresses apart by |; a single voter is a server that stands alone",
		gathered: true,
	},
	{Name: "group*", Origin: FileOnly, Kind: text, Doc: "`group.N`: the voters of a group, apart by :", gathered: true},
	{Name: "weight*", Origin: FileOnly, Kind: text, Default: "1", Unit: "votes", Doc: "`weight.N`: what the vote of server N weighs", gathered: true},
	{Name: "version", Origin: FileOnly, Kind: text, Default: "0", Doc: "version of the members, hexadecimal", gathered: true},
	{Name: "standaloneEnabled", Origin: FileOnly, Kind: fileBool, Default: "true", Doc: "false makes a single voter an ensemble of one", gathered: true},
	{
		Name: "dynamicConfigFile", Origin: FileOnly, Kind: text,
		Doc: "file with the members; its version is the hexadecimal number behind the last dot of its name", gathered: true,
	},
	{
		Name: "reconfigEnabled", Origin: FileOnly, Kind: fileBool, Default: "false",
		Doc: "change the members while running, which is not built yet: in an ensemble reconfig is refused, and a line in the log says so; a server that stands alone answers reconfig with UNIMPLEMENTED instead of RECONFIGDISABLED",
		set: toBool(func(c *Config) *bool { return &c.Reconfig.Enabled }),
	},
	{
		Name: "oraclePath", Origin: FileOnly, Kind: text, Use: Ensemble,
		Doc: "file whose first character, 1 for yes, lets one of two voters go on alone",
		set: toText(func(c *Config) *string { return &c.Quorum.OraclePath }),
	},
	{
		Name: "peerType", Origin: FileOnly, Kind: text, Default: "participant", Use: Ensemble,
		Doc: "participant or observer; the server line counts when it says otherwise", check: checkPeerType, gathered: true,
	},
	{
		Name: "multiAddress.enabled", Origin: FileOnly, Also: propertyPrefix + "multiAddress.enabled", Kind: fileBool, Default: "false", Use: Ensemble,
		Doc: "tell the others all addresses of this server; only as -Dzookeeper.multiAddress.enabled=true are server lines with several read",
		set: toBool(func(c *Config) *bool { return &c.Quorum.MultiAddress }),
	},
	{
		Name: "quorumListenOnAllIPs", Origin: FileOnly, Kind: fileBool, Default: "false", Doc: "listen for servers on all addresses", Use: Ensemble,
		set: toBool(func(c *Config) *bool { return &c.Quorum.ListenOnAllIPs }),
	},
	{
		Name: "localSessionsEnabled", Origin: FileOnly, Kind: fileBool, Default: "false", Doc: "sessions that only their server knows", Use: Ensemble,
		set: toBool(func(c *Config) *bool { return &c.Quorum.LocalSessions }),
	},
	{
		Name: "localSessionsUpgradingEnabled", Origin: FileOnly, Kind: fileBool, Default: "false", Use: Ensemble,
		Doc: "turn them into global ones when they create an ephemeral",
		set: toBool(func(c *Config) *bool { return &c.Quorum.LocalUpgrades }),
	},
}

// limitKeys count ticks.
var limitKeys = []Key{
	{
		Name: "initLimit", Origin: FileOnly, Kind: fileInt, Default: "required", Unit: "ticks", Use: Ensemble,
		Doc: "how long a learner may take to connect and synchronise; at least 1",
		set: toInt(func(c *Config) *int { return &c.Quorum.InitTicks }),
	},
	{
		Name: "syncLimit", Origin: FileOnly, Kind: fileInt, Default: "required", Unit: "ticks", Use: Ensemble,
		Doc: "how long a peer may be silent; at least 1",
		set: toInt(func(c *Config) *int { return &c.Quorum.SyncTicks }),
	},
	{
		Name: "connectToLearnerMasterLimit", Origin: FileOnly, Kind: fileInt, Default: "initLimit", Unit: "ticks", Use: Ensemble,
		Doc: "how long a learner may try to connect",
		set: toInt(func(c *Config) *int { return &c.Quorum.ConnectTicks }),
	},
}

// peerSecurityKeys protect what servers say to one another.
var peerSecurityKeys = append([]Key{
	{
		Name: "sslQuorum", Origin: FileOnly, Kind: fileBool, Default: "false", Doc: "TLS between servers",
		Use: NotBuilt, Why: "TLS between servers", asks: isTrue,
	},
	{
		Name: "portUnification", Origin: FileOnly, Kind: fileBool, Default: "false", Doc: "accept TLS and plain connections of servers",
		Use: NotBuilt, Why: "TLS between servers", asks: isTrue,
	},
	{
		Name: "sslQuorumReloadCertFiles", Origin: FileOnly, Kind: fileBool, Default: "false", Doc: "watch the key and trust stores of servers",
		Use: NotBuilt, Why: "TLS between servers", asks: isTrue,
	},
	{
		Name: "quorum.auth.enableSasl", Origin: FileOnly, Kind: fileBool, Default: "false", Doc: "SASL between servers",
		Use: NotBuilt, Why: "SASL between servers", asks: isTrue,
	},
	{
		Name: "quorum.auth.learnerRequireSasl", Origin: FileOnly, Kind: fileBool, Default: "false", Doc: "a learner insists on it",
		Use: NotBuilt, Why: "SASL between servers", asks: isTrue,
	},
	{
		Name: "quorum.auth.serverRequireSasl", Origin: FileOnly, Kind: fileBool, Default: "false", Doc: "a leader insists on it",
		Use: NotBuilt, Why: "SASL between servers", asks: isTrue,
	},
}, rowsFrom(FileOnly, NoEffect, "SASL between servers is not built yet", []row{
	{"quorum.auth.learner.saslLoginContext", text, "QuorumLearner", "", "section of the JAAS file"},
	{"quorum.auth.server.saslLoginContext", text, "QuorumServer", "", "section of the JAAS file"},
	{"quorum.auth.kerberos.servicePrincipal", text, "zkquorum/localhost", "", "principal of the servers"},
})...)

func checkPeerType(v value) string {
	if t := strings.ToLower(v.s); t == "observer" || t == "participant" {
		return ""
	}
	return "must be participant or observer"
}
