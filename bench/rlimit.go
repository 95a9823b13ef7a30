package bench

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// spareFiles is what a run needs beside its connections.
const spareFiles = 64

// raiseFileLimit makes room for so many connections: up to the hard limit,
// and beyond it where the system allows.
func raiseFileLimit(connections int) error {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return fmt.Errorf("bench: limit of open files: %w", err)
	}
	need := uint64(connections + spareFiles)
	if lim.Cur >= need {
		return nil
	}
	want := unix.Rlimit{Cur: need, Max: max(need, lim.Max)}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &want); err != nil {
		return fmt.Errorf("bench: %d connections need %d open files, the hard limit is %d (see ulimit -Hn): %w",
			connections, need, lim.Max, err)
	}
	return nil
}
