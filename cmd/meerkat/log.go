package main

import (
	"bufio"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/meerkat-zk/meerkat/datadir"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// logCommand is the verb log: what Apache's TxnLogToolkit does, and a check.
func logCommand() *cli.Command {
	force := &cli.BoolFlag{Name: "force", Usage: "overwrite the file that is written"}
	return group("log", "print, check and save transaction log files", []*cli.Command{
		{
			Name: "dump", ArgsUsage: "FILE", Usage: "print every transaction, as zkTxnLogToolkit.sh does",
			Flags:  []cli.Flag{&cli.BoolFlag{Name: "dump", Aliases: []string{"d"}, Usage: "changes nothing: it is what this verb does"}},
			Action: dumpLog,
		},
		{
			Name: "recover", ArgsUsage: "[-v] [-y] FILE", Usage: "copy to FILE.fixed, with wrong checksums set right",
			Description: "Asks about each wrong checksum, unless --yes is given. Damage that hides what follows\nends the copy; the exit code is 1 then.",
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "print all transactions, not only those with a wrong checksum"},
				&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "set all checksums right without asking"},
				force,
			},
			UseShortOptionHandling: true,
			Action:                 recoverLog,
		},
		{
			Name: "chop", ArgsUsage: "-z ZXID FILE", Usage: "copy the transactions up to a zxid to FILE.choppedZXID",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "zxid", Aliases: []string{"z"}, Usage: "the last `ZXID` to keep, decimal or 0x and hexadecimal"},
				force,
			},
			Action: chopLog,
		},
		{
			Name: "verify", ArgsUsage: "FILE...", Usage: "read whole logs and judge how they end",
			Description: "A log that a crash tore is good: nothing that was acknowledged is missing.",
			Action:      func(c *cli.Context) error { return verifyFiles(c, verifyLog) },
		},
	})
}

func verifyLog(fsys vfs.FS, path string) (string, error) {
	check, err := persistence.CheckLogFile(fsys, path, 0)
	text := datadir.LogText(check)
	if check.Torn != "" {
		text += fmt.Sprintf("; torn behind offset %d: %s", check.EndOffset, check.Torn)
	}
	return text, err
}

func dumpLog(c *cli.Context) error {
	args, err := toolArgs(c, 1, 1)
	if err != nil {
		return err
	}
	return datadir.DumpLog(vfs.OS{}, args[0], c.App.Writer, time.Local)
}

func recoverLog(c *cli.Context) error {
	args, err := toolArgs(c, 1, 1)
	if err != nil {
		return err
	}
	opt := datadir.RecoverOptions{Verbose: c.Bool("verbose"), Force: c.Bool("force")}
	if !c.Bool("yes") {
		opt.Fix = askToFix(c)
	}
	err = datadir.RecoverLog(vfs.OS{}, args[0], c.App.Writer, time.Local, opt)
	switch {
	case errors.Is(err, datadir.ErrAborted):
		fmt.Fprintln(c.App.ErrWriter, "Recovery aborted.")
		return nil // it was asked for
	case errors.Is(err, datadir.ErrTorn):
		fmt.Fprintln(c.App.ErrWriter, "meerkat:", err)
		return nil // all there was is saved
	}
	return err
}

// askToFix asks until there is an answer.
func askToFix(c *cli.Context) func() (bool, error) {
	words := bufio.NewScanner(c.App.Reader)
	words.Split(bufio.ScanWords)
	return func() (bool, error) {
		for {
			fmt.Fprint(c.App.Writer, "Would you like to fix it (Yes/No/Abort) ? ")
			if !words.Scan() {
				return false, errors.Join(fmt.Errorf("%w: no answer; --yes does not ask", errUsage), words.Err())
			}
			switch words.Text()[0] {
			case 'y', 'Y':
				return true, nil
			case 'n', 'N':
				return false, nil
			case 'a', 'A':
				return false, datadir.ErrAborted
			}
		}
	}
}

func chopLog(c *cli.Context) error {
	args, err := toolArgs(c, 1, 1)
	if err != nil {
		return err
	}
	text := c.String("zxid")
	zxid, err := parseZxid(text)
	if err != nil {
		return fmt.Errorf("%w: --zxid is %q, and must be a zxid, decimal or 0x and hexadecimal", errUsage, text)
	}
	_, err = datadir.ChopLog(vfs.OS{}, args[0], zxid, c.App.Writer, c.Bool("force"))
	return err
}

// parseZxid reads what Java's Long.decode reads, but for signs.
func parseZxid(text string) (int64, error) {
	base := 10
	switch {
	case strings.HasPrefix(text, "0x"), strings.HasPrefix(text, "0X"):
		text, base = text[2:], 16
	case strings.HasPrefix(text, "#"):
		text, base = text[1:], 16
	case len(text) > 1 && text[0] == '0':
		text, base = text[1:], 8
	}
	zxid, err := strconv.ParseUint(text, base, 63)
	return int64(zxid), err
}
