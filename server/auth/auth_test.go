package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// fakeProvider is a scheme built elsewhere, as x509 and sasl will be.
type fakeProvider struct{ scheme string }

func (p fakeProvider) Scheme() string              { return p.scheme }
func (p fakeProvider) Authenticated() bool         { return true }
func (p fakeProvider) Matches(id, acl string) bool { return id == acl || id == "root" }
func (p fakeProvider) Valid(acl string) bool       { return acl != "bad" }
func (p fakeProvider) UserName(id string) string   { return "Dr. " + id }

func (p fakeProvider) Authenticate(_ Peer, data []byte) ([]proto.ID, Verdict) {
	return []proto.ID{{Scheme: p.scheme, ID: string(data)}}, Accept
}

const superID = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="

func TestNew(t *testing.T) {
	const pkg = "org.apache.zookeeper.server.auth."
	fake := []Provider{fakeProvider{"sasl"}, fakeProvider{"x509"}}
	tests := []struct {
		name string
		cfg  Config
		want string // schemes
		err  error
	}{
		{"bare", Config{}, "ip", nil},
		{"digest", Config{DigestEnabled: true}, "digest ip", nil},
		{"alg", Config{DigestEnabled: true, DigestAlg: "sha3-256"}, "digest ip", nil},
		{"bad alg", Config{DigestEnabled: true, DigestAlg: "MD2"}, "", ErrDigestAlg},
		{"bad alg unused", Config{DigestAlg: "MD2"}, "ip", nil},
		{"ensemble", Config{Classes: map[string]string{"1": pkg + "EnsembleAuthenticationProvider"}}, "ensemble ip", nil},
		{"digest by class", Config{Classes: map[string]string{"x": pkg + "DigestAuthenticationProvider"}}, "digest ip", nil},
		{"bad digest by class", Config{DigestAlg: "?", Classes: map[string]string{"x": pkg + "DigestAuthenticationProvider"}}, "", ErrDigestAlg},
		{"sasl missing", Config{Classes: map[string]string{"1": pkg + "SASLAuthenticationProvider"}}, "", ErrProvider},
		{"sasl given", Config{Providers: fake, Classes: map[string]string{"1": pkg + "SASLAuthenticationProvider"}}, "ip sasl x509", nil},
		{"foreign class", Config{Classes: map[string]string{"1": "com.example.Auth"}}, "", ErrProvider},
		{"enforce nothing", Config{EnforceAuth: true}, "", ErrEnforce},
		{"enforce unknown", Config{DigestEnabled: true, EnforceAuth: true, EnforceSchemes: []string{"digest", "sasl"}}, "", ErrEnforce},
		{"enforce off", Config{EnforceSchemes: []string{"sasl"}}, "ip", nil},
		{"require sasl", Config{RequireSASL: true, EnforceAuth: true, EnforceSchemes: []string{"ip"}}, "", ErrEnforce},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := New(tt.cfg)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			if got := strings.Join(r.Schemes(), " "); got != tt.want {
				t.Errorf("schemes %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAuthenticate(t *testing.T) {
	r := registry(t, Config{
		DigestEnabled: true, SuperDigest: superID, MaxIDs: 4, MaxIDBytes: 300, EnsembleNames: "one, two",
		Classes:   map[string]string{"1": "org.apache.zookeeper.server.auth.EnsembleAuthenticationProvider"},
		Providers: []Provider{fakeProvider{"x509"}},
	})
	ip := proto.ID{Scheme: "ip", ID: "10.0.0.1"}
	user := proto.ID{Scheme: "digest", ID: "user:smGaoVKd/cQkjm7b88GyorAUz20="}
	full := []proto.ID{ip, {Scheme: "x509", ID: "a"}, {Scheme: "x509", ID: "b"}, {Scheme: "x509", ID: "c"}}
	tests := []struct {
		name    string
		have    []proto.ID
		scheme  string
		data    []byte
		want    []proto.ID
		verdict Verdict
	}{
		{"digest", []proto.ID{ip}, "digest", []byte("user:pass"), []proto.ID{ip, user}, Accept},
		{"digest twice", []proto.ID{ip, user}, "digest", []byte("user:pass"), []proto.ID{ip, user}, Accept},
		{"digest super", []proto.ID{ip}, "digest", []byte("super:test"), []proto.ID{ip, Super, {Scheme: "digest", ID: superID}}, Accept},
		{"digest long", []proto.ID{ip}, "digest", []byte(strings.Repeat("u", 300) + ":pass"), []proto.ID{ip}, Refuse},
		{"digest null", []proto.ID{ip}, "digest", nil, []proto.ID{ip}, Refuse},
		{"ip", []proto.ID{ip}, "ip", []byte("ignored"), []proto.ID{ip}, Accept},
		{"ensemble fits", []proto.ID{ip}, "ensemble", []byte("two"), []proto.ID{ip}, Accept},
		{"ensemble empty", []proto.ID{ip}, "ensemble", nil, []proto.ID{ip}, Accept},
		{"ensemble other", []proto.ID{ip}, "ensemble", []byte("three"), []proto.ID{ip}, Drop},
		{"elsewhere", []proto.ID{ip}, "x509", []byte("CN=a"), []proto.ID{ip, {Scheme: "x509", ID: "CN=a"}}, Accept},
		{"unknown", []proto.ID{ip}, "sasl", []byte("x"), []proto.ID{ip}, Refuse},
		{"world", []proto.ID{ip}, "world", []byte("anyone"), []proto.ID{ip}, Refuse},
		{"super", []proto.ID{ip}, "super", nil, []proto.ID{ip}, Refuse},
		{"too many", full, "digest", []byte("user:pass"), full, Refuse},
		{"known though full", full, "x509", []byte("c"), full, Accept},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := fmt.Sprint(tt.have)
			got, verdict := r.Authenticate(Peer{IP: "10.0.0.1"}, tt.have, tt.scheme, tt.data)
			if verdict != tt.verdict || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v %v, want %v %v", got, verdict, tt.want, tt.verdict)
			}
			if fmt.Sprint(tt.have) != before {
				t.Errorf("the caller's identities changed to %v", tt.have)
			}
		})
	}
}

