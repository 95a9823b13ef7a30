package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

const recorded = "../persistence/testdata/3.9.5/"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// apache returns what a tool of Apache's printed, see testdata/apache.
func apache(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "apache", name))
	must(t, err)
	return string(text)
}

func load(t *testing.T, name string) *Image {
	t.Helper()
	img, err := LoadImage(vfs.OS{}, recorded+name)
	must(t, err)
	return img
}

// same compares line by line.
func same(t *testing.T, got, want string) {
	t.Helper()
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		switch {
		case i >= len(g):
			t.Fatalf("line %d is missing: %q", i+1, w[i])
		case i >= len(w):
			t.Fatalf("line %d is too many: %q", i+1, g[i])
		case g[i] != w[i]:
			t.Fatalf("line %d is %q, want %q", i+1, g[i], w[i])
		}
	}
}

// sameBlocks compares what sep separates, whatever its order: Apache prints
// children in the order of a hash table.
func sameBlocks(t *testing.T, got, want, sep string) {
	t.Helper()
	blocks := func(text string) string {
		all := strings.Split(text, sep)
		for i, block := range all { // the sessions are in such an order as well
			if head, lines, ok := strings.Cut(block, ":\n"); ok && strings.HasPrefix(head, "Session Details") {
				sessions := strings.Split(lines, "\n")
				slices.Sort(sessions)
				all[i] = head + strings.Join(sessions, "\n")
			}
		}
		slices.Sort(all)
		return strings.Join(all, "\n"+sep+"\n")
	}
	same(t, blocks(got), blocks(want))
}

func TestDetails(t *testing.T) {
	var b strings.Builder
	must(t, load(t, "snapshot.27.snappy").WriteDetails(&b, false, time.UTC))
	sameBlocks(t, b.String(), apache(t, "details.txt"), "----\n")
	b.Reset()
	must(t, load(t, "snapshot.26.gz").WriteDetails(&b, true, time.UTC))
	sameBlocks(t, b.String(), apache(t, "details-data.txt"), "----\n")
}

// ncduNode is a znode of the JSON form without what is free to differ.
type ncduNode struct {
	name     string
	numbers  string
	children []ncduNode
}

func ncdu(v any) ncduNode {
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	object := list[0].(map[string]any)
	n := ncduNode{name: object["name"].(string), numbers: fmt.Sprint(len(object), object["asize"], object["dsize"], object["dev"])}
	for _, child := range list[1:] {
		n.children = append(n.children, ncdu(child))
	}
	slices.SortFunc(n.children, func(a, b ncduNode) int { return strings.Compare(a.name, b.name) })
	return n
}

func TestJSON(t *testing.T) {
	parse := func(text string) (head []any, root ncduNode) {
		var all []any
		must(t, json.Unmarshal([]byte(text), &all))
		if len(all) != 4 || strings.HasSuffix(text, "\n") {
			t.Fatalf("%d parts in %q", len(all), text)
		}
		return all[:3], ncdu(all[3])
	}
	var b strings.Builder
	must(t, load(t, "snapshot.23").WriteJSON(&b, time.UnixMilli(12345)))
	head, root := parse(b.String())
	_, want := parse(apache(t, "ncdu.json"))
	if fmt.Sprint(root) != fmt.Sprint(want) {
		t.Errorf("znodes\n%v, want\n%v", root, want)
	}
	if got := fmt.Sprint(head); got != "[1 0 map[progname:meerkat progver:1 timestamp:12345]]" {
		t.Errorf("head %s", got)
	}
	inodes := regexp.MustCompile(`"ino":\d+`).FindAllString(b.String(), -1)
	if slices.Sort(inodes); len(slices.Compact(inodes)) != 25 {
		t.Errorf("%d different inodes", len(inodes))
	}
}

func TestJSONText(t *testing.T) {
	const name = "a\"\\\b\f\n\r\t\x01\x1fé日\U0001F600<&>\x7f"
	var back string
	text := fmt.Sprintf("\"%s\"", jsonText(name))
	if err := json.Unmarshal([]byte(text), &back); err != nil || back != name {
		t.Errorf("%s reads as %q, %v", text, back, err)
	}
	if want := `"a\"\\\b\f\n\r\t\u0001\u001Fé日` + "\U0001F600<&>\x7f\""; text != want {
		t.Errorf("%s, want %s", text, want)
	}
}

