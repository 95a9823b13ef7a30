package bench

import (
	"errors"
	"os"
	"runtime"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const rest = " S 1 42 42 0 -1 4194560 900 0 3 0 1234 567 8 9 20 0 17 0 5555 1 2"
	for stat, want := range map[string]time.Duration{
		"42 (java)" + rest:            18010 * time.Millisecond,
		"42 (a b) c) (d" + ")" + rest: 18010 * time.Millisecond,
	} {
		if got, err := parseStat(stat); err != nil || got != want {
			t.Errorf("%q: %v, %v", stat, got, err)
		}
	}
	for _, stat := range []string{"", "42 (java) S 1 2", "42 java" + rest, "42 (java) S 1 42 42 0 -1 4194560 900 0 3 0 x 567 8"} {
		if _, err := parseStat(stat); !errors.Is(err, ErrUsage) {
			t.Errorf("%q: %v", stat, err)
		}
	}
}

func TestParseStatus(t *testing.T) {
	const status = "Name:\tjava\nVmHWM:\t   70000 kB\nVmRSS:\t   65536 kB\nBad:\t12 MB\n"
	if n, err := parseStatus(status, "VmRSS"); err != nil || n != 64<<20 {
		t.Errorf("%d, %v", n, err)
	}
	for _, key := range []string{"VmSwap", "Bad", "Name"} {
		if _, err := parseStatus(status, key); !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestReadUsageOfThisProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		if _, err := ReadUsage(os.Getpid()); err == nil {
			t.Error("usage without /proc")
		}
		return
	}
	for begun := ownCPU(); ownCPU()-begun < 30*time.Millisecond; {
	}
	u, err := ReadUsage(os.Getpid())
	if err != nil || u.RSSBytes < 1<<20 || u.PeakRSSBytes < u.RSSBytes {
		t.Errorf("%+v, %v", u, err)
	}
	if d := ownCPU() - u.CPU; d < -20*time.Millisecond || d > 50*time.Millisecond {
		t.Errorf("/proc says %v, getrusage %v", u.CPU, ownCPU())
	}
	if _, err := ReadUsage(1 << 30); !errors.Is(err, ErrUsage) {
		t.Errorf("a process that does not exist: %v", err)
	}
}
