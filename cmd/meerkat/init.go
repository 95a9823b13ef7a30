package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/urfave/cli/v2"

	"github.com/meerkat-zk/meerkat/datadir"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// initCommand is the verb init.
func initCommand() *cli.Command {
	return &cli.Command{
		Name: "init", Usage: "make an empty data directory, as zkServer-initialize.sh does",
		ArgsUsage: " ",
		Description: "Makes version-2 in dataDir and dataLogDir, myid, and the file initialize, by which the first start\n" +
			"knows that there is meant to be no data.",
		Flags: []cli.Flag{
			&cli.PathFlag{Name: "configfile", Value: defaultConfig, Usage: "read the directories from this `FILE`"},
			&cli.StringFlag{Name: "myid", Usage: "be the server `N` of an ensemble"},
			&cli.BoolFlag{Name: "force", Usage: "remove the data that is there"},
		},
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action: func(c *cli.Context) error {
			if _, err := toolArgs(c, 0, 0); err != nil {
				return err
			}
			file := c.Path("configfile")
			dataDir, logDir, err := dataDirs(file)
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("unable to find config file at %s", file)
			}
			if err != nil {
				return err
			}
			return datadir.Initialize(vfs.OS{}, datadir.InitOptions{
				DataDir: dataDir, LogDir: logDir, MyID: c.String("myid"), Force: c.Bool("force"),
			}, c.App.Writer)
		},
	}
}