func TestSummary(t *testing.T) {
	img := load(t, "snapshot.26.gz")
	for _, test := range []struct {
		start string
		depth int
		file  string
	}{{"/", 0, "summary.txt"}, {"/zookeeper", 1, "summary-depth.txt"}} {
		var b strings.Builder
		must(t, img.WriteSummary(&b, test.start, test.depth))
		sameBlocks(t, b.String(), apache(t, test.file), "\n")
	}
	if err := img.WriteSummary(&strings.Builder{}, "/nope", 0); !errors.Is(err, ErrNoZnode) {
		t.Errorf("a znode that is not there: %v", err)
	}
}

func TestCompare(t *testing.T) {
	took := regexp.MustCompile(`in \d+\.\d+ seconds`)
	image := func(name string) func() (*Image, error) {
		return func() (*Image, error) { return LoadImage(vfs.OS{}, recorded+name) }
	}
	for _, test := range []struct {
		left string
		opt  CompareOptions
		file string
	}{
		{"snapshot.0", CompareOptions{}, "compare.txt"},
		{"snapshot.23", CompareOptions{Bytes: 20, Nodes: 2, Debug: true}, "compare-debug.txt"},
		{"snapshot.23", CompareOptions{Input: strings.NewReader("\n/plain\n/nope\n99\nabc\n2\n\n\n\n")}, "compare-interactive.txt"},
	} {
		var b strings.Builder
		must(t, Compare(&b, image(test.left), image("snapshot.26.gz"), time.Now, test.opt))
		same(t, took.ReplaceAllString(b.String(), "in N seconds"), took.ReplaceAllString(apache(t, test.file), "in N seconds"))
	}
	if err := Compare(&strings.Builder{}, image("snapshot.0"), image("nope"), time.Now, CompareOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestVerifySnapshot(t *testing.T) {
	for name, want := range map[string]string{
		"3.9.5/snapshot.0":         "zxid 0x0, 5 znodes, 0 sessions, no digest",
		"3.9.5/snapshot.26.gz":     "zxid 0x26, 27 znodes, 2 sessions, digest agrees",
		"3.8.6/snapshot.27.snappy": "zxid 0x27, 27 znodes, 3 sessions, digest agrees",
		"3.5.10/snapshot.23":       "zxid 0x23, 26 znodes, 1 session, no digest",
	} {
		v, err := VerifySnapshot(vfs.OS{}, "../persistence/testdata/"+name)
		if err != nil || v.String() != want {
			t.Errorf("%s: %s, %v, want %s", name, v, err, want)
		}
	}
	disk := vfs.NewMem()
	raw, err := os.ReadFile(recorded + "snapshot.23")
	must(t, err)
	for _, test := range []struct {
		name string
		raw  []byte
	}{
		{"empty", nil}, {"short", raw[:len(raw)-40]}, {"changed", change(raw, len(raw)/2, 1)}, {"no snapshot", []byte("ZKLGxxxxxxxxxxxxxxxxxxxxxxxxxxx")},
	} {
		put(t, disk, "/snapshot.23", test.raw)
		_, err := VerifySnapshot(disk, "/snapshot.23")
		var damage *persistence.CorruptError
		if !errors.As(err, &damage) || damage.File != "/snapshot.23" || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// change returns a copy with one byte changed.
func change(raw []byte, at int, mask byte) []byte {
	raw = slices.Clone(raw)
	raw[at] ^= mask
	return raw
}

func put(t testing.TB, disk vfs.FS, path string, data []byte) {
	t.Helper()
	must(t, disk.MkdirAll(filepath.Dir(path)))
	f, err := disk.Create(path)
	must(t, err)
	if len(data) > 0 {
		_, err = f.WriteAt(data, 0)
		must(t, err)
	}
	must(t, f.Close())
}

func get(t testing.TB, disk vfs.FS, path string) []byte {
	t.Helper()
	data, err := vfs.ReadFile(disk, path, 1<<30)
	must(t, err)
	return data
}
