// Package jute is the archive codec of ZooKeeper: big-endian numbers,
// length-prefixed buffers, strings and vectors, concatenated without tags.
//
//	type      wire form
//	byte      1 byte
//	boolean   1 byte, written 0 or 1, any other value reads as true
//	int       4 bytes, signed
//	long      8 bytes, signed
//	buffer    int length + bytes; length -1 is null
//	ustring   int byte length + UTF-8; length -1 is null
//	vector    int count + elements; count -1 is null
//	record    its fields in order
//
// Encoding appends to a byte slice. Decoding comes in two forms with the same
// methods and the same sticky error: [Decoder] over bytes in memory, where no
// length is believed beyond the bytes that are there, and [Reader] over a
// stream, where every length is checked against a limit before memory is
// allocated. The package knows no message; those are in jute/proto.
package jute
