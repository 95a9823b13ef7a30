package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A profile is written whatever ends the server, and replaces no file.
func TestProfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cpu.profile")
	ended := errors.New("the server ended")
	if err := profiled(path, func() error { return ended }); !errors.Is(err, ended) {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || len(data) < 2 || data[0] != 0x1F || data[1] != 0x8B { // profiles are gzipped
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	served := false
	if err := profiled(path, func() error { served = true; return nil }); !errors.Is(err, fs.ErrExist) || served {
		t.Fatalf("%v, served: %v", err, served)
	}
}
