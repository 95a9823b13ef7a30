package datadir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// InitOptions say what a new data directory is to hold.
type InitOptions struct {
	DataDir string
	LogDir  string // empty if there is no dataLogDir
	MyID    string // empty for none
	Force   bool   // remove what is there
}

// The ids that a server may have. Apache's script says 1 to 255 and takes
// anything; 0 is a valid id for the server.
const maxServerID = 255

// Initialize makes an empty data directory as Apache's zkServer-initialize.sh
// does: version-2 in both places, myid, and the file initialize, by which the
// first start knows that there is meant to be no data. With Force it removes
// the data that is there, unless a Meerkat server runs on it.
func Initialize(fsys vfs.FS, opt InitOptions, out io.Writer) error {
	if opt.MyID != "" {
		if id, err := strconv.Atoi(opt.MyID); err != nil || id < 0 || id > maxServerID {
			return fmt.Errorf("myid %q must be a number from 0 to %d", opt.MyID, maxServerID)
		}
	}
	kinds := []struct{ name, dir string }{{"data", opt.DataDir}, {"txnlog", opt.LogDir}}
	for _, kind := range kinds {
		if kind.dir == "" {
			continue
		}
		if err := mayInitialize(fsys, kind.name, kind.dir, opt.Force); err != nil {
			return err
		}
	}
	if opt.Force {
		fmt.Fprintln(out, "Force enabled, data/txnlog directories will be re-initialized")
	}
	for _, kind := range kinds {
		if kind.dir == "" {
			continue
		}
		if err := clearDir(fsys, kind.dir); err != nil {
			return err
		}
	}
	if opt.MyID != "" {
		fmt.Fprintf(out, "Using myid of %s\n", opt.MyID)
		if err := writeFile(fsys, filepath.Join(opt.DataDir, "myid"), opt.MyID+"\n"); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(out, "No myid provided, be sure to specify it in %s/myid if using non-standalone\n", opt.DataDir)
	}
	return writeFile(fsys, filepath.Join(opt.DataDir, "initialize"), "")
}

// mayInitialize refuses a directory with data, and with force one in use.
func mayInitialize(fsys vfs.FS, kind, dir string, force bool) error {
	version := filepath.Join(dir, versionDir)
	switch _, err := fsys.Stat(version); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !force:
		return fmt.Errorf("ZooKeeper %s directory %w at %s (or use --force to force re-initialization)", kind, ErrExists, dir)
	}
	lock, err := fsys.Lock(version)
	if errors.Is(err, vfs.ErrLocked) {
		return fmt.Errorf("%w: a server is running on %s: stop it first", persistence.ErrLocked, dir)
	}
	if err != nil {
		return err
	}
	return lock.Close()
}

// clearDir leaves version-2 empty and no myid.
func clearDir(fsys vfs.FS, dir string) error {
	version := filepath.Join(dir, versionDir)
	if err := removeAll(fsys, version); err != nil {
		return err
	}
	if err := fsys.Remove(filepath.Join(dir, "myid")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fsys.MkdirAll(version)
}

// removeAll removes a directory and all in it.
func removeAll(fsys vfs.FS, dir string) error {
	infos, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, info := range infos {
		path := filepath.Join(dir, info.Name)
		if info.Dir {
			err = removeAll(fsys, path)
		} else {
			err = fsys.Remove(path)
		}
		if err != nil {
			return err
		}
	}
	return fsys.Remove(dir)
}

func writeFile(fsys vfs.FS, path, text string) error {
	file, err := fsys.Create(path)
	if err != nil {
		return err
	}
	if text != "" {
		_, err = file.WriteAt([]byte(text), 0)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return fsys.SyncDir(filepath.Dir(path))
}
