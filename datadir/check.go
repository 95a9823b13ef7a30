package datadir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// ErrDamaged means that a check found damage; what it is was printed.
var ErrDamaged = errors.New("damaged")

// Health is the verdict on a data directory.
type Health int

const (
	// Sound means that nothing is wrong but what a crash leaves behind and the
	// next start deals with.
	Sound Health = iota
	// Usable means that a file is damaged or missing, and a server starts all
	// the same and finds no hole in what it needs, or none it could know of.
	Usable
	// Broken means that a server does not start, or that its data is not what
	// was written.
	Broken
)

// LogText says in a few words what is in a log.
func LogText(c persistence.LogCheck) string {
	text := "no transactions"
	if c.Txns > 0 {
		text = fmt.Sprintf("%s 0x%x to 0x%x", count(c.Txns, "transaction"), uint64(c.FirstZxid), uint64(c.LastZxid))
	}
	if c.Backwards > 0 {
		text += fmt.Sprintf(", %d out of order", c.Backwards)
	}
	return text
}

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func agreed(digests int) string {
	switch digests {
	case 0:
		return "without a digest to compare"
	case 1:
		return "1 digest agrees"
	}
	return fmt.Sprintf("%d digests agree", digests)
}

// Checker checks one data directory; see [Checker.Run].
type Checker struct {
	FS      vfs.FS
	DataDir string // parents of version-2
	LogDir  string // empty is DataDir
	Out     io.Writer

	dir       *persistence.Directory
	snapshots []persistence.FileInfo
	logs      []persistence.FileInfo
	good      []persistence.FileInfo // the snapshots that can be read, oldest first
	health    Health
	torn      bool // the end of a log looks torn
	lastZxid  int64
	starts    bool
}

// Run checks every snapshot and log, replays all transactions and compares
// every digest on the way, looks at the epochs and at myid, and tries what a
// server would do that starts. It prints a line for each file and the verdict,
// and changes nothing. An error means that the check itself failed.
func (c *Checker) Run() (Health, error) {
	var err error
	c.dir, err = persistence.OpenDirectory(persistence.Config{FS: c.FS, DataDir: c.DataDir, LogDir: c.LogDir, DBAutocreate: true})
	if err != nil {
		return Broken, err
	}
	if c.snapshots, c.logs, err = c.dir.Files(); err != nil {
		return Broken, err
	}
	c.checkPlaces()
	for _, step := range []func() error{c.checkLogs, c.checkSnapshots, c.checkStart, c.checkEpochs, c.checkID} {
		if err := step(); err != nil {
			return Broken, err
		}
	}
	c.verdict()
	return c.health, nil
}

func (c *Checker) say(name, format string, args ...any) {
	fmt.Fprintf(c.Out, "%s: %s\n", name, fmt.Sprintf(format, args...))
}

// worse lowers the verdict.
func (c *Checker) worse(h Health) { c.health = max(c.health, h) }

// checkPlaces looks for files of one kind in the directory of the other,
// which no server starts with.
func (c *Checker) checkPlaces() {
	if c.FS.SameFile(c.dir.SnapDir(), c.dir.LogDir()) {
		return
	}
	for _, place := range []struct{ dir, prefix, kind string }{{c.dir.LogDir(), "snapshot.", "log"}, {c.dir.SnapDir(), "log.", "snapshot"}} {
		infos, err := c.FS.List(place.dir)
		if err != nil {
			continue // said when the files themselves are read
		}
		for _, info := range infos {
			if strings.HasPrefix(info.Name, place.prefix) {
				c.say(info.Name, "misplaced in the %s directory %s: no server starts before it is moved", place.kind, place.dir)
				c.worse(Broken)
			}
		}
	}
}

