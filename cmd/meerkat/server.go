package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/server"
)

// defaultConfig is served when no file is named.
const defaultConfig = "conf/zoo.cfg"

// stopLimit is how long a stopping server may take, whatever it waits for:
// supervisors kill soon after.
const stopLimit = 5 * time.Second

// errReported means that the log already tells why the command failed.
var errReported = errors.New("see the log")

// serverCommand is the verb server.
func serverCommand() *cli.Command {
	return &cli.Command{
		Name:      "server",
		Usage:     "serve",
		ArgsUsage: "[zoo.cfg | port datadir [ticktime] [maxcnxns]]",
		Description: "Without arguments, " + defaultConfig + " is read. The words -Dkey=value of SERVER_JVMFLAGS and\n" +
			"JVMFLAGS count like those of the command line, which win over them; the file wins over all.",
		Flags: append([]cli.Flag{
			&cli.StringSliceFlag{Name: "D", Usage: "set what Apache reads from the system property `KEY=VALUE`"},
			&cli.StringFlag{Name: "cpu-profile", Usage: "until the server stops, record where its processor time goes into `FILE`, for go tool pprof"},
		}, logFlags()...),
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action:          runServer,
	}
}

// runServer reads the configuration, which says where the log is, and serves.
func runServer(c *cli.Context) error {
	if _, err := newLogger(io.Discard, logOf(c, conf.Log{}).Level, logOf(c, conf.Log{}).Format); err != nil {
		return err // the flags are wrong, whatever the configuration says
	}
	cfg, notices, refused := load(c.Args().Slice(), systemProperties(os.Getenv, c.StringSlice("D")))
	to := logOf(c, conf.Log{})
	if refused == nil {
		to = logOf(c, cfg.Log)
	}
	log, closeLog, err := openLog(c.App.ErrWriter, to)
	if err != nil {
		return err
	}
	defer closeLog()
	b := build()
	log.Info().Str("version", b.Version).Str("commit", b.Commit).Int("pid", os.Getpid()).Msg("meerkat")
	if err = explain(log, notices, refused); err == nil {
		err = profiled(c.String("cpu-profile"), func() error { return serve(c.Context, log, cfg, b) })
	}
	switch {
	case err == nil:
		return nil
	case to.File != "": // whoever has started it sees standard error
		log.Error().Err(err).Int("exit_code", exitCode(err)).Msg("exiting")
		return err
	default:
		log.Error().Err(err).Int("exit_code", exitCode(err)).Msg("exiting")
		return fmt.Errorf("%w: %w", errReported, err)
	}
}

// serve runs a server until the context or a signal ends it, or until it
// cannot go on.
func serve(ctx context.Context, log zerolog.Logger, cfg *conf.Config, b server.BuildInfo) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	limitMemory(os.DirFS("/"), os.Getenv, log)
	srv, err := server.New(cfg, log, b, server.StartUntil(ctx))
	if err != nil {
		return err
	}
	watching, err := observe(cfg, srv, log)
	if err != nil {
		return err
	}
	defer watching.close()
	if err := uncollected(srv.Start); err != nil {
		if errors.Is(err, server.ErrQuorumPort) && ctx.Err() != nil {
			log.Info().Msg("stopped while it waited for a port")
			return nil
		}
		return err
	}
	defer manageGarbage()()
	if addr := srv.Addr(); addr != nil {
		log.Info().Msg("serving: connect to " + reach(addr) + ", for example with zkCli.sh -server " + reach(addr))
	}
	select {
	case err := <-srv.Done():
		// Nothing that is not synced was acknowledged: it is safe to leave.
		return fmt.Errorf("the server cannot go on: %w", err)
	case <-ctx.Done():
		stop() // a second signal ends the process at once
	}
	log.Info().Msg("stopping")
	patience := min(time.Duration(cfg.Limits.ShutdownTimeoutMs)*time.Millisecond, stopLimit*9/10)
	return stopServer(srv, patience, stopLimit)
}

// load reads the configuration that the arguments name.
func load(args []string, props map[string]string) (*conf.Config, []conf.Notice, error) {
	switch len(args) {
	case 0:
		return conf.Load(defaultConfig, props)
	case 1:
		return conf.Load(args[0], props)
	}
	return conf.FromArgs(args, props)
}

// explain tells the operator what there is to know about a configuration, and
// why it is refused, if it is.
func explain(log zerolog.Logger, notices []conf.Notice, refused error) error {
	for _, n := range notices {
		level := zerolog.InfoLevel
		if n.Warn {
			level = zerolog.WarnLevel
		}
		log.WithLevel(level).Msg(n.String())
	}
	if refused != nil {
		return refuse(log, refused)
	}
	return nil
}

// refuse logs every single error of a configuration on a line of its own.
func refuse(log zerolog.Logger, err error) error {
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok && errors.As(err, new(*conf.Error)) {
		all = joined.Unwrap()
	}
	for _, e := range all {
		log.Error().Msg(e.Error())
	}
	return fmt.Errorf("%w, see above", conf.ErrInvalid)
}

// stopServer stops within a limit. Clients have some of that time to take
// their replies.
func stopServer(srv interface{ Stop(context.Context) error }, patience, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Stop(ctx) }() // abandoned only when the process exits
	select {
	case err := <-stopped:
		return err
	case <-time.After(limit):
		return fmt.Errorf("the server did not stop within %v", limit)
	}
}

// reach is how a client on this machine reaches the address.
func reach(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && (len(tcp.IP) == 0 || tcp.IP.IsUnspecified()) {
		return net.JoinHostPort("localhost", strconv.Itoa(tcp.Port))
	}
	return addr.String()
}
