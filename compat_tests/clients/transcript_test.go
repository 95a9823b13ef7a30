package clients

import (
	"slices"
	"strings"
	"testing"
)

func TestNormalSortsTheWatchersOfOneEvent(t *testing.T) {
	got := normal([]string{
		"z", "a",
		"event deleted /n by b", "event deleted /n by a", "event deleted /m by c",
		"event deleted /n by b", "z by b", "z by a",
	})
	want := []string{
		"z", "a",
		"event deleted /n by a", "event deleted /n by b", "event deleted /m by c",
		"event deleted /n by b", "z by b", "z by a",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDifference(t *testing.T) {
	for _, c := range []struct{ want, have, parts string }{
		{"a b c", "a b c", ""},
		{"a b c", "a x c", "Apache prints\n  b\nand the subject\n  x"},
		{"a b", "a b c", "Apache prints\n  (nothing)\nand the subject\n  c"},
		{"a b", "a", "Apache prints\n  b\nand the subject\n  (nothing)"},
	} {
		got := difference(strings.Fields(c.want), strings.Fields(c.have))
		if !strings.HasSuffix(got, c.parts) || (c.parts == "") != (got == "") {
			t.Errorf("difference(%q, %q) = %q", c.want, c.have, got)
		}
	}
}