func (c *Checker) checkLogs() error {
	firsts := make([]int64, len(c.logs)+1) // zxid of the first record in a later file
	for i := len(c.logs) - 1; i >= 0; i-- {
		if firsts[i] = firstZxid(c.FS, c.logs[i].Path); firsts[i] == 0 {
			firsts[i] = firsts[i+1]
		}
	}
	for i, f := range c.logs {
		name := filepath.Base(f.Path)
		check, err := persistence.CheckLogFile(c.FS, f.Path, firsts[i+1])
		var damage *persistence.CorruptError
		switch {
		case errors.As(err, &damage):
			c.say(name, "damaged at offset %d: %s; before it, %s", damage.Offset, damage.Reason, LogText(check))
			c.worse(Usable) // checkStart knows whether it matters
		case errors.Is(err, fs.ErrNotExist):
			c.say(name, "removed meanwhile")
		case err != nil:
			return err
		case check.Torn != "":
			c.torn = true
			c.say(name, "ok, %s; torn behind offset %d: %s", LogText(check), check.EndOffset, check.Torn)
		default:
			c.say(name, "ok, %s", LogText(check))
		}
	}
	return nil
}

// firstZxid returns the zxid of a log's first good record, 0 if there is none.
func firstZxid(fsys vfs.FS, path string) int64 {
	l, err := persistence.OpenLogFile(fsys, path)
	if err != nil {
		return 0
	}
	defer l.Close() // was only read
	rec, err := l.Next()
	if err != nil || rec.BadSum {
		return 0
	}
	e, err := proto.DecodeEntry(rec.Entry)
	if err != nil {
		return 0
	}
	return e.Header.Zxid
}

// oneLine joins the lines of an error that consists of several.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func (c *Checker) checkEpochs() error {
	epochs, pending, err := c.dir.Epochs()
	if err != nil {
		c.say("epochs", "%v", oneLine(err))
		c.worse(Broken)
		return nil
	}
	current, accepted := epochs.Current, epochs.Accepted
	if current < 0 && accepted < 0 {
		return nil // a standalone server has none
	}
	text := func(v int64) string {
		if v < 0 {
			return "missing"
		}
		return strconv.FormatInt(v, 10)
	}
	last := c.lastZxid >> 32
	switch {
	case current >= 0 && c.starts && last > max(current, pending):
		c.say("epochs", "currentEpoch %d is older than the last transaction 0x%x: no quorum server starts", current, uint64(c.lastZxid))
		c.worse(Broken)
	case accepted >= 0 && accepted < max(current, 0):
		c.say("epochs", "acceptedEpoch %d is less than currentEpoch %d: no quorum server starts", accepted, current)
		c.worse(Broken)
	default:
		c.say("epochs", "ok, currentEpoch %s, acceptedEpoch %s", text(current), text(accepted))
	}
	return nil
}

const maxIDBytes = 4 << 10

func (c *Checker) checkID() error {
	path := filepath.Join(c.DataDir, "myid")
	data, err := vfs.ReadFile(c.FS, path, maxIDBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a standalone server has none
	}
	line, _, _ := strings.Cut(string(data), "\n")
	id, parseErr := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	switch {
	case err != nil:
		c.say("myid", "%v", err)
		c.worse(Broken)
	case parseErr != nil || id < 0:
		c.say("myid", "the first line is %q, and must be a number: no quorum server starts", line)
		c.worse(Broken)
	default:
		c.say("myid", "ok, %d", id)
	}
	return nil
}

func (c *Checker) verdict() {
	if c.torn || c.health != Sound {
		// Only now: asking could keep a server from starting.
		if used, err := c.dir.InUse(); used && err == nil {
			c.say("note", "a server is running on this directory: what it is just writing may look torn")
		}
	}
	switch {
	case c.health == Broken && c.starts:
		c.say("verdict", "broken: a server may start, but see above")
	case c.health == Broken:
		c.say("verdict", "broken: no server starts with this directory")
	case c.health == Usable:
		c.say("verdict", "usable: not all is well, see above, and a server starts")
	default:
		c.say("verdict", "sound")
	}
}
