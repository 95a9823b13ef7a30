// Package fourletter answers the four-letter words: four bytes in the place
// of a connection's first length, to which the server writes a text and
// closes. Scripts and monitoring agents parse these texts, so they are
// Apache's to the byte; texts recorded from an Apache ZooKeeper 3.9.5 are in
// testdata (server.command.*, ZooKeeperServer.dumpConf, ServerCnxn, ServerStats).
//
// [Answer] is a pure function from a [View] of the server to the text.
package fourletter
