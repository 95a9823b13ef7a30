// Package auth decides who a client is and what it may do: the identities of
// a connection, the providers that grant and match them, the check of an ACL
// and the rewriting of one that a client sends.
//
// Nothing here is global. A [Registry] is built once from the configuration,
// never changes and may be used by all goroutines; a provider that changes
// (a reloaded trust store, say) changes inside. The rules are those of Apache
// ZooKeeper 3.9.5: ZooKeeperServer.checkACL, PrepRequestProcessor.fixupACL,
// ProviderRegistry, AuthenticationHelper and the classes of server.auth.
// Vectors recorded from those classes are in testdata.
package auth
