package auth

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// text reads a JSON string of testdata/vectors.tsv.
func text(t *testing.T, field string) string {
	t.Helper()
	var s string
	if err := json.Unmarshal([]byte(field), &s); err != nil {
		t.Fatalf("%s: %v", field, err)
	}
	return s
}

// ids reads a JSON list of [scheme, id].
func ids(t *testing.T, field string) []proto.ID {
	t.Helper()
	var pairs [][2]string
	if err := json.Unmarshal([]byte(field), &pairs); err != nil {
		t.Fatalf("%s: %v", field, err)
	}
	list := make([]proto.ID, 0, len(pairs))
	for _, p := range pairs {
		list = append(list, proto.ID{Scheme: p[0], ID: p[1]})
	}
	return list
}

// acls reads a JSON list of [perms, scheme, id]; null is nil.
func acls(t *testing.T, field string) []proto.ACL {
	t.Helper()
	var rows [][]any
	if err := json.Unmarshal([]byte(field), &rows); err != nil {
		t.Fatalf("%s: %v", field, err)
	}
	var list []proto.ACL
	for _, r := range rows {
		id := proto.ID{Scheme: r[1].(string), ID: r[2].(string)}
		list = append(list, proto.ACL{Perms: int32(r[0].(float64)), ID: id})
	}
	return list
}

// sameACL compares as sets of entries: in which order Apache puts the
// identities of "auth" depends on their hashes.
func sameACL(a, b []proto.ACL) bool {
	count := func(l []proto.ACL) map[proto.ACL]int {
		m := map[proto.ACL]int{}
		for _, e := range l {
			m[e]++
		}
		return m
	}
	return reflect.DeepEqual(count(a), count(b))
}

func registry(t testing.TB, cfg Config) *Registry {
	t.Helper()
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestApache compares every answer with what Apache's classes said.
func TestApache(t *testing.T) {
	r := registry(t, Config{DigestEnabled: true})
	d := r.providers["digest"]
	answer := map[string]func(f []string) (got, want any){
		"ipvalid":     func(f []string) (any, any) { return ipProvider{}.Valid(text(t, f[0])), f[1] == "true" },
		"ipmatch":     func(f []string) (any, any) { return ipProvider{}.Matches(text(t, f[0]), text(t, f[1])), f[2] == "true" },
		"digestvalid": func(f []string) (any, any) { return d.Valid(text(t, f[0])), f[1] == "true" },
		"digestuser":  func(f []string) (any, any) { return d.UserName(text(t, f[0])), text(t, f[1]) },
		"mask":        func(f []string) (any, any) { return maskID(text(t, f[0])), text(t, f[1]) },
		"digest": func(f []string) (any, any) {
			id, err := Digest(f[0], text(t, f[1]))
			if err != nil {
				t.Error(err)
			}
			return id, text(t, f[2])
		},
		"utf8": func(f []string) (any, any) {
			raw, _ := hex.DecodeString(f[0])
			return jute.Text(raw), text(t, f[1])
		},
		"check": func(f []string) (any, any) {
			perm, _ := strconv.Atoi(f[0])
			return r.Check(acls(t, f[1]), int32(perm), ids(t, f[2])), f[3] == "true"
		},
		"fixup": func(f []string) (any, any) {
			fixed, err := r.Fixup(ids(t, f[1]), acls(t, f[0]))
			want := acls(t, f[2])
			if (err != nil) != (f[2] == "null") {
				return err, f[2]
			}
			return sameACL(fixed, want), true
		},
	}
	seen := map[string]int{}
	file, err := os.Open("testdata/vectors.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Split(lines.Text(), "\t")
		seen[fields[0]]++
		if got, want := answer[fields[0]](fields[1:]); got != want {
			t.Errorf("%s: got %v, Apache says %v", lines.Text(), got, want)
		}
	}
	for kind := range answer {
		if seen[kind] == 0 {
			t.Errorf("no vectors of kind %s", kind)
		}
	}
}
