package bench

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is what a process has used.
type Usage struct {
	CPU          time.Duration // user and system time of all its threads, since it started
	RSSBytes     int64         // resident memory now
	PeakRSSBytes int64         // the most it ever was
}

// ErrUsage means that /proc does not say what it should.
var ErrUsage = errors.New("bench: cannot read the process's usage")

// userHz is the unit of processor times in /proc, the same on every Linux
// that Go runs on.
const userHz = 100

// ReadUsage asks /proc about a process of this machine; its processor time
// comes in steps of 10 ms.
func ReadUsage(pid int) (Usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	var u Usage
	if u.CPU, err = parseStat(string(stat)); err != nil {
		return Usage{}, err
	}
	if u.RSSBytes, err = parseStatus(string(status), "VmRSS"); err != nil {
		return Usage{}, err
	}
	u.PeakRSSBytes, err = parseStatus(string(status), "VmHWM")
	return u, err
}

// parseStat returns utime plus stime, fields 14 and 15 of /proc/PID/stat.
// The second field is a name in parentheses and may contain anything.
func parseStat(stat string) (time.Duration, error) {
	_, after, ok := cutLast(stat, ") ")
	fields := strings.Fields(after)
	if !ok || len(fields) < 13 {
		return 0, fmt.Errorf("%w: stat is %q", ErrUsage, stat)
	}
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%w: stat is %q", ErrUsage, stat)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / userHz, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// parseStatus returns the value of a line "key:   123 kB" in bytes.
func parseStatus(status, key string) (int64, error) {
	for line := range strings.Lines(status) {
		value, ok := strings.CutPrefix(line, key+":")
		if !ok {
			continue
		}
		kb, ok := strings.CutSuffix(strings.TrimSpace(value), " kB")
		n, err := strconv.ParseInt(kb, 10, 64)
		if !ok || err != nil {
			return 0, fmt.Errorf("%w: %s is %q", ErrUsage, key, value)
		}
		return n << 10, nil
	}
	return 0, fmt.Errorf("%w: no %s", ErrUsage, key)
}

// ownCPU is the processor time of this process so far.
func ownCPU() time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return 0 // cannot happen: both arguments are valid
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
