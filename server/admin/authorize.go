package admin

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/meerkat-zk/meerkat/server/auth"
)

// authorize checks the header Authorization: a scheme, and after one blank
// what the scheme needs. It returns the status and what is wrong, or no
// problem.
func authorize(v View, r *http.Request, perms int32) (status int, problem string) {
	header, given := r.Header["Authorization"]
	if !given {
		return http.StatusUnauthorized, "Auth info is missing for the command"
	}
	scheme, data, ok := credentials(header[0])
	if !ok {
		return http.StatusUnauthorized, "Not authenticated"
	}
	ids := v.Authenticate(peerOf(r), scheme, data)
	switch {
	case len(ids) == 0:
		return http.StatusUnauthorized, "Not authenticated"
	case !v.Permits(ids, perms):
		return http.StatusForbidden, "Not authorized"
	}
	return http.StatusOK, ""
}

// credentials splits as Java's String.split(" ") does: blanks at the end do
// not count, two in a row hide an empty word between them.
func credentials(header string) (scheme string, data []byte, ok bool) {
	words := strings.Split(strings.TrimRight(header, " "), " ")
	switch len(words) {
	case 1:
		return words[0], nil, true
	case 2:
		return words[0], []byte(words[1]), true
	}
	return "", nil, false
}

// peerOf describes who asks. Without TLS there are no certificates.
func peerOf(r *http.Request) auth.Peer {
	p := auth.Peer{}
	if addr, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		p.IP = auth.HostText(addr.Addr().Unmap())
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		p.Certificates = r.TLS.VerifiedChains[0]
	}
	return p
}
