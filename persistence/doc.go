// Package persistence keeps a server's data directory in the format of Apache
// ZooKeeper: transaction logs, snapshots and epoch files that either server
// can take over from the other.
//
// A [Store] is the open directory. It is recovered into a [State]; after that
// one goroutine appends and syncs, while another may write a snapshot and
// others read the log, purge or ask for room. In an ensemble that goroutine
// also lets a leader's history take the place of this server's, by Truncate
// and Install; Reach and ReadEntries serve learners that are behind. The
// formats are described in FORMAT.md, beside this file.
//
// The rules that everything here serves:
//
//   - What Sync has returned for is found again after any crash.
//   - A write or sync that failed once is never tried again.
//   - A record that may have been synced and is damaged is never passed over
//     in silence: recovery refuses and says what to do. What a crash tore
//     before it was synced is cut.
//   - No length found on disk is believed before the bytes are seen.
package persistence
