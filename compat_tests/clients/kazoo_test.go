//go:build compat

package clients

import (
	"path/filepath"
	"testing"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// kazoo is the program of both releases.
var kazooProgram = source("kazoo", "program.py")

func TestKazooOfDebian(t *testing.T) {
	packages := filepath.Join(rig.Fixture(t, rig.FixtureKazooDebian), "root/usr/lib/python3/dist-packages")
	compare(t, program{"/usr/bin/env", "PYTHONPATH=" + packages, "/usr/bin/python3", "-B", kazooProgram})
}

func TestKazooOfPyPI(t *testing.T) {
	venv := filepath.Join(rig.Fixture(t, rig.FixtureKazooPyPI), "venv")
	compare(t, program{filepath.Join(venv, "bin", "python3"), "-B", kazooProgram})
}
