package fourletter

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/auth"
)

func appendCons(b []byte, v View) []byte {
	for _, c := range v.Conns() {
		b = append(appendConn(b, &c, false), '\n')
	}
	return append(b, '\n')
}

// appendConn appends the line of a connection, without the end of the line.
func appendConn(b []byte, c *ConnInfo, brief bool) []byte {
	t := &c.Totals
	b = appendAddr(append(b, ' '), c.Remote)
	b = strconv.AppendInt(append(b, '['), int64(c.InterestOps), 16)
	b = strconv.AppendInt(append(b, "](queued="...), c.Outstanding, 10)
	b = strconv.AppendInt(append(b, ",recved="...), t.PacketsReceived, 10)
	b = strconv.AppendInt(append(b, ",sent="...), t.PacketsSent, 10)
	if !brief && c.SessionID != 0 {
		b = appendSession(b, c)
	}
	return append(b, ')')
}

func appendSession(b []byte, c *ConnInfo) []byte {
	t := &c.Totals
	b = hex(append(b, ",sid="...), c.SessionID)
	b = append(append(b, ",lop="...), lastOp(c)...)
	b = strconv.AppendInt(append(b, ",est="...), c.EstablishedMs, 10)
	b = strconv.AppendInt(append(b, ",to="...), int64(c.TimeoutMs), 10)
	if t.LastCxid >= 0 {
		b = hex(append(b, ",lcxid="...), t.LastCxid)
	}
	b = hex(append(b, ",lzxid="...), t.LastZxid)
	b = strconv.AppendInt(append(b, ",lresp="...), t.LastReplyMs, 10)
	b = strconv.AppendInt(append(b, ",llat="...), t.LastLatencyMs, 10)
	b = strconv.AppendInt(append(b, ",minlat="...), t.MinLatencyMs, 10)
	b = strconv.AppendInt(append(b, ",avglat="...), t.AvgLatencyMs, 10)
	return strconv.AppendInt(append(b, ",maxlat="...), t.MaxLatencyMs, 10)
}

// appendAddr appends an address as Java's InetSocketAddress writes one whose
// name was never looked up.
func appendAddr(b []byte, a netip.AddrPort) []byte {
	b = append(b, '/')
	host := auth.HostText(a.Addr())
	if strings.IndexByte(host, ':') >= 0 {
		host = "[" + host + "]"
	}
	b = append(append(b, host...), ':')
	return strconv.AppendUint(b, uint64(a.Port()), 10)
}

func lastOp(c *ConnInfo) string {
	if !c.Totals.Replied {
		return "NA"
	}
	return OpCode(c.Totals.LastOp)
}

// OpCode is how cons names an op (FinalRequestProcessor); "NA" for one that
// it has no name for.
func OpCode(op proto.Op) string {
	if name, ok := opCodes[op]; ok {
		return name
	}
	return "NA"
}

var opCodes = map[proto.Op]string{
	proto.OpPing: "PING", proto.OpCreateSession: "SESS", proto.OpCloseSession: "CLOS",
	proto.OpMulti: "MULT", proto.OpMultiRead: "MLTR",
	proto.OpCreate: "CREA", proto.OpCreate2: "CREA", proto.OpCreateTTL: "CREA", proto.OpCreateContainer: "CREA",
	proto.OpDelete: "DELE", proto.OpDeleteContainer: "DELE",
	proto.OpSetData: "SETD", proto.OpSetACL: "SETA", proto.OpReconfig: "RECO",
	proto.OpSync: "SYNC", proto.OpCheck: "CHEC", proto.OpExists: "EXIS", proto.OpGetData: "GETD", proto.OpGetACL: "GETA",
	proto.OpGetChildren: "GETC", proto.OpGetChildren2: "GETC", proto.OpGetAllChildrenNumber: "GETACN",
	proto.OpGetEphemerals: "GETE", proto.OpWhoAmI: "HOMI",
	proto.OpSetWatches: "SETW", proto.OpSetWatches2: "STW2", proto.OpAddWatch: "ADDW",
	proto.OpCheckWatches: "CHKW", proto.OpRemoveWatches: "REMW",
}
