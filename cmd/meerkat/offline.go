package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/datadir"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// toolArgs returns the arguments of a command that takes its flags anywhere,
// as Apache's tools do: those behind the first argument are set as well.
func toolArgs(c *cli.Context, least, most int) ([]string, error) {
	var args []string
	for rest := c.Args().Slice(); len(rest) > 0; rest = rest[1:] {
		word := rest[0]
		if len(word) < 2 || word[0] != '-' {
			args = append(args, word)
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimLeft(word, "-"), "=")
		flag := flagNamed(c.Command, name)
		if flag == nil {
			return nil, fmt.Errorf("%w: unknown flag %s", errUsage, word)
		}
		if _, isBool := flag.(*cli.BoolFlag); isBool && !hasValue {
			value, hasValue = "true", true
		}
		if !hasValue {
			if len(rest) < 2 {
				return nil, fmt.Errorf("%w: flag needs an argument: %s", errUsage, word)
			}
			value, rest = rest[1], rest[1:]
		}
		if err := c.Set(flag.Names()[0], value); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", errUsage, word, err)
		}
	}
	if len(args) < least || len(args) > most {
		return nil, fmt.Errorf("%w: %s %s", errUsage, c.Command.HelpName, c.Command.ArgsUsage)
	}
	return args, nil
}

func flagNamed(command *cli.Command, name string) cli.Flag {
	for _, flag := range command.Flags {
		if slices.Contains(flag.Names(), name) {
			return flag
		}
	}
	return nil
}

// maxConfigBytes is more than any zoo.cfg has.
const maxConfigBytes = 1 << 20

// dataDirs returns the directories that an argument means: those of a
// zoo.cfg, of which nothing else is looked at, or a directory itself. logDir
// is empty unless it is one of its own.
func dataDirs(arg string) (dataDir, logDir string, err error) {
	info, err := os.Stat(arg)
	if err != nil {
		return "", "", err
	}
	if info.IsDir() {
		if filepath.Base(arg) == "version-2" {
			arg = filepath.Dir(filepath.Clean(arg))
		}
		return arg, "", nil
	}
	text, err := vfs.ReadFile(vfs.OS{}, arg, maxConfigBytes)
	if err != nil {
		return "", "", err
	}
	properties, err := conf.ParseProperties(text)
	if err != nil {
		return "", "", fmt.Errorf("%w: %s: %w", conf.ErrInvalid, arg, err)
	}
	for _, p := range properties {
		switch p.Key {
		case "dataDir":
			dataDir = strings.TrimSpace(p.Value)
		case "dataLogDir":
			logDir = strings.TrimSpace(p.Value)
		}
	}
	if dataDir == "" {
		return "", "", fmt.Errorf("%w: %s has no dataDir", conf.ErrInvalid, arg)
	}
	return dataDir, logDir, nil
}

// readProgress shows on a terminal what is being read, once that has taken a
// while; into a file or a pipe it writes nothing.
type readProgress struct {
	out io.Writer // nil: not a terminal

	mu    sync.Mutex
	began time.Time // all below under mu
	last  time.Time // when it was shown
	name  string
	bytes int64
	shown bool
}

const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

// newReadProgress reports on the standard error of a command, if that is a
// terminal.
func newReadProgress(c *cli.Context) *readProgress {
	p := &readProgress{began: time.Now()}
	if f, ok := c.App.ErrWriter.(*os.File); ok {
		if line := newProgressLine(f); line.out != nil {
			p.out = line.out
		}
	}
	return p
}

// fs is the machine's file system, watched.
func (p *readProgress) fs() vfs.FS {
	if p.out == nil {
		return vfs.OS{}
	}
	return datadir.WatchReads(vfs.OS{}, p.opened, p.read)
}

func (p *readProgress) opened(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.name = filepath.Base(name)
}

func (p *readProgress) read(sizeBytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes += int64(sizeBytes)
	now := time.Now()
	if now.Sub(p.began) < progressAfter || now.Sub(p.last) < progressEvery {
		return
	}
	p.last, p.shown = now, true
	fmt.Fprintf(p.out, "%sreading %s, %d MiB in all", eraseLine, p.name, p.bytes>>20)
}

func (p *readProgress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.out, eraseLine)
		p.shown = false
	}
}

// over returns a writer that clears the line before something is printed.
func (p *readProgress) over(w io.Writer) io.Writer {
	if p.out == nil {
		return w
	}
	return clearingWriter{p, w}
}

type clearingWriter struct {
	progress *readProgress
	w        io.Writer
}

func (c clearingWriter) Write(b []byte) (int, error) {
	c.progress.clear()
	return c.w.Write(b)
}

// verifyFiles prints a verdict on each file.
func verifyFiles(c *cli.Context, verify func(fsys vfs.FS, path string) (string, error)) error {
	files, err := toolArgs(c, 1, 1<<20)
	if err != nil {
		return err
	}
	p := newReadProgress(c)
	defer p.clear()
	out := p.over(c.App.Writer)
	bad := 0
	for _, path := range files {
		text, err := verify(p.fs(), path)
		if err != nil {
			bad++
			text = strings.TrimPrefix(err.Error(), path+": ")
		} else {
			text = "ok, " + text
		}
		if _, err := fmt.Fprintf(out, "%s: %s\n", path, text); err != nil {
			return err
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d files are not good: %w", bad, len(files), datadir.ErrDamaged)
	}
	return nil
}
