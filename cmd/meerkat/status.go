package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/ensemble"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// exitDown tells that an ensemble takes no writes.
const exitDown = 4

// memberFlags are those of verbs that ask every server of an ensemble.
func memberFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "server", Usage: "ask `HOST:PORT,...` instead of the servers of a zoo.cfg"},
		&cli.DurationFlag{Name: "timeout", Value: 3 * time.Second, Usage: "wait so long for the answers"},
	}
}

// statusCommand is the verb status.
func statusCommand() *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "roles, zxids, lag and load of all servers of an ensemble, at a glance",
		ArgsUsage: "[zoo.cfg]",
		Description: "Asks srvr over the client ports, which every server answers, and mntr for what the whitelist lets it tell.\n" +
			"The exit code is 0 if all is well, 1 if something is wrong, and 4 if there is nobody who takes writes.",
		Flags:           append(memberFlags(), &cli.StringFlag{Name: "output", Value: "text", Usage: "print text or json"}),
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action: func(c *cli.Context) error {
			members, err := members(c)
			if err != nil {
				return err
			}
			s := askAll(c.Context, members, c.Duration("timeout"), false)
			switch c.String("output") {
			case "text":
				err = s.WriteTable(c.App.Writer)
			case "json":
				enc := json.NewEncoder(c.App.Writer)
				enc.SetIndent("", "  ")
				err = enc.Encode(s.JSON())
			default:
				err = fmt.Errorf("%w: --output=%s: must be text or json", errUsage, c.String("output"))
			}
			if err != nil || s.Health == ensemble.OK {
				return err
			}
			return &codeError{map[ensemble.Health]int{ensemble.Degraded: exitUnexpected, ensemble.Down: exitDown}[s.Health]}
		},
	}
}

// members are those of --server or of a zoo.cfg.
func members(c *cli.Context) ([]ensemble.Member, error) {
	args, err := toolArgs(c, 0, 1)
	if err != nil {
		return nil, err
	}
	if c.Duration("timeout") <= 0 {
		return nil, fmt.Errorf("%w: --timeout=%v: must be above 0", errUsage, c.Duration("timeout"))
	}
	if list := c.String("server"); list != "" {
		if len(args) > 0 {
			return nil, fmt.Errorf("%w: --server and a zoo.cfg", errUsage)
		}
		servers, _, err := client.ParseServers(list)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		return ensemble.FromList(servers), nil
	}
	path := defaultConfig
	if len(args) > 0 {
		path = args[0]
	}
	if _, err := os.Stat(path); err != nil && strings.Contains(path, ":") {
		return nil, fmt.Errorf("%w: %s is no file; a list of servers is given with --server", errUsage, path)
	}
	found, err := ensemble.FromConfig(path, func(path string) ([]byte, error) { return vfs.ReadFile(vfs.OS{}, path, maxConfigBytes) })
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	return found, nil
}

// askAll asks all members and judges what they say.
func askAll(ctx context.Context, members []ensemble.Member, timeout time.Duration, clients bool) ensemble.Status {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return ensemble.Judge(ensemble.Ask(ctx, members, clients))
}
