package datadir

import (
	"fmt"
	"path/filepath"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// Image is a snapshot in memory. It takes as much of it as a server's tree.
type Image struct {
	Name    string // of the file, without its directory
	Zxid    int64  // in the file's name, -1 if there is none
	Tree    *datatree.Tree
	Trailer persistence.SnapshotTrailer
}

// LoadImage reads a snapshot of any compression, which its name shows, and
// checks every checksum. Damage is a [persistence.CorruptError].
func LoadImage(fsys vfs.FS, path string) (*Image, error) { return loadImage(fsys, path, newTree(nil)) }

// newTree returns an empty tree; with a function for mismatches it computes
// digests.
func newTree(mismatch func(datatree.Mismatch)) *datatree.Tree {
	return datatree.New(datatree.Config{Digest: mismatch != nil, ExtendedTypes: true, DigestMismatch: mismatch})
}

func loadImage(fsys vfs.FS, path string, tree *datatree.Tree) (*Image, error) {
	trailer, err := persistence.ReadSnapshotFile(fsys, path, tree.Decode)
	if err != nil {
		return nil, err
	}
	img := &Image{Name: filepath.Base(path), Zxid: -1, Tree: tree, Trailer: trailer}
	if zxid, ok := persistence.SnapshotZxid(img.Name); ok {
		img.Zxid = zxid
	}
	return img, nil
}

// children returns the names of a znode's children, sorted.
func (img *Image) children(z *datatree.Znode) []string {
	if z.NumChildren() == 0 {
		return nil
	}
	d := jute.NewDecoder(img.Tree.AppendChildren(nil, z))
	return d.Strings()
}

// child returns a child of a znode by name.
func (img *Image) child(z *datatree.Znode, name string) *datatree.Znode {
	return img.Tree.Lookup(join(z.Path(), name))
}

func join(parent, name string) string {
	if parent == "/" {
		return parent + name
	}
	return parent + "/" + name
}

// walk visits a znode and all below it, parents first.
func (img *Image) walk(z *datatree.Znode, visit func(*datatree.Znode)) {
	visit(z)
	for _, name := range img.children(z) {
		img.walk(img.child(z, name), visit)
	}
}

// SnapshotVerdict is what a look at one whole snapshot found.
type SnapshotVerdict struct {
	Zxid     int64 // in the file's name, -1 if there is none
	Znodes   int   // as the formatter counts them: the root twice
	Sessions int
	Digest   string // what is known about the digest
	LostACLs int    // znodes whose ACL is not in the file
}

// VerifySnapshot reads a whole snapshot, and compares the digest if the file
// alone tells what it must be. Damage is a [persistence.CorruptError].
func VerifySnapshot(fsys vfs.FS, path string) (SnapshotVerdict, error) {
	img, wrong, err := loadChecked(fsys, path)
	if err != nil {
		return SnapshotVerdict{}, err
	}
	v := img.verdict()
	if *wrong != nil {
		return v, *wrong
	}
	if v.LostACLs > 0 {
		return v, fmt.Errorf("%s: %d znodes name an ACL that is not in the file", path, v.LostACLs)
	}
	return v, nil
}

func (img *Image) verdict() SnapshotVerdict {
	t := &img.Trailer
	v := SnapshotVerdict{
		Zxid: img.Zxid, Znodes: img.Tree.Nodes(), Sessions: img.Tree.SessionCount(), LostACLs: img.Tree.LostACLs(),
		Digest: "no digest",
	}
	switch {
	case img.exact():
		v.Digest = "digest agrees"
	case t.HasDigest && t.DigestZxid > 0:
		v.Digest = fmt.Sprintf("digest is of zxid 0x%x", uint64(t.DigestZxid))
	}
	return v
}

// exact tells whether the digest in the file is that of the znodes in it.
// Apache writes the digest last: if it is of the zxid at which the file was
// begun, nothing changed meanwhile.
func (img *Image) exact() bool {
	t := &img.Trailer
	return t.HasDigest && t.DigestZxid > 0 && t.DigestZxid == img.Zxid && t.DigestVersion == proto.DigestVersion
}

// String says in a few words what was found.
func (v SnapshotVerdict) String() string {
	zxid := "no zxid in the name"
	if v.Zxid >= 0 {
		zxid = fmt.Sprintf("zxid 0x%x", v.Zxid)
	}
	return fmt.Sprintf("%s, %s, %s, %s", zxid, count(v.Znodes, "znode"), count(v.Sessions, "session"), v.Digest)
}

// DigestError means that data is not what its writer had, although every
// checksum is right.
type DigestError struct {
	File     string // with the data
	Mismatch datatree.Mismatch
}

// Error names the file and the zxid.
func (e *DigestError) Error() string {
	return fmt.Sprintf("%s: the digest of the tree as of zxid 0x%x is %d, and must be %d: the data differs from what its writer had",
		e.File, uint64(e.Mismatch.Zxid), e.Mismatch.Actual, e.Mismatch.Expected)
}

// loadChecked loads a snapshot into a tree with digests. What wrong points to
// is set when a comparison fails, now or while transactions are applied.
func loadChecked(fsys vfs.FS, path string) (img *Image, wrong **DigestError, err error) {
	wrong = new(*DigestError)
	img, err = loadImage(fsys, path, newTree(func(m datatree.Mismatch) {
		if *wrong == nil {
			*wrong = &DigestError{File: path, Mismatch: m}
		}
	}))
	if err != nil {
		return nil, nil, err
	}
	t := &img.Trailer
	if t.HasDigest && t.DigestZxid > 0 && t.DigestZxid >= img.Zxid {
		img.Tree.ExpectDigest(t.DigestZxid, t.DigestVersion, t.Digest)
	}
	if img.Zxid >= 0 {
		img.Tree.SetLastZxid(img.Zxid)
	}
	return img, wrong, nil
}
