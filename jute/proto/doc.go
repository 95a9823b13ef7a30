// Package proto holds every record that ZooKeeper puts on a wire or a disk:
// the client protocol, the transactions of the log, and the packets between
// servers, with their op codes and error codes.
//
// A record has two methods: Append adds its wire form to a byte slice, and
// Decode reads it with the sticky error of [jute.Decoder]. Field order in a
// struct is field order on the wire. The source of every layout is Apache's
// zookeeper.jute at release 3.9.5; bytes recorded from Apache servers pin
// them in the tests.
package proto
