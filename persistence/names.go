package persistence

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

const (
	versionDir     = "version-2"
	logPrefix      = "log"
	snapshotPrefix = "snapshot"
	tmpSuffix      = ".tmp"
	// spareName is the log file that is prepared before its name is known.
	// Apache takes it for neither a log nor a snapshot.
	spareName = "spare.log"
	// stagedPrefix begins the name of a snapshot that is to be installed, and
	// installName is the file that says so. Apache ignores both.
	stagedPrefix = "staged"
	installName  = "install"
)

func logName(zxid int64) string { return logPrefix + "." + strconv.FormatInt(zxid, 16) }

// parseName returns the zxid in the second part of a file name whose first
// part is the prefix, as Apache does, and the parts after it.
func parseName(name, prefix string) (zxid int64, rest []string, ok bool) {
	parts := strings.Split(name, ".")
	if len(parts) < 2 || parts[0] != prefix {
		return 0, nil, false
	}
	zxid, err := strconv.ParseInt(parts[1], 16, 64)
	return zxid, parts[2:], err == nil && zxid >= 0
}

// dataFile is a log or a snapshot of the data directory.
type dataFile struct {
	path string
	zxid int64 // in the name: of a log's first record; of a snapshot's last transaction
	size int64
}

// listLogs returns the log files, oldest first. Only log.HEX counts: Apache
// would also read log.HEX.bak, and so replay a copy kept beside its original.
func listLogs(fsys vfs.FS, dir string) ([]dataFile, error) {
	return listFiles(fsys, dir, func(name string) (int64, bool) {
		zxid, rest, ok := parseName(name, logPrefix)
		return zxid, ok && len(rest) == 0
	})
}

// listSnapshots returns the snapshot files, oldest first. The temporary file
// of a snapshot that was never finished does not count.
func listSnapshots(fsys vfs.FS, dir string) ([]dataFile, error) {
	return listFiles(fsys, dir, func(name string) (int64, bool) {
		zxid, _, ok := parseName(name, snapshotPrefix)
		return zxid, ok && !strings.HasSuffix(name, tmpSuffix)
	})
}

func listFiles(fsys vfs.FS, dir string, parse func(string) (int64, bool)) ([]dataFile, error) {
	infos, err := fsys.List(dir)
	if err != nil {
		return nil, err
	}
	var files []dataFile
	for _, info := range infos {
		if zxid, ok := parse(info.Name); ok && !info.Dir {
			files = append(files, dataFile{path: filepath.Join(dir, info.Name), zxid: zxid, size: info.SizeBytes})
		}
	}
	slices.SortStableFunc(files, func(a, b dataFile) int {
		switch {
		case a.zxid < b.zxid:
			return -1
		case a.zxid > b.zxid:
			return 1
		}
		return 0
	})
	return files, nil
}

// logsFrom returns the files that may hold records from zxid on: the last one
// that starts at or before it, and all later ones.
func logsFrom(files []dataFile, zxid int64) []dataFile {
	first := 0
	for i, f := range files {
		if f.zxid <= zxid {
			first = i
		}
	}
	return files[first:]
}

// epochOf returns the epoch of a zxid: its upper half.
func epochOf(zxid int64) int64 { return zxid >> 32 }
