package datatree

// TakeOver replaces the state by that of another tree, which is not to be
// used any more. The watches stay; what they are about may have changed
// without an event. It costs the same for any size, and is called under the
// gate's write side. Snapshots of the old state stay what they are.
func (t *Tree) TakeOver(from *Tree) {
	cfg, watches := t.cfg, t.watches
	*t = *from
	t.cfg, t.watches = cfg, watches
	*from = Tree{}
}
