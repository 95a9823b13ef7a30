package cli

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// javaDate prints ms since the Unix epoch as Java's Date does.
func javaDate(ms int64) string {
	return time.UnixMilli(ms).In(time.Local).Format("Mon Jan 02 15:04:05 MST 2006")
}

// statLines prints a Stat as Apache's shell does (StatPrinter).
func statLines(st proto.Stat) string {
	return fmt.Sprintf("cZxid = 0x%x\nctime = %s\nmZxid = 0x%x\nmtime = %s\npZxid = 0x%x\ncversion = %d\ndataVersion = %d\n"+
		"aclVersion = %d\nephemeralOwner = 0x%x\ndataLength = %d\nnumChildren = %d\n",
		uint64(st.Czxid), javaDate(st.Ctime), uint64(st.Mzxid), javaDate(st.Mtime), uint64(st.Pzxid), st.Cversion, st.Version,
		st.Aversion, uint64(st.EphemeralOwner), st.DataLength, st.NumChildren)
}

// jsonStat is a Stat in JSON. Zxids and owners are texts, since they do not
// fit into what most readers take for a number.
type jsonStat struct {
	Czxid          string `json:"czxid"`
	Mzxid          string `json:"mzxid"`
	Pzxid          string `json:"pzxid"`
	Ctime          string `json:"ctime"` // RFC 3339, UTC
	Mtime          string `json:"mtime"`
	Version        int32  `json:"version"`
	Cversion       int32  `json:"cversion"`
	Aversion       int32  `json:"aversion"`
	EphemeralOwner string `json:"ephemeral_owner"`
	DataLength     int32  `json:"data_length"`
	NumChildren    int32  `json:"num_children"`
}

func newJSONStat(st proto.Stat) *jsonStat {
	hexed := func(v int64) string { return fmt.Sprintf("0x%x", uint64(v)) }
	when := func(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00") }
	return &jsonStat{
		Czxid: hexed(st.Czxid), Mzxid: hexed(st.Mzxid), Pzxid: hexed(st.Pzxid), Ctime: when(st.Ctime), Mtime: when(st.Mtime),
		Version: st.Version, Cversion: st.Cversion, Aversion: st.Aversion, EphemeralOwner: hexed(st.EphemeralOwner),
		DataLength: st.DataLength, NumChildren: st.NumChildren,
	}
}

// plainText shows data as Java's decoder of UTF-8 does.
func plainText(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	return jute.Text(data)
}

// hexDump prints data as Netty's ByteBufUtil.prettyHexDump does.
func hexDump(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	const frame = "+--------+-------------------------------------------------+----------------+"
	var b strings.Builder
	b.WriteString("         +-------------------------------------------------+\n" +
		"         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |\n" + frame)
	for off := 0; off < len(data); off += 16 {
		row := data[off:min(off+16, len(data))]
		var codes, text strings.Builder
		for _, c := range row {
			codes.WriteString(" " + hex.EncodeToString([]byte{c}))
			if c <= 0x1f || c >= 0x7f {
				c = '.'
			}
			text.WriteByte(c)
		}
		fmt.Fprintf(&b, "\n|%08x|%-48s |%-16s|", off, codes.String(), text.String())
	}
	return b.String() + "\n" + frame
}
