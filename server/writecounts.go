package server

import (
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/stats"
)

// writeCounts keeps account of how much is written below each first component
// of a path (write_per_namespace): every server counts every write that it
// applies. It is owned by whoever applies.
type writeCounts struct {
	set    *stats.Set[*stats.Summary] // set once
	name   string                     // that was written to last
	recent *stats.Summary             // of name
}

// applied counts transactions that have been applied.
func (w *writeCounts) applied(chunk []proposal) {
	for i := range chunk {
		w.txn(chunk[i].entry.Txn)
	}
}

func (w *writeCounts) txn(txn proto.Txn) {
	switch txn := txn.(type) {
	case *proto.CreateTxn:
		w.wrote(txn.Path, len(txn.Data))
	case *proto.CreateContainerTxn:
		w.wrote(txn.Path, len(txn.Data))
	case *proto.CreateTTLTxn:
		w.wrote(txn.Path, len(txn.Data))
	case *proto.SetDataTxn:
		w.wrote(txn.Path, len(txn.Data))
	case *proto.DeleteTxn:
		w.wrote(txn.Path, 0)
	case *proto.CloseSessionTxn:
		for _, path := range txn.Paths {
			w.wrote(path, 0)
		}
	case *proto.MultiTxn:
		w.multi(txn)
	}
}

// multi counts what a multi has changed: nothing if an op of it failed.
func (w *writeCounts) multi(txn *proto.MultiTxn) {
	for _, op := range txn.Ops {
		if op.Type == proto.OpError {
			return
		}
	}
	for _, op := range txn.Ops {
		w.txn(op.Body)
	}
}

func (w *writeCounts) wrote(path string, dataBytes int) {
	name := stats.Namespace(path)
	if name == "" {
		return
	}
	if name != w.name {
		w.name = strings.Clone(name)
		w.recent = w.set.Of(w.name)
	}
	w.recent.Add(int64(len(path) + dataBytes))
}
