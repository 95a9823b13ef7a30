package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meerkat-zk/meerkat/bench"
)

// conditions are what the figures depend on.
type conditions struct {
	date    string
	machine string
	disk    string
	servers []string
	scale   scale
}

// describe looks at the machine and at the disk below dir.
func describe(dir string, contenders []contender, sc scale) (conditions, error) {
	sync, err := bench.MeasureSync(dir, 400)
	if err != nil {
		return conditions{}, err
	}
	c := conditions{
		date: time.Now().Format(time.DateOnly),
		machine: fmt.Sprintf("%d × %s, %d GB of memory, %s, %s", runtime.NumCPU(), cpuModel(),
			memoryGB(), kernel(), runtime.Version()),
		disk:  fmt.Sprintf("an append with fdatasync into preallocated space takes %v (median)", sync.Round(time.Microsecond)),
		scale: sc,
	}
	for _, x := range contenders {
		if !x.echo {
			c.servers = append(c.servers, x.version)
		}
	}
	return c, nil
}

func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	return modelIn(string(info))
}

// modelIn finds the name of the first processor in /proc/cpuinfo.
func modelIn(info string) string {
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func memoryGB() int {
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	var kb int
	_, _ = fmt.Sscanf(string(info), "MemTotal: %d kB", &kb) // 0 when it is not there
	return (kb + 1<<19) >> 20
}

func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return runtime.GOOS
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}

// javaVersion is the first line of java -version without its quotes, such as
// "openjdk version 17.0.15".
func javaVersion(ctx context.Context, java string) string {
	out, err := exec.CommandContext(ctx, java, "-version").CombinedOutput()
	line, _, _ := bytes.Cut(out, []byte("\n"))
	if err != nil || len(line) == 0 {
		return "an unknown Java"
	}
	words := strings.Fields(strings.ReplaceAll(string(line), `"`, ""))
	return strings.Join(words[:min(3, len(words))], " ")
}
