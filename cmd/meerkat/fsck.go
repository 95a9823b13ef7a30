package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/meerkat-zk/meerkat/datadir"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// fsckCommand is the verb fsck.
func fsckCommand() *cli.Command {
	return &cli.Command{
		Name: "fsck", Usage: "check a data directory: snapshots, logs, epochs, myid and, by a full replay, digests",
		ArgsUsage: "[--repair NEWDIR] [zoo.cfg | datadir [datalogdir]]",
		Description: "Changes nothing. Without arguments, " + defaultConfig + " says where the data is.\n" +
			"The exit code is 0 if all is sound and 1 if anything is damaged. With --repair it is that of the copy.",
		Flags: []cli.Flag{
			&cli.PathFlag{Name: "repair", Usage: "write what can be saved into `NEWDIR`, and check that"},
		},
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action:          fsck,
	}
}

func fsck(c *cli.Context) error {
	args, err := toolArgs(c, 0, 2)
	if err != nil {
		return err
	}
	var dataDir, logDir string
	switch len(args) {
	case 2:
		dataDir, logDir = args[0], args[1]
	case 1:
		dataDir, logDir, err = dataDirs(args[0])
	default:
		dataDir, logDir, err = dataDirs(defaultConfig)
	}
	if err != nil {
		return err
	}
	target := c.Path("repair")
	if target != "" { // rather before a long check than after it
		if err := datadir.MustBeNew(vfs.OS{}, target, dataDir, logDir); err != nil {
			return err
		}
	}
	p := newReadProgress(c)
	defer p.clear()
	out := p.over(c.App.Writer)
	check := func(dataDir, logDir string) (datadir.Health, error) {
		return (&datadir.Checker{FS: p.fs(), DataDir: dataDir, LogDir: logDir, Out: out}).Run()
	}
	health, err := check(dataDir, logDir)
	if err != nil {
		return err
	}
	if target != "" {
		fmt.Fprintf(out, "\nrepaired copy in %s\n", target)
		newData, newLog, err := datadir.Repair(p.fs(), dataDir, logDir, target, out)
		if err != nil {
			return err
		}
		if health, err = check(newData, newLog); err != nil {
			return err
		}
	}
	if health != datadir.Sound {
		return fmt.Errorf("%w: %w", errReported, datadir.ErrDamaged)
	}
	return nil
}
