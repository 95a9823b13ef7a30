// Package datadir is the operator's view of a data directory that no server
// of this process runs on: it prints, compares, checks, repairs and prepares
// snapshots, transaction logs and whole directories, those of Apache
// ZooKeeper and those of Meerkat alike.
//
// Where scripts read the output of Apache's tools (SnapshotFormatter,
// SnapshotComparer, SnapshotRecursiveSummary, TxnLogToolkit), the lines are
// theirs. Children are printed in the order of their names, where Apache's
// order is that of a hash table. Data that fails a checksum is an error, where
// Apache's tools print what they can.
//
// Files are reached through [vfs.FS] alone, and nothing is changed but what a
// function says that it writes.
package datadir
