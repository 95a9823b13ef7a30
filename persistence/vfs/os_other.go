//go:build unix && !linux

package vfs

import "errors"

// Sync makes the bytes and the size durable.
func (f osFile) Sync() error { return f.File.Sync() }

// Allocate is not offered here.
func (f osFile) Allocate(int64) error { return errors.ErrUnsupported }

// Push has no counterpart here; a Sync is the nearest.
func (f osFile) Push(_, _ int64) error { return f.File.Sync() }
