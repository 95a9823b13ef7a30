package exporter

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"
)

// The limits of a request.
const (
	maxHeaderBytes = 16 << 10
	maxInFlight    = 8
	requestLimit   = 30 * time.Second
	idleLimit      = 5 * time.Minute // longer than any scrape interval in use
)

// ErrListen means that the address could not be listened on.
var ErrListen = errors.New("exporter of metrics cannot listen")

// Server serves an exporter over HTTP.
type Server struct {
	listener net.Listener  // set once
	http     *http.Server  // set once
	done     chan struct{} // closed when serving has ended
}

// Start serves /metrics on an address, host:port, until Close. The error
// wraps ErrListen.
func (e *Exporter) Start(address string, logger zerolog.Logger) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrListen, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(e.gatherer, promhttp.HandlerOpts{
		ErrorLog: log.New(logger, "", 0), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxInFlight,
	}))
	s := &Server{
		listener: listener, done: make(chan struct{}),
		http: &http.Server{
			Handler: mux, ReadTimeout: requestLimit, WriteTimeout: requestLimit, IdleTimeout: idleLimit,
			MaxHeaderBytes: maxHeaderBytes, ErrorLog: log.New(logger, "", 0),
		},
	}
	go func() { // ends with Close, which waits for it
		defer close(s.done)
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			logger.Error().Err(err).Msg("exporter of metrics ended")
		}
	}()
	return s, nil
}

// Addr returns where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close lets scrapes under way finish until the context ends, and then cuts
// them off.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	<-s.done
	return err
}
