package conf

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"
)

// What Apache's own QuorumPeerConfig reads from a file, we read; what it
// refuses, we refuse. testdata/verdicts/cases.want was recorded from Apache
// ZooKeeper 3.9.5. No case asks for what works there and is not built here.
func TestVerdictsOfApache(t *testing.T) {
	data, err := os.ReadFile("testdata/verdicts/cases.txt")
	if err != nil {
		t.Fatal(err)
	}
	files, verdicts := strings.Split(string(data), "---\n"), readLines(t, "testdata/verdicts/cases.want")
	if len(files) != len(verdicts) || len(files) < 100 {
		t.Fatalf("%d files, %d verdicts", len(files), len(verdicts))
	}
	for i, file := range files {
		c, _, err := parse("zoo.cfg", []byte(file), nil, fakeHost{})
		switch {
		case verdicts[i] == "error" && err == nil:
			t.Errorf("%q is accepted, and refused by Apache", file)
		case verdicts[i] != "error" && err != nil:
			t.Errorf("%q is refused (%v), and by Apache accepted: %s", file, err, verdicts[i])
		case err == nil && verdict(c) != verdicts[i]:
			t.Errorf("%q: got  %s\nwant %s", file, verdict(c), verdicts[i])
		}
	}
}

// verdict renders a configuration as Verdicts.java does.
func verdict(c *Config) string {
	client := "none"
	if c.Client.Port != NoPort {
		address := cmp.Or(c.Client.Address, "0.0.0.0")
		if address == "::1" {
			address = "0:0:0:0:0:0:0:1" // Java's way to write it
		}
		client = fmt.Sprintf("%s %d", address, c.Client.Port)
	}
	st := &c.Storage
	return fmt.Sprintf("client %s, backlog %d, tick %d, session %d to %d, per address %d, data %s, log %s, retain %d, purge %d, reconfig %v, ensemble false",
		client, c.Client.ListenBacklog, c.Session.TickTimeMs, c.Session.MinTimeoutMs, c.Session.MaxTimeoutMs,
		c.Limits.MaxConnectionsPerAddress, st.DataDir, st.LogDir, st.PurgeRetain, st.PurgeIntervalHours, c.Reconfig.Enabled)
}
