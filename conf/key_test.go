package conf

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestTableIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range Groups() {
		for _, k := range g.Keys {
			if seen[k.Name] {
				t.Errorf("%s stands twice", k.Name)
			}
			seen[k.Name] = true
			if k.Doc == "" || strings.HasSuffix(k.Doc, ".") {
				t.Errorf("%s: the meaning %q is not a clause", k.Name, k.Doc)
			}
			honoured := k.Use == Honoured || k.Use == Ensemble
			if honoured != (k.Why == "") || honoured != (k.set != nil || k.gathered) {
				t.Errorf("%s is %s: a reason is for keys that are not honoured, a setter for those that are", k.Name, k.Use)
			}
			if (k.asks != nil) && (k.Use != NotBuilt || k.asks(k.Default)) {
				t.Errorf("%s: the default asks for what is not built", k.Name)
			}
		}
	}
}

// testdata/apache-keys.txt lists the keys of zoo.cfg that Apache 3.9.5 handles
// itself, and behind a dash the system properties that it reads.
func TestTableKnowsApache(t *testing.T) {
	x := newKeyIndex()
	names := readLines(t, "testdata/apache-keys.txt")
	if len(names) < 250 {
		t.Fatalf("only %d keys", len(names))
	}
	for _, name := range names {
		property, isProperty := strings.CutPrefix(name, "-")
		switch k := x.property(property); {
		case isProperty && k == nil:
			t.Errorf("the property %s is not in the table", property)
		case !isProperty && x.fileOnly(name) == nil:
			t.Errorf("the key %s is not in the table", name)
		}
	}
	for name, good := range guideNames {
		if x.property(propertyPrefix+good) == nil || x.named(name) != nil {
			t.Errorf("%s is said to mean %s", name, good)
		}
	}
}

// Whatever Apache knows is accepted or refused with a reason when it is set to
// its default.
func TestDefaultsAreHarmless(t *testing.T) {
	for _, g := range Groups() {
		for _, k := range g.Keys {
			if strings.HasSuffix(k.Name, "*") || k.Name == "dataDir" || k.Name == "clientPortAddress" || k.Name == "dynamicConfigFile" {
				continue
			}
			if _, ok := k.Kind.parse(k.Default); !ok {
				continue // a default in words
			}
			file, props := least, map[string]string{}
			if k.Origin == PropertyOnly {
				props[k.Name] = k.Default
			} else {
				file += k.Name + "=" + k.Default + "\n"
			}
			_, _, err := parse("zoo.cfg", []byte(file), props, fakeHost{})
			if refused := k.Use == NotBuilt && k.asks == nil; refused != errors.Is(err, ErrNotBuilt) || !refused && err != nil {
				t.Errorf("%s=%s: error %v", k.Name, k.Default, err)
			}
		}
	}
}

func TestFourLetterAllows(t *testing.T) {
	for _, test := range []struct {
		words   []string
		allowed map[string]bool
	}{
		{[]string{"srvr", "ruok"}, map[string]bool{"srvr": true, "ruok": true, "stat": false, "*": false}},
		{[]string{"*"}, map[string]bool{"srvr": true, "stat": true}},
		{nil, map[string]bool{"srvr": false}},
	} {
		f := FourLetter{Words: test.words}
		for _, word := range slices.Sorted(maps.Keys(test.allowed)) {
			if f.Allows(word) != test.allowed[word] {
				t.Errorf("%v: %s is allowed: %v", test.words, word, f.Allows(word))
			}
		}
	}
}

func TestClamp(t *testing.T) {
	s := Session{3000, 6000, 60000}
	for asked, want := range map[int32]int32{-1: 6000, 0: 6000, 6000: 6000, 6001: 6001, 60000: 60000, 60001: 60000} {
		if got := s.Clamp(asked); got != want {
			t.Errorf("%d: got %d, want %d", asked, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, spoil := range []func(*Config){
		func(c *Config) { c.Storage.DataDir = "" },
		func(c *Config) { c.Storage.LogDir = "" },
		func(c *Config) { c.Client.Port = -2 },
		func(c *Config) { c.Client.Port = 65536 },
		func(c *Config) { c.Client.Address = "here" },
		func(c *Config) { c.Session.TickTimeMs = 0 },
		func(c *Config) { c.Session.MaxTimeoutMs = 1 },
		func(c *Config) { c.Limits.MaxFrameBytes = 0 },
		func(c *Config) { c.Limits.ExtraFrameBytes = 0 },
		func(c *Config) { c.Limits.LogQueueBytes = 0 },
		func(c *Config) { c.Storage.SnapCount = 1 },
		func(c *Config) { c.Storage.PurgeRetain = 2 },
		func(c *Config) { c.Storage.Compression = "zip" },
		func(c *Config) { c.Containers.CheckIntervalMs = 0 },
		func(c *Config) { c.Containers.MaxPerMinute = 0 },
		func(c *Config) { c.Quorum = Quorum{Enabled: true} },
		func(c *Config) { *c = *threeConfig(); c.Quorum.ID = 4 },
		func(c *Config) { *c = *threeConfig(); c.Quorum.Observer = true },
		func(c *Config) { *c = *threeConfig(); c.Quorum.Servers[0].ID = 5 },
		func(c *Config) { *c = *threeConfig(); c.Quorum.Servers[1].Addresses = nil },
		func(c *Config) { *c = *threeConfig(); c.Quorum.InitTicks = 0 },
		func(c *Config) { *c = *threeConfig(); c.Quorum.SyncTicks = 0 },
		func(c *Config) { *c = *threeConfig(); c.Quorum.ConnectTicks = 0 },
		func(c *Config) { *c = *threeConfig(); c.Election.ConnectTimeoutMs = 0 },
		func(c *Config) { *c = *threeConfig(); c.Election.HandshakeTimeoutMs = 0 },
		func(c *Config) { *c = *threeConfig(); c.Election.MaxNotifyMs = 0 },
		func(c *Config) { *c = *threeConfig(); c.Leader.CommitLogCount = 0 },
		func(c *Config) { *c = *threeConfig(); c.Leader.MaxSnapSyncs = 0 },
		func(c *Config) { *c = *threeConfig(); c.Leader.MaxDiffSyncs = 0 },
	} {
		c := leastConfig()
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		spoil(c)
		var e *Error
		if err := c.Validate(); !errors.As(err, &e) || !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: error %v", c, err)
		}
	}
}
