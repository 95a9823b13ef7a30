package main

import (
	"strings"
	"testing"
)

// TestHiddenChannel hears the story.
func TestHiddenChannel(t *testing.T) {
	var out strings.Builder
	stale, fresh, err := tell(&out, t)
	t.Log("\n" + out.String())
	if err != nil || stale != "old" || fresh != "new" {
		t.Errorf("Boris read %q, and %q after a sync; %v", stale, fresh, err)
	}
}
