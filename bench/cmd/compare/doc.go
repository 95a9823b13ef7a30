// Command compare runs Apache ZooKeeper and Meerkat in turn on the same disk,
// loads both in the same way, and writes what came out beside what was aimed
// at into docs/performance.md.
//
// Every round starts each server anew, several times: empty, for its start,
// its memory and its sessions; again for the throughput of every workload;
// and once more to fill it with znodes, start it on them and load it while it
// writes a snapshot of them. The rounds are interleaved and alternate who
// begins; the figures are medians over the rounds. A third server, which only
// echoes, tells once what the machine allows at most.
//
// Ensembles of three servers take turns in the same way: they are loaded,
// lose sessions, lose and change their leader, and miss a follower.
//
// Apache's jars are fetched with Maven into the cache directory. It runs with
// the heap its own script gives it, both with fsync on and with the same
// zoo.cfg.
package main
