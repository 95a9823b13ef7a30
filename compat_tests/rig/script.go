package rig

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ServerScript writes a zkServer.sh into dir that understands
// "start-foreground CONFIG" and runs the flavor's server in its own process,
// as Apache's script does: "before CONFIG COMMAND...", where before is a
// program that gets the config and the server's command line. What stands in
// SERVER_JVMFLAGS reaches the server.
func (f Flavor) ServerScript(t testing.TB, dir, before string) {
	t.Helper()
	command := f.Command(t, "CONFIG", nil).Args
	command = command[:len(command)-1]
	words := make([]string, 0, len(command)+1)
	for i, arg := range command {
		words = append(words, "'"+strings.ReplaceAll(arg, "'", `'\''`)+"'")
		if i == 0 && !f.IsMeerkat() { // Meerkat reads the variable itself
			words = append(words, "$SERVER_JVMFLAGS")
		}
	}
	script := fmt.Sprintf("#!/bin/sh\n[ \"$1\" = start-foreground ] || { echo \"unknown command $1\" >&2; exit 1; }\nexec '%s' \"$2\" %s\n",
		before, strings.Join(words, " "))
	if err := os.WriteFile(filepath.Join(dir, "zkServer.sh"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
}
