package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/meerkat-zk/meerkat/datadir"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// snapshotCommand is the verb snapshot: what Apache's SnapshotFormatter,
// SnapshotComparer and SnapshotRecursiveSummary do, and a check.
func snapshotCommand() *cli.Command {
	return group("snapshot", "print, compare and check snapshot files", []*cli.Command{
		{
			Name: "dump", ArgsUsage: "[-d|-json] FILE", Usage: "print znodes and sessions, as zkSnapShotToolkit.sh does",
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "d", Usage: "print data, in base64, instead of its length"},
				&cli.BoolFlag{Name: "json", Usage: "print as the verb json does"},
			},
			Action: dumpSnapshot,
		},
		{
			Name: "json", ArgsUsage: "FILE", Usage: "print the sizes of all znodes as JSON for ncdu",
			Action: func(c *cli.Context) error { return printSnapshot(c, writeJSON) },
		},
		{
			Name: "diff", ArgsUsage: "[-b BYTES] [-n NODES] LEFT RIGHT", Usage: "compare two snapshots, as zkSnapshotComparer.sh does",
			Flags: []cli.Flag{
				&cli.PathFlag{Name: "left", Aliases: []string{"l"}, Usage: "compare this `FILE`"},
				&cli.PathFlag{Name: "right", Aliases: []string{"r"}, Usage: "with this `FILE`"},
				&cli.Int64Flag{Name: "bytes", Aliases: []string{"b"}, Usage: "leave out differences of up to `N` bytes"},
				&cli.Int64Flag{Name: "nodes", Aliases: []string{"n"}, Usage: "that are also of up to `N` znodes"},
				&cli.BoolFlag{Name: "debug", Aliases: []string{"d"}, Usage: "print every step"},
				&cli.BoolFlag{Name: "interactive", Aliases: []string{"i"}, Usage: "ask what to compare"},
			},
			Action: diffSnapshots,
		},
		{
			Name: "summary", ArgsUsage: "FILE [START_ZNODE [MAX_DEPTH]]", Usage: "sum up znodes and data below each znode, as zkSnapshotRecursiveSummaryToolkit.sh does",
			Description: "Levels below MAX_DEPTH are counted and not printed; 0, the default, prints all.",
			Action:      summarizeSnapshot,
		},
		{
			Name: "verify", ArgsUsage: "FILE...", Usage: "read whole snapshots and check every checksum and the digest",
			Action: func(c *cli.Context) error {
				return verifyFiles(c, func(fsys vfs.FS, path string) (string, error) {
					v, err := datadir.VerifySnapshot(fsys, path)
					return v.String(), err
				})
			},
		},
	})
}

// group is a verb that has verbs below it.
func group(name, usage string, verbs []*cli.Command) *cli.Command {
	for _, verb := range verbs {
		verb.HideHelpCommand = true
		verb.OnUsageError = usageError
	}
	return &cli.Command{
		Name: name, Usage: usage, Subcommands: verbs, HideHelpCommand: true, OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return fmt.Errorf("%w: there is no verb %q; meerkat %s --help lists them", errUsage, c.Args().First(), name)
			}
			return cli.ShowSubcommandHelp(c)
		},
	}
}

func dumpSnapshot(c *cli.Context) error {
	return printSnapshot(c, func(c *cli.Context, img *datadir.Image) error {
		switch {
		case c.Bool("d") && c.Bool("json"):
			return fmt.Errorf("%w: cannot specify both data dump (-d) and json mode (-json) in same call", errUsage)
		case c.Bool("json"):
			return writeJSON(c, img)
		}
		return img.WriteDetails(c.App.Writer, c.Bool("d"), time.Local)
	})
}

func writeJSON(c *cli.Context, img *datadir.Image) error {
	return img.WriteJSON(c.App.Writer, time.Now())
}

// printSnapshot loads the one file that is named and prints it.
func printSnapshot(c *cli.Context, write func(*cli.Context, *datadir.Image) error) error {
	args, err := toolArgs(c, 1, 1)
	if err != nil {
		return err
	}
	img, err := loadSnapshot(c, args[0])
	if err != nil {
		return err
	}
	return write(c, img)
}

func loadSnapshot(c *cli.Context, path string) (*datadir.Image, error) {
	switch info, err := os.Stat(path); {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	case info.IsDir():
		return nil, fmt.Errorf("%w: %s is a directory", errUsage, path)
	}
	p := newReadProgress(c)
	defer p.clear()
	return datadir.LoadImage(p.fs(), path)
}

func diffSnapshots(c *cli.Context) error {
	args, err := toolArgs(c, 0, 2)
	if err != nil {
		return err
	}
	sides := []string{c.Path("left"), c.Path("right")}
	for i := range sides {
		if sides[i] == "" && len(args) > 0 {
			sides[i], args = args[0], args[1:]
		}
	}
	if sides[0] == "" || sides[1] == "" || len(args) > 0 {
		return fmt.Errorf("%w: %s %s", errUsage, c.Command.HelpName, c.Command.ArgsUsage)
	}
	load := func(path string) func() (*datadir.Image, error) {
		return func() (*datadir.Image, error) { return loadSnapshot(c, path) }
	}
	opt := datadir.CompareOptions{Bytes: c.Int64("bytes"), Nodes: c.Int64("nodes"), Debug: c.Bool("debug")}
	if c.Bool("interactive") {
		opt.Input = c.App.Reader
	}
	return datadir.Compare(c.App.Writer, load(sides[0]), load(sides[1]), time.Now, opt)
}

func summarizeSnapshot(c *cli.Context) error {
	args, err := toolArgs(c, 1, 3)
	if err != nil {
		return err
	}
	args = append(args, []string{"/", "0"}[len(args)-1:]...)
	depth, err := strconv.Atoi(args[2])
	if err != nil {
		return fmt.Errorf("%w: MAX_DEPTH is %q, and must be a number", errUsage, args[2])
	}
	img, err := loadSnapshot(c, args[0])
	if err != nil {
		return err
	}
	return img.WriteSummary(c.App.Writer, args[1], depth)
}
