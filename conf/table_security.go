package conf

import "strings"

const providerPackage = "org.apache.zookeeper.server.auth."

// authKeys say who may do what.
var authKeys = []Key{
	{
		Name: "skipACL", Kind: text, Default: "no", Doc: "yes switches all checks of ACLs off",
		set: func(c *Config, v value) { c.Auth.SkipACL = v.s == "yes" },
	},
	{
		Name: "enableEagerACLCheck", Kind: propBool, Default: "false", Doc: "check ACLs before a write is sent to the leader",
		Use: NoEffect, Why: "the leader checks a write once, against the newest ACL",
	},
	{
		Name: "DigestAuthenticationProvider.enabled", Kind: propBool, Default: "true", Doc: "offer the scheme digest",
		set: toBool(func(c *Config) *bool { return &c.Auth.DigestEnabled }),
	},
	{
		Name: "DigestAuthenticationProvider.digestAlg", Kind: text, Default: "SHA1", Doc: "hash of the scheme digest, by its name in Java",
		set: toText(func(c *Config) *string { return &c.Auth.DigestAlg }),
	},
	{
		Name: "DigestAuthenticationProvider.superDigest", Kind: text, Doc: "user:BASE64(HASH(user:password)) of the super user", Secret: true,
		set: toText(func(c *Config) *string { return &c.Auth.SuperDigest }),
	},
	{
		Name: "authProvider.*", Kind: text, Doc: "Java class of another provider; what follows the dot is free text",
		set:   func(*Config, value) {}, // gathered by name
		check: checkProvider,
	},
	{
		Name: "ensembleAuthName", Kind: text, Doc: "names by comma that clients may expect of the scheme ensemble",
		set: toText(func(c *Config) *string { return &c.Auth.EnsembleNames }),
	},
	{
		Name: "enforce.auth.enabled", Kind: propBool, Default: "false", Doc: "close connections that send requests without an identity of enforce.auth.schemes",
		set: toBool(func(c *Config) *bool { return &c.Auth.Enforce }),
	},
	{
		Name: "enforce.auth.schemes", Kind: text, Doc: "schemes by comma, one of which is enough",
		set: func(c *Config, v value) { c.Auth.EnforceSchemes = splitSchemes(v.s) },
	},
	{
		Name: "IPAuthenticationProvider.usexforwardedfor", Kind: propBool, Default: "false", Doc: "address of HTTP clients behind a proxy",
		Use: NoEffect, Why: "it is about the admin server, which is not built yet",
	},
}

// providers are the classes whose schemes exist here.
var providers = map[string]bool{
	providerPackage + "IPAuthenticationProvider":       true,
	providerPackage + "DigestAuthenticationProvider":   true,
	providerPackage + "EnsembleAuthenticationProvider": true,
}

// checkProvider is the check of authProvider.*. Apache logs a class that it
// cannot load and goes on; then ACLs of its scheme lock everybody out.
func checkProvider(v value) string {
	if providers[v.s] {
		return ""
	}
	return "must be " + providerPackage + "IPAuthenticationProvider, DigestAuthenticationProvider or " +
		"EnsembleAuthenticationProvider: x509 and SASL are not built yet, and other classes cannot be loaded"
}

// splitSchemes reads enforce.auth.schemes as Apache does: trailing empty
// names are dropped, others count.
func splitSchemes(s string) []string {
	schemes := strings.Split(s, ",")
	for len(schemes) > 1 && schemes[len(schemes)-1] == "" {
		schemes = schemes[:len(schemes)-1]
	}
	for i := range schemes {
		schemes[i] = trim(schemes[i])
	}
	return schemes
}

