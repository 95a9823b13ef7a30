package datadir

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

var (
	// ErrExists means that a file would be overwritten.
	ErrExists = errors.New("already exists")
	// ErrNotChopped means that a log has nothing to chop off at a zxid.
	ErrNotChopped = errors.New("nothing was chopped")
	// ErrTorn means that a log ends inside a record.
	ErrTorn = errors.New("the end of the log was left out")
	// ErrAborted means that the one who was asked does not want to go on.
	ErrAborted = errors.New("recovery aborted")
)

// DumpLog prints every transaction of a log file as Apache's TxnLogToolkit
// does, with times in loc. It goes on behind a record that fails its checksum,
// and at the end returns a [persistence.CorruptError] about the first one, or
// about damage that hides what follows.
func DumpLog(fsys vfs.FS, path string, w io.Writer, loc *time.Location) error {
	l, err := persistence.OpenLogFile(fsys, path)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	writeLogHead(out, l)
	count, bad, err := dumpRecords(out, l, path, loc)
	if err == nil || l.Short() {
		fmt.Fprintf(out, "EOF reached after %d txns.\n", count)
	}
	if err == nil {
		err = bad
	}
	if flushErr := out.Flush(); err == nil {
		err = flushErr
	}
	return errors.Join(err, l.Close())
}

func writeLogHead(out io.Writer, l *persistence.LogFile) {
	fmt.Fprintf(out, "ZooKeeper Transactional Log File with dbid %d txnlog format version %d\n", l.DBID(), l.Version())
}

func dumpRecords(out io.Writer, l *persistence.LogFile, path string, loc *time.Location) (count int, bad, err error) {
	for {
		rec, err := l.Next()
		if errors.Is(err, io.EOF) {
			return count, bad, nil
		}
		if err != nil {
			return count, bad, err
		}
		line, err := entryLine(rec.Entry, loc)
		if rec.BadSum {
			fmt.Fprint(out, "CRC ERROR - ", line)
			if bad == nil {
				bad = badSum(path, rec)
			}
		} else if err != nil {
			return count, bad, undecodable(path, rec, err)
		}
		fmt.Fprint(out, line)
		count++
	}
}

// entryLine is the line of a record's entry, or of why there is none.
func entryLine(entry []byte, loc *time.Location) (string, error) {
	e, err := proto.DecodeEntry(entry)
	if err != nil {
		return fmt.Sprintf("%d bytes that are no transaction: %v\n", len(entry), err), err
	}
	return txnLine(&e, loc), nil
}

func badSum(path string, rec persistence.LogRecord) error {
	return &persistence.CorruptError{
		File: path, Offset: rec.Offset, Reason: "a record fails its checksum",
		Remedy: "A copy with the checksum set right is made with: meerkat log recover " + path,
	}
}

func undecodable(path string, rec persistence.LogRecord, err error) error {
	return &persistence.CorruptError{
		File: path, Offset: rec.Offset, Reason: err.Error(),
		Remedy: "A copy that ends before can be made with: meerkat log chop",
	}
}

// RecoverOptions say how a log is recovered.
type RecoverOptions struct {
	Verbose bool // print all transactions, and not only those with a wrong checksum
	Force   bool // overwrite the target
	// Fix is asked for each wrong checksum whether to set it right; nil is
	// always yes. [ErrAborted] ends the recovery.
	Fix func() (bool, error)
}

// RecoverLog copies a log to path.fixed with its checksums set right where
// that is wanted, as Apache's TxnLogToolkit does. Damage that hides what
// follows ends the copy: then it returns a [persistence.CorruptError] and has
// written all that is before. So it does with a torn end; that is [ErrTorn],
// which many will not call an error. A record that fails its checksum and is no
// transaction is never given a right one.
func RecoverLog(fsys vfs.FS, path string, w io.Writer, loc *time.Location, opt RecoverOptions) error {
	l, err := persistence.OpenLogFile(fsys, path)
	if err != nil {
		return err
	}
	defer l.Close() // was only read
	target := path + ".fixed"
	if err := mayWrite(fsys, target, opt.Force); err != nil {
		return err
	}
	dst, err := persistence.CreateLogFile(fsys, target, l.DBID())
	if err != nil {
		return err
	}
	r := &recovery{log: l, path: path, dst: dst, out: w, loc: loc, opt: opt}
	writeLogHead(w, l)
	err = r.run()
	var damage *persistence.CorruptError
	if err != nil && !errors.As(err, &damage) {
		return errors.Join(err, dst.Discard())
	}
	if closeErr := dst.Close(); closeErr != nil {
		return errors.Join(err, closeErr)
	}
	if err == nil || l.Short() {
		fmt.Fprintf(w, "EOF reached after %d txns.\n", r.count)
	}
	fmt.Fprintf(w, "Recovery file %s has been written with %d fixed CRC error(s)\n", target, r.fixed)
	if damage != nil {
		damage.Remedy = fmt.Sprintf("%s has the %d transactions before.", target, r.count)
	}
	if err != nil && l.Short() {
		return fmt.Errorf("%w: %w", ErrTorn, err)
	}
	return err
}