// TestAddKeepsOldSlices: a request that is under way holds the old slice,
// which must not see what is added twice to its spare room.
func TestAddKeepsOldSlices(t *testing.T) {
	base := append(make([]proto.ID, 0, 8), proto.ID{Scheme: "ip", ID: "1.1.1.1"})
	a := Add(base, proto.ID{Scheme: "digest", ID: "a"})
	b := Add(base, proto.ID{Scheme: "digest", ID: "b"})
	if a[1].ID != "a" || b[1].ID != "b" || len(base) != 1 {
		t.Errorf("got %v and %v", a, b)
	}
}

func TestAdmitted(t *testing.T) {
	ip := []proto.ID{{Scheme: "ip", ID: "10.0.0.1"}}
	digest := Add(ip, proto.ID{Scheme: "digest", ID: "a:b"})
	sasl := []Provider{fakeProvider{"sasl"}}
	tests := []struct {
		name                   string
		cfg                    Config
		ip, digest, enforceSAS bool
	}{
		{"off", Config{}, true, true, false},
		{"digest", Config{DigestEnabled: true, EnforceAuth: true, EnforceSchemes: []string{"digest"}}, false, true, false},
		{"ip or sasl", Config{Providers: sasl, EnforceAuth: true, EnforceSchemes: []string{"sasl", "ip"}}, true, true, true},
		{"require sasl", Config{Providers: sasl, RequireSASL: true, EnforceSchemes: []string{"ip"}}, false, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := registry(t, tt.cfg)
			if r.Admitted(ip) != tt.ip || r.Admitted(digest) != tt.digest || r.EnforcesSASL() != tt.enforceSAS {
				t.Errorf("got %v %v %v", r.Admitted(ip), r.Admitted(digest), r.EnforcesSASL())
			}
		})
	}
}

func TestSkipACL(t *testing.T) {
	r := registry(t, Config{SkipACL: true})
	acl := []proto.ACL{{Perms: 0, ID: proto.ID{Scheme: "digest", ID: "a:b"}}}
	if !r.Check(acl, proto.PermWrite, nil) {
		t.Error("skipACL does not skip")
	}
	if _, err := r.Fixup(nil, nil); !errors.Is(err, proto.ErrInvalidACL) {
		t.Errorf("skipACL must not skip Fixup: %v", err)
	}
}

// TestElsewhere: providers given to New take part in checks and fixup.
func TestElsewhere(t *testing.T) {
	r := registry(t, Config{Providers: []Provider{fakeProvider{"x509"}}})
	entry := []proto.ACL{{Perms: proto.PermRead, ID: proto.ID{Scheme: "x509", ID: "CN=a"}}}
	for id, want := range map[string]bool{"CN=a": true, "root": true, "CN=b": false} {
		if got := r.Check(entry, proto.PermRead, []proto.ID{{Scheme: "x509", ID: id}}); got != want {
			t.Errorf("%s: %v", id, got)
		}
	}
	auth := []proto.ACL{{Perms: proto.PermAll, ID: proto.ID{Scheme: "auth"}}}
	fixed, err := r.Fixup([]proto.ID{{Scheme: "ip", ID: "1.1.1.1"}, {Scheme: "x509", ID: "CN=a"}}, auth)
	if err != nil || len(fixed) != 1 || fixed[0].ID.ID != "CN=a" {
		t.Errorf("got %v, %v", fixed, err)
	}
	bad := []proto.ACL{{Perms: proto.PermAll, ID: proto.ID{Scheme: "x509", ID: "bad"}}}
	if _, err := r.Fixup(nil, bad); !errors.Is(err, proto.ErrInvalidACL) {
		t.Errorf("got %v", err)
	}
	users := r.Users([]proto.ID{{Scheme: "ip", ID: "1.1.1.1"}, {Scheme: "x509", ID: "CN=a"}, Super})
	if fmt.Sprint(users) != "[{ip 1.1.1.1} {x509 Dr. CN=a} {super }]" {
		t.Errorf("users %v", users)
	}
}

