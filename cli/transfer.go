package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/subtree"
)

func transferCommands() []*command {
	write := flags("f", "overwrite what is there and differs", "o", "open to everybody, instead of the ACLs of the source",
		"n", "change nothing, and say what would be done")
	return []*command{
		{
			name: "cp", usage: "[-r] [-f] [-o] [-n] from to", help: "copy a znode, or with -r all below it", least: 2, run: copyNodes,
			options: options(flags("r", "everything below, too"), write),
		},
		{
			name: "mv", usage: "from to", help: "move a znode and all below it in one transaction", least: 2, run: move,
		},
		{
			name: "export", usage: "[-f] [-o] path [file]", help: "write a subtree as JSON; - or nothing is the standard output",
			least: 1, run: exportNodes, options: options(flags("f", "overwrite the file", "o", "without ACLs")),
		},
		{
			name: "import", usage: "[-f] [-o] [-n] file [path]", help: "read an export below a path, that of the export without one; - is the standard input",
			least: 1, run: importNodes, options: options(write),
		},
		{
			name: "edit", usage: "path", help: "change data in $VISUAL or $EDITOR", least: 1, run: editNode,
		},
	}
}

func writeOptions(p parsed) subtree.Options {
	return subtree.Options{Overwrite: p.has("f"), OpenACL: p.has("o"), DryRun: p.has("n")}
}

// told prints what became of a transfer, also of one that failed half-way.
func (s *Shell) told(counts subtree.Counts, dryRun bool) {
	s.answer(counts, func() {
		title := ""
		if dryRun {
			title = "would be: "
		}
		s.p.println(title + counts.String())
	})
}

func copyNodes(ctx context.Context, s *Shell, p parsed) error {
	from, to := p.args[1], p.args[2]
	st, err := s.zk.Exists(ctx, from, false)
	if err != nil {
		return err
	}
	if st.NumChildren > 0 && !p.has("r") {
		return failure("%s has %d children: cp -r copies them, too", from, st.NumChildren)
	}
	counts, err := subtree.Copy(ctx, subtree.Place{ZK: s.zk, Root: from}, subtree.Place{ZK: s.zk, Root: to}, writeOptions(p))
	if counts.Read > 0 {
		s.told(counts, p.has("n"))
	}
	return err
}

func move(ctx context.Context, s *Shell, p parsed) error {
	n, err := subtree.Move(ctx, s.zk, p.args[1], p.args[2])
	if err != nil {
		return err
	}
	s.answer(map[string]any{"from": p.args[1], "to": p.args[2], "moved": n}, func() { s.p.printf("%d znodes moved\n", n) })
	return nil
}

func exportNodes(ctx context.Context, s *Shell, p parsed) error {
	place := subtree.Place{ZK: s.zk, Root: p.args[1]}
	if len(p.args) < 3 || p.args[2] == "-" {
		_, err := subtree.Export(ctx, place, s.p, time.Now(), writeOptions(p))
		return err
	}
	// The file appears when it is whole.
	name := p.args[2]
	if _, err := os.Lstat(name); err == nil && !p.has("f") {
		return failure("%s exists: -f overwrites it", name)
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.tmp")
	if err != nil {
		return failure("%v", err)
	}
	counts, err := subtree.Export(ctx, place, tmp, time.Now(), writeOptions(p))
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	s.answer(counts, func() {
		s.p.printf("%d znodes exported (%d bytes), %d ephemerals left out\n", counts.Read-counts.Ephemerals, counts.Bytes, counts.Ephemerals)
	})
	return nil
}

func importNodes(ctx context.Context, s *Shell, p parsed) error {
	in := io.Reader(os.Stdin)
	if name := p.args[1]; name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return failure("%v", err)
		}
		defer f.Close() // was only read
		in = f
	}
	to := subtree.Place{ZK: s.zk}
	if len(p.args) > 2 {
		to.Root = p.args[2]
	}
	counts, err := subtree.Import(ctx, in, to, writeOptions(p))
	if counts.Read > 0 {
		s.told(counts, p.has("n"))
	}
	return err
}

func editNode(ctx context.Context, s *Shell, p parsed) error {
	if s.cfg.Edit == nil {
		return failure("there is no editor")
	}
	path := p.args[1]
	data, st, err := s.zk.Get(ctx, path, false)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "meerkat-edit-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // a copy in a temporary folder
	file := filepath.Join(dir, "data")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return err
	}
	if err := s.cfg.Edit(ctx, file); err != nil {
		return failure("%v: nothing was changed", err)
	}
	edited, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	// Editors end the last line; what had no end keeps none.
	if len(data) > 0 && !bytes.HasSuffix(data, []byte("\n")) {
		edited = bytes.TrimSuffix(edited, []byte("\n"))
	}
	if bytes.Equal(data, edited) {
		s.p.println("nothing was changed")
		return nil
	}
	if _, err = s.zk.SetData(ctx, path, edited, st.Version); errors.Is(err, proto.ErrBadVersion) {
		return s.keep(file, path)
	}
	return err
}

// keep saves an edit that came too late.
func (s *Shell) keep(file, path string) error {
	kept, err := os.CreateTemp("", "meerkat-edit-*.kept")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err == nil {
		_, err = kept.Write(text)
	}
	if err = errors.Join(err, kept.Close()); err != nil {
		return err
	}
	return failure("%s was changed by somebody else meanwhile: your text is in %s", path, kept.Name())
}

// gone tells whether a znode below a root was deleted meanwhile.
func gone(err error, path, root string) bool {
	return path != root && errors.Is(err, proto.ErrNoNode)
}
