package zktest

import (
	"errors"
	"fmt"
	"sync"
)

// Host stands for a test in a program that is none, a demonstration or a tool:
//
//	host := &zktest.Host{}
//	defer host.Close()
//	err := host.Try(func() { servers = zktest.StartEnsemble(host, 3) })
//
// What would fail a test panics outside of Try, and is Try's error inside. The
// zero Host is ready for use.
type Host struct {
	mu       sync.Mutex
	cleanups []func() // mu
}

var _ TB = (*Host)(nil)

// hostFailure is what a Host panics with.
type hostFailure struct{ error }

// Try runs f and returns what fails it.
func (h *Host) Try(f func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case hostFailure:
			err = r.error
		default:
			panic(r)
		}
	}()
	f()
	return nil
}

// Close ends the servers, and does whatever else was to be cleaned up, in the
// opposite order. It may be called again.
func (h *Host) Close() error {
	var errs []error
	for {
		h.mu.Lock()
		last := len(h.cleanups) - 1
		if last < 0 {
			h.mu.Unlock()
			return errors.Join(errs...)
		}
		f := h.cleanups[last]
		h.cleanups = h.cleanups[:last]
		h.mu.Unlock()
		errs = append(errs, h.Try(f))
	}
}

// Helper does nothing: there is no test.
func (h *Host) Helper() {}

// Cleanup adds to what Close does.
func (h *Host) Cleanup(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cleanups = append(h.cleanups, f)
}

// Logf says nothing: the output is the program's.
func (h *Host) Logf(string, ...any) {}

// Errorf is Fatalf: a program has nobody to read on.
func (h *Host) Errorf(format string, args ...any) { h.Fatalf(format, args...) }

// Fatalf ends what Try has begun.
func (h *Host) Fatalf(format string, args ...any) {
	panic(hostFailure{fmt.Errorf(format, args...)})
}
