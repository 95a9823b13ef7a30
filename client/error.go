package client

import (
	"errors"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// ErrClosed means a session that was closed, or that its server has given up.
var ErrClosed = errors.New("the session is closed")

// ErrProtocol means that a server sent what no ZooKeeper server sends.
var ErrProtocol = errors.New("not the ZooKeeper protocol")

// Error is the refusal of a request, with the path that Apache's client
// reports (KeeperException).
type Error struct {
	Code proto.ErrCode
	Path string // "" when the request has none
}

// Error returns the text of Apache's exception.
func (e *Error) Error() string {
	if e.Path == "" {
		return "KeeperErrorCode = " + e.Code.Error()
	}
	return "KeeperErrorCode = " + e.Code.Error() + " for " + e.Path
}

// Unwrap gives the code, for errors.Is with the codes of package proto.
func (e *Error) Unwrap() error { return e.Code }

// refused adds a path to a code that a server answered with.
func refused(err error, path string) error {
	var code proto.ErrCode
	if errors.As(err, &code) {
		return &Error{Code: code, Path: path}
	}
	return err
}
