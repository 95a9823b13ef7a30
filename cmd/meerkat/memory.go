package main

import (
	"bytes"
	"io/fs"
	"math"
	"path"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/rs/zerolog"
)

// memoryShare is how much of a cgroup's memory the Go runtime may use before
// it collects garbage at any price. The rest is for what it does not count,
// the page cache of the log among it.
const memoryShare = 0.9

// limitMemory makes the Go runtime respect the memory limit of the cgroup, so
// that a server in a container collects garbage before the kernel kills it.
// GOMEMLIMIT overrides that. The root is that of the file system.
func limitMemory(root fs.FS, getenv func(string) string, log zerolog.Logger) {
	if getenv("GOMEMLIMIT") != "" {
		return // the runtime has read it
	}
	limit, ok := cgroupMemory(root)
	if !ok {
		return
	}
	bytes := int64(float64(limit) * memoryShare)
	debug.SetMemoryLimit(bytes)
	log.Info().Int64("bytes", bytes).Int64("cgroup_bytes", limit).Msg("memory limited")
}

// uncollected runs the loading of the data without garbage collection: nearly
// all that it allocates stays, so collecting would only take time. A memory
// limit still holds.
func uncollected(load func() error) error {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	return load()
}

// cgroupMemory returns the smallest memory limit of this process's cgroup and
// of those around it; false when there is none.
func cgroupMemory(root fs.FS) (limit int64, ok bool) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	limit = math.MaxInt64
	for _, line := range strings.Split(string(groups), "\n") {
		// hierarchy:controllers:path, where version 2 is hierarchy 0 without
		// controllers.
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 {
			continue
		}
		switch {
		case parts[0] == "0" && parts[1] == "":
			limit = min(limit, smallest(root, "sys/fs/cgroup", parts[2], "memory.max"))
		case hasWord(parts[1], "memory"):
			limit = min(limit, smallest(root, "sys/fs/cgroup/memory", parts[2], "memory.limit_in_bytes"))
		}
	}
	// Version 1 says "none" with a number near the largest.
	return limit, limit < 1<<60
}

// smallest reads a limit in a cgroup and in all above it. A container sees its
// own cgroup as the mount itself: folders that are missing say nothing.
func smallest(root fs.FS, mount, group, file string) int64 {
	limit := int64(math.MaxInt64)
	for dir := path.Join(mount, group); strings.HasPrefix(dir, mount); dir = path.Dir(dir) {
		text, err := fs.ReadFile(root, path.Join(dir, file))
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64); err == nil && n > 0 {
			limit = min(limit, n)
		}
	}
	return limit
}

func hasWord(list, word string) bool {
	for _, w := range strings.Split(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}
