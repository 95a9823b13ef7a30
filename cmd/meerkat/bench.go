package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/meerkat-zk/meerkat/bench"
)

// errRefused makes the command fail when a server refused requests.
var errRefused = errors.New("requests were refused")

// benchCommand is the verb bench: one subcommand per workload, each with the
// options that mean something to it.
func benchCommand() *cli.Command {
	return &cli.Command{
		Name:  "bench",
		Usage: "load any ZooKeeper server and measure it",
		Description: "Each workload is a subcommand. It opens its own connections, creates what it needs below --root,\n" +
			"loads the servers, prints what it has measured, and deletes what it has created.\n" +
			"For many connections the servers need maxClientCnxns=0.",
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return fmt.Errorf("%w: there is no workload %q; meerkat bench --help lists them", errUsage, c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			workload(bench.Read, "getData of random keys", loadFlags, keyFlags),
			workload(bench.Write, "setData of random keys", loadFlags, keyFlags),
			workload(bench.Mixed, "getData and setData of random keys", loadFlags, keyFlags, mixedFlags),
			workload(bench.Create, "create znodes", loadFlags, valueFlags),
			workload(bench.Children, "getChildren of one large parent", loadFlags, childrenFlags),
			workload(bench.Watch, "change a znode that all connections watch", watchFlags),
			workload(bench.Sessions, "open sessions and hold them", sessionFlags),
			workload(bench.Expiry, "let sessions with ephemerals die, and wait until those are gone", windowFlags, expiryFlags),
			workload(bench.Fill, "create znodes and leave them there", windowFlags, fillFlags),
			workload(bench.Clean, "delete the root with all below it"),
			echoCommand(),
		},
	}
}

// flagSet makes some of a workload's flags, which write into c.
type flagSet func(c *bench.Config) []cli.Flag

func workload(w bench.Workload, usage string, sets ...flagSet) *cli.Command {
	c := bench.DefaultConfig(w)
	var servers string
	var pids cli.IntSlice
	var asJSON bool
	flags := commonFlags(&c, &servers, &pids, &asJSON)
	for _, set := range sets {
		flags = append(flags, set(&c)...)
	}
	return &cli.Command{
		Name:            string(w),
		Usage:           usage,
		Flags:           flags,
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action: func(ctx *cli.Context) error {
			if ctx.Args().Present() {
				return fmt.Errorf("%w: unexpected argument %q", errUsage, ctx.Args().First())
			}
			c.Servers, c.PIDs = strings.Split(servers, ","), pids.Value()
			return runBench(ctx.Context, c, asJSON, ctx.App.Writer)
		},
	}
}

func runBench(ctx context.Context, c bench.Config, asJSON bool, stdout io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	line := newProgressLine(os.Stderr)
	c.Progress = line.show
	r, err := bench.Run(ctx, c)
	line.clear()
	if errors.Is(err, bench.ErrConfig) {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if err != nil {
		return err
	}
	if asJSON {
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		err = out.Encode(r)
	} else {
		err = r.WriteText(stdout)
	}
	if err == nil && r.FailedOps() > 0 {
		err = fmt.Errorf("%d %w", r.FailedOps(), errRefused)
	}
	return err
}

func commonFlags(c *bench.Config, servers *string, pids *cli.IntSlice, asJSON *bool) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "servers", Aliases: []string{"s"}, Value: strings.Join(c.Servers, ","), Destination: servers,
			Usage: "`HOST:PORT`, or several with commas between: connections take turns"},
		&cli.IntFlag{Name: "connections", Aliases: []string{"c"}, Value: c.Connections, Destination: &c.Connections,
			Usage: "open `N` sessions, each on a connection of its own"},
		&cli.IntFlag{Name: "threads", Value: c.Threads, Destination: &c.Threads,
			Usage: "drive the connections from `N` event loops"},
		&cli.IntFlag{Name: "parallel", Value: c.Parallel, Destination: &c.Parallel,
			Usage: "open `N` sessions at a time"},
		&cli.DurationFlag{Name: "session-timeout", Value: c.SessionTimeout, Destination: &c.SessionTimeout,
			Usage: "ask for this `TIMEOUT`"},
		&cli.DurationFlag{Name: "patience", Value: c.Patience, Destination: &c.Patience,
			Usage: "fail when a server that owes replies sends none for this `TIME`"},
		&cli.StringFlag{Name: "root", Value: c.Root, Destination: &c.Root,
			Usage: "stay below this `PATH`"},
		&cli.IntSliceFlag{Name: "pid", Destination: pids,
			Usage: "report processor time and memory of this server `PROCESS` of this machine, or the sums of several with commas between"},
		&cli.BoolFlag{Name: "json", Destination: asJSON,
			Usage: "print the report as JSON"},
	}
}

