package peer

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/meerkat-zk/meerkat/quorum"
)

// Dial makes a connection to "host:port". It resolves the name each time it is
// called, for the server behind it may have moved, and gives up when ctx ends.
type Dial func(ctx context.Context, address string) (net.Conn, error)

// Deliver hands an input to the loop that owns the core, from any goroutine.
// It may block while the loop is behind; once the loop has ended it returns
// without doing anything.
type Deliver func(quorum.Input)

// errNoAddress means that nobody knows where a server is.
var errNoAddress = errors.New("no address")

// dialAny tries all addresses of one server side by side and returns the
// first connection: an address that does not answer delays no other.
func dialAny(ctx context.Context, dial Dial, addresses []string) (net.Conn, error) {
	if len(addresses) == 0 {
		return nil, errNoAddress
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result, len(addresses))
	for _, address := range addresses {
		go func() {
			conn, err := dial(ctx, address)
			if err != nil {
				err = fmt.Errorf("%s: %w", address, err)
			}
			results <- result{conn, err}
		}()
	}
	var first net.Conn
	var failed []error
	for range addresses {
		r := <-results
		switch {
		case r.err != nil:
			failed = append(failed, r.err)
		case first == nil:
			first = r.conn
			cancel() // the others end, and are waited for
		default:
			_ = r.conn.Close()
		}
	}
	if first == nil {
		return nil, errors.Join(failed...)
	}
	return first, nil
}
