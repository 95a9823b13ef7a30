// Package stats counts what a server does: the numbers behind the words srvr,
// stat, cons and mntr, under the names that Apache ZooKeeper 3.9.5 gives them.
//
// Two kinds of numbers are kept apart. What happens once or several times per
// request is gathered by each connection in a [Batch], without any
// synchronisation, and added up once per burst in one of the [Server]'s
// shards. Everything else stands in the [Registry]: counters, summaries and
// gauges, one for each row of [Table]. Nothing is global.
package stats
