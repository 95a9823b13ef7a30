// Package differential sends the same random requests to two servers and
// compares every frame that comes back.
//
// A seed makes a list of steps: requests valid, invalid and malformed, bursts
// of them, connections opened, resumed, dropped and expired, raw bytes and
// four-letter words, over a few connections at once. Each step goes to both
// servers and is finished on both, notifications on all connections included,
// before the next begins, so that everything a server says is determined by
// the steps. A frame is compared as text that holds every byte of it except:
//
//	zxid        as a distance from the zxid at the start of the seed
//	session id  as the number of the session within the seed
//	ctime,mtime as "now" when they lie within the run
//	children, ephemerals, whoAmI  sorted, for their order means nothing
//
// A seed that differs is shrunk to the fewest steps that still differ.
package differential
