package datatree

import (
	"strings"
	"testing"
)

// The texts are those of Apache's PathUtils.
func TestValidatePath(t *testing.T) {
	invalid := func(path, reason string) string {
		return "Invalid path string \"" + path + "\" caused by " + reason
	}
	for path, want := range map[string]string{
		"/": "", "/a": "", "/a/b.c": "", "/a/..b": "", "/a/b..": "", "/.a": "", "/a/...": "", "/ä/漢字": "", "/a b": "", "/a-0000000001": "",
		"":             "Path length must be > 0",
		"a":            "Path must start with / character",
		"/a/":          "Path must not end with / character",
		"//":           "Path must not end with / character",
		"//a":          invalid("//a", "empty node name specified @1"),
		"/a//b":        invalid("/a//b", "empty node name specified @3"),
		"/.":           invalid("/.", "relative paths not allowed @1"),
		"/./a":         invalid("/./a", "relative paths not allowed @1"),
		"/a/..":        invalid("/a/..", "relative paths not allowed @4"),
		"/a/../b":      invalid("/a/../b", "relative paths not allowed @4"),
		"/a\x00b":      invalid("/a\x00b", "null character not allowed @2"),
		"/a\x01":       invalid("/a\x01", "invalid character @2"),
		"/a\x1f":       invalid("/a\x1f", "invalid character @2"),
		"/a\x7f":       invalid("/a\x7f", "invalid character @2"),
		"/ä\u009f":     invalid("/ä\u009f", "invalid character @2"),
		"/a\u00a0":     "",
		"/\ue000":      invalid("/\ue000", "invalid character @1"),
		"/\uf8ff":      invalid("/\uf8ff", "invalid character @1"),
		"/\uf900":      "",
		"/\uffef":      "",
		"/\ufff0":      invalid("/\ufff0", "invalid character @1"),
		"/x\U0001F600": invalid("/x\U0001F600", "invalid character @2"),
		"/x\xff":       invalid("/x\xff", "invalid character @2"),
	} {
		got := ""
		if err := ValidatePath(path); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func TestValidatePathDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { _ = ValidatePath("/services/app.one/host-0000000001") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSplitPath(t *testing.T) {
	for path, want := range map[string][2]string{
		"/": {"", ""}, "/a": {"", "a"}, "/a/b": {"/a", "b"}, "/a/b/": {"/a/b", ""},
	} {
		parent, name, ok := SplitPath(path)
		if !ok || parent != want[0] || name != want[1] {
			t.Errorf("%q: %q, %q, %v", path, parent, name, ok)
		}
	}
	if _, _, ok := SplitPath("a"); ok {
		t.Error("a path without a slash has a parent")
	}
}

func TestUTF16Len(t *testing.T) {
	for s, want := range map[string]int64{"": 0, "/abc": 4, "/ä漢": 3, "/\U0001F600": 3, strings.Repeat("x", 100): 100} {
		if got := utf16Len(s); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}

func FuzzValidatePath(f *testing.F) {
	for _, path := range []string{"/", "/a/b", "/a/../b", "//", "/\xff", "/a\x00"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if ValidatePath(path) != nil || path == "/" {
			return
		}
		for i, component := range strings.Split(path, "/") {
			switch {
			case i == 0 && component != "", i > 0 && component == "", component == ".", component == "..":
				t.Fatalf("%q has the component %q", path, component)
			case strings.ContainsAny(component, "\x00\x1f\x7f\u0080\ufffd"):
				t.Fatalf("%q has a forbidden character", path)
			}
		}
	})
}
