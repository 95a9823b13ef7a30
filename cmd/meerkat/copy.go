package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/subtree"
)

// copyCommand is the verb copy.
func copyCommand() *cli.Command {
	return &cli.Command{
		Name: "copy", Usage: "copy a subtree from one live cluster to another, with data and ACLs",
		ArgsUsage: "FROM-SERVERS[/PATH] TO-SERVERS[/PATH]",
		Description: "SERVERS is host:port,host:port. Ephemerals are left out and counted; what is there already and differs ends the copy, unless\n" +
			"--overwrite is given. Afterwards both sides are read again and compared. To read all ACLs the identity of an administrator\n" +
			"is needed, on both sides: --auth-file, or " + authVariable + ".",
		Flags: []cli.Flag{
			&cli.PathFlag{Name: "auth-file", Usage: "read identities for both sides from `FILE`"},
			&cli.PathFlag{Name: "to-auth-file", Usage: "read those of the target from `FILE` instead"},
			&cli.BoolFlag{Name: "overwrite", Usage: "give what is there already the data and ACL of the source"},
			&cli.BoolFlag{Name: "open-acl", Usage: "copy no ACLs: everybody may do everything"},
			&cli.BoolFlag{Name: "dry-run", Usage: "write nothing, and say what would be done"},
			&cli.BoolFlag{Name: "no-verify", Usage: "do not read and compare both sides afterwards"},
			&cli.DurationFlag{Name: "timeout", Value: 30 * time.Second, Usage: "ask for this session timeout"},
		},
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action:          interruptible(copyClusters),
	}
}

// maxDifferences is how many differences are printed.
const maxDifferences = 20

// errDifferent means that the two sides of a copy are not equal.
var errDifferent = errors.New("the two sides differ")

func copyClusters(c *cli.Context) error {
	args, err := toolArgs(c, 2, 2)
	if err != nil {
		return err
	}
	toAuth := c.Path("auth-file")
	if c.IsSet("to-auth-file") {
		toAuth = c.Path("to-auth-file")
	}
	from, err := openPlace(c, args[0], c.Path("auth-file"))
	if err != nil {
		return err
	}
	defer from.ZK.Close()
	to, err := openPlace(c, args[1], toAuth)
	if err != nil {
		return err
	}
	defer to.ZK.Close()
	p := newWorkProgress(c)
	defer p.clear()
	opt := subtree.Options{
		Overwrite: c.Bool("overwrite"), OpenACL: c.Bool("open-acl"), DryRun: c.Bool("dry-run"),
		Progress: func(n subtree.Counts) { p.show("%d znodes read, %d created", n.Read, n.Created) },
	}
	if !opt.DryRun {
		if err := subtree.MakeParents(c.Context, to.ZK, to.Root); err != nil {
			return fmt.Errorf("%s: %w", args[1], err)
		}
	}
	counts, err := subtree.Copy(c.Context, from, to, opt)
	p.clear()
	title := "copied"
	if opt.DryRun {
		title = "would copy"
	}
	fmt.Fprintf(c.App.Writer, "%s: %s\n", title, counts)
	if err != nil || opt.DryRun || c.Bool("no-verify") {
		return err
	}
	return verifyCopy(c, p, from, to, opt)
}

// openPlace connects to SERVERS/PATH.
func openPlace(c *cli.Context, text, authFile string) (subtree.Place, error) {
	servers, root, err := client.ParseServers(text)
	if err != nil {
		return subtree.Place{}, fmt.Errorf("%w: %w", errUsage, err)
	}
	auth, err := identities(authFile)
	if err != nil {
		return subtree.Place{}, err
	}
	if root == "" {
		root = "/"
	}
	zk := client.Open(client.Config{Servers: servers, Timeout: c.Duration("timeout"), Auth: auth})
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	if err := zk.Connect(ctx); err != nil {
		zk.Close()
		return subtree.Place{}, err
	}
	return subtree.Place{ZK: zk, Root: root}, nil
}

// verifyCopy compares the two sides of a copy.
func verifyCopy(c *cli.Context, p *workProgress, from, to subtree.Place, opt subtree.Options) error {
	p.show("comparing")
	found, extra := 0, 0
	same, err := subtree.Compare(c.Context, from, to, opt.OpenACL, func(d subtree.Difference) {
		if d.Extra {
			extra++
			return
		}
		if found++; found <= maxDifferences {
			p.clear()
			fmt.Fprintf(c.App.Writer, "%s %s\n", (&subtree.Node{Path: d.Path}).At(to.Root), d.What)
		}
	})
	p.clear()
	if err != nil {
		return err
	}
	if found > 0 {
		return fmt.Errorf("%w in %d znodes, and are equal in %d: did somebody write meanwhile?", errDifferent, found, same)
	}
	more := ""
	if extra > 0 {
		more = fmt.Sprintf(", and %d more are in the target alone", extra)
	}
	_, err = fmt.Fprintf(c.App.Writer, "verified: %d znodes are equal%s\n", same, more)
	return err
}

// workProgress shows on a terminal how far work is; into a file or a pipe it
// writes nothing.
type workProgress struct {
	out io.Writer // nil: not a terminal

	mu    sync.Mutex
	last  time.Time // when it was shown; below all under mu
	shown bool
}

func newWorkProgress(c *cli.Context) *workProgress {
	p := &workProgress{}
	if f, ok := c.App.ErrWriter.(*os.File); ok {
		if line := newProgressLine(f); line.out != nil {
			p.out = line.out
		}
	}
	return p
}

func (p *workProgress) show(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.out != nil && now.Sub(p.last) >= progressEvery {
		p.last, p.shown = now, true
		fmt.Fprintf(p.out, eraseLine+format, args...)
	}
}

func (p *workProgress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.out, eraseLine)
		p.shown = false
	}
}
