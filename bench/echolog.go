package bench

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// echoLog is a preallocated, zero-filled file: the fastest there is to sync,
// for its size and its blocks never change. When it is full it starts again.
type echoLog struct {
	file    *os.File
	pending int // writes to be synced
	at      int64
	block   []byte
}

const (
	echoLogBytes  = 64 << 20
	echoTxnBytes  = 256 // about a setData of 100 bytes with its headers
	echoMaxAtOnce = 4096
)

func openEchoLog(path string) (*echoLog, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	l := &echoLog{file: f, block: make([]byte, echoTxnBytes*echoMaxAtOnce)}
	for at := 0; at < echoLogBytes && err == nil; at += len(l.block) {
		_, err = f.WriteAt(l.block, int64(at))
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bench: %w", err), f.Close())
	}
	for i := range l.block {
		l.block[i] = byte(i) | 1
	}
	return l, nil
}

// sync makes the pending writes durable, all at once.
func (l *echoLog) sync() error {
	if l.pending == 0 {
		return nil
	}
	n := min(l.pending, echoMaxAtOnce) * echoTxnBytes
	l.pending = 0
	if l.at+int64(n) > echoLogBytes {
		l.at = 0
	}
	_, err := l.file.WriteAt(l.block[:n], l.at)
	l.at += int64(n)
	if err == nil {
		err = fdatasync(l.file)
	}
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return nil
}

// MeasureSync returns how long an append of one small transaction takes to
// become durable in dir: the middle of n tries into preallocated space. It
// leaves nothing behind.
func MeasureSync(dir string, n int) (median time.Duration, err error) {
	f, err := os.CreateTemp(dir, "sync-*")
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	name := f.Name()
	if err := f.Close(); err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(name)) }()
	l, err := openEchoLog(name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, l.file.Close()) }()
	took := make([]time.Duration, n)
	for i := range took {
		begun := time.Now()
		l.pending = 1
		if err := l.sync(); err != nil {
			return 0, err
		}
		took[i] = time.Since(begun)
	}
	slices.Sort(took)
	return took[n/2], nil
}
