package quorum

import (
	"slices"
	"sort"
)

// history is the end of this server's log as it will be once every disk
// operation asked for so far is done. Its invariants:
//
//	base <= applied <= committed <= last
//	each entry follows the one before it, the first follows base
//
// All below base is on disk only, and committed. Nothing that leaves the core
// shares the memory of entries.
type history struct {
	base      int64
	entries   []Entry
	committed int64 // as far as this server's present leader says
	applied   int64 // handed to the tree
}

func newHistory(r *Recovered) history {
	return history{base: r.TailBase, entries: slices.Clone(r.Tail), committed: r.Applied, applied: r.Applied}
}

func (h *history) last() int64 {
	if n := len(h.entries); n > 0 {
		return h.entries[n-1].Zxid
	}
	return h.base
}

func (h *history) append(e Entry) { h.entries = append(h.entries, e) }

// after returns the entries above zxid.
func (h *history) after(zxid int64) []Entry {
	return h.entries[h.index(zxid+1):]
}

// index returns the position of the first entry at or above zxid.
func (h *history) index(zxid int64) int {
	return sort.Search(len(h.entries), func(i int) bool { return h.entries[i].Zxid >= zxid })
}

// holds tells whether zxid is a place in the history that memory knows.
func (h *history) holds(zxid int64) bool {
	at := h.index(zxid)
	return zxid == h.base || at < len(h.entries) && h.entries[at].Zxid == zxid
}

// commit advances committed to zxid and returns what has become applicable.
func (h *history) commit(zxid int64) []Entry {
	from, to := h.index(h.applied+1), h.index(zxid+1)
	h.committed, h.applied = zxid, max(h.applied, zxid)
	return h.entries[from:max(from, to)]
}

// truncate drops all above zxid and tells whether the tree held some of it.
func (h *history) truncate(zxid int64) (rebuild bool) {
	rebuild = h.applied > zxid
	if zxid < h.base {
		h.base, h.entries = zxid, nil
	}
	h.entries = h.entries[:h.index(zxid+1)]
	h.applied, h.committed = min(h.applied, zxid), zxid
	return rebuild
}

// reset replaces everything by a snapshot.
func (h *history) reset(zxid int64) {
	*h = history{base: zxid, committed: zxid, applied: zxid}
}

// trim forgets the oldest entries, all but keep of those that are applied and
// durable. It works in strides, so that its cost per transaction is constant.
func (h *history) trim(keep int, durable int64) {
	done := h.index(min(h.applied, durable) + 1)
	if done < 2*keep {
		return
	}
	drop := done - keep
	h.base = h.entries[drop-1].Zxid
	n := copy(h.entries, h.entries[drop:]) // nobody else has these places
	clear(h.entries[n:])
	h.entries = h.entries[:n]
}