func windowFlags(c *bench.Config) []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "in-flight", Aliases: []string{"i"}, Value: c.InFlight, Destination: &c.InFlight,
			Usage: "keep at most `N` requests outstanding on each connection"},
	}
}

func loadFlags(c *bench.Config) []cli.Flag {
	return append(windowFlags(c),
		&cli.DurationFlag{Name: "duration", Aliases: []string{"d"}, Value: c.Duration, Destination: &c.Duration,
			Usage: "measure for this `TIME`"},
		&cli.Int64Flag{Name: "count", Aliases: []string{"n"}, Destination: &c.Count,
			Usage: "measure `N` requests instead"},
		&cli.DurationFlag{Name: "warm-up", Value: c.WarmUp, Destination: &c.WarmUp,
			Usage: "load for this `TIME` before measuring"},
		&cli.Float64Flag{Name: "rate", Destination: &c.RatePerSec,
			Usage: "let `N` requests per second fall due, whatever the replies; latencies run from when a request was due"},
		keepFlag(c),
	)
}

func keepFlag(c *bench.Config) cli.Flag {
	return &cli.BoolFlag{Name: "keep", Destination: &c.Keep, Usage: "leave what was created"}
}

func valueFlags(c *bench.Config) []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "value-bytes", Value: c.ValueBytes, Destination: &c.ValueBytes,
			Usage: "write values of `N` bytes"},
	}
}

func keyFlags(c *bench.Config) []cli.Flag {
	return append(valueFlags(c),
		&cli.Int64Flag{Name: "keys", Value: c.Keys, Destination: &c.Keys,
			Usage: "choose among `N` znodes, created when missing"},
		&cli.Uint64Flag{Name: "seed", Value: c.Seed, Destination: &c.Seed,
			Usage: "choose them by this `NUMBER`"},
	)
}

func mixedFlags(c *bench.Config) []cli.Flag {
	return []cli.Flag{
		&cli.Float64Flag{Name: "read-ratio", Value: c.ReadRatio, Destination: &c.ReadRatio,
			Usage: "let this `FRACTION` of the requests be reads"},
	}
}

func childrenFlags(c *bench.Config) []cli.Flag {
	return append(valueFlags(c),
		&cli.Int64Flag{Name: "children", Value: c.Keys, Destination: &c.Keys,
			Usage: "give the parent `N` children, created when missing"},
		&cli.BoolFlag{Name: "plain", Destination: &c.PlainList,
			Usage: "send getChildren, whose reply has no Stat, instead of getChildren2"},
	)
}

func watchFlags(c *bench.Config) []cli.Flag {
	return append(valueFlags(c),
		&cli.IntFlag{Name: "rounds", Value: c.Rounds, Destination: &c.Rounds,
			Usage: "change the znode `N` times"},
		keepFlag(c),
	)
}

func sessionFlags(c *bench.Config) []cli.Flag {
	return []cli.Flag{
		&cli.DurationFlag{Name: "hold", Value: c.Hold, Destination: &c.Hold,
			Usage: "let them idle for this `TIME` before the server's memory is read"},
	}
}

func expiryFlags(c *bench.Config) []cli.Flag {
	return append(valueFlags(c),
		&cli.IntFlag{Name: "ephemerals", Value: c.Ephemerals, Destination: &c.Ephemerals,
			Usage: "let each session create `N` of them"},
	)
}

func fillFlags(c *bench.Config) []cli.Flag {
	return append(valueFlags(c),
		&cli.Int64Flag{Name: "keys", Value: c.Keys, Destination: &c.Keys,
			Usage: "create `N` znodes"},
	)
}

// echoCommand serves as the ceiling: what the load generator reaches when the
// server does nothing.
func echoCommand() *cli.Command {
	var c bench.EchoConfig
	return &cli.Command{
		Name:  "echo",
		Usage: "answer every request at once with the same bytes, to learn what this machine allows at most",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:2182", Destination: &c.Listen, Usage: "`HOST:PORT`"},
			&cli.IntFlag{Name: "value-bytes", Value: 100, Destination: &c.ValueBytes,
				Usage: "answer getData with `N` bytes"},
			&cli.IntFlag{Name: "children", Value: 10_000, Destination: &c.Children,
				Usage: "answer getChildren with `N` names"},
			&cli.PathFlag{Name: "log", Destination: &c.LogFile,
				Usage: "append and sync writes to this `FILE` before answering them"},
		},
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action: func(ctx *cli.Context) error {
			sig, stop := signal.NotifyContext(ctx.Context, os.Interrupt, syscall.SIGTERM)
			defer stop()
			return bench.Echo(sig, c, func(addr string) { fmt.Fprintf(ctx.App.ErrWriter, "echoing on %s\n", addr) })
		},
	}
}
