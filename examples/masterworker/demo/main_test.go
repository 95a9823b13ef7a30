package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestDemo plays the demonstration, and looks for what it is to show.
func TestDemo(t *testing.T) {
	var out strings.Builder
	err := play(&out)
	t.Log("\n" + out.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`servers  three of them serve; server [123] leads`,
		`master   leads`,
		`worker-[12] is killed`,
		`worker-[12] is dead: zk: session has been expired by the server`,
		`master   is killed`,
		`master   is dead: zk: session has been expired by the server`,
		`backup   leads`,
	} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(out.String()) {
			t.Errorf("nobody said %q", line)
		}
	}
	for _, command := range []string{"bake", "brew", "chop", "dice", "fry", "grill", "knead", "roast"} {
		learned := regexp.MustCompile(`(?m)^client   learns: `+command+` by worker-[12]$`).FindAllString(out.String(), -1)
		if len(learned) != 1 {
			t.Errorf("the client learned %d times of %s", len(learned), command)
		}
	}
}
