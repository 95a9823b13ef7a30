package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"
)

// How long the verb word waits for a connection and for each read, as
// Apache's FourLetterWordMain does, and how much it takes.
const (
	wordTimeout  = 5 * time.Second
	maxWordBytes = 64 << 20 // wchp of a large server
	wordBytes    = 4
)

// errNoAnswer means that a server closed the connection without a word.
var errNoAnswer = errors.New("the server answered nothing")

// wordCommand is the verb word: what zkServer.sh status and health checks
// need where there is no nc.
func wordCommand() *cli.Command {
	return &cli.Command{
		Name: "word", Usage: "ask a server a four-letter word and print the answer",
		ArgsUsage: "HOST PORT WORD",
		Description: "For example: meerkat word localhost 2181 ruok. A word that the server does not answer, because\n" +
			"4lw.commands.whitelist has it not, is printed as the server refuses it.",
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action: func(c *cli.Context) error {
			args, err := toolArgs(c, 3, 3)
			if err != nil {
				return err
			}
			if port, err := strconv.ParseUint(args[1], 10, 16); err != nil || port == 0 {
				return fmt.Errorf("%w: the port %q must be a number from 1 to 65535", errUsage, args[1])
			}
			if len(args[2]) != wordBytes {
				return fmt.Errorf("%w: %q is no word of four letters", errUsage, args[2])
			}
			return askWord(c.App.Writer, net.JoinHostPort(args[0], args[1]), args[2], wordTimeout)
		},
	}
}

// askWord sends a word and copies the answer to w. timeout is for the
// connection and for each read.
func askWord(w io.Writer, addr, word string, timeout time.Duration) error {
	conn, err := net.DialTimeout("tcp", addr, timeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, word); err != nil {
		return err
	}
	n, err := io.Copy(w, io.LimitReader(&patientReader{conn, timeout}, maxWordBytes))
	if err == nil && n == 0 {
		return fmt.Errorf("%s: %w", addr, errNoAnswer)
	}
	return err
}

// patientReader gives each read the whole timeout.
type patientReader struct {
	conn    net.Conn
	timeout time.Duration
}

func (r *patientReader) Read(b []byte) (int, error) {
	if err := r.conn.SetReadDeadline(time.Now().Add(r.timeout)); err != nil {
		return 0, err
	}
	return r.conn.Read(b)
}
