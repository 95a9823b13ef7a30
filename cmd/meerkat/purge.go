package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// purgeCommand is the verb purge.
func purgeCommand() *cli.Command {
	return &cli.Command{
		Name: "purge", Usage: "remove old snapshots and logs, as zkCleanup.sh does",
		ArgsUsage: "-n COUNT [zoo.cfg | datalogdir [datadir]]",
		Description: "Keeps the COUNT newest snapshots that are whole, at least 3, and the logs that any of them needs.\n" +
			"A server may run on the directory. Without arguments, " + defaultConfig + " says where the data is.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "n", Usage: "keep `COUNT` snapshots"},
			&cli.BoolFlag{Name: "dry-run", Usage: "print what would be removed, and remove nothing"},
		},
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action:          purge,
	}
}

// javaDateTime is the form of Java's DateFormat.getDateTimeInstance for
// English.
const javaDateTime = "Jan 2, 2006, 3:04:05 PM"

func purge(c *cli.Context) error {
	args, err := toolArgs(c, 0, 2)
	if err != nil {
		return err
	}
	if c.Int("n") < persistence.MinRetain {
		return fmt.Errorf("%w: count should be greater than or equal to %d", errUsage, persistence.MinRetain)
	}
	var dataDir, logDir string
	switch len(args) {
	case 2:
		dataDir, logDir = args[1], args[0]
	case 1:
		dataDir, logDir, err = dataDirs(args[0])
	default:
		dataDir, logDir, err = dataDirs(defaultConfig)
	}
	if err != nil {
		return err
	}
	dir, err := persistence.OpenDirectory(persistence.Config{FS: vfs.OS{}, DataDir: dataDir, LogDir: logDir})
	if err != nil {
		return err
	}
	text := "Removing file: %s\t%s\n"
	if c.Bool("dry-run") {
		text = "Would remove file: %s\t%s\n"
	}
	return dir.Purge(c.Int("n"), c.Bool("dry-run"), func(path string) {
		when := "gone"
		if info, err := os.Stat(path); err == nil {
			when = info.ModTime().Format(javaDateTime)
		}
		fmt.Fprintf(c.App.Writer, text, when, path)
	})
}
