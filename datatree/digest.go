package datatree

import (
	"encoding/binary"
	"hash/crc32"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// The digest of a tree is the sum modulo 2^64 of the digests of its znodes
// but those below /zookeeper. The digest of a znode is the CRC-32 of path,
// data and Stat, in the order of [Persisted.putHashed]. ACLs and lists of
// children are not covered (DigestCalculator, AdHash, NodeHashMapImpl).

// NodeDigest returns what a znode adds to the digest of the tree; 0 for a path
// below /zookeeper. It is pure. [Hasher] does the same in two steps.
func NodeDigest(path string, data []byte, st *Persisted) uint64 {
	if !Digested(path) {
		return 0
	}
	if path == rootPath {
		path = ""
	}
	var h Hasher
	return h.Node(h.Text(path, data), st)
}

// Digested tells whether the digest covers the znode at path.
func Digested(path string) bool { return !strings.HasPrefix(path, systemSubtree) }

// hashed tells whether the digest covers the znode.
func (z *Znode) hashed() bool { return Digested(z.key()) }

// Hasher computes digests of znodes, for servers that must know the digest of
// a tree before a transaction is applied. It only holds memory to work in, so
// that hashing allocates nothing. It is not safe for concurrent use.
type Hasher struct{ block [hashBlockBytes]byte }

// hashBlockBytes is the size from which on CRC-32 has a fast way on amd64. A
// Stat is 4 bytes short of it.
const hashBlockBytes = persistedBytes + 4

// Text returns the CRC-32 of path and data.
func (h *Hasher) Text(path string, data []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(stringBytes(path)), crc32.IEEETable, data)
}

// Node returns the digest of a znode from the CRC of its text.
//
// A CRC with the state s of the bytes abcd... is that with the state 0 of
// (abcd xor s)..., and zeros do not change the state 0. So the Stat grows in
// front to the size of a block, and takes a third of the time.
func (h *Hasher) Node(text uint32, st *Persisted) uint64 {
	const stateZero = ^uint32(0) // as the package crc32 counts
	stat := (*[persistedBytes]byte)(h.block[hashBlockBytes-persistedBytes:])
	st.putHashed(stat)
	binary.LittleEndian.PutUint32(stat[:], binary.LittleEndian.Uint32(stat[:])^^text)
	return uint64(crc32.Update(stateZero, crc32.IEEETable, h.block[:]))
}

// nodeDigest is NodeDigest from the CRC that the znode keeps of its text.
func (t *Tree) nodeDigest(z *Znode) uint64 {
	st := z.Persisted()
	return t.hasher.Node(z.crc, &st)
}

// TextCRC returns the CRC-32 of path and data; 0 when digests are off.
func (z *Znode) TextCRC() uint32 { return z.crc }

// hashText renews the CRC of a znode's text.
func (t *Tree) hashText(z *Znode) {
	if t.cfg.Digest {
		z.crc = crc32.ChecksumIEEE(z.content())
	}
}

// addDigest counts a znode in.
func (t *Tree) addDigest(z *Znode) {
	if t.cfg.Digest && z.hashed() {
		t.digest += t.nodeDigest(z)
	}
}

// subtractDigest counts a znode out, before it changes or goes.
func (t *Tree) subtractDigest(z *Znode) {
	if t.cfg.Digest && z.hashed() {
		t.digest -= t.nodeDigest(z)
	}
}

// Digest returns the digest of the tree; 0 when digests are off.
func (t *Tree) Digest() uint64 { return t.digest }

// The history of digests holds those of the zxids that 128 divides, the last
// 1024 of them.
const (
	digestLogInterval = 128
	digestLogLimit    = 1024
)

// ZxidDigest is the digest of the tree as of a zxid.
type ZxidDigest struct {
	Zxid   int64
	Digest uint64
}

// Mismatch is a digest that is not what it should be: this tree differs from
// the one of the server that wrote the transaction.
type Mismatch struct {
	Zxid     int64
	Expected uint64 // in the transaction or snapshot
	Actual   uint64 // of this tree
	Snapshot bool   // Expected comes from a snapshot
}

// digestCheck compares digests as transactions are applied.
type digestCheck struct {
	// pending is the digest that came with the snapshot. Until its zxid is
	// reached the tree may be between two states, for Apache's snapshots are
	// written while transactions go on; nothing is compared before.
	pending    ZxidDigest
	hasPending bool

	mismatches int64
	differs    bool         // the digest compared last
	history    []ZxidDigest // a ring once it is full
	oldest     int          // where the ring begins
}

// ExpectDigest notes the digest that the snapshot just decoded carries, which
// must be as of the snapshot's zxid or a later one. It is compared when the
// tree has reached that zxid; one of another version is not.
func (t *Tree) ExpectDigest(zxid int64, version int32, digest uint64) {
	t.check.hasPending = t.cfg.Digest && zxid > 0 && version == proto.DigestVersion
	t.check.pending = ZxidDigest{Zxid: zxid, Digest: digest}
}

// comparePending compares the digest of the snapshot if the tree holds all
// transactions up to the digest's zxid and none behind it. Apache waits for a
// transaction with that very zxid, and if there is none, for ever.
func (t *Tree) comparePending(next int64) {
	c := &t.check
	if !c.hasPending || next <= c.pending.Zxid {
		return
	}
	c.hasPending = false
	t.compare(Mismatch{Zxid: c.pending.Zxid, Expected: c.pending.Digest, Snapshot: true})
}

// checkDigest follows an applied transaction: with what its writer computed,
// and into the history.
func (t *Tree) checkDigest(e *proto.Entry) {
	zxid := e.Header.Zxid
	if t.check.hasPending && zxid == t.check.pending.Zxid {
		t.comparePending(zxid + 1)
	} else if !t.check.hasPending && zxid%digestLogInterval == 0 {
		t.check.remember(ZxidDigest{Zxid: zxid, Digest: t.digest})
	}
	if t.cfg.Digest && e.HasDigest && !t.check.hasPending && e.Digest.Version == proto.DigestVersion {
		t.compare(Mismatch{Zxid: zxid, Expected: e.Digest.TreeDigest})
	}
}

func (t *Tree) compare(m Mismatch) {
	m.Actual = t.digest
	t.check.differs = m.Actual != m.Expected
	if !t.check.differs {
		return
	}
	t.check.mismatches++
	if t.cfg.DigestMismatch != nil {
		t.cfg.DigestMismatch(m)
	}
}

func (c *digestCheck) remember(d ZxidDigest) {
	if len(c.history) < digestLogLimit {
		c.history = append(c.history, d)
		return
	}
	c.history[c.oldest] = d
	c.oldest = (c.oldest + 1) % digestLogLimit
}

// DigestLog returns the history of digests, oldest first.
func (t *Tree) DigestLog() []ZxidDigest {
	h, from := t.check.history, t.check.oldest
	return append(append(make([]ZxidDigest, 0, len(h)), h[from:]...), h[:from]...)
}

// DigestMismatches returns how many digests were not what they should be.
func (t *Tree) DigestMismatches() int64 { return t.check.mismatches }

// Differs tells whether the digest that was compared last is not this tree's.
// One that differed before it may have been that of a state between two.
func (t *Tree) Differs() bool { return t.check.differs }
