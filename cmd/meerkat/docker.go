package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
)

// The user that a container's server runs as, and owns its data: that of the
// official image of Apache ZooKeeper, whose volumes fit.
const (
	imageUID = 1000
	imageGID = 1000
)

// dockerCommand is the verb docker-entrypoint. The image is empty but for the
// binary, so that what the official image does in a shell is done here.
func dockerCommand() *cli.Command {
	return &cli.Command{
		Name: "docker-entrypoint", Hidden: true,
		Usage:           "write zoo.cfg and myid from the environment, as the official image of Apache ZooKeeper does, and serve",
		ArgsUsage:       "[zkServer.sh start-foreground [CONFIG] | zkServer.sh version | zkCli.sh ARGUMENTS | VERB ARGUMENTS]",
		SkipFlagParsing: true,
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action: func(c *cli.Context) error {
			env := imageEnv{os.Getenv}
			args, serves, err := imageVerb(env, c.Args().Slice())
			if err != nil {
				return err
			}
			if serves {
				for _, line := range env.meaningless() {
					fmt.Fprintln(c.App.ErrWriter, line)
				}
				if err := prepareContainer(env); err != nil {
					return err
				}
				if err := os.Setenv("SERVER_JVMFLAGS", env.jvmFlags()); err != nil {
					return err
				}
			}
			app := newApp(c.App.Writer, c.App.ErrWriter)
			return app.RunContext(c.Context, propertiesFirst(append([]string{"meerkat"}, args...)))
		},
	}
}

// imageVerb translates a command line of the official image into one of
// meerkat's, and tells whether it serves.
func imageVerb(env imageEnv, args []string) (verb []string, serves bool, err error) {
	if len(args) == 0 {
		args = []string{"zkServer.sh", "start-foreground"}
	}
	switch filepath.Base(args[0]) {
	case "zkServer.sh":
		switch {
		case len(args) == 2 && args[1] == "start-foreground":
			return []string{"server", env.config()}, true, nil
		case len(args) == 3 && args[1] == "start-foreground" && strings.Contains(args[2], "/"):
			return []string{"server", args[2]}, true, nil
		case len(args) == 3 && args[1] == "start-foreground":
			return []string{"server", filepath.Join(env.get("ZOO_CONF_DIR"), args[2])}, true, nil
		case len(args) == 2 && args[1] == "version":
			return []string{"version", "--apache"}, false, nil
		}
		return nil, false, fmt.Errorf("%w: %s: in a container there are zkServer.sh start-foreground and version, and what meerkat help lists",
			errUsage, strings.Join(args, " "))
	case "zkCli.sh":
		return append([]string{"cli"}, args[1:]...), false, nil
	case "meerkat":
		args = args[1:]
	}
	return args, len(args) > 0 && args[0] == "server", nil
}

// prepareContainer makes the folders and the files that are not there. Root
// gives all of it to the image's user, and becomes that user.
func prepareContainer(env imageEnv) error {
	for _, dir := range env.dirs() {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := writeOnce(env.config(), env.zooCfg()); err != nil {
		return err
	}
	if err := writeOnce(env.myid(), env.get("ZOO_MY_ID")+"\n"); err != nil {
		return err
	}
	if os.Getuid() != 0 {
		return nil
	}
	for _, dir := range env.dirs() {
		if err := giveAway(dir, imageUID, imageGID); err != nil {
			return err
		}
	}
	err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(imageGID), syscall.Setuid(imageUID))
	if err != nil {
		return fmt.Errorf("become user %d: %w", imageUID, err)
	}
	return nil
}

// writeOnce writes a file unless there is one. A container that is killed
// meanwhile leaves none.
func writeOnce(path, text string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// giveAway changes the owner of a folder and all in it. A file that has the
// owner, or that cannot have one, stays: a configuration is often mounted
// read-only.
func giveAway(dir string, uid, gid int) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) == uid && int(stat.Gid) == gid {
			return nil
		}
		err = os.Lchown(path, uid, gid)
		if slices.ContainsFunc([]error{syscall.EROFS, syscall.EPERM}, func(e error) bool { return errors.Is(err, e) }) {
			return nil // the server says what it cannot write
		}
		return err
	})
}