// saslKeys ask for SASL, or are about it.
var saslKeys = append([]Key{
	{
		Name: "java.security.auth.login.config", Origin: PropertyOnly, Kind: text, Doc: "JAAS file with the server's login",
		Use: NotBuilt, Why: "SASL",
	},
	{
		Name: "sessionRequireClientSASLAuth", Kind: propBool, Default: "false", Doc: "enforce the scheme sasl",
		Use: NotBuilt, Why: "SASL", asks: isTrue,
	},
	{
		Name: "SASLAuthenticationProvider.superPassword", Kind: text, Doc: "password of the SASL user super", Secret: true,
		Use: NoEffect, Why: noSASL,
	},
}, rows(NoEffect, noSASL, []row{
	{"sasl.serverconfig", text, "Server", "", "section of the JAAS file"},
	{"allowSaslFailedClients", propBool, "false", "", "keep clients that failed"},
	{"superUser", text, "", "", "SASL user who may do everything"},
	{"superUser.*", text, "", "", "more of them"},
	{"letAnySaslUserDoX", text, "", "", "ACL id that every SASL user matches"},
	{"kerberos.removeHostFromPrincipal", propBool, "false", "", "drop the host of a principal"},
	{"kerberos.removeRealmFromPrincipal", propBool, "false", "", "drop the realm of a principal"},
	{"kerberos.canonicalizeHostNames", propBool, "false", "", "look up the names of servers"},
	{"kerberos.minReLoginTimeMs", propLong, "60000", "ms", "shortest time between two logins"},
	{"security.auth_to_local", text, "DEFAULT", "", "rules that map principals to users"},
	{"requireKerberosConfig", text, "", "", "insist on a Kerberos configuration"},
	{"kinit", text, "/usr/bin/kinit", "", "program that renews tickets"},
})...)

const noSASL = "it is about SASL, which is not built yet"

// tlsKeys are about certificates. None of them matters without a port that
// speaks TLS, and those are refused.
var tlsKeys = append(rows(NoEffect, noTLS, []row{
	{"X509AuthenticationProvider.superUser", text, "", "", "certificate subject that may do everything"},
	{"ssl.authProvider", text, "x509", "", "scheme that reads certificates"},
	{"ssl.sslProvider", text, "JDK", "", "Java library for TLS"},
	{"fips-mode", propBool, "true", "", "leave the checks of host names to Java"},
}), append(storeKeys("ssl.", "false", "false"), storeKeys("ssl.quorum.", "true", "true")...)...)

const noTLS = "it is about TLS, which is not built yet"

// storeKeys are the keys that exist once for clients and once for servers.
func storeKeys(prefix, clientHostname, reverseDNS string) []Key {
	keys := rows(NoEffect, noTLS, []row{
		{"protocol", text, "TLSv1.3", "", "protocol to offer"},
		{"enabledProtocols", text, "protocol", "", "protocols to accept, by comma"},
		{"ciphersuites", text, "built-in list", "", "cipher suites, by comma"},
		{"keyStore.location", text, "", "", "file with the server's key"},
		{"keyStore.password", text, "", "", "its password"},
		{"keyStore.passwordPath", text, "", "", "file with its password"},
		{"keyStore.type", text, "by extension", "", "JKS, PEM, PKCS12 or BCFKS"},
		{"trustStore.location", text, "", "", "file with the certificates to trust"},
		{"trustStore.password", text, "", "", "its password"},
		{"trustStore.passwordPath", text, "", "", "file with its password"},
		{"trustStore.type", text, "by extension", "", "JKS, PEM, PKCS12 or BCFKS"},
		{"context.supplier.class", text, "", "", "Java class that does all of this"},
		{"hostnameVerification", propBool, "true", "", "compare host names with certificates"},
		{"clientHostnameVerification", propBool, clientHostname, "", "the same for those who connect"},
		{"allowReverseDnsLookup", propBool, reverseDNS, "", "look up names for that"},
		{"crl", propBool, "false", "", "check revocation lists"},
		{"ocsp", propBool, "false", "", "ask for revocations"},
		{"clientAuth", text, "need", "", "none, want or need"},
		{"handshakeDetectionTimeoutMillis", propInt, "5000", "ms", "how long to wait for the first byte"},
	})
	for i := range keys {
		keys[i].Secret = strings.HasSuffix(keys[i].Name, ".password")
		keys[i].Name = prefix + keys[i].Name
	}
	return keys
}
