//go:build compat

package ensemble

import (
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// TestAccount proves that the account of a writer finds what is lost, half
// done, or back again.
func TestAccount(t *testing.T) {
	srv := rig.Start(t, rig.Spec{Flavor: rig.Subject(t), Cfg: map[string]string{"maxSessionTimeout": "120000"}})
	l := begin(t, []string{srv.Addr()})
	l.progress(30)
	l.end()
	c, err := wire.Open(srv.Addr(), sessionTimeout)
	must(t, err)
	defer c.Close()
	w := l.writers[0]
	if wrong, err := w.check(c); err != nil || len(wrong) > 0 {
		t.Fatalf("before anything is wrong: %v %v", wrong, err)
	}
	lost := w.queue[0]
	must(t, c.Delete(lost, -1))
	half, _ := w.pair(7)
	must(t, c.Delete(half, -1))
	_, err = c.SetData(w.base+"/value", []byte("1"), -1)
	must(t, err)
	_, err = c.Create(w.base+"/s-0000000000", []byte("6"), proto.OpenACL, proto.FlagPersistent)
	must(t, err)
	wrong, err := w.check(c)
	must(t, err)
	for _, want := range []string{lost + " was acknowledged and is lost", "one half is there", "/value is 1,", "s-0000000000 is there, though it was deleted"} {
		if !strings.Contains(strings.Join(wrong, "\n"), want) {
			t.Errorf("not found: %s\n%v", want, wrong)
		}
	}
}
