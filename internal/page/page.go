// Package page holds the generated part of a document to the code that it is
// generated from.
package page

import (
	"os"
	"strings"
	"testing"
)

// Check compares what stands between two lines of a document with what is
// generated now, and fails when they differ; with update it writes it instead.
func Check(t *testing.T, document, begin, end, generated string, update bool) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, opened := strings.Cut(string(text), begin+"\n")
	_, after, closed := strings.Cut(rest, end+"\n")
	if !opened || !closed {
		t.Fatalf("%s has no lines %q and %q around its generated part", document, begin, end)
	}
	want := before + begin + "\n" + generated + end + "\n" + after
	switch {
	case want == string(text):
	case !update:
		t.Fatalf("%s is stale: make docs", document)
	default:
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
