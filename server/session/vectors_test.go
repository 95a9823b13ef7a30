package session

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestApache compares passwords and ids with those that Apache made.
func TestApache(t *testing.T) {
	file, err := os.Open("testdata/vectors.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows := 0
	for lines := bufio.NewScanner(file); lines.Scan(); rows++ {
		f := strings.Split(lines.Text(), "\t")
		var got, want string
		switch f[0] {
		case "passwd":
			id, _ := strconv.ParseUint(f[1], 16, 64)
			p := Passwd(int64(id))
			got, want = hex.EncodeToString(p[:]), f[2]
		case "firstid":
			server, _ := strconv.ParseInt(f[1], 10, 64)
			elapsed, _ := strconv.ParseInt(f[2], 10, 64)
			got, want = fmt.Sprintf("%x", uint64(FirstID(server, elapsed))), f[3]
		}
		if got != want {
			t.Errorf("%s: got %s", lines.Text(), got)
		}
	}
	if rows != 50 {
		t.Errorf("%d vectors", rows)
	}
}

func TestFirstID(t *testing.T) {
	tests := []struct {
		server, elapsed int64
		want            uint64
	}{
		{1, 0, 0x0100000000000000},
		{1, 1, 0x0100000000010000},
		{1, 1<<40 - 1, 0x01ffffffffff0000},
		{1, 1 << 40, 0x0100000000000000}, // the time wraps
		{128, 0, 0x8000000000000001},     // not the owner of containers
		{128, 1, 0x8000000000010000},
		{0, math.MaxInt64, 0x00ffffffffff0000},
	}
	for _, tt := range tests {
		if got := uint64(FirstID(tt.server, tt.elapsed)); got != tt.want {
			t.Errorf("server %d at %d: %x, want %x", tt.server, tt.elapsed, got, tt.want)
		}
	}
}

func TestCheckPasswd(t *testing.T) {
	good, zero := Passwd(7), Passwd(0)
	tests := []struct {
		name   string
		id     int64
		passwd []byte
		want   bool
	}{
		{"right", 7, good[:], true},
		{"same low bits", 1<<56 | 7, good[:], true},
		{"other id", 8, good[:], false},
		{"null", 7, nil, false},
		{"short", 7, good[:15], false},
		{"long", 7, append(good[:], 0), false},
		{"session 0", 0, zero[:], false},
	}
	for _, tt := range tests {
		if got := CheckPasswd(tt.id, tt.passwd); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestValidateServerID(t *testing.T) {
	for id, wantErr := range map[int64]bool{1: false, 254: false, 255: true, 1000: true} {
		if err := ValidateServerID(id, true); errors.Is(err, ErrServerID) != wantErr {
			t.Errorf("%d: %v", id, err)
		}
		if err := ValidateServerID(id, false); err != nil {
			t.Errorf("%d without extended types: %v", id, err)
		}
	}
}

func TestTimeouts(t *testing.T) {
	tests := []struct {
		tick, min, max int32
		asked, want    int32
	}{
		{3000, -1, -1, 10000, 10000},
		{3000, -1, -1, 1, 6000},
		{3000, -1, -1, -5, 6000},
		{3000, -1, -1, math.MaxInt32, 60000},
		{3000, 100, 200, 150, 150},
		{3000, 100, 200, 50, 100},
		{3000, 100, 200, 500, 200},
		{3000, 0, -1, 0, 0},
	}
	for _, tt := range tests {
		if got := NewTimeouts(tt.tick, tt.min, tt.max).Clamp(tt.asked); got != tt.want {
			t.Errorf("%+v: %d", tt, got)
		}
	}
}
