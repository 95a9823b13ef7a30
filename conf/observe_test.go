package conf

import (
	"strings"
	"testing"
)

// What the server shows of its configuration never has a secret in it.
func TestSecretsAreNotShown(t *testing.T) {
	file := "dataDir=/zk\nclientPort=1\nautopurge.purgeInterval=1\n" +
		"DigestAuthenticationProvider.superDigest=super:geheim1\n" +
		"DigestAuthenticationProvider.superDigest = super:geheim2\\\n   geheim3\\\n geheim4\n" +
		"audit.enable=true\nmeerkat.auditFile=/var/log/audit\nmeerkat.slowRequestMs=250\nadmin.enableServer=False\n" +
		"metricsProvider.className=" + metricsPrometheus + "\nmetricsProvider.httpPort=7001\nmetricsProvider.exportJvmInfo=no\n"
	c, _, err := parse("zoo.cfg", []byte(file), map[string]string{"zookeeper.ssl.keyStore.password": "geheim5"}, fakeHost{})
	if err != nil {
		t.Fatal(err)
	}
	shown := c.Text
	for name, value := range c.Properties {
		shown += name + "=" + value + "\n"
	}
	if strings.Contains(shown, "geheim") {
		t.Errorf("a secret is shown:\n%s", shown)
	}
	for _, want := range []string{"dataDir=/zk\n", "DigestAuthenticationProvider.superDigest=...\n", "audit.enable=true\n", "zookeeper.ssl.keyStore.password=...\n", "zookeeper.audit.enable=true\n"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not shown:\n%s", want, shown)
		}
	}
	if c.Audit != (Audit{Enabled: true, File: "/var/log/audit", SlowRequestMs: 250}) {
		t.Errorf("audit %+v", c.Audit)
	}
	if c.Metrics != (Metrics{Prometheus: true, Address: "0.0.0.0", Port: 7001}) {
		t.Errorf("metrics %+v", c.Metrics)
	}
	if !c.Admin.Enabled || c.Admin.Port != 8080 || c.Admin.CommandURL != "/commands" || c.Admin.RateLimiterMs != 300_000 || !c.Admin.RestoreEnabled {
		t.Errorf("admin %+v", c.Admin) // only "false" switches it off
	}
}