// TestFixupLimits: what grows on the way to the store is bounded, and a
// hostile list is not compared pairwise.
func TestFixupLimits(t *testing.T) {
	r := registry(t, Config{DigestEnabled: true, MaxACLBytes: 1000})
	many := make([]proto.ACL, 0, 90_000)
	for i := range cap(many) {
		many = append(many, proto.ACL{Perms: int32(i), ID: proto.ID{Scheme: "auth"}})
	}
	who := []proto.ID{{Scheme: "digest", ID: "a:b"}}
	_, err := r.Fixup(who, many)
	if !errors.Is(err, ErrACLTooLarge) || !errors.Is(err, proto.ErrInvalidACL) {
		t.Errorf("error %v", err)
	}
	same := make([]proto.ACL, 90_000)
	for i := range same {
		same[i] = proto.ACL{Perms: int32(i % 3), ID: proto.Anyone}
	}
	fixed, err := r.Fixup(who, same)
	if err != nil || len(fixed) != 3 || fixed[2].Perms != 2 {
		t.Errorf("got %v, %v", fixed, err)
	}
}

func TestMask(t *testing.T) {
	open := []proto.ACL{{Perms: 31, ID: proto.Anyone}}
	if got := Mask(open); &got[0] != &open[0] {
		t.Error("a copy for nothing")
	}
	acl := []proto.ACL{{Perms: 1, ID: proto.ID{Scheme: "sasl", ID: "a:b"}}, {Perms: 31, ID: proto.ID{Scheme: "digest", ID: "a:b"}}}
	if got := Mask(acl); fmt.Sprint(got) != "[{1 {sasl a:b}} {31 {digest a:x}}]" || acl[1].ID.ID != "a:b" {
		t.Errorf("got %v of %v", got, acl)
	}
}

func TestHostText(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1":            "127.0.0.1",
		"::ffff:10.1.2.3":      "10.1.2.3",
		"::1":                  "0:0:0:0:0:0:0:1",
		"2001:db8::abcd":       "2001:db8:0:0:0:0:0:abcd",
		"fe80::1:2:3:4%eth0":   "fe80:0:0:0:1:2:3:4%eth0",
		"ffff:ffff::ffff:ffff": "ffff:ffff:0:0:0:0:ffff:ffff",
	} {
		if got := HostText(netip.MustParseAddr(in)); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestCheckDoesNotAllocate(t *testing.T) {
	r := registry(t, Config{DigestEnabled: true})
	who := []proto.ID{{Scheme: "ip", ID: "2001:db8:0:0:0:0:0:1"}, {Scheme: "digest", ID: "a:b"}}
	for name, id := range map[string]proto.ID{
		"world": proto.Anyone, "digest": who[1], "ip": {Scheme: "ip", ID: "2001:db8::/32"}, "denied": {Scheme: "digest", ID: "x:y"},
	} {
		acl := []proto.ACL{{Perms: proto.PermAll, ID: id}}
		if n := testing.AllocsPerRun(100, func() { r.Check(acl, proto.PermRead, who) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func FuzzNetwork(f *testing.F) {
	for _, s := range []string{"", "1.2.3.4/8", "::", "1::2/64", "a:b", "+1.-0.3.4/08", "1:2:3:4:5:6:7:8/128", "::1/129"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := ipProvider{}
		if p.Matches(s, s) && !p.Valid(s) {
			t.Errorf("%q matches without being valid", s)
		}
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return
		}
		host := HostText(a)
		if !p.Valid(host) || !p.Matches(host, host) || !p.Matches(host, host+"/9") {
			t.Errorf("the address %s does not match itself", host)
		}
	})
}

func FuzzJavaText(f *testing.F) {
	f.Add([]byte("plain"))
	f.Add([]byte{0xed, 0xa0, 0x80, 0xf0, 0x9f})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := jute.Text(b)
		if !utf8.ValidString(s) {
			t.Errorf("%x gives %q", b, s)
		}
		if utf8.Valid(b) && s != string(b) {
			t.Errorf("%q changed to %q", b, s)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	r := registry(b, Config{DigestEnabled: true})
	who := []proto.ID{{Scheme: "ip", ID: "10.0.0.1"}, {Scheme: "digest", ID: "a:b"}}
	for name, id := range map[string]proto.ID{"world": proto.Anyone, "digest": who[1], "ip": {Scheme: "ip", ID: "10.0.0.0/8"}} {
		acl := []proto.ACL{{Perms: proto.PermAll, ID: id}}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r.Check(acl, proto.PermRead, who)
			}
		})
	}
}
