package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	shell "github.com/meerkat-zk/meerkat/cli"
	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
	"github.com/meerkat-zk/meerkat/server/fourletter"
)

// cliCommand is the verb cli.
func cliCommand() *cli.Command {
	return &cli.Command{
		Name: "cli", Usage: "a shell on servers, as zkCli.sh: interactive, or one command per call",
		ArgsUsage: "[COMMAND [ARGUMENT...]]",
		Description: "meerkat cli help lists the commands. Identities are taken from --auth-file and from " + authVariable + ": lines of\n" +
			"SCHEME:AUTH, for example digest:user:password.",
		Flags: append(connectFlags(),
			&cli.Int64Flag{Name: "timeout", Value: 30000, Usage: "ask for a session timeout of `MS`"},
			&cli.BoolFlag{Name: "r", Usage: "a server without a quorum will do"},
			&cli.BoolFlag{Name: "waitforconnection", Usage: "give up unless connected within the timeout"},
			&cli.PathFlag{Name: "client-configuration", Usage: "read `FILE`, the properties of Apache's client"},
			&cli.StringFlag{Name: "output", Value: "text", Usage: "print text, as zkCli.sh does, or one line of json for each answer"},
		),
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action:          runShell,
	}
}

// authVariable is the environment's place for identities.
const authVariable = "MEERKAT_AUTH"

// connectFlags are those of every verb that is a client.
func connectFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "server", Value: "localhost:2181", Usage: "connect to `HOST:PORT,...`; a path behind it becomes the root"},
		&cli.PathFlag{Name: "auth-file", Usage: "read identities from `FILE`"},
	}
}

// identities reads what --auth-file and the environment name.
func identities(file string) ([]client.Auth, error) {
	text := os.Getenv(authVariable)
	if file != "" {
		raw, err := vfs.ReadFile(vfs.OS{}, file, maxConfigBytes)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		text += "\n" + string(raw)
	}
	var list []client.Auth
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		scheme, auth, ok := strings.Cut(line, ":")
		if !ok || scheme == "" {
			// The line is not shown: it may be a password.
			return nil, fmt.Errorf("%w: a line of identities is not SCHEME:AUTH, for example digest:user:password", errUsage)
		}
		list = append(list, client.Auth{Scheme: scheme, Data: []byte(auth)})
	}
	return list, nil
}

func runShell(c *cli.Context) error {
	cfg, err := shellConfig(c)
	if err != nil {
		return err
	}
	s, err := shell.New(cfg)
	if err != nil {
		return err
	}
	code := 0
	if words := c.Args().Slice(); len(words) > 0 {
		ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
		code = s.Once(ctx, words)
		stop()
	} else {
		code = s.Interact(c.Context, c.App.Reader, historyFile())
	}
	if err := s.Close(); err != nil {
		return err
	}
	if code != 0 {
		return &codeError{code}
	}
	return nil
}

// codeError ends the program with a code; what is to be said has been.
type codeError struct{ code int }

func (e *codeError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// Unwrap marks it as reported.
func (e *codeError) Unwrap() error { return errReported }

func shellConfig(c *cli.Context) (shell.Config, error) {
	cfg := shell.Config{
		Servers: c.String("server"), Timeout: time.Duration(c.Int64("timeout")) * time.Millisecond, ReadOnly: c.Bool("r"),
		Wait: c.Bool("waitforconnection"), Out: c.App.Writer, Err: c.App.ErrWriter, Version: fourletter.Version(build().Version, build().Commit, build().Date),
		Edit: edit,
	}
	if cfg.Timeout <= 0 {
		return cfg, fmt.Errorf("%w: --timeout=%d: must be above 0", errUsage, c.Int64("timeout"))
	}
	switch c.String("output") {
	case "text":
	case "json":
		cfg.JSON = true
	default:
		return cfg, fmt.Errorf("%w: --output=%s: must be text or json", errUsage, c.String("output"))
	}
	if _, _, err := client.ParseServers(cfg.Servers); err != nil {
		return cfg, fmt.Errorf("%w: %w", errUsage, err)
	}
	var err error
	if cfg.Auth, err = identities(c.Path("auth-file")); err != nil {
		return cfg, err
	}
	if path := c.Path("client-configuration"); path != "" {
		err = clientProperties(&cfg, path)
	}
	return cfg, err
}

// clientProperties reads the keys of Apache's client that have a meaning
// here, and refuses those that would change what is sent and do not.
func clientProperties(cfg *shell.Config, path string) error {
	text, err := vfs.ReadFile(vfs.OS{}, path, maxConfigBytes)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	properties, err := conf.ParseProperties(text)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", conf.ErrInvalid, path, err)
	}
	for _, p := range properties {
		value := strings.TrimSpace(p.Value)
		switch {
		case p.Key == "zookeeper.request.timeout":
			ms, err := time.ParseDuration(value + "ms")
			if err != nil || ms < 0 {
				return fmt.Errorf("%w: %s: %s=%s: must be a number of ms", conf.ErrInvalid, path, p.Key, value)
			}
			cfg.RequestTimeout = ms
		case p.Key == "zookeeper.client.secure" && !strings.EqualFold(value, "true"):
		case p.Key == "zookeeper.client.secure", strings.HasPrefix(p.Key, "zookeeper.ssl."), strings.HasPrefix(p.Key, "zookeeper.sasl.client"):
			return fmt.Errorf("%w: %s: %s: not supported by this shell", conf.ErrInvalid, path, p.Key)
		}
	}
	return nil
}

// historyFile is where the lines of the shell are remembered.
func historyFile() string {
	if path, ok := os.LookupEnv("MEERKAT_HISTORY"); ok {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".meerkat_history")
}

// edit lets the user change a file.
func edit(ctx context.Context, path string) error {
	words := strings.Fields(cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"), "vi"))
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], path)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return errors.Join(fmt.Errorf("the editor %s failed", words[0]), err)
	}
	return nil
}

// interruptible lets SIGINT and SIGTERM end an action in good order; a second
// one ends the process at once.
func interruptible(action cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
		defer stop()
		defer context.AfterFunc(ctx, stop)()
		c.Context = ctx
		err := action(c)
		if errors.Is(err, context.Canceled) {
			return errors.New("interrupted")
		}
		return err
	}
}
