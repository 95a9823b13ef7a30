package persistence

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

func TestDirectories(t *testing.T) {
	for _, tc := range []struct {
		name   string
		files  map[string]string
		change func(*Config)
		want   string // in the error; empty is none
	}{
		{"created", nil, nil, ""},
		{"created apart", nil, func(c *Config) { c.LogDir = "/logs" }, ""},
		{"one directory named twice", nil, func(c *Config) { c.LogDir = "/data/../data" }, ""},
		{"missing", nil, func(c *Config) { c.Autocreate = false }, "/data/version-2 (dataDir) is missing"},
		{"not a directory", map[string]string{"/data/version-2": ""}, nil, "/data/version-2 (dataDir) is not a directory"},
		{"below a file", map[string]string{"/data": ""}, nil, "/data"},
		{"snapshots among logs", map[string]string{"/logs/version-2/snapshot.0": ""}, func(c *Config) { c.LogDir = "/logs" },
			"log directory /logs/version-2 has snapshot files such as snapshot.0"},
		{"logs among snapshots", map[string]string{"/data/version-2/log.1": ""}, func(c *Config) { c.LogDir = "/logs" },
			"snapshot directory /data/version-2 has log files such as log.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			disk := vfs.NewMem()
			for name, content := range tc.files {
				must(t, disk.MkdirAll(filepath.Dir(name)))
				putFile(t, disk, name, []byte(content))
			}
			cfg := testConfig(disk)
			if tc.change != nil {
				tc.change(&cfg)
			}
			s, err := Open(cfg)
			if tc.want != "" {
				if !errors.Is(err, ErrDataDir) || !strings.Contains(err.Error(), tc.want) {
					t.Fatalf("Open = %v, want %q", err, tc.want)
				}
				return
			}
			must(t, err)
			for _, dir := range []string{s.SnapDir(), s.LogDir()} {
				if _, err := disk.Stat(dir); err != nil || filepath.Base(dir) != versionDir {
					t.Errorf("%s: %v", dir, err)
				}
			}
			must(t, s.Close())
		})
	}
}

func TestUnwritableDirectory(t *testing.T) {
	disk := vfs.NewMem()
	disk.Observe(func(op vfs.Op) error {
		if op.Kind == vfs.OpAccess {
			return syscall.EACCES
		}
		return nil
	})
	if _, err := Open(testConfig(disk)); !errors.Is(err, ErrDataDir) || !errors.Is(err, syscall.EACCES) {
		t.Errorf("Open = %v", err)
	}
}

func TestApart(t *testing.T) {
	disk := vfs.NewMem()
	cfg := testConfig(disk)
	cfg.LogDir = "/logs"
	s, h, _ := openTest(t, cfg)
	write(t, s, h, 100, 1, 2, 3)
	must(t, s.Close())
	if _, err := disk.Stat("/logs/version-2/log.1"); err != nil {
		t.Error(err)
	}
	if _, err := disk.Stat("/data/version-2/snapshot.0"); err != nil {
		t.Error(err)
	}
	checkRecovers(t, cfg, h)
}

func TestSecondServerIsRefused(t *testing.T) {
	disk := vfs.NewMem()
	cfg := testConfig(disk)
	s, err := Open(cfg)
	must(t, err)
	if _, err := Open(cfg); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "another server is running on the data directory /data") {
		t.Errorf("second Open = %v", err)
	}
	apart := cfg
	apart.DataDir, apart.LogDir = "/other", "/data" // the logs are the same
	if _, err := Open(apart); !errors.Is(err, ErrLocked) {
		t.Errorf("Open on the same logs = %v", err)
	}
	must(t, s.Close())
	s, err = Open(cfg)
	must(t, err)
	must(t, s.Close())
}

func TestLeftoversAreRemoved(t *testing.T) {
	disk := vfs.NewMem()
	s, h, _ := openTest(t, testConfig(disk))
	write(t, s, h, 10, 1)
	must(t, s.Close())
	for _, name := range []string{spareName, "snapshot.5.tmp", "snapshot.5.gz.tmp", "currentEpoch.tmp", "mine.tmp"} {
		putFile(t, disk, "/data/version-2/"+name, []byte("x"))
	}
	s, err := Open(testConfig(disk))
	must(t, err)
	must(t, s.Close())
	infos, err := disk.List("/data/version-2")
	must(t, err)
	var names []string
	for _, info := range infos {
		names = append(names, info.Name)
	}
	if want := []string{"currentEpoch.tmp", "log.1", "mine.tmp", "snapshot.0"}; !slices.Equal(names, want) {
		t.Errorf("left: %v, want %v", names, want)
	}
}

