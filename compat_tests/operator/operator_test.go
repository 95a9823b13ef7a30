//go:build compat

package operator

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

const sessionTimeout = 20 * time.Second

// super is the identity of an administrator of all servers here.
const super = "digest:super:test"

func start(t *testing.T, f rig.Flavor, dataDir string) *rig.Server {
	return rig.Start(t, rig.Spec{
		Flavor: f, DataDir: dataDir, Cfg: map[string]string{"preAllocSize": "256", "snapCount": "20"},
		Props: map[string]string{"zookeeper.DigestAuthenticationProvider.superDigest": "super:D/InIHSb7yEEbrWz8b9l71RjZJU="},
	})
}

func flavors(t *testing.T) []rig.Flavor {
	return []rig.Flavor{rig.Apache(rig.Reference), rig.Apache("3.5.10"), rig.Subject(t)}
}

// meerkat runs a verb and fails unless it succeeds.
func meerkat(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(rig.Binary(t), args...)
	cmd.Env = append(os.Environ(), "MEERKAT_AUTH="+super)
	res := rig.Run(t, cmd, 2*time.Minute)
	if res.ExitCode != 0 {
		t.Fatalf("meerkat %s: exit code %d\n%s%s", strings.Join(args, " "), res.ExitCode, res.Stdout, res.Stderr)
	}
	return res.Stdout
}

func session(t *testing.T, srv *rig.Server) *wire.Client {
	t.Helper()
	c, err := wire.Open(srv.Addr(), sessionTimeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// plant makes /app with data and ACLs of all kinds, and one ephemeral. It
// returns how many znodes can be copied.
func plant(t *testing.T, c *wire.Client) int {
	t.Helper()
	guarded := []proto.ACL{{Perms: proto.PermAll, ID: proto.ID{Scheme: "digest", ID: "ann:7RJfAeIvrl4zdj6sS2fXrQHDvHM="}}, {Perms: proto.PermRead, ID: proto.Anyone}}
	count := 0
	create := func(path string, data []byte, acl []proto.ACL, flags int32) {
		if _, err := c.Create(path, data, acl, flags); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if flags == proto.FlagPersistent {
			count++
		}
	}
	create("/app", []byte("root"), proto.OpenACL, 0)
	create("/app/null", nil, proto.OpenACL, 0)
	create("/app/binary", []byte{0, 0xff, 0x80}, guarded, 0)
	create("/app/é☃", []byte("ünïcode"), proto.OpenACL, 0)
	create("/app/eph", nil, proto.OpenACL, proto.FlagEphemeral)
	for i := range 40 {
		create(fmt.Sprintf("/app/n%d", i), []byte(fmt.Sprint(i)), proto.OpenACL, 0)
	}
	return count
}

// TestStatus reads what each kind of server says of itself.
func TestStatus(t *testing.T) {
	for _, f := range flavors(t) {
		srv := start(t, f, "")
		out := meerkat(t, "status", "--server", srv.Addr())
		if !strings.Contains(out, "  standalone  0x0 ") || !strings.Contains(out, "ok: 1 of 1 servers answer") {
			t.Errorf("%s:\n%s", f, out)
		}
	}
}

// TestCopy copies from each kind to the subject, and back.
func TestCopy(t *testing.T) {
	subject := start(t, rig.Subject(t), "")
	for i, f := range flavors(t) {
		srv := start(t, f, "")
		n := plant(t, session(t, srv))
		there := fmt.Sprintf("%s/copy%d", subject.Addr(), i)
		verified := fmt.Sprintf("verified: %d znodes are equal\n", n)
		for _, pair := range [][2]string{{srv.Addr() + "/app", there}, {there, srv.Addr() + "/back"}} {
			if out := meerkat(t, "copy", pair[0], pair[1]); !strings.HasSuffix(out, verified) {
				t.Errorf("%s, %q:\n%s", f, pair, out)
			}
		}
	}
}

// TestBackup backs up a running server of each kind and restores it to a zxid
// in the middle, for both kinds to start with.
func TestBackup(t *testing.T) {
	for _, f := range []rig.Flavor{rig.Apache(rig.Reference), rig.Subject(t)} {
		srv := start(t, f, "")
		c := session(t, srv)
		plant(t, c)
		st, err := c.Exists("/app/n20", false)
		if err != nil {
			t.Fatal(err)
		}
		work := rig.TempDir(t)
		backup := filepath.Join(work, "backup")
		out := meerkat(t, "backup", srv.DataDir, backup)
		if !strings.Contains(out, "verified; it can be restored to zxid 0x0 to ") {
			t.Errorf("%s: %s", f, out)
		}
		for i, other := range []rig.Flavor{rig.Apache(rig.Reference), rig.Subject(t)} {
			dir := filepath.Join(work, fmt.Sprint(i))
			meerkat(t, "restore", "--zxid", fmt.Sprintf("0x%x", st.Czxid), backup, dir)
			checkRestored(t, session(t, start(t, other, dir)))
		}
	}
}

// checkRestored finds what there was when n20 was made, and no more.
func checkRestored(t *testing.T, c *wire.Client) {
	t.Helper()
	if data, _, err := c.Get("/app/n20", false); err != nil || string(data) != "20" {
		t.Errorf("/app/n20: %q, %v", data, err)
	}
	if _, err := c.Exists("/app/n21", false); !errors.Is(err, proto.ErrNoNode) {
		t.Errorf("/app/n21: %v", err)
	}
}
