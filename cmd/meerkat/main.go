// Command meerkat is a ZooKeeper server, and the tools around it. Each verb
// has a file of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/server"
	"github.com/meerkat-zk/meerkat/server/admin"
	"github.com/meerkat-zk/meerkat/server/auth"
	"github.com/meerkat-zk/meerkat/server/throttle"
)

func main() {
	os.Exit(run(context.Background(), os.Args, os.Stdout, os.Stderr))
}

// Exit codes, those of Apache's ExitCode.
const (
	exitOK         = 0
	exitUnexpected = 1
	exitInvocation = 2 // arguments or configuration
	exitDataDir    = 3
	exitAdmin      = 4 // the admin server cannot start
	exitQuorumPort = 14
)

// errUsage means a command line that makes no sense.
var errUsage = errors.New("usage")

// run does what a command line asks and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := newApp(stdout, stderr).RunContext(ctx, propertiesFirst(args))
	if err != nil && !errors.Is(err, errReported) {
		fmt.Fprintln(stderr, "meerkat:", err)
	}
	return exitCode(err)
}

func newApp(stdout, stderr io.Writer) *cli.App {
	return &cli.App{
		Name:        "meerkat",
		Usage:       "a server that clients of Apache ZooKeeper cannot tell from Apache's",
		Writer:      stdout,
		ErrWriter:   stderr,
		Version:     build().Version,
		HideVersion: true, // there is a verb
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "version", Aliases: []string{"v"}, Usage: "say which build this is"}},
		Commands: []*cli.Command{
			serverCommand(), ensembleCommand(), statusCommand(), topCommand(), wordCommand(), cliCommand(), copyCommand(),
			fsckCommand(), snapshotCommand(), logCommand(), backupCommand(), restoreCommand(), purgeCommand(), initCommand(),
			benchCommand(), testServerCommand(), dockerCommand(), versionCommand(),
		},

		// A value may have commas in it.
		DisableSliceFlagSeparator: true,
		OnUsageError:              usageError,
		ExitErrHandler:            func(*cli.Context, error) {}, // run decides
		Action: func(c *cli.Context) error {
			if c.Bool("version") {
				return printVersion(c)
			}
			if c.Args().Present() {
				return fmt.Errorf("%w: there is no verb %q; meerkat help lists them", errUsage, c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
	}
}

func usageError(_ *cli.Context, err error, _ bool) error { return fmt.Errorf("%w: %w", errUsage, err) }

// exitCode maps an error to what Apache exits with.
func exitCode(err error) int {
	is := func(kinds ...error) bool {
		for _, kind := range kinds {
			if errors.Is(err, kind) {
				return true
			}
		}
		return false
	}
	var coded *codeError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	case is(errUsage, conf.ErrInvalid, conf.ErrNotBuilt, auth.ErrProvider, auth.ErrDigestAlg, auth.ErrEnforce, throttle.ErrBlue):
		return exitInvocation
	case is(persistence.ErrDataDir, persistence.ErrLocked):
		return exitDataDir
	case is(server.ErrQuorumPort):
		return exitQuorumPort
	case is(admin.ErrListen):
		return exitAdmin
	default:
		return exitUnexpected
	}
}
