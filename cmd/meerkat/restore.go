package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/meerkat-zk/meerkat/backup"
)

// restoreCommand is the verb restore.
func restoreCommand() *cli.Command {
	return &cli.Command{
		Name: "restore", Usage: "make a data directory of a backup, as of any zxid that it reaches",
		ArgsUsage: "BACKUP (zoo.cfg | datadir [datalogdir])",
		Description: "Both the backup and what is made of it are verified. What is in the directories is put aside with --force, and otherwise\n" +
			"nothing is touched. For an ensemble, restore the same backup on a majority of the servers, and clear the data of the others.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "zxid", Aliases: []string{"z"}, Usage: "restore up to this `ZXID`, decimal or with 0x; the newest without"},
			&cli.BoolFlag{Name: "force", Usage: "put aside what is in the directories"},
			&cli.BoolFlag{Name: "verify-only", Usage: "verify the backup, and restore nothing"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "print what the verification found, file by file"},
		},
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action:          interruptible(restoreBackup),
	}
}

func restoreBackup(c *cli.Context) error {
	most := 3
	if c.Bool("verify-only") {
		most = 1
		for _, flag := range []string{"zxid", "force", "verbose"} {
			if c.IsSet(flag) {
				return fmt.Errorf("%w: --verify-only restores nothing, and --%s has no meaning with it", errUsage, flag)
			}
		}
	}
	args, err := toolArgs(c, 1, most)
	if err != nil {
		return err
	}
	p := newWorkProgress(c)
	defer p.clear()
	if c.Bool("verify-only") {
		return verifyBackup(c, args[0], p)
	}
	opt := backup.RestoreOptions{Zxid: -1, Force: c.Bool("force"), Progress: p.bytes("read")}
	if c.Bool("verbose") {
		opt.Out = c.App.Writer
	}
	if text := c.String("zxid"); text != "" {
		zxid, err := strconv.ParseInt(text, 0, 64)
		if err != nil || zxid < 0 {
			return fmt.Errorf("%w: --zxid=%s: must be a zxid, decimal or with 0x", errUsage, text)
		}
		opt.Zxid = zxid
	}
	var dataDir, logDir string
	switch len(args) {
	case 3:
		dataDir, logDir = args[1], args[2]
	case 2:
		if dataDir, logDir, err = targetDirs(args[1]); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%w: %s %s", errUsage, c.Command.HelpName, c.Command.ArgsUsage)
	}
	r, err := backup.Restore(c.Context, args[0], dataDir, logDir, opt)
	p.clear()
	if r != nil {
		for _, aside := range r.Aside {
			fmt.Fprintf(c.App.Writer, "put aside: %s\n", aside)
		}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "restored %s to zxid 0x%x: %s and %d transactions, verified\n", dataDir, r.Zxid, r.Snapshot, r.Txns)
	return err
}

// targetDirs are dataDirs, of which a directory need not exist yet.
func targetDirs(arg string) (dataDir, logDir string, err error) {
	if isRegular(arg) {
		return dataDirs(arg)
	}
	return arg, "", nil
}

func verifyBackup(c *cli.Context, dir string, p *workProgress) error {
	m, err := backup.Open(dir)
	if err != nil {
		return err
	}
	if err := m.Verify(c.Context, dir, p.bytes("read")); err != nil {
		return err
	}
	p.clear()
	_, err = fmt.Fprintf(c.App.Writer, "backup %s: %d files, %d bytes, ok; of %s at %s, zxid %s to %s\n",
		dir, len(m.Files), m.Bytes(), m.Source, m.Created.Format("2006-01-02 15:04:05 MST"), m.FromZxid, m.UntilZxid)
	return err
}

func isRegular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