func mayWrite(fsys vfs.FS, path string, force bool) error {
	if force {
		return nil
	}
	switch _, err := fsys.Stat(path); {
	case err == nil:
		return fmt.Errorf("%s %w: remove it, or say --force", path, ErrExists)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

// recovery is one run of RecoverLog.
type recovery struct {
	log   *persistence.LogFile
	path  string
	dst   *persistence.LogFileWriter
	out   io.Writer
	loc   *time.Location
	opt   RecoverOptions
	count int
	fixed int
}

func (r *recovery) run() error {
	for {
		rec, err := r.log.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = r.copy(rec)
		}
		if err != nil {
			return err
		}
		r.count++
	}
}

func (r *recovery) copy(rec persistence.LogRecord) error {
	line, err := entryLine(rec.Entry, r.loc)
	if err != nil {
		if rec.BadSum {
			err = errors.New("a record fails its checksum, and is no transaction")
		}
		return undecodable(r.path, rec, err)
	}
	sum := rec.Sum
	if rec.BadSum {
		fix, err := r.decide(line)
		if err != nil {
			return err
		}
		if fix {
			sum = persistence.LogSum(rec.Entry)
			r.fixed++
		}
	}
	if r.opt.Verbose {
		fmt.Fprint(r.out, line)
	}
	return r.dst.Append(sum, rec.Entry)
}

func (r *recovery) decide(line string) (bool, error) {
	if r.opt.Fix == nil {
		fmt.Fprint(r.out, "CRC FIXED - ", line)
		return true, nil
	}
	fmt.Fprint(r.out, "CRC ERROR - ", line)
	return r.opt.Fix()
}

// ChopLog copies the transactions up to a zxid, which the log must have, to
// path.choppedZXID, and prints what Apache's TxnLogToolkit does. What follows
// may be damaged; what comes before may not. If the log ends with that
// transaction there is nothing to chop off, and no file is left behind.
func ChopLog(fsys vfs.FS, path string, zxid int64, w io.Writer, force bool) (target string, err error) {
	l, err := persistence.OpenLogFile(fsys, path)
	if err != nil {
		return "", err
	}
	defer l.Close() // was only read
	target = fmt.Sprintf("%s.chopped%d", path, zxid)
	if err := mayWrite(fsys, target, force); err != nil {
		return "", err
	}
	dst, err := persistence.CreateLogFile(fsys, target, l.DBID())
	if err != nil {
		return "", err
	}
	writeLogHead(w, l)
	c := &chopper{log: l, path: path, dst: dst, out: w, zxid: zxid, last: -1}
	if err := c.run(); err != nil {
		return "", errors.Join(err, dst.Discard())
	}
	return target, dst.Close()
}

// chopper is one run of ChopLog.
type chopper struct {
	log   *persistence.LogFile
	path  string
	dst   *persistence.LogFileWriter
	out   io.Writer
	zxid  int64
	last  int64 // zxid of the record before, -1 for none
	count int
	found bool // the zxid was there
}

func (c *chopper) run() error {
	for {
		rec, err := c.log.Next()
		if errors.Is(err, io.EOF) {
			fmt.Fprintf(c.out, "EOF reached after %d txns.\n", c.count)
			return fmt.Errorf("%w: %s has no transaction after 0x%x", ErrNotChopped, c.path, uint64(c.zxid))
		}
		var e proto.Entry
		if err == nil && rec.BadSum {
			err = badSum(c.path, rec)
		} else if err == nil {
			if e, err = proto.DecodeEntry(rec.Entry); err != nil {
				err = undecodable(c.path, rec, err)
			}
		}
		switch {
		case err != nil && c.found && errors.Is(err, persistence.ErrCorrupt), err == nil && e.Header.Zxid > c.zxid:
			if err == nil {
				c.noteGap(e.Header.Zxid)
			}
			return c.end()
		case err != nil:
			return err
		}
		c.noteGap(e.Header.Zxid)
		c.found = c.found || e.Header.Zxid == c.zxid
		if err := c.dst.Append(rec.Sum, rec.Entry); err != nil {
			return err
		}
		c.count++
	}
}

func (c *chopper) end() error {
	if !c.found {
		fmt.Fprintf(c.out, "This log does not contain zxid %x\n", uint64(c.zxid))
		return fmt.Errorf("%w: %s does not have zxid 0x%x", ErrNotChopped, c.path, uint64(c.zxid))
	}
	fmt.Fprintf(c.out, "Chopping at %x new log has %d records\n", uint64(c.zxid), c.count)
	return nil
}

// noteGap prints where transactions are missing.
func (c *chopper) noteGap(zxid int64) {
	last := c.last
	c.last = zxid
	switch {
	case last == -1 || zxid == last+1:
	case zxid>>32 == last>>32:
		fmt.Fprintf(c.out, "There is intra-epoch gap between %x and %x\n", uint64(last), uint64(zxid))
	case zxid&0xFFFFFFFF != 1:
		fmt.Fprintf(c.out, "There is inter-epoch gap between %x and %x\n", uint64(last), uint64(zxid))
	}
}
