package audit

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// maxPendingBytes is how much may wait for a slow disk before who reports has
// to wait, too: nothing is left out.
const maxPendingBytes = 4 << 20

// Log writes events in the order in which they were reported: to a file in
// the layout of Apache's log, or as entries of the server's log.
type Log struct {
	file *os.File       // set once; nil: entries of log
	log  zerolog.Logger // set once
	now  func() time.Time
	done chan struct{} // closed when write has returned

	mu      sync.Mutex
	pending []line // mu
	bytes   int    // mu: of pending
	closed  bool   // mu
	changed sync.Cond
}

type line struct {
	at      time.Time
	text    string
	failure bool
}

// Open opens the file to append to, which only its owner may read; with no
// path events go to log.
func Open(path string, log zerolog.Logger) (*Log, error) {
	l := &Log{log: log.With().Str("log", "audit").Logger(), now: time.Now, done: make(chan struct{})}
	l.changed.L = &l.mu
	if path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("audit log: %w", err)
		}
		l.file = f
	}
	go l.write() // ends with Close, which waits for it
	return l, nil
}

// Report takes an event. After Close it has no effect.
func (l *Log) Report(e Event) {
	text := e.String()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.bytes > maxPendingBytes && !l.closed {
		l.changed.Wait()
	}
	if l.closed {
		return
	}
	l.pending = append(l.pending, line{l.now(), text, e.Result == Failure})
	l.bytes += len(text)
	l.changed.Broadcast()
}

// Close writes what is left.
func (l *Log) Close() error {
	l.mu.Lock()
	l.closed = true
	l.changed.Broadcast()
	l.mu.Unlock()
	<-l.done
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// write writes until the log is closed and all is written.
func (l *Log) write() {
	defer close(l.done)
	for {
		l.mu.Lock()
		for len(l.pending) == 0 && !l.closed {
			l.changed.Wait()
		}
		batch := l.pending
		l.pending, l.bytes = nil, 0
		l.changed.Broadcast()
		l.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		l.emit(batch)
	}
}

func (l *Log) emit(batch []line) {
	if l.file == nil {
		for _, e := range batch {
			level := zerolog.InfoLevel
			if e.failure {
				level = zerolog.ErrorLevel
			}
			l.log.WithLevel(level).Msg(e.text)
		}
		return
	}
	var b bytes.Buffer
	for _, e := range batch {
		level := "INFO"
		if e.failure {
			level = "ERROR"
		}
		fmt.Fprintf(&b, "%s %s o.a.z.a.Slf4jAuditLogger: %s\n", e.at.Format("2006-01-02 15:04:05,000"), level, e.text)
	}
	if _, err := l.file.Write(b.Bytes()); err != nil {
		l.log.Error().Err(err).Int("lines", len(batch)).Msg("audit log could not be written: its lines follow here")
		for _, e := range batch {
			l.log.Error().Msg(e.text)
		}
	}
}
