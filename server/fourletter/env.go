package fourletter

import (
	"math"
	"os"
	"os/user"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
)

// EnvEntry is a line of envi.
type EnvEntry struct{ Key, Value string }

// notAvailable is Java's word for what it does not know.
const notAvailable = "<NA>"

// Environment describes the process under the keys of Apache, in its order.
// What they say of Java is answered for Go where Go has something alike, and
// with <NA> where not.
func Environment(version string) []EnvEntry {
	freeMB, maxMB, totalMB := memory()
	return []EnvEntry{
		{"zookeeper.version", version},
		{"host.name", known(os.Hostname())},
		{"java.version", runtime.Version()},
		{"java.vendor", notAvailable},
		{"java.home", notAvailable},
		{"java.class.path", known(os.Executable())},
		{"java.library.path", notAvailable},
		{"java.io.tmpdir", os.TempDir()},
		{"java.compiler", runtime.Compiler},
		{"os.name", osName()},
		{"os.arch", osArch()},
		{"os.version", osVersion()},
		{"user.name", UserName()},
		{"user.home", known(os.UserHomeDir())},
		{"user.dir", known(os.Getwd())},
		{"os.memory.free", freeMB},
		{"os.memory.max", maxMB},
		{"os.memory.total", totalMB},
	}
}

func appendEnvi(b []byte, v View) []byte {
	b = append(b, "Environment:\n"...)
	for _, e := range Environment(v.Version()) {
		b = keyText(b, e.Key+"=", e.Value)
	}
	return b
}

func known(s string, err error) string {
	if err != nil || s == "" {
		return notAvailable
	}
	return s
}

// osName is Java's name of the system.
func osName() string {
	switch runtime.GOOS {
	case "linux":
		return "Linux"
	case "darwin":
		return "Mac OS X"
	}
	return runtime.GOOS
}

// osArch is Java's name of the processor.
func osArch() string {
	if runtime.GOARCH == "arm64" {
		return "aarch64"
	}
	return runtime.GOARCH
}

// UserName is under whom the process runs.
func UserName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return known(os.Getenv("USER"), nil)
}

// memory tells of the Go heap what Java's tells of its own: free within what
// was taken from the system, the most it may take, and what it has taken. It
// is the limit of the process, or all there is on the machine.
func memory() (free, most, total string) {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	taken := samples[0].Value.Uint64() - samples[1].Value.Uint64()
	return mb(samples[2].Value.Uint64()), limitMB(), mb(taken)
}

func limitMB() string {
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 { // a negative limit only asks
		return mb(uint64(limit))
	}
	if all := machineBytes(); all != 0 {
		return mb(all)
	}
	return notAvailable
}

func mb(bytes uint64) string { return strconv.FormatUint(bytes>>20, 10) + "MB" }
