// Package datadir moves data directories between Apache's servers and the
// subject, both ways, and compares every znode after each move: path, data,
// ACL and every field of its Stat, times and zxids as they are.
package datadir
