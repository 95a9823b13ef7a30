// Package sim runs whole ensembles of [quorum.Core] in one goroutine on
// virtual time, over a network and disks that fail in every way the core must
// survive, and checks after each step that nothing which was promised is
// broken. Everything follows from one seed.
//
// What fails: votes are lost, delayed and reordered; connections delay, stall
// and break; partitions take every shape, one-way ones included; servers crash
// between any two durable steps and lose what was not synced, pause, have
// their clocks jump, have disks that are slow, fail, or are wiped.
//
// What is checked:
//
//   - single leader: no epoch has two established leaders
//   - integrity: what is delivered was proposed, and a zxid names one transaction
//   - agreement, total order, prefix consistency: what a server shows its
//     clients is a prefix of one history
//   - primary order: a leader that begins has everything committed before it,
//     and zxids within an epoch have no holes
//   - durability: what is committed is on the disks of a quorum, and no
//     truncation and no snapshot takes it away from there
//   - confirmation: a leader that a quorum confirms shows all that was committed
//     when it asked
//   - progress: once the faults end, everyone ends up with the same history,
//     and new transactions are committed
package sim
