package persistence

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

const (
	// fillBytes are written and synced at a time. The log's goroutine waits
	// for at most one such step, and only when it needs the spare.
	fillBytes  = 1 << 20
	writeBytes = 256 << 10
	// firstFillBytes are filled of the first spares. Logs often end long
	// before what is reserved for them, with a snapshot, and zeros that
	// nothing is written over cost the disk and the processor as much as
	// transactions do.
	firstFillBytes = 16 << 20
	// spareHeadBytes are written when the spare is created.
	spareHeadBytes = 4 << 10
)

// spares prepares the next log file before it is needed: space reserved,
// header written, zeros as far as it is likely to be used, everything synced. Neither a new file
// nor its growth ever costs a sync of the log more than a rename, and on a
// disk that fills up there is space for what was accepted.
//
// The spare becomes a log by a rename, so a log file always has its header.
type spares struct {
	cfg *Config // set once
	dir string  // set once

	mu      sync.Mutex // guards these; held while the spare is written and synced
	spare   *openLog   // nil when there is none yet
	target  int64      // what is reserved for the next spare
	depth   int64      // how far it is filled, if more than that could be reserved otherwise
	retired []*openLog // to be cut to their length and closed
	zeros   []byte     // what a spare is filled with; nil when that is done

	trimming sync.Mutex // held while retired files are cut

	failing atomic.Bool  // space could not be reserved
	held    atomic.Int64 // reserved in the spare
	ahead   atomic.Int64 // reserved in the current log
	started bool         // owned by the log's goroutine

	wake chan struct{} // holds one token: there is work
	stop chan struct{} // closed by close
	done chan struct{} // closed when run has returned
}

func newSpares(cfg *Config, dir string) *spares {
	target := max(cfg.ReserveBytes, min(cfg.PreallocBytes, defaultReserveBytes), spareHeadBytes)
	return &spares{
		cfg: cfg, dir: dir, target: target, depth: min(target, firstFillBytes),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
}

// start reserves the first space, so that HasRoom is right from the first
// moment, and begins to fill it.
func (k *spares) start() {
	if k.started {
		return
	}
	k.started = true
	k.step()
	go k.run()
}

// hasRoom tells whether what may be accepted before the next look is sure to
// find its place. While a file is begun and the next is not there yet, the
// disk is asked: the log may be faster than the making of files.
func (k *spares) hasRoom() bool {
	reserved := k.held.Load() + k.ahead.Load()
	if reserved >= k.cfg.ReserveBytes {
		return true
	}
	if k.failing.Load() {
		return false
	}
	free, err := k.cfg.FS.FreeBytes(k.dir)
	return err == nil && reserved+free >= k.cfg.ReserveBytes
}

// use notes what is left in the current log.
func (k *spares) use(roomBytes int64) { k.ahead.Store(roomBytes) }

// canRoll tells whether a new file can be had without risk: on a full disk
// the current one is kept until the spare can be replaced.
func (k *spares) canRoll() bool { return !k.failing.Load() }

// ready tells whether the spare is filled and has room for a batch. Unless it
// has to, it does not wait while the spare is being written.
func (k *spares) ready(needBytes int64, wait bool) bool {
	if wait {
		k.mu.Lock()
	} else if !k.mu.TryLock() {
		return false
	}
	defer k.mu.Unlock()
	return k.spare != nil && k.spare.filled >= k.fillTo() && k.spare.pos+needBytes <= k.spare.filled
}

// take gives the spare its name and hands it over. With full, the last file
// was filled up, so the next one is filled further.
func (k *spares) take(name string, full bool) (*openLog, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.spare == nil {
		if err := k.create(); err != nil {
			return nil, err
		}
	}
	if err := k.cfg.FS.Rename(k.spare.path, name); err != nil {
		return nil, err
	}
	f := k.spare
	f.path = name
	k.spare = nil
	if full {
		k.depth = min(2*k.depth, max(k.cfg.PreallocBytes, k.depth))
		k.target = max(k.target, k.depth)
	}
	k.ahead.Store(f.room())
	k.held.Store(0)
	k.poke()
	return f, nil
}

// retire takes a log that is complete.
func (k *spares) retire(f *openLog) {
	k.mu.Lock()
	k.retired = append(k.retired, f)
	k.mu.Unlock()
	k.poke()
}

func (k *spares) poke() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *spares) run() {
	defer close(k.done)
	for {
		k.trim()
		for k.step() {
			select {
			case <-k.stop:
				return
			default:
			}
		}
		var retry <-chan time.Time
		if k.failing.Load() {
			retry = time.After(k.cfg.RetryEvery)
		}
		select {
		case <-k.stop:
			return
		case <-retry:
		case <-k.wake:
		}
	}
}

