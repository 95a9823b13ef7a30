//go:build unix

package stats

import (
	"os"

	"golang.org/x/sys/unix"
)

// registerProcess sets the gauges about the process itself.
func registerProcess(r *Registry) {
	r.Gauge("open_file_descriptor_count", func() (Value, bool) {
		n, err := openFiles()
		return Int(n), err == nil
	})
	r.Gauge("max_file_descriptor_count", func() (Value, bool) {
		var limit unix.Rlimit
		err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
		return Int(int64(limit.Cur)), err == nil
	})
}

// openFiles counts the descriptors of this process, without the one that it
// takes to look.
func openFiles() (int64, error) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0, err
	}
	defer dir.Close() // read only: nothing to lose
	names, err := dir.Readdirnames(-1)
	return int64(len(names)) - 1, err
}
