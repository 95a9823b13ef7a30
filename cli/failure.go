package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// The exit codes of a command (CliException).
const (
	exitOK       = 0
	exitFailed   = 1
	exitNotFound = 127
)

// commandError is a command's refusal: the line that is printed and the exit
// code.
type commandError struct {
	text string
	code int
}

func (e *commandError) Error() string { return e.text }

func failure(format string, args ...any) error {
	return &commandError{fmt.Sprintf(format, args...), exitFailed}
}

// errQuit ends the shell.
var errQuit = errors.New("quit")

// errNotConnected is said on standard output and is no failure, as in
// Apache's shell.
var errNotConnected = errors.New("Not connected")

// explain turns an error into the line that Apache's shell prints
// (CliWrapperException).
func explain(err error) (text string, code int) {
	var own *commandError
	if errors.As(err, &own) {
		return own.text, own.code
	}
	var refused *client.Error
	if !errors.As(err, &refused) {
		if errors.Is(err, context.Canceled) {
			return "interrupted", exitFailed
		}
		return err.Error(), exitFailed
	}
	path := refused.Path
	if path == "" {
		path = "null"
	}
	switch refused.Code {
	case proto.ErrNoNode:
		return "Node does not exist: " + path, exitFailed
	case proto.ErrNoChildrenForEphemeral:
		return "Ephemerals cannot have children: " + path, exitFailed
	case proto.ErrNodeExists:
		return "Node already exists: " + path, exitFailed
	case proto.ErrNotEmpty:
		return "Node not empty: " + path, exitFailed
	case proto.ErrNotReadOnly:
		return "Not a read-only call: " + path, exitFailed
	case proto.ErrInvalidACL:
		return "Acl is not valid : " + path, exitFailed
	case proto.ErrNoAuth:
		return "Insufficient permission : " + path, exitFailed
	case proto.ErrBadArguments:
		return "Arguments are not valid : " + path, exitFailed
	case proto.ErrBadVersion:
		return "version No is not valid : " + path, exitFailed
	case proto.ErrReconfigInProgress:
		return "Another reconfiguration is in progress -- concurrent reconfigs not supported (yet)", exitFailed
	case proto.ErrNewConfigNoQuorum:
		return "No quorum of new config is connected and up-to-date with the leader of last commmitted config" +
			" - try invoking reconfiguration after new servers are connected and synced", exitFailed
	case proto.ErrQuotaExceeded:
		return "Quota has exceeded : " + path, exitFailed
	}
	return refused.Error(), exitFailed
}
