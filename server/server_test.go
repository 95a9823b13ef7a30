package server

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/conf"
)

// testConfig is a server on any free port with its data in dir.
func testConfig(dir string) *conf.Config {
	return &conf.Config{
		Client:  conf.Client{Address: "127.0.0.1", ListenBacklog: -1},
		Session: conf.Session{TickTimeMs: 100, MinTimeoutMs: 200, MaxTimeoutMs: 60_000},
		Limits: conf.Limits{
			MaxFrameBytes: 1 << 20, ExtraFrameBytes: 1 << 20, SessionlessTimeoutMs: 10_000,
			ShutdownTimeoutMs: 5000, LogQueueBytes: 1 << 20,
		},
		Requests:    conf.Requests{MaxOutstanding: 1000, LargeThresholdBytes: -1, StaleConnectionCheck: true},
		Connections: conf.Connections{FillTimeMs: 1, FillCount: 1, FreezeTimeMs: -1},
		Storage: conf.Storage{
			DataDir: dir, LogDir: dir, Autocreate: true, DBAutocreate: true, PreallocBytes: 1 << 20,
			SnapCount: 100_000, ForceSync: true, FsyncWarnMs: 1000, DigestEnabled: true, SerializeLastZxid: true,
			PurgeRetain: 3,
		},
		Znodes:     conf.Znodes{CloseSessionPaths: true, ExtendedTypes: true},
		Containers: conf.Containers{CheckIntervalMs: 60_000, MaxPerMinute: 10_000},
		Auth:       conf.Auth{DigestEnabled: true},
		Caches:     conf.Caches{Children: 400},
		FourLetter: conf.FourLetter{Words: []string{"*"}},
	}
}

// start runs a server until the test ends.
func start(t testing.TB, change ...func(*conf.Config)) *Server {
	t.Helper()
	return startIn(t, t.TempDir(), change...)
}

func startIn(t testing.TB, dir string, change ...func(*conf.Config)) *Server {
	t.Helper()
	cfg := testConfig(dir)
	for _, f := range change {
		f(cfg)
	}
	srv, err := New(cfg, zerolog.New(zerolog.NewTestWriter(t)), BuildInfo{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, srv) })
	return srv
}

// stop ends a server, also one that a test has stopped already.
func stop(t testing.TB, srv *Server) {
	t.Helper()
	select {
	case <-srv.stopping:
		return
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), testPatience)
	defer cancel()
	if err := srv.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// eventually waits for what other goroutines bring about.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(testPatience); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", testPatience, what)
		}
	}
}
