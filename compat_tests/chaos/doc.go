// Package chaos runs real servers of an ensemble behind proxies and makes
// trouble: it kills, freezes, stops and wipes servers, cuts, delays and
// swallows what they and their clients say to each other, in every shape and
// also one way only. What goes wrong and when follows from one seed.
//
// Clients keep a history of what they asked and heard, with times. Afterwards
// it is held against what ZooKeeper promises:
//
//   - writes are linearizable, and with meerkat.linearizableSync so is a sync
//     followed by a read (github.com/anishathalye/porcupine searches for an
//     order);
//   - zxids grow with time, and a reply that names a zxid shows every write up
//     to it; within a session nothing goes back;
//   - what was acknowledged is there at the end, what was refused is not;
//   - a watch fires once, before the new state is seen, and no event is lost;
//   - an ephemeral lives as long as its session, and a session that shows life
//     lives.
//
// A request without a reply may have happened or not, and that is what the
// checks assume.
package chaos
