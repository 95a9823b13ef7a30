// Package testserver runs a server inside a test, for the tests of what talks
// to servers.
package testserver

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/server"
)

// stopLimit is how long a server may take to stop.
const stopLimit = 20 * time.Second

// Server is a server with a data directory of its own. It stops with the
// test.
type Server struct {
	Addr    string // host:port
	Config  string // path of its zoo.cfg
	DataDir string

	t   testing.TB
	srv *server.Server // nil while it is stopped
}

// Super is the identity digest:super:secret, which every server here takes
// for the super user.
const Super = "super:secret"

// Start starts a server with more lines for its zoo.cfg.
func Start(t testing.TB, lines ...string) *Server {
	t.Helper()
	dir := t.TempDir()
	s := &Server{t: t, Config: filepath.Join(dir, "zoo.cfg"), DataDir: filepath.Join(dir, "data")}
	s.write(append([]string{
		"dataDir=" + s.DataDir, "tickTime=500", "maxSessionTimeout=600000", "clientPortAddress=127.0.0.1", "admin.enableServer=false", "4lw.commands.whitelist=*",
		"preAllocSize=256", "maxClientCnxns=0", "extendedTypesEnabled=true",
		"DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=",
	}, lines...), 0)
	s.Restart()
	t.Cleanup(s.Stop)
	return s
}

// write writes the zoo.cfg; port 0 is any free one.
func (s *Server) write(lines []string, port int) {
	text := strings.Join(lines, "\n") + "\nclientPort=" + strconv.Itoa(port) + "\n"
	if err := os.WriteFile(s.Config, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// Restart starts the server again, on the same port.
func (s *Server) Restart() {
	s.t.Helper()
	cfg, _, err := conf.Load(s.Config, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	srv, err := server.New(cfg, zerolog.Nop(), server.BuildInfo{Version: "test"})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.srv = srv
	if s.Addr == "" {
		s.Addr = srv.Addr().String()
		s.pin()
	}
}

// pin writes the port into the zoo.cfg, for the next start and for who reads
// it.
func (s *Server) pin() {
	text, err := os.ReadFile(s.Config)
	if err != nil {
		s.t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		s.t.Fatal(err)
	}
	pinned := strings.Replace(string(text), "clientPort=0\n", "clientPort="+port+"\n", 1)
	if err := os.WriteFile(s.Config, []byte(pinned), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// Stop stops the server, if it runs.
func (s *Server) Stop() {
	if s.srv == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	if err := s.srv.Stop(ctx); err != nil {
		s.t.Error(err)
	}
	s.srv = nil
}
