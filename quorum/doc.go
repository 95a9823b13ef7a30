// Package quorum is the replication core of Meerkat: who is counted, who
// leads, what is committed, and how a server that fell behind is brought up to
// date, by the rules of Apache ZooKeeper's FastLeaderElection and Zab.
//
// It is pure: no socket, no file, no clock, no logger and no random source
// other than the one seeded by its configuration. A [Core] is stepped with what happened
// and returns what is to be done about it; the same inputs always give the
// same outputs. Small parts of it stand on their own: [Verifier], the rules
// of quorums, and [Commitment], the tally of acknowledgements.
//
// The life of a server:
//
//	Looking     exchanges votes until a quorum agrees on the best server:
//	            latest epoch, then latest zxid, then highest id
//	Discovery   the leader picks an epoch above all that a quorum accepted; each
//	            learner promises it, unless it is ahead of the leader
//	Synchron.   each learner's history is made the leader's: DIFF, TRUNC or SNAP
//	Broadcast   once a quorum has that history on disk it is committed, and
//	            proposals are replicated
//
// Four rules carry the safety, each kept where it is named:
//
//   - a promise is durable before it is told, and told once (following.ackEpoch)
//   - the history is durable before the current epoch, and that before the
//     ACK of NEWLEADER (following.persisted)
//   - nothing is acknowledged before it is durable (following.persisted)
//   - an acknowledgement does not outlive what it stands for (Core.synchronise)
//
// In three places it does more than Apache's servers, in ways that these do not
// notice: an election ends at once when everyone in reach agrees, a worse vote
// is answered with the better one, and whoever has decided says so; a leader
// gives up at once when too few are left that could follow, or when one of them
// could never follow its epoch; and leadership can be confirmed by a quorum
// ([Confirm]) and laid down ([Resign]). docs/decisions/quorum.md lists it all.
//
// A server that cannot cut its log as far as its leader wants neither votes
// nor is counted until it has got a snapshot. To make that rare, snapshots are
// to be taken, and logs purged, of what is committed only. One whose tree
// contradicts the leader's ([Diverged]) asks for a snapshot too, but votes: its
// log is right.
//
// Sessions are the server's business: the core only checks that their packets
// are due, and hands them on. What is not here yet: reconfiguration is
// passed on as a plain transaction.
package quorum
