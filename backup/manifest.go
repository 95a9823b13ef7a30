package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Errors of what a backup is made of or for.
var (
	ErrNoBackup = errors.New("not a backup")
	ErrDamaged  = errors.New("the backup is damaged")
	ErrExists   = errors.New("exists already")
)

const (
	manifestName   = "backup.json"
	manifestFormat = "meerkat-backup"
	versionDir     = "version-2"
	// maxManifestBytes is more than any has.
	maxManifestBytes = 64 << 20
)

// Manifest says what a backup has.
type Manifest struct {
	Format    string    `json:"format"`
	Version   int       `json:"version"`
	Created   time.Time `json:"created"`
	Source    string    `json:"source"`
	FromZxid  string    `json:"from_zxid"` // the oldest and the newest zxid that it can be restored to
	UntilZxid string    `json:"until_zxid"`
	Files     []File    `json:"files"`
}

// File is one file of a backup.
type File struct {
	Name   string `json:"name"` // within version-2
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Bytes is the size of all files.
func (m *Manifest) Bytes() (sum int64) {
	for _, f := range m.Files {
		sum += f.Size
	}
	return sum
}

func (m *Manifest) write(dir string) error {
	m.Format, m.Version = manifestFormat, 1
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	_, err = writeFile(filepath.Join(dir, manifestName), bytes.NewReader(append(text, '\n')))
	return err
}

// Open reads the manifest of a backup.
func Open(dir string) (*Manifest, error) {
	f, err := os.Open(filepath.Join(dir, manifestName))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoBackup, err)
	}
	defer f.Close() // was only read
	var m Manifest
	err = json.NewDecoder(io.LimitReader(f, maxManifestBytes)).Decode(&m)
	if err == nil && (m.Format != manifestFormat || m.Version != 1) {
		err = fmt.Errorf("format %q version %d", m.Format, m.Version)
	}
	for _, file := range m.Files {
		if filepath.Base(file.Name) != file.Name || strings.HasPrefix(file.Name, ".") {
			err = fmt.Errorf("file %q", file.Name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNoBackup, filepath.Join(dir, manifestName), err)
	}
	return &m, nil
}

// Verify reads every file of a backup and compares it with the manifest.
func (m *Manifest) Verify(ctx context.Context, dir string, progress func(bytes int64)) error {
	for _, want := range m.Files {
		path := filepath.Join(dir, versionDir, want.Name)
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		sum := sha256.New()
		n, err := io.Copy(sum, &counted{ctx, f, progress})
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		if got := hex.EncodeToString(sum.Sum(nil)); n != want.Size || got != want.SHA256 {
			return fmt.Errorf("%w: %s is not what was written (%d bytes, of %d)", ErrDamaged, path, n, want.Size)
		}
	}
	return nil
}

// counted reports what is read, and ends with its context.
type counted struct {
	ctx      context.Context
	r        io.Reader
	progress func(bytes int64)
}

func (c *counted) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(b)
	if c.progress != nil {
		c.progress(int64(n))
	}
	return n, err
}

// writeFile writes a new file and makes it durable.
func writeFile(path string, src io.Reader) (File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return File{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), src)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	return File{Name: filepath.Base(path), Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}
