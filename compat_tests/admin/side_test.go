//go:build compat

package admin

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// side is one of the two servers.
type side struct {
	*rig.Server
	admin, metrics int // ports
}

// both starts Apache's server and the one under test.
func both(t *testing.T, cfg, props map[string]string) [2]*side {
	t.Helper()
	rig.Fixture(t, rig.FixtureAdmin) // or skip
	var sides [2]*side
	for i, flavor := range []rig.Flavor{rig.Apache(rig.Reference).With(rig.FixtureAdmin), rig.Subject(t).With(rig.FixtureAdmin)} {
		s := &side{admin: rig.FreePort(t), metrics: rig.FreePort(t)}
		lines := map[string]string{
			"admin.enableServer": "true", "admin.serverAddress": "127.0.0.1", "admin.serverPort": fmt.Sprint(s.admin),
			"admin.rateLimiterIntervalInMS": "0", "maxSessionTimeout": "600000",
		}
		for k, v := range cfg {
			lines[k] = strings.ReplaceAll(v, "METRICS_PORT", fmt.Sprint(s.metrics))
		}
		own := map[string]string{}
		for k, v := range props {
			own[k] = v
		}
		s.Server = rig.Start(t, rig.Spec{Flavor: flavor, Cfg: lines, Props: own})
		sides[i] = s
	}
	return sides
}

// answer is what HTTP brought.
type answer struct {
	status int
	header http.Header
	body   string
}

func (s *side) ask(t *testing.T, method, path, authorization, body string) answer {
	t.Helper()
	return ask(t, method, fmt.Sprintf("http://127.0.0.1:%d%s", s.admin, path), authorization, body)
}

func ask(t *testing.T, method, url, authorization, body string) answer {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// demands returns a function that ends the test on an error.
func demands(t *testing.T) func(error) {
	return func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// occupy gives a server something to tell.
func occupy(t *testing.T, s *side) *wire.Client {
	t.Helper()
	must := demands(t)
	c, err := wire.Open(s.Addr(), 100*time.Second)
	must(err)
	t.Cleanup(c.Close)
	for _, path := range []string{"/admin", "/admin/a"} {
		_, err := c.Create(path, []byte("some data"), proto.OpenACL, proto.FlagPersistent)
		must(err)
	}
	for i := range 150 { // enough for the digest history
		_, err := c.SetData("/admin/a", fmt.Appendf(nil, "value %d", i), int32(i))
		must(err)
	}
	_, err = c.Create("/admin/e", nil, proto.OpenACL, proto.FlagEphemeral)
	must(err)
	_, _, err = c.Get("/admin/a", true)
	must(err)
	_, _, err = c.Children("/admin", true)
	must(err)
	must(c.Ping())
	return c
}
