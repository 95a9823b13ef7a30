package subtree

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// ErrFormat means a file that is no export.
var ErrFormat = errors.New("not an export")

// The head of an export: one JSON object with a list of znodes, each on a line
// of its own, parents before children.
const (
	exportFormat  = "meerkat-znodes"
	exportVersion = 1
)

// exported is one znode of an export. Data is absent for null, and in base64
// where it is no text.
type exported struct {
	Path   string        `json:"path"` // below the root
	Data   *string       `json:"data,omitempty"`
	Base64 *string       `json:"data_base64,omitempty"`
	ACL    []exportedACL `json:"acl,omitempty"`
}

type exportedACL struct {
	Scheme string `json:"scheme"`
	ID     string `json:"id"`
	Perms  string `json:"perms"` // letters, see [client.PermText]
}

func export(n *Node) exported {
	e := exported{Path: n.Path}
	switch text := string(n.Data); {
	case n.Data == nil:
	case utf8.ValidString(text):
		e.Data = &text
	default:
		text = base64.StdEncoding.EncodeToString(n.Data)
		e.Base64 = &text
	}
	for _, a := range n.ACL {
		e.ACL = append(e.ACL, exportedACL{a.ID.Scheme, a.ID.ID, client.PermText(a.Perms)})
	}
	return e
}

func (e *exported) node() (Node, error) {
	n := Node{Path: e.Path}
	if e.Path != "" {
		if err := client.ValidatePath(e.Path, false); err != nil || e.Path == "/" {
			return n, fmt.Errorf("%w: path %q", ErrFormat, e.Path)
		}
	}
	switch {
	case e.Data != nil:
		n.Data = []byte(*e.Data)
	case e.Base64 != nil:
		var err error
		if n.Data, err = base64.StdEncoding.DecodeString(*e.Base64); err != nil {
			return n, fmt.Errorf("%w: data_base64 of %q: %w", ErrFormat, e.Path, err)
		}
	}
	for _, a := range e.ACL {
		perms, unknown := client.ParsePerms(a.Perms)
		if len(unknown) > 0 {
			return n, fmt.Errorf("%w: permissions %q of %q", ErrFormat, a.Perms, e.Path)
		}
		n.ACL = append(n.ACL, proto.ACL{Perms: perms, ID: proto.ID{Scheme: a.Scheme, ID: a.ID}})
	}
	return n, nil
}

// Export writes a subtree as JSON.
func Export(ctx context.Context, from Place, out io.Writer, now time.Time, opt Options) (Counts, error) {
	var counts Counts
	b := bufio.NewWriter(out)
	root, err := json.Marshal(from.Root)
	if err != nil {
		return counts, err
	}
	fmt.Fprintf(b, "{\"format\":%q,\"version\":%d,\"root\":%s,\"exported\":%q,\"znodes\":[",
		exportFormat, exportVersion, root, now.UTC().Format(time.RFC3339))
	separator := "\n"
	err = Walk(ctx, from.ZK, from.Root, !opt.OpenACL, func(n Node) error {
		counts.Read++
		if opt.Progress != nil && counts.Read%progressEvery == 0 {
			opt.Progress(counts)
		}
		if n.Ephemeral() {
			counts.Ephemerals++
			return nil
		}
		if err := checkACL(n.At(from.Root), n.ACL); err != nil {
			return err
		}
		counts.Bytes += int64(len(n.Data))
		line, err := json.Marshal(export(&n))
		if err != nil {
			return err
		}
		_, _ = b.WriteString(separator)
		separator = ",\n"
		_, err = b.Write(line)
		return err
	})
	if err != nil {
		return counts, err
	}
	_, _ = b.WriteString("\n]}\n")
	return counts, b.Flush()
}

// Import writes an export below a root; "" is the one that it was made from.
// Znodes that are missing above the root are made.
func Import(ctx context.Context, in io.Reader, to Place, opt Options) (Counts, error) {
	var w *writer
	err := readExport(in, func(root string) error {
		if to.Root == "" {
			to.Root = root
		}
		if err := client.ValidatePath(to.Root, false); err != nil {
			return err
		}
		w = newWriter(to.ZK, to.Root, opt)
		if opt.DryRun {
			return nil
		}
		return MakeParents(ctx, to.ZK, to.Root)
	}, func(n Node) error { return w.put(ctx, n) })
	if w == nil {
		return Counts{}, err
	}
	return w.end(err)
}

// readExport reads an export znode by znode, so that it need not fit into
// memory. The root is known before the first znode.
func readExport(in io.Reader, begin func(root string) error, visit func(Node) error) error {
	d := json.NewDecoder(bufio.NewReaderSize(in, 1<<16))
	var format, root string
	var version int
	listed := false
	if err := token(d, json.Delim('{')); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
		var ignored any
		switch key {
		case "format":
			err = d.Decode(&format)
		case "version":
			err = d.Decode(&version)
		case "root":
			err = d.Decode(&root)
		case "znodes":
			if format != exportFormat || version != exportVersion {
				return fmt.Errorf("%w: format %q version %d, where %q version %d is known", ErrFormat, format, version, exportFormat, exportVersion)
			}
			listed = true
			if err := begin(root); err != nil {
				return err
			}
			if err := readNodes(d, visit); err != nil {
				return err
			}
		default:
			err = d.Decode(&ignored)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
	}
	if !listed {
		return fmt.Errorf("%w: it has no znodes", ErrFormat)
	}
	return token(d, json.Delim('}'))
}

func token(d *json.Decoder, want json.Delim) error {
	got, err := d.Token()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if got != want {
		return fmt.Errorf("%w: %v where %v should be", ErrFormat, got, want)
	}
	return nil
}

func readNodes(d *json.Decoder, visit func(Node) error) error {
	if err := token(d, json.Delim('[')); err != nil {
		return err
	}
	for d.More() {
		var e exported
		if err := d.Decode(&e); err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
		n, err := e.node()
		if err != nil {
			return err
		}
		if err := visit(n); err != nil {
			return err
		}
	}
	return token(d, json.Delim(']'))
}
