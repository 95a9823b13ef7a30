package zktest

import (
	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/conf"
)

// TB is as much of testing.TB as this package needs.
type TB interface {
	Helper()
	Cleanup(func())
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Option changes servers before they start.
type Option func(*options)

type options struct {
	change []func(*conf.Config)
	log    zerolog.Logger
}

// WithConfig changes the configuration of every server. What is about the data
// directory, ports and the members of the ensemble is not to be touched.
func WithConfig(change func(*conf.Config)) Option {
	return func(o *options) { o.change = append(o.change, change) }
}

// WithLog shows what the servers log; otherwise it is dropped.
func WithLog(log zerolog.Logger) Option { return func(o *options) { o.log = log } }

// The times of the servers in a test: short, so that what has to be waited for
// comes soon.
const (
	tickMs        = 100
	minTimeoutMs  = 200
	maxTimeoutMs  = 10 * 60_000
	maxFrame      = 1 << 20
	logQueueBytes = 256 << 10
)

// config is what all servers have in common: the defaults, but for times and
// sizes that suit a test.
func (o *options) config() *conf.Config {
	c := conf.Default()
	c.Client = conf.Client{Address: "127.0.0.1", ListenBacklog: -1}
	c.Session = conf.Session{TickTimeMs: tickMs, MinTimeoutMs: minTimeoutMs, MaxTimeoutMs: maxTimeoutMs}
	c.Limits.MaxFrameBytes, c.Limits.ExtraFrameBytes = maxFrame, maxFrame
	c.Limits.MaxConnectionsPerAddress, c.Limits.LogQueueBytes = 0, logQueueBytes
	c.Storage.DataDir, c.Storage.LogDir = "/data", "/data"
	c.Storage.Autocreate, c.Storage.DBAutocreate, c.Storage.PreallocBytes = true, true, 0
	c.Containers.CheckIntervalMs = 1000
	c.Znodes.ExtendedTypes = true
	c.FourLetter = conf.FourLetter{Words: []string{"*"}}
	c.Admin.Enabled = false
	return c
}
