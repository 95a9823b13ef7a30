package datadir

import (
	"bufio"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/meerkat-zk/meerkat/datatree"
)

// WriteJSON prints the sizes of all znodes in the format of ncdu
// (https://dev.yorhel.nl/ncdu/jsonfmt), as Apache's SnapshotFormatter -json
// does: on one line that does not end.
func (img *Image) WriteJSON(w io.Writer, now time.Time) error {
	out := &ncduWriter{w: bufio.NewWriter(w), inode: 1000}
	fmt.Fprintf(out.w, `[1,0,{"progname":"meerkat","progver":"1","timestamp":%d}`, now.UnixMilli())
	out.znode(img, img.Tree.Lookup("/"))
	fmt.Fprint(out.w, "]")
	return out.w.Flush()
}

type ncduWriter struct {
	w     *bufio.Writer
	inode int // of the znode before: ncdu counts equal ones once
}

func (o *ncduWriter) znode(img *Image, z *datatree.Znode) {
	name := z.Name()
	if name == "" {
		name = "/"
	}
	o.inode++
	size := len(z.Data())
	text := fmt.Sprintf(`{"name":"%s","asize":%d,"dsize":%d,"dev":0,"ino":%d}`, jsonText(name), size, size, o.inode)
	children := img.children(z)
	if len(children) == 0 {
		fmt.Fprint(o.w, ",", text)
		return
	}
	fmt.Fprint(o.w, ",[", text)
	for _, child := range children {
		o.znode(img, img.child(z, child))
	}
	fmt.Fprint(o.w, "]")
}

// jsonText escapes no more than JSON demands, unlike package encoding/json.
func jsonText(s string) []byte {
	var b []byte
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\b':
			b = append(b, `\b`...)
		case r == '\f':
			b = append(b, `\f`...)
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r < ' ':
			b = fmt.Appendf(b, `\u%04X`, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}
