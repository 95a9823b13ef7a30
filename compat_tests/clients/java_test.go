//go:build compat

package clients

import (
	"os/exec"
	"testing"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

func TestJavaClient(t *testing.T) {
	compare(t, javaProgram(t, "Program", "apache-"+rig.Reference))
}

func TestCurator(t *testing.T) {
	compare(t, javaProgram(t, "Recipes", rig.FixtureCurator))
}

// javaProgram compiles java/CLASS.java with a fixture's jars and returns the
// command that runs it.
func javaProgram(t *testing.T, class, fixture string) program {
	jars, dir := rig.Classpath(t, fixture), rig.TempDir(t)
	res := rig.Run(t, exec.Command("javac", "-proc:none", "-cp", jars, "-d", dir, source("java", class+".java")), programLimit)
	if res.ExitCode != 0 {
		t.Fatal(res.Stderr)
	}
	java := append(program{"java", "-Dcompat.log.level=OFF"}, rig.JavaFlags(t)...)
	return append(java, "-cp", dir+":"+jars, class)
}
