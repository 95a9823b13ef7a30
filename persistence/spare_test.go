package persistence

import (
	"testing"
	"testing/synctest"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// TestSparesAreFilledAsFarAsLogsGet looks at how much of what is reserved is
// filled: little at first, and more once a log needed more.
func TestSparesAreFilledAsFarAsLogsGet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		cfg := testConfig(disk)
		cfg.PreallocBytes, cfg.ReserveBytes = 3*firstFillBytes, 2*firstFillBytes+5
		s, h, _ := openTest(t, cfg)
		write(t, s, h, 100, 1)
		k := s.spares
		for _, tt := range []struct {
			full             bool
			filled, reserved int64
		}{
			{false, firstFillBytes, cfg.ReserveBytes},
			{true, 2 * firstFillBytes, cfg.ReserveBytes},
			{false, 2 * firstFillBytes, cfg.ReserveBytes},
			{true, cfg.PreallocBytes, cfg.PreallocBytes},
			{true, cfg.PreallocBytes, cfg.PreallocBytes},
		} {
			f, err := k.take("/data/version-2/"+spareName+".taken", tt.full)
			must(t, err)
			synctest.Wait() // the next is filled
			k.mu.Lock()
			if k.spare.filled != tt.filled || k.spare.reserved != tt.reserved {
				t.Errorf("full %v: %d bytes are filled and %d reserved, expected %d and %d",
					tt.full, k.spare.filled, k.spare.reserved, tt.filled, tt.reserved)
			}
			k.mu.Unlock()
			if !k.ready(1000, false) || !s.HasRoom() {
				t.Error("the spare is not ready")
			}
			must(t, f.file.Close())
		}
		must(t, s.Close())
	})
}
