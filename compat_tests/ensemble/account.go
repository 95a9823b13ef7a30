package ensemble

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// check compares what a writer was told with what c sees, and returns what is
// wrong. The writer has ended.
func (w *writer) check(c *wire.Client) (wrong []string, err error) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	found, err := contents(c, w.base)
	if err != nil {
		return nil, err
	}
	value, err := strconv.Atoi(string(found[w.base+"/value"].data))
	if err != nil || value < w.value || value > w.n {
		say("%s/value is %d, %d was acknowledged", w.base, value, w.value)
	}
	delete(found, w.base+"/value")
	for path, data := range w.sure {
		z, there := found[path]
		switch {
		case !there:
			say("%s was acknowledged and is lost", path)
		case string(z.data) != data:
			say("%s holds %.20q, not %.20q", path, z.data, data)
		case strings.HasPrefix(path, w.base+"/e-") && z.stat.EphemeralOwner != w.s.c.SessionID:
			say("%s belongs to %#x, not to %#x", path, z.stat.EphemeralOwner, w.s.c.SessionID)
		}
		delete(found, path)
	}
	for n, sure := range w.pairs {
		a, b := w.pair(n)
		_, first := found[a]
		_, second := found[b]
		switch {
		case first != second:
			say("of the multi %d of %s one half is there", n, w.base)
		case sure && !first:
			say("the multi %d of %s was acknowledged and is lost", n, w.base)
		}
		delete(found, a)
		delete(found, b)
	}
	for path, z := range found {
		n, _ := strconv.Atoi(strings.Fields(string(z.data) + " -")[0])
		if sequential := strings.HasPrefix(path, w.base+"/s-"); !w.maybe[path] && (!sequential || !w.lost[n]) {
			say("%s is there, though it was deleted or never made", path)
		}
	}
	return wrong, nil
}

// znode is what a client sees of one.
type znode struct {
	data []byte
	stat proto.Stat
}

// contents reads all children of a path.
func contents(c *wire.Client, path string) (map[string]znode, error) {
	names, _, err := c.Children(path, false)
	if err != nil {
		return nil, err
	}
	found := make(map[string]znode, len(names))
	for _, name := range names {
		data, stat, err := c.Get(path+"/"+name, false)
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", path, name, err)
		}
		found[path+"/"+name] = znode{data, stat}
	}
	return found, nil
}
