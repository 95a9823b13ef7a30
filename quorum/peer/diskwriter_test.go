package peer

import (
	"fmt"
	"slices"
	"testing"

	"github.com/meerkat-zk/meerkat/quorum"
)

// callDisk notes the order of calls.
type callDisk struct {
	Disk
	calls []string
}

func (d *callDisk) call(format string, args ...any) error {
	d.calls = append(d.calls, fmt.Sprintf(format, args...))
	return nil
}

func (d *callDisk) Append(zxid int64, _ []byte) error             { return d.call("append %d", zxid) }
func (d *callDisk) Sync() error                                   { return d.call("sync") }
func (d *callDisk) SetAcceptedEpoch(epoch int64) error            { return d.call("accepted %d", epoch) }
func (d *callDisk) SetCurrentEpoch(epoch int64) error             { return d.call("current %d", epoch) }
func (d *callDisk) Install(link quorum.Link, zxid int64) error    { return d.call("install %d", zxid) }
func (d *callDisk) Truncate(zxid int64, rebuild bool) (err error) { return d.call("truncate %d", zxid) }

// Appends are synced before an epoch file is written, before the log is cut or
// replaced, and at the end; a run of appends shares a sync.
func TestDiskWriterSyncsInOrder(t *testing.T) {
	add := func(zxids ...int64) quorum.DiskOp {
		op := quorum.DiskOp{Kind: quorum.OpAppend}
		for _, zxid := range zxids {
			op.Entries = append(op.Entries, quorum.Entry{Zxid: zxid})
		}
		return op
	}
	for _, c := range []struct {
		batch []quorum.DiskOp
		want  []string
	}{
		{[]quorum.DiskOp{add(1, 2), add(3)}, []string{"append 1", "append 2", "append 3", "sync"}},
		{[]quorum.DiskOp{add(1), {Kind: quorum.OpCurrentEpoch, Epoch: 7}}, []string{"append 1", "sync", "current 7"}},
		{[]quorum.DiskOp{{Kind: quorum.OpAcceptedEpoch, Epoch: 7}, add(1)}, []string{"accepted 7", "append 1", "sync"}},
		{
			[]quorum.DiskOp{add(2), {Kind: quorum.OpTruncate, Zxid: 1}, add(3), {Kind: quorum.OpInstall, Zxid: 9}},
			[]string{"append 2", "sync", "truncate 1", "append 3", "sync", "install 9"},
		},
	} {
		d := &callDisk{}
		if _, err := newDiskWriter(d, 1, func(Measure, int64) {}).do(c.batch); err != nil || !slices.Equal(d.calls, c.want) {
			t.Errorf("%v: %q, want %q", err, d.calls, c.want)
		}
	}
}
