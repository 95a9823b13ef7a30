package datatree

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// ErrSnapshot means that a snapshot could be read and is none.
var ErrSnapshot = errors.New("damaged snapshot")

// Decode replaces the state by that of a snapshot, reading parts 2 to 5 of
// the file: sessions, ACL lists, znodes, end. Parents come before their
// children, in any order otherwise. No count in the stream is believed: memory
// is taken as bytes arrive. The zxid is not part of the stream; see
// [Tree.SetLastZxid]. After an error the tree is as new.
//
// A znode may name an ACL that the stream does not define; see
// [Tree.LostACLs].
func (t *Tree) Decode(r *jute.Reader) error {
	t.clear()
	l := loader{t: t, r: r, acls: map[int64]aclID{-1: openACL}}
	if err := l.load(); err != nil {
		t.Reset()
		return fmt.Errorf("decoding snapshot: %w", err)
	}
	t.acls.purge()
	t.countRootTwice()
	t.loadQuotas()
	return nil
}

// loader reads one snapshot. It parses in the goroutine that called Decode,
// and hands the znodes on in batches to two more, for that is most of a
// server's start: one that files them in the index and below their parents,
// and one that sorts them into the order. Each part of the tree is touched by
// one of the three only.
type loader struct {
	t    *Tree
	r    *jute.Reader
	acls map[int64]aclID // ids of the stream to ids of the table

	path  []byte                   // scratch: the path at hand
	fixed [8 + persistedBytes]byte // scratch: ACL id and Stat
	batch []*Znode                 // to be handed on
	file  chan []*Znode            // closed by the parser
	sort  chan []*Znode            // closed by the filer
	stop  atomic.Bool              // the filer has met an error
	wrong error                    // that error; read when the filer is done
	done  sync.WaitGroup           // filer and sorter
}

const (
	loadBatch = 256 // znodes in a batch
	loadAhead = 8   // batches between two goroutines
)

func (l *loader) load() error {
	l.sessions()
	if err := l.lists(); err != nil {
		return err
	}
	l.file, l.sort = make(chan []*Znode, loadAhead), make(chan []*Znode, loadAhead)
	l.done.Go(l.fileAll)
	l.done.Go(l.sortAll)
	l.nodes()
	close(l.file)
	l.done.Wait()
	switch {
	case l.wrong != nil:
		return l.wrong
	case l.r.Err() != nil:
		return l.r.Err()
	case l.t.root == nil:
		return fmt.Errorf("%w: no root", ErrSnapshot)
	}
	return nil
}

func (l *loader) sessions() {
	for n := l.r.Int(); n > 0 && l.r.Err() == nil; n-- {
		s := sessionEntry{id: l.r.Long(), timeoutMs: l.r.Int()}
		if l.r.Err() == nil {
			l.t.sessions.ReplaceOrInsert(s)
		}
	}
}

// lists reads the ACL lists. Their ids are the stream's own business: the
// table gives out new ones.
func (l *loader) lists() error {
	for n := l.r.Int(); n > 0; n-- {
		id := l.r.Long()
		acl, err := l.list()
		if err != nil {
			return err
		}
		if id != -1 {
			l.acls[id] = l.t.acls.intern(acl)
		}
	}
	return l.r.Err()
}

func (l *loader) list() ([]proto.ACL, error) {
	n := l.r.Length()
	if n < 0 && l.r.Err() == nil {
		return nil, fmt.Errorf("%w: an ACL list is null", ErrSnapshot)
	}
	acl := []proto.ACL{}
	for ; n > 0 && l.r.Err() == nil; n-- {
		acl = append(acl, proto.ACL{Perms: l.r.Int(), ID: proto.ID{Scheme: l.r.String(), ID: l.r.String()}})
	}
	return acl, l.r.Err()
}

// nodes parses the znodes up to the end of the stream or the first error.
func (l *loader) nodes() {
	for !l.stop.Load() {
		path, more := l.nextPath()
		if !more {
			break
		}
		z := l.node(path)
		if l.r.Err() != nil {
			break
		}
		if l.batch = append(l.batch, z); len(l.batch) == loadBatch {
			l.file <- l.batch
			l.batch = make([]*Znode, 0, loadBatch)
		}
	}
	l.file <- l.batch
}

// nextPath reads the path of a znode; false at the end or after an error. The
// path is valid until the next one is read.
func (l *loader) nextPath() (string, bool) {
	n := max(l.r.Length(), 0)
	if l.r.Err() != nil {
		return "", false
	}
	if cap(l.path) < n {
		l.path = make([]byte, n)
	}
	l.path = l.path[:n]
	l.r.Full(l.path)
	if !utf8.Valid(l.path) {
		l.path = []byte(jute.Text(l.path))
	}
	path := textString(l.path)
	return path, path != rootPath && l.r.Err() == nil
}

// node reads what follows the path of a znode. The data goes straight into
// the znode's memory.
func (l *loader) node(path string) *Znode {
	z := &Znode{depth: uint32(strings.Count(path, "/"))}
	n := l.r.Length()
	if l.r.Err() != nil {
		return nil
	}
	z.allocate(path, n)
	l.r.Full(z.Data())
	l.r.Full(l.fixed[:])
	var st Persisted
	st.decode((*[persistedBytes]byte)(l.fixed[8:]))
	z.setPersisted(&st)
	z.acl = l.aclOf(longAt(l.fixed[:]))
	l.t.acls.use(z.acl)
	l.t.hashText(z)
	l.t.addDigest(z)
	l.t.sizes += z.sizeBytes()
	return z
}

// aclOf translates an id of the stream.
func (l *loader) aclOf(id int64) aclID {
	if known, ok := l.acls[id]; ok {
		return known
	}
	return lostACL
}

// fileAll files batches and hands them on. After an error it only empties the
// channel.
func (l *loader) fileAll() {
	defer close(l.sort)
	f := filer{t: l.t}
	for batch := range l.file {
		for _, z := range batch {
			if l.wrong == nil {
				l.wrong = f.file(z)
			}
		}
		if l.wrong != nil {
			l.stop.Store(true)
			continue
		}
		l.sort <- batch
	}
}

func (l *loader) sortAll() {
	for batch := range l.sort {
		for _, z := range batch {
			l.t.ordered.ReplaceOrInsert(z)
		}
	}
}

// filer puts znodes into the index and counts them with their parents.
type filer struct {
	t      *Tree
	last   *Znode // filed last
	parent *Znode // its parent
}

func (f *filer) file(z *Znode) error {
	parent, err := f.parentFor(z.key())
	if err != nil {
		return err
	}
	if !f.t.index.put(z) {
		return fmt.Errorf("%w: %q comes twice", ErrSnapshot, z.key())
	}
	f.t.owned.add(z, f.t.cfg.kindOf(z.owner))
	if parent == nil {
		f.t.root = z
	} else {
		parent.kids++
	}
	f.last, f.parent = z, parent
	return nil
}

// parentFor returns the parent of the next path, nil for the root. Most often
// it is the parent of the znode before, or that znode.
func (f *filer) parentFor(path string) (*Znode, error) {
	if path == "" {
		return nil, nil
	}
	key, _, ok := SplitPath(path)
	switch {
	case !ok || f.t.root == nil:
	case f.parent != nil && f.parent.key() == key:
		return f.parent, nil
	case f.last.key() == key:
		return f.last, nil
	default:
		if z := f.t.Lookup(key); z != nil {
			return z, nil
		}
	}
	return nil, fmt.Errorf("%w: %q has no parent", ErrSnapshot, path)
}
