//go:build unix && !linux

package vfs

// Sync makes the bytes and the size durable.
func (f osFile) Sync() error { return f.File.Sync() }

// Push has no counterpart here; with wait, a Sync is the nearest.
func (f osFile) Push(_, _ int64, wait bool) error {
	if !wait {
		return nil
	}
	return f.File.Sync()
}
