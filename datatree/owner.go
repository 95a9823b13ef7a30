package datatree

import "iter"

// ContainerOwner is the ephemeralOwner of a container.
const ContainerOwner = -1 << 63

// The ephemeralOwner of a TTL znode has its highest byte set, two zero bytes,
// and the TTL in ms in the other five (EphemeralType).
const (
	ttlMark    = -1 << 56
	ttlFeature = 0x00ffff << 40
	maxTTLMs   = 1<<40 - 1
)

// The parts of [Znode].place.
const (
	kindShift = 30
	maxSlot   = 1<<kindShift - 1
)

// TTLOwner returns the ephemeralOwner of a znode with that TTL, which is
// between 1 and 2^40-1.
func TTLOwner(ttlMs int64) int64 { return ttlMark | ttlMs&maxTTLMs }

// kind says what an ephemeralOwner means.
type kind uint32

const (
	kindPersistent kind = iota
	kindEphemeral
	kindContainer
	kindTTL
)

// kindOf reads an ephemeralOwner. Without extended types the mark of a TTL
// znode reads as a session id, as in Apache. With them Apache fails on a mark
// whose two feature bytes it does not know; here that is a session id.
func (c *Config) kindOf(owner int64) kind {
	switch {
	case owner == 0:
		return kindPersistent
	case owner == ContainerOwner:
		return kindContainer
	case c.ExtendedTypes && c.Emulate353TTL && owner < 0:
		return kindTTL
	case c.ExtendedTypes && owner&ttlMark == ttlMark && owner&ttlFeature == 0:
		return kindTTL
	}
	return kindEphemeral
}

func (z *Znode) kind() kind { return kind(z.place >> kindShift) }

func (z *Znode) slot() int { return int(z.place & maxSlot) }

func (z *Znode) setPlace(k kind, slot int) { z.place = uint32(k)<<kindShift | uint32(slot) }

// ttlMs returns the TTL of a TTL znode.
func (z *Znode) ttlMs() int64 { return z.owner & maxTTLMs }

// ownedSet holds znodes of one kind and, for ephemerals, one session. Each
// znode knows its slot, so removal needs no search.
type ownedSet []*Znode

func (s *ownedSet) add(z *Znode) {
	z.setPlace(z.kind(), len(*s))
	*s = append(*s, z)
}

// remove puts the last znode in the place of z. A list that has become much
// too long for what it holds gives its memory back.
func (s *ownedSet) remove(z *Znode) {
	list, i := *s, z.slot()
	last := len(list) - 1
	list[i] = list[last]
	list[i].setPlace(list[i].kind(), i)
	list[last] = nil
	list = list[:last]
	if cap(list) > 64 && last < cap(list)/4 {
		list = append(make(ownedSet, 0, last*2), list...)
	}
	*s = list
}

// owned holds every znode that has an owner.
type owned struct {
	// ephemerals by session. As in Apache a session stays here with an empty
	// set until it is closed, which the dump command shows.
	ephemerals map[int64]*ownedSet
	count      int // of all ephemerals
	containers ownedSet
	ttls       ownedSet
}

func newOwned() owned { return owned{ephemerals: make(map[int64]*ownedSet)} }

// add files a new znode by its owner.
func (o *owned) add(z *Znode, k kind) {
	z.setPlace(k, 0)
	switch k {
	case kindContainer:
		o.containers.add(z)
	case kindTTL:
		o.ttls.add(z)
	case kindEphemeral:
		set := o.ephemerals[z.owner]
		if set == nil {
			set = new(ownedSet)
			o.ephemerals[z.owner] = set
		}
		set.add(z)
		o.count++
	}
}

func (o *owned) remove(z *Znode) {
	switch z.kind() {
	case kindContainer:
		o.containers.remove(z)
	case kindTTL:
		o.ttls.remove(z)
	case kindEphemeral:
		o.ephemerals[z.owner].remove(z)
		o.count--
	}
}

// paths lists the ephemerals of a session in a new slice.
func (o *owned) paths(session int64) []string {
	set := o.ephemerals[session]
	if set == nil || len(*set) == 0 {
		return nil
	}
	paths := make([]string, 0, len(*set))
	for _, z := range *set {
		paths = append(paths, z.Path())
	}
	return paths
}

// IsEphemeralOwner tells whether the ephemeralOwner, in the internal form, is
// a session id.
func (t *Tree) IsEphemeralOwner(owner int64) bool { return t.cfg.kindOf(owner) == kindEphemeral }

// Ephemerals lists the paths of the ephemerals of a session, in no particular
// order. The slice is the caller's; its strings are valid as [Znode.Path] is.
func (t *Tree) Ephemerals(session int64) []string { return t.owned.paths(session) }

// EphemeralOwners visits every session that has or had an ephemeral and is
// not closed, in no particular order, with what it has.
func (t *Tree) EphemeralOwners() iter.Seq2[int64, []string] {
	return func(yield func(int64, []string) bool) {
		for session := range t.owned.ephemerals {
			if !yield(session, t.owned.paths(session)) {
				return
			}
		}
	}
}

// OrphanOwners lists the sessions that own ephemerals and are not in the
// session table. Data that was replayed over a fuzzy snapshot can hold such.
func (t *Tree) OrphanOwners() []int64 {
	var orphans []int64
	for session, set := range t.owned.ephemerals {
		if _, known := t.SessionTimeoutMs(session); !known && len(*set) > 0 {
			orphans = append(orphans, session)
		}
	}
	return orphans
}

// Expendable lists the containers and TTL znodes that may be deleted at
// nowMs: containers whose children are gone, or that never had any for longer
// than neverUsedMs when that is not 0; TTL znodes without children that were
// not changed for longer than their TTL (ContainerManager).
func (t *Tree) Expendable(nowMs, neverUsedMs int64) []string {
	var paths []string
	for _, z := range t.owned.containers {
		unused := neverUsedMs != 0 && nowMs-z.mtimeMs > neverUsedMs
		if z.kids == 0 && (z.cversion > 0 || unused) {
			paths = append(paths, z.Path())
		}
	}
	for _, z := range t.owned.ttls {
		if ttl := z.ttlMs(); z.kids == 0 && ttl != 0 && nowMs-z.mtimeMs > ttl {
			paths = append(paths, z.Path())
		}
	}
	return paths
}
