package main

import (
	"errors"
	"os"
	"runtime/pprof"
)

// profiled runs something and records its processor time into a new file; it
// just runs it when none is named.
func profiled(path string, run func() error) error {
	if path == "" {
		return run()
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return errors.Join(err, file.Close())
	}
	err = run()
	pprof.StopCPUProfile()
	return errors.Join(err, file.Close())
}
