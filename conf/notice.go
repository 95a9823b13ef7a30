package conf

import (
	"errors"
	"fmt"
)

// The kinds of errors. Apache exits with code 2 for all of them.
var (
	// ErrInvalid means a value that is not allowed.
	ErrInvalid = errors.New("invalid configuration")
	// ErrNotBuilt means that a key asks for a capability that this server
	// does not have yet.
	ErrNotBuilt = errors.New("capability not built yet")
)

// Place is where a setting was made.
type Place struct {
	File string // "" for a system property or an argument
	Line int    // from 1; 0 when there is no file
}

// Error is one setting that cannot be accepted. It wraps ErrInvalid or
// ErrNotBuilt.
type Error struct {
	Place
	Key     string // as it was written: in a file the key, with -D the property
	Value   string
	Problem string // what is wrong and what is allowed
	Kind    error
}

// Error is the setting with its place, and what is wrong with it.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.at(e.Key, e.Value), e.Problem) }

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

// Notice is one line for the operator about a setting that is accepted.
type Notice struct {
	Place
	Key   string // as in Error; "" when it is about no single key
	Value string
	Text  string
	Warn  bool // something is probably not as intended, or not safe
}

// String is the setting with its place, and what there is to say.
func (n Notice) String() string {
	if n.Key == "" {
		return n.Text
	}
	return fmt.Sprintf("%s: %s", n.at(n.Key, n.Value), n.Text)
}

// at renders a setting with its place.
func (p Place) at(key, value string) string {
	if p.File == "" {
		return fmt.Sprintf("%s=%s", key, value)
	}
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, key)
	}
	return fmt.Sprintf("%s:%d: %s=%s", p.File, p.Line, key, value)
}
