package main

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/server"
	"github.com/meerkat-zk/meerkat/server/admin"
)

// observers are the HTTP servers beside a server: they are there before it
// serves and after it has stopped, so that somebody can ask how it does.
type observers struct{ closers []func(context.Context) error }

// observeLimit is how long a request to them may hold up the end.
const observeLimit = 500 * time.Millisecond

// observe starts those that the configuration asks for.
func observe(cfg *conf.Config, srv *server.Server, log zerolog.Logger) (*observers, error) {
	o := &observers{}
	if a := &cfg.Admin; a.Enabled {
		s, err := admin.Start(admin.Config{
			Address: listenAddress(a.Address, a.Port), CommandURL: a.CommandURL,
			IdleTimeout:      time.Duration(a.IdleTimeoutMs) * time.Millisecond,
			SnapshotInterval: time.Duration(a.RateLimiterMs) * time.Microsecond, // as in Apache, whatever the key says
			RestoreInterval:  time.Duration(a.RateLimiterMs) * time.Millisecond,
			SnapshotEnabled:  a.SnapshotEnabled, RestoreEnabled: a.RestoreEnabled,
			Meters: admin.MetersOf(srv.Metrics()), Log: log,
		}, srv.AdminView())
		if err != nil {
			return nil, errors.Join(err, errors.New("admin.serverPort names another port, admin.enableServer=false does without"))
		}
		o.closers = append(o.closers, s.Close)
		log.Info().Str("url", "http://"+s.Addr().String()+a.CommandURL).Msg("admin server")
	}
	if e := srv.Exporter(); e != nil {
		s, err := e.Start(listenAddress(cfg.Metrics.Address, cfg.Metrics.Port), log)
		if err != nil {
			o.close()
			return nil, errors.Join(err, errors.New("metricsProvider.httpPort names another port"))
		}
		o.closers = append(o.closers, s.Close)
		log.Info().Str("url", "http://"+s.Addr().String()+"/metrics").Msg("metrics for Prometheus")
	}
	return o, nil
}

// close ends them.
func (o *observers) close() {
	ctx, cancel := context.WithTimeout(context.Background(), observeLimit)
	defer cancel()
	for _, c := range o.closers {
		_ = c(ctx) // those who still ask are cut off
	}
}

// listenAddress is host:port, with every address for Java's word for them.
func listenAddress(host string, port int) string {
	if host == "0.0.0.0" {
		host = "" // in Java it means IPv6 as well
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