func TestInitializeMarker(t *testing.T) {
	for _, marker := range []string{"", "/data/initialize", "/logs/initialize"} {
		disk := vfs.NewMem()
		for _, dir := range []string{"/data", "/logs"} {
			must(t, disk.MkdirAll(dir))
		}
		if marker != "" {
			putFile(t, disk, marker, nil)
		}
		cfg := testConfig(disk)
		cfg.DBAutocreate, cfg.LogDir = false, "/logs"
		s, err := Open(cfg)
		must(t, err)
		rec, err := s.Recover(&history{})
		must(t, err)
		want := int64(0)
		if marker == "" {
			want = -1
		}
		if rec.Zxid != want || !rec.NeedsSnapshot {
			t.Errorf("marker %q: recovered %+v", marker, rec)
		}
		if _, err := disk.Stat(marker); marker != "" && err != nil {
			t.Errorf("%s was used up before there is a snapshot", marker)
		}
		_, err = s.SaveSnapshot(&history{})
		must(t, err)
		if _, err := disk.Crash(vfs.LoseAll, 0).Stat(marker); marker != "" && err == nil {
			t.Errorf("%s is still there", marker)
		}
		must(t, s.Close())
		// With data the marker has no say, and goes.
		putFile(t, disk, "/logs/initialize", nil)
		s, _, rec = openTest(t, cfg)
		if _, err := disk.Stat("/logs/initialize"); err == nil || rec.Zxid != 0 {
			t.Errorf("with data: marker is there %t, %+v", err == nil, rec)
		}
		must(t, s.Close())
	}
}

func TestEpochs(t *testing.T) {
	const zxid = 3<<32 | 7
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  Epochs
		err   string
	}{
		{"none", nil, Epochs{3, 3}, ""},
		{"both", map[string]string{"currentEpoch": "3", "acceptedEpoch": "4"}, Epochs{3, 4}, ""},
		{"with newlines", map[string]string{"currentEpoch": "5\n", "acceptedEpoch": "6\r\nx"}, Epochs{5, 6}, ""},
		{"current only", map[string]string{"currentEpoch": "3"}, Epochs{3, 3}, ""},
		{"current not written yet", map[string]string{"currentEpoch": "2", "acceptedEpoch": "4"}, Epochs{2, 4}, ""},
		{"current too old", map[string]string{"currentEpoch": "1", "acceptedEpoch": "2"}, Epochs{}, "older than the last transaction 0x300000007"},
		{"current too old, accepted missing", map[string]string{"currentEpoch": "2"}, Epochs{}, "older than the last transaction 0x300000007"},
		{"current on its way, torn", map[string]string{"currentEpoch": "2", "currentEpoch.tmp": "", "acceptedEpoch": "3"}, Epochs{2, 3}, ""},
		{"current on its way, never promised", map[string]string{"currentEpoch": "2", "currentEpoch.tmp": "9", "acceptedEpoch": "3"}, Epochs{2, 3}, ""},
		{"of a server that had nothing", map[string]string{"currentEpoch": "-1", "acceptedEpoch": "3"}, Epochs{0, 3}, ""},
		{"current on its way", map[string]string{"currentEpoch": "2", "currentEpoch.tmp": "3", "acceptedEpoch": "3"}, Epochs{3, 3}, ""},
		{"accepted too old", map[string]string{"currentEpoch": "3", "acceptedEpoch": "2"}, Epochs{}, "less than the current epoch"},
		{"no number", map[string]string{"currentEpoch": "three"}, Epochs{}, `found "three"`},
		{"empty", map[string]string{"currentEpoch": ""}, Epochs{}, `found ""`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			disk := vfs.NewMem()
			must(t, disk.MkdirAll("/data/version-2"))
			for name, content := range tc.files {
				putFile(t, disk, "/data/version-2/"+name, []byte(content))
			}
			s, err := Open(testConfig(disk))
			must(t, err)
			defer s.Close()
			got, err := s.LoadEpochs(zxid)
			if tc.err != "" {
				if !errors.Is(err, ErrEpoch) || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("LoadEpochs = %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil || got != tc.want {
				t.Fatalf("LoadEpochs = %+v, %v, want %+v", got, err, tc.want)
			}
			must(t, s.SetAcceptedEpoch(9))
			must(t, s.SetCurrentEpoch(9))
			after := disk.Crash(vfs.LoseAll, 0)
			for _, name := range []string{currentEpochName, acceptedEpochName} {
				if text := string(readFile(t, after, "/data/version-2/"+name)); text != "9" {
					t.Errorf("%s holds %q", name, text)
				}
			}
		})
	}
}

