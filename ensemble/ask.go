package ensemble

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
)

// Errors of a server that was reached and did not answer.
var (
	ErrNotServing = errors.New("not serving requests (no quorum, or still starting)")
	ErrNotAllowed = errors.New("not in 4lw.commands.whitelist")
	ErrNoAnswer   = errors.New("answered nothing (is it a ZooKeeper client port?)")
)

// maxAnswerBytes is more than srvr and mntr ever answer, and what is read of
// cons.
const maxAnswerBytes = 4 << 20

// ask sends a four-letter word and returns the answer.
func ask(ctx context.Context, addr, word string) (string, error) {
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer nc.Close() // nothing of it is needed any more
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	defer stop()
	if _, err := io.WriteString(nc, word); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(io.LimitReader(nc, maxAnswerBytes))
	text := string(answer)
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("no answer to %s in time", word)
	case len(text) == 0 && err != nil:
		return "", err
	case strings.TrimSpace(text) == "":
		return "", ErrNoAnswer
	case strings.Contains(text, "is not executed because it is not in the whitelist"):
		return "", fmt.Errorf("%s: %w", word, ErrNotAllowed)
	case strings.HasPrefix(text, "This ZooKeeper instance is not currently serving requests"):
		return "", ErrNotServing
	}
	return text, nil
}
