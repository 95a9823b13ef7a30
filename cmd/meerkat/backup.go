package main

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/meerkat-zk/meerkat/backup"
	"github.com/meerkat-zk/meerkat/client"
)

// backupCommand is the verb backup.
func backupCommand() *cli.Command {
	return &cli.Command{
		Name: "backup", Usage: "copy the snapshots and logs of a server, running or not, and verify the copy",
		ArgsUsage: "[zoo.cfg | datadir [datalogdir]] TARGET",
		Description: "Without a source, " + defaultConfig + " says where the data is. With --admin a server elsewhere is asked for a snapshot instead, with the\n" +
			"first identity of --auth-file or " + authVariable + " (an administrator of the znode /). meerkat restore makes a data directory of a backup.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "admin", Usage: "fetch a snapshot from the admin server at `URL`, for example http://host:8080"},
			&cli.PathFlag{Name: "auth-file", Usage: "read identities from `FILE`"},
			&cli.BoolFlag{Name: "newest", Usage: "copy the newest snapshot and what follows it, instead of all there is"},
			&cli.BoolFlag{Name: "force", Usage: "replace a backup that is there"},
		},
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action:          interruptible(takeBackup),
	}
}

func takeBackup(c *cli.Context) error {
	args, err := toolArgs(c, 1, 3)
	if err != nil {
		return err
	}
	target, source := args[len(args)-1], args[:len(args)-1]
	p := newWorkProgress(c)
	defer p.clear()
	opt := backup.Options{Newest: c.Bool("newest"), Force: c.Bool("force"), Now: time.Now(), Progress: p.bytes("copied")}
	var m *backup.Manifest
	if admin := c.String("admin"); admin != "" {
		if len(source) > 0 {
			return fmt.Errorf("%w: --admin and a directory", errUsage)
		}
		m, err = fetchBackup(c, admin, target, opt)
	} else {
		m, err = copyBackup(c, source, target, opt)
	}
	if err != nil {
		return err
	}
	p.clear()
	_, err = fmt.Fprintf(c.App.Writer, "backup %s: %d files, %d bytes, verified; it can be restored to zxid %s to %s\n",
		target, len(m.Files), m.Bytes(), m.FromZxid, m.UntilZxid)
	return err
}

func copyBackup(c *cli.Context, source []string, target string, opt backup.Options) (*backup.Manifest, error) {
	var dataDir, logDir string
	var err error
	switch len(source) {
	case 2:
		dataDir, logDir = source[0], source[1]
	case 1:
		dataDir, logDir, err = dataDirs(source[0])
	default:
		dataDir, logDir, err = dataDirs(defaultConfig)
	}
	if err != nil {
		return nil, err
	}
	return backup.Take(c.Context, dataDir, logDir, target, opt)
}

func fetchBackup(c *cli.Context, admin, target string, opt backup.Options) (*backup.Manifest, error) {
	if u, err := url.Parse(admin); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%w: --admin=%s: must be like http://host:8080", errUsage, admin)
	}
	list, err := identities(c.Path("auth-file"))
	if err != nil {
		return nil, err
	}
	var auth *client.Auth
	if len(list) > 0 {
		auth = &list[0]
	}
	return backup.Fetch(c.Context, http.DefaultClient, admin, auth, target, opt)
}

// bytes reports how much was done.
func (p *workProgress) bytes(what string) func(int64) {
	done := int64(0)
	return func(n int64) {
		done += n
		p.show("%s %d MiB", what, done>>20)
	}
}