// step does a part of the work and tells whether there is more.
func (k *spares) step() (more bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var err error
	switch {
	case k.spare == nil:
		err = k.create()
	case k.spare.filled < k.fillTo():
		err = k.fill()
	}
	if err != nil {
		k.failed(err)
		return false
	}
	if k.spare.filled < k.fillTo() {
		return true
	}
	if k.failing.Swap(false) {
		k.cfg.Log.Info().Str("dir", k.dir).Msg("space for the transaction log is reserved again")
	}
	return false
}

// failed notes that space could not be reserved. A spare that cannot even be
// written is given up; one on a full disk keeps what it has. mu is held.
func (k *spares) failed(err error) {
	if !k.failing.Swap(true) {
		k.cfg.Log.Error().Err(err).Str("dir", k.dir).Int64("need_bytes", k.target).
			Msg("no space can be reserved for the transaction log; writes will be refused until there is some")
	}
	if k.spare != nil && !vfs.IsNoSpace(err) {
		k.discard()
	}
}

// create makes the spare: all of its space reserved where that is possible,
// its header and the first zeros written. mu is held.
func (k *spares) create() error {
	path := filepath.Join(k.dir, spareName)
	file, err := k.cfg.FS.Create(path)
	if err != nil {
		return err
	}
	k.spare = &openLog{path: path, file: file, pos: fileHeadBytes}
	head := appendLogHeader(make([]byte, 0, spareHeadBytes), k.cfg.ForceSync)
	if k.cfg.ForceSync {
		head = appendMarker(head, fileHeadBytes, fileHeadBytes)
	}
	err = file.Allocate(k.target)
	for least := max(k.cfg.ReserveBytes, spareHeadBytes); vfs.IsNoSpace(err) && k.target > least; {
		k.target = max(k.target/2, least) // files can be shorter where there is little space
		err = file.Allocate(k.target)
	}
	switch {
	case err == nil:
		k.spare.reserved = k.target
	case errors.Is(err, errors.ErrUnsupported):
		err = nil // filling it reserves it, step by step
	}
	if err == nil {
		_, err = file.WriteAt(head[:cap(head)], 0)
	}
	if err == nil {
		err = k.synced(spareHeadBytes)
	}
	if err != nil {
		k.discard()
		return fmt.Errorf("prepare a log file: %w", err)
	}
	return nil
}

// fillTo is where the zeros of the spare end: where nothing else reserves
// space, they must. mu is held.
func (k *spares) fillTo() int64 {
	if k.spare.reserved < k.target {
		return k.target
	}
	return min(k.depth, k.target)
}

// fill writes the next zeros. mu is held.
func (k *spares) fill() error {
	if k.zeros == nil {
		k.zeros = make([]byte, writeBytes)
	}
	to := k.fillTo()
	off, end := k.spare.filled, min(k.spare.filled+fillBytes, to)
	for off < end {
		n := min(int64(len(k.zeros)), end-off)
		if _, err := k.spare.file.WriteAt(k.zeros[:n], off); err != nil {
			return err
		}
		off += n
	}
	if end == to {
		k.zeros = nil
	}
	return k.synced(end)
}

// synced makes the zeros durable up to an offset. mu is held.
func (k *spares) synced(filled int64) error {
	if k.cfg.ForceSync {
		if err := k.spare.file.Sync(); err != nil {
			return err
		}
	}
	k.spare.filled = filled
	k.spare.reserved = max(k.spare.reserved, filled)
	k.held.Store(k.spare.room())
	return nil
}

// discard removes the spare. mu is held.
func (k *spares) discard() {
	if k.spare == nil {
		return
	}
	if err := errors.Join(k.spare.file.Close(), k.cfg.FS.Remove(k.spare.path)); err != nil {
		k.cfg.Log.Warn().Err(err).Msg("unused log file could not be removed")
	}
	k.spare = nil
	k.held.Store(0)
}

// trim cuts complete logs to their length, marker included, which gives back
// the zeros behind it, and closes them. It is only thrift: nothing depends on
// it.
func (k *spares) trim() {
	k.trimming.Lock()
	defer k.trimming.Unlock()
	k.mu.Lock()
	retired := k.retired
	k.retired = nil
	k.mu.Unlock()
	for _, f := range retired {
		end := f.synced.Load()
		whole := end == f.pos
		if k.cfg.ForceSync {
			end += markerBytes
		}
		var err error
		if whole {
			err = f.file.Truncate(end)
		}
		if err := errors.Join(err, f.file.Close()); err != nil {
			k.cfg.Log.Warn().Err(err).Str("file", f.path).Msg("log file could not be cut to its length")
		}
	}
}

// close ends the goroutine and removes what is not a log.
func (k *spares) close() error {
	if k.started {
		close(k.stop)
		<-k.done
	}
	k.trim()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.discard()
	return nil
}
