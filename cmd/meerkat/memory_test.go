package main

import (
	"bytes"
	"math"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rs/zerolog"
)

func TestCgroupMemory(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  int64 // 0: none
	}{
		{"no cgroups", nil, 0},
		{"version 2 without a limit", map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}, 0},
		{"version 2", map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "1000\n"}, 1000},
		{"limit of a parent", map[string]string{
			"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "700\n", "sys/fs/cgroup/memory.max": "900\n",
		}, 700},
		{"inside of a container", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "500\n"}, 500},
		{"container that sees the path outside", map[string]string{"proc/self/cgroup": "0::/kube/pod\n", "sys/fs/cgroup/memory.max": "500\n"}, 500},
		{"version 1", map[string]string{
			"proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "300\n",
		}, 300},
		{"version 1 without a limit", map[string]string{
			"proc/self/cgroup": "4:memory:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712\n",
		}, 0},
		{"nonsense", map[string]string{"proc/self/cgroup": "0:/\n0::/\n", "sys/fs/cgroup/memory.max": "lots\n"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, text := range test.files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			limit, ok := cgroupMemory(root)
			if ok != (test.want != 0) || ok && limit != test.want {
				t.Errorf("got %d, %v, want %d", limit, ok, test.want)
			}
		})
	}
}

func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	root := fstest.MapFS{
		"proc/self/cgroup":         {Data: []byte("0::/\n")},
		"sys/fs/cgroup/memory.max": {Data: []byte("1000000000\n")},
	}
	var out bytes.Buffer
	log := zerolog.New(&out)

	debug.SetMemoryLimit(math.MaxInt64)
	limitMemory(root, func(string) string { return "1GiB" }, log)
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 || out.Len() > 0 {
		t.Errorf("in spite of GOMEMLIMIT the limit became %d: %s", got, out.String())
	}
	limitMemory(root, func(string) string { return "" }, log)
	if got := debug.SetMemoryLimit(-1); got != 900_000_000 || !strings.Contains(out.String(), "900000000") {
		t.Errorf("the limit is %d: %s", got, out.String())
	}
}
