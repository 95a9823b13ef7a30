package datadir

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"github.com/meerkat-zk/meerkat/datatree"
)

// javaDate is the form of Java's Date.toString.
const javaDate = "Mon Jan 02 15:04:05 MST 2006"

// WriteDetails prints every znode and session of a snapshot as Apache's
// SnapshotFormatter does: with the size of each znode's data or, with data,
// the data itself in base64. Times are printed in loc.
func (img *Image) WriteDetails(w io.Writer, data bool, loc *time.Location) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "ZNode Details (count=%d):\n", img.Tree.Nodes())
	last := img.Zxid
	img.walk(img.Tree.Lookup("/"), func(z *datatree.Znode) {
		writeZnode(out, z, data, loc)
		st := z.Persisted()
		last = max(last, st.Mzxid, st.Pzxid)
	})
	fmt.Fprintln(out, "----")
	fmt.Fprintln(out, "Session Details (sid, timeout, ephemeralCount):")
	for id, timeoutMs := range img.Tree.Sessions() {
		fmt.Fprintf(out, "%s, %d, %d\n", wideHex(id), timeoutMs, len(img.Tree.Ephemerals(id)))
	}
	fmt.Fprintf(out, "----\nLast zxid: 0x%x\n", uint64(last))
	return out.Flush()
}

func writeZnode(out *bufio.Writer, z *datatree.Znode, data bool, loc *time.Location) {
	st := z.Persisted()
	date := func(ms int64) string { return time.UnixMilli(ms).In(loc).Format(javaDate) }
	fmt.Fprintln(out, "----")
	fmt.Fprintln(out, z.Path())
	fmt.Fprintf(out, "  cZxid = %s\n", wideHex(st.Czxid))
	fmt.Fprintf(out, "  ctime = %s\n", date(st.Ctime))
	fmt.Fprintf(out, "  mZxid = %s\n", wideHex(st.Mzxid))
	fmt.Fprintf(out, "  mtime = %s\n", date(st.Mtime))
	fmt.Fprintf(out, "  pZxid = %s\n", wideHex(st.Pzxid))
	fmt.Fprintf(out, "  cversion = %d\n", st.Cversion)
	fmt.Fprintf(out, "  dataVersion = %d\n", st.Version)
	fmt.Fprintf(out, "  aclVersion = %d\n", st.Aversion)
	fmt.Fprintf(out, "  ephemeralOwner = %s\n", wideHex(st.EphemeralOwner))
	if data {
		fmt.Fprintf(out, "  data = %s\n", base64.StdEncoding.EncodeToString(z.Data()))
	} else {
		fmt.Fprintf(out, "  dataLength = %d\n", len(z.Data()))
	}
}

// wideHex is Java's %#016x: sixteen characters with the 0x.
func wideHex(v int64) string { return fmt.Sprintf("0x%014x", uint64(v)) }
