package differential

import (
	"encoding/hex"
	"testing"
)

func TestSessionPasswd(t *testing.T) {
	for id, want := range map[int64]string{
		0x1:               "054cc74a37327db215e702e20c73f005",
		0x100000000000001: "054cc74a37327db215e702e20c73f005",
		0x1000123456789ab: "237710bc62d77989a42e8da77022789d",
	} {
		if got := hex.EncodeToString(sessionPasswd(id)); got != want {
			t.Errorf("password of session %#x: %s, want %s", id, got, want)
		}
	}
}
