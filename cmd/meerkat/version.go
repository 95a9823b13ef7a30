package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/meerkat-zk/meerkat/server"
	"github.com/meerkat-zk/meerkat/server/fourletter"
)

// Set by the linker, see the Makefile. An empty one is taken from what the Go
// tool notes in the binary.
var (
	version string
	commit  string
	date    string // when it was built, RFC 3339
)

// build says which build this is.
func build() server.BuildInfo {
	b := server.BuildInfo{Version: version, Commit: commit, Date: date}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.Version = cmp.Or(b.Version, info.Main.Version)
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = cmp.Or(b.Commit, s.Value)
			case "vcs.time":
				b.Date = cmp.Or(b.Date, s.Value)
			}
		}
	}
	b.Version = cmp.Or(b.Version, "unknown")
	b.Commit = cmp.Or(b.Commit, "unknown")
	b.Date = cmp.Or(b.Date, "unknown")
	return b
}

// versionCommand is the verb version.
func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "say which build this is",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "apache", Usage: "in the one line that zkServer.sh version prints"},
		},
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action: func(c *cli.Context) error {
			if c.Bool("apache") {
				b := build()
				_, err := fmt.Fprintln(c.App.Writer, "Meerkat for Apache ZooKeeper, version", fourletter.Version(b.Version, b.Commit, b.Date))
				return err
			}
			return printVersion(c)
		},
	}
}

func printVersion(c *cli.Context) error {
	b := build()
	_, err := fmt.Fprintf(c.App.Writer, "meerkat %s\ncommit  %s\nbuilt   %s\nwith    %s %s/%s\n",
		b.Version, b.Commit, b.Date, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
