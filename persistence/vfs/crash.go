package vfs

import (
	"maps"
	"math/rand/v2"
)

// Loss says what becomes of changes that were not synced when the power goes.
type Loss int

// What a crash may do; a real one lies anywhere between.
const (
	// LoseAll keeps only what was synced.
	LoseAll Loss = iota
	// LoseNothing keeps every change, as when only the process dies.
	LoseNothing
	// LoseSome keeps each unsynced sector, each size and the first few
	// unsynced changes of each directory by chance.
	LoseSome
)

// Crash returns the disk as it could be found after a power loss now. The
// disk itself goes on. The same seed and history give the same loss.
func (m *Mem) Crash(loss Loss, seed uint64) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := crasher{loss: loss, rng: rand.New(rand.NewPCG(seed, 0)), done: map[*memNode]*memNode{}}
	clone := &Mem{locked: map[*memNode]int{}, limit: m.limit}
	clone.root = c.node(m.root)
	for _, node := range c.done {
		clone.used += node.allocated()
	}
	return clone
}

type crasher struct {
	loss Loss
	rng  *rand.Rand
	done map[*memNode]*memNode // originals to copies: a file may have two names for a while
}

// keep decides about one change.
func (c *crasher) keep() bool {
	switch c.loss {
	case LoseAll:
		return false
	case LoseNothing:
		return true
	}
	return c.rng.IntN(2) == 0
}

func (c *crasher) node(n *memNode) *memNode {
	if copied, ok := c.done[n]; ok {
		return copied
	}
	copied := &memNode{}
	c.done[n] = copied
	if n.entries == nil {
		copied.memData = c.content(&n.memData)
		return copied
	}
	left := 0
	for left < len(n.pending) && c.keep() {
		left++
	}
	copied.entries = map[string]*memNode{}
	entries := after(n.durable, n.pending[:left])
	for _, name := range sortedNames(entries) {
		copied.entries[name] = c.node(entries[name])
	}
	copied.durable = maps.Clone(copied.entries)
	return copied
}

// content chooses for each sector between its old and its new bytes.
func (c *crasher) content(d *memData) memData {
	size := d.synced
	if c.keep() {
		size = int64(len(d.data))
	}
	data := make([]byte, size)
	copy(data, d.data)
	restore := func(i int64, old []byte) {
		if i*SectorBytes >= size {
			return
		}
		sector := data[i*SectorBytes : min(size, (i+1)*SectorBytes)]
		clear(sector)
		copy(sector, old)
	}
	for _, i := range sortedSectors(d.dirty) {
		if !c.keep() {
			restore(i, d.dirty[i])
		}
	}
	for i, old := range d.doomed {
		restore(i, old)
	}
	sectors := make([]bool, (size+SectorBytes-1)/SectorBytes)
	for i := range sectors {
		sectors[i] = true
	}
	return memData{data: data, synced: size, sectors: sectors}
}

// after returns a directory's entries once the changes have happened.
func after(entries map[string]*memNode, changes []memDirOp) map[string]*memNode {
	entries = maps.Clone(entries)
	for _, op := range changes {
		for name, node := range op {
			if node == nil {
				delete(entries, name)
			} else {
				entries[name] = node
			}
		}
	}
	return entries
}

// Corrupt inverts the bits of mask in a file's byte, on the medium too. It
// reports whether the file has such a byte.
func (m *Mem) Corrupt(name string, off int64, mask byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.find(name)
	if err != nil || off < 0 || off >= int64(len(node.data)) {
		return false
	}
	node.data[off] ^= mask
	return true
}