func TestPurge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		s, h, _ := openTest(t, testConfig(disk))
		if removed, err := s.Purge(3); err != nil || len(removed) != 0 {
			t.Errorf("with one snapshot: %v, %v", removed, err)
		}
		for zxid := int64(1); zxid <= 6; zxid++ { // logs 1 to 6, snapshots 0 to 6
			write(t, s, h, 10, zxid)
			must(t, s.Roll())
			_, err := s.SaveSnapshot(h)
			must(t, err)
			synctest.Wait()
		}
		write(t, s, h, 10, 7)
		// What looks incomplete is not counted among those to keep.
		putFile(t, disk, "/data/version-2/snapshot.7", []byte("not a whole snapshot"))
		if _, err := s.Purge(2); err == nil {
			t.Error("two snapshots to keep are too few")
		}
		removed, err := s.Purge(3)
		must(t, err)
		var names []string
		for _, path := range removed {
			names = append(names, filepath.Base(path))
		}
		want := []string{"log.1", "log.2", "log.3", "snapshot.0", "snapshot.1", "snapshot.2", "snapshot.3"}
		if !slices.Equal(names, want) {
			t.Errorf("removed %v, want %v", names, want)
		}
		must(t, s.Close())
		// Each of those kept can be the one to start from.
		for _, zxid := range []int64{6, 5, 4} {
			got := &history{}
			s, rec, err := openRecovered(testConfig(disk), got)
			must(t, err)
			must(t, s.Close())
			sameHistory(t, got, h)
			if rec.SnapshotZxid != zxid {
				t.Errorf("recovered %+v, want snapshot %d", rec, zxid)
			}
			must(t, disk.Remove(rec.SnapshotPath))
		}
	})
}

func TestSizes(t *testing.T) {
	disk := vfs.NewMem()
	cfg := testConfig(disk)
	cfg.LogDir = "/logs"
	s, h, _ := openTest(t, cfg)
	write(t, s, h, 100, 1)
	must(t, s.Close())
	snap, log, err := s.DirSizes()
	must(t, err)
	if snap != int64(len(readFile(t, disk, "/data/version-2/snapshot.0"))) || log != int64(len(readFile(t, disk, "/logs/version-2/log.1"))) {
		t.Errorf("DirSizes = %d, %d", snap, log)
	}
	disk.SetLimit(disk.Used() + 1024)
	if snap, log, err := s.FreeBytes(); snap != 1024 || log != 1024 || err != nil {
		t.Errorf("FreeBytes = %d, %d, %v", snap, log, err)
	}
}

// TestOnTheMachine does it all once on the real file system, with the defaults
// of a server, and a second process that tries the same directory.
func TestOnTheMachine(t *testing.T) {
	if dir := os.Getenv("MEERKAT_TEST_OPEN"); dir != "" {
		_, err := Open(Config{DataDir: dir, Autocreate: true, Log: zerolog.Nop()})
		if !errors.Is(err, ErrLocked) {
			t.Fatalf("Open in a second process = %v", err)
		}
		return
	}
	cfg := Config{
		DataDir: filepath.Join(t.TempDir(), "data"), Autocreate: true, PreallocBytes: 64 << 20, ForceSync: true,
		DBAutocreate: true, DigestEnabled: true, SerializeLastZxid: true, Log: zerolog.Nop(),
	}
	s, h, _ := openTest(t, cfg)
	for zxid := int64(1); zxid <= 200; zxid++ {
		write(t, s, h, 1000, zxid)
	}
	_, err := s.SaveSnapshot(h.at(100))
	must(t, err)
	must(t, s.Roll())
	write(t, s, h, 1000, seq(201, 300)...)
	second := exec.Command(os.Args[0], "-test.run=^TestOnTheMachine$", "-test.count=1")
	second.Env = append(os.Environ(), "MEERKAT_TEST_OPEN="+cfg.DataDir)
	if out, err := second.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	must(t, s.Close())
	checkRecovers(t, cfg, h)
	infos, err := vfs.OS{}.List(s.LogDir())
	must(t, err)
	for _, info := range infos {
		if info.SizeBytes > 1<<20 {
			t.Errorf("%s was left with %d bytes", info.Name, info.SizeBytes)
		}
	}
}
