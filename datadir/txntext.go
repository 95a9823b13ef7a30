package datadir

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// javaShortLong is the form of Java's DateFormat with a short date and a long
// time, for English.
const javaShortLong = "1/2/06, 3:04:05 PM MST"

// txnLine is a transaction as Apache's TxnLogToolkit prints it, with the end
// of the line. ACLs have line ends inside.
func txnLine(e *proto.Entry, loc *time.Location) string {
	h := &e.Header
	line := fmt.Sprintf("%s session 0x%x cxid 0x%x zxid 0x%x %s %s",
		time.UnixMilli(h.TimeMs).In(loc).Format(javaShortLong), uint64(h.ClientID), uint64(h.Cxid), uint64(h.Zxid), h.Type, txnText(e.Txn))
	if strings.HasSuffix(line, "\n") {
		return line
	}
	return line + "\n"
}

func txnText(txn proto.Txn) string {
	switch t := txn.(type) {
	case *proto.CreateTxn:
		return fmt.Sprintf("%s,%s,%s,%t,%d", t.Path, jute.Text(t.Data), aclList(t.ACL), t.Ephemeral, t.ParentCversion)
	case *proto.CreateContainerTxn:
		return fmt.Sprintf("%s,%s,%s,%d", t.Path, jute.Text(t.Data), aclList(t.ACL), t.ParentCversion)
	case *proto.CreateTTLTxn:
		return fmt.Sprintf("%s,%s,%s,%d,%d", t.Path, jute.Text(t.Data), aclList(t.ACL), t.ParentCversion, t.TTLMs)
	case *proto.SetDataTxn:
		return fmt.Sprintf("%s,%s,%d", t.Path, jute.Text(t.Data), t.Version)
	case *proto.MultiTxn:
		ops := make([]string, 0, len(t.Ops))
		for _, op := range t.Ops {
			ops = append(ops, op.Type.String()+":"+jute.Text(op.Body.Append(nil)))
		}
		return strings.Join(ops, ";")
	}
	return recordText(txn)
}

// recordText is what Java's toString of the other records is. Its line end is
// part of it.
func recordText(txn proto.Txn) string {
	switch t := txn.(type) {
	case *proto.DeleteTxn:
		return csvText(t.Path) + "\n"
	case *proto.SetACLTxn:
		return fmt.Sprintf("%s,%s,%d\n", csvText(t.Path), aclVector(t.ACL), t.Version)
	case *proto.CreateSessionTxn:
		return strconv.Itoa(int(t.TimeoutMs)) + "\n"
	case *proto.CloseSessionTxn:
		if !t.HasPaths {
			return ""
		}
		paths := make([]string, 0, len(t.Paths))
		for _, path := range t.Paths {
			paths = append(paths, csvText(path))
		}
		return "v{" + strings.Join(paths, ",") + "}\n"
	case *proto.ErrorTxn:
		return strconv.Itoa(int(t.Err)) + "\n"
	case *proto.CheckVersionTxn:
		return fmt.Sprintf("%s,%d\n", csvText(t.Path), t.Version)
	}
	return fmt.Sprintf("%v\n", txn)
}

// aclList is Java's toString of a list of ACLs.
func aclList(acl []proto.ACL) string {
	if acl == nil {
		return "null"
	}
	items := make([]string, 0, len(acl))
	for _, a := range acl {
		items = append(items, fmt.Sprintf("%d,s{%s,%s}\n", a.Perms, csvText(a.ID.Scheme), csvText(a.ID.ID)))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// aclVector is a list of ACLs inside of a record.
func aclVector(acl []proto.ACL) string {
	items := make([]string, 0, len(acl))
	for _, a := range acl {
		items = append(items, fmt.Sprintf("s{%d,s{%s,%s}}", a.Perms, csvText(a.ID.Scheme), csvText(a.ID.ID)))
	}
	return "v{" + strings.Join(items, ",") + "}"
}

var csvEscapes = strings.NewReplacer("\x00", "%00", "\n", "%0A", "\r", "%0D", ",", "%2C", "}", "%7D", "%", "%25")

func csvText(s string) string { return "'" + csvEscapes.Replace(s) }
