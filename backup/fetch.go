package backup

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/client"
)

// Fetch takes a backup of one snapshot through a server's admin server, which
// makes it for this call (the command snapshot, since Apache 3.9). base is
// the URL before /commands. It can be restored to that one zxid.
func Fetch(ctx context.Context, hc *http.Client, base string, auth *client.Auth, target string, opt Options) (*Manifest, error) {
	url := strings.TrimSuffix(strings.TrimSuffix(base, "/"), "/commands") + "/commands/snapshot?streaming=true"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if auth != nil {
		req.Header.Set("Authorization", auth.Scheme+" "+string(auth.Data))
	}
	d, err := begin(target, url, opt)
	if err != nil {
		return nil, err
	}
	if err := d.fetch(hc, req); err != nil {
		return nil, d.abandon(err)
	}
	m, err := d.finish()
	if err != nil {
		return nil, d.abandon(err)
	}
	return m, nil
}

// errorBytes is how much of a refusal is shown.
const errorBytes = 400

func (d *draft) fetch(hc *http.Client, req *http.Request) error {
	resp, err := hc.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() // was only read
	zxid, err := strconv.ParseUint(resp.Header.Get("last_zxid"), 0, 64)
	if resp.StatusCode != http.StatusOK || err != nil {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, errorBytes)) // what there is of it
		return fmt.Errorf("%s refuses: %s: %s", req.URL, resp.Status, strings.Join(strings.Fields(string(text)), " "))
	}
	body := bufio.NewReader(resp.Body)
	head, _ := body.Peek(10) // shorter ones fail the verification
	return d.add(req.Context(), "snapshot."+strconv.FormatUint(zxid, 16)+suffix(head), body)
}

// suffix is what the name of a compressed snapshot ends with.
func suffix(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return ".gz"
	case bytes.HasPrefix(head, []byte("\x82SNAPPY\x00")):
		return ".snappy"
	}
	return ""
}
