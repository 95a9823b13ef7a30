//go:build compat

package ensemble

import "testing"

// A snapshot that a leader of Apache's sent without a digest may be wrong, once
// there is a newer one; nothing else may.
func TestUnsure(t *testing.T) {
	const (
		log      = "log.400000142: ok, 16 transactions 0x400000142 to 0x400000151\n"
		without  = "snapshot.400000141: ok, zxid 0x400000141, 2733 znodes, 7 sessions, no digest\n"
		differs  = "snapshot.400000141: replayed to 0x400000142: the digest of the tree is 5, and must be 6: the data differs from what its writer had\n"
		with     = "snapshot.400000151: ok, zxid 0x400000151, 2741 znodes, 7 sessions, digest agrees\n"
		replayed = "snapshot.400000151: replayed 388 transactions to 0x4000002d5, 323 digests agree\n"
		wrong    = "snapshot.400000151: replayed to 0x400000152: the digest of the tree is 5, and must be 6: the data differs from what its writer had\n"
		damaged  = "log.400000142: damaged at offset 16: the checksum is wrong\n"
		verdict  = "verdict: broken: a server may start, but see above\n"
	)
	for report, want := range map[string]bool{
		log + without + differs + with + replayed + verdict:     true,
		log + without + differs + with + wrong + verdict:        false,
		log + with + wrong + verdict:                            false,
		damaged + without + differs + with + replayed + verdict: false,
	} {
		if unsure(report) != want {
			t.Errorf("%v for\n%s", !want, report)
		}
	}
}
