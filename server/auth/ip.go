package auth

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// ipProvider is the scheme ip: the id is the client's address, an ACL names a
// network as ADDRESS or ADDRESS/BITS. The parser follows Apache's
// IPAuthenticationProvider and not the standards, for what it takes may stand
// in somebody's data: signs and leading zeros are fine, an IPv6 address with
// a dotted tail or a zone is not. Digits are ASCII here; Java takes those of
// other scripts too.
type ipProvider struct{}

// SchemeIP is the scheme that every connection has an identity of.
const SchemeIP = "ip"

func (ipProvider) Scheme() string            { return SchemeIP }
func (ipProvider) Authenticated() bool       { return false }
func (ipProvider) UserName(id string) string { return id }

func (ipProvider) Authenticate(peer Peer, _ []byte) ([]proto.ID, Verdict) {
	return []proto.ID{{Scheme: SchemeIP, ID: peer.IP}}, Accept
}

func (ipProvider) Matches(id, acl string) bool {
	network, ok := parseNetwork(acl)
	if !ok {
		return false
	}
	host, ok := parseAddress(id)
	return ok && host.len == network.len && host.mask(network.bits) == network.mask(network.bits)
}

func (ipProvider) Valid(acl string) bool {
	_, ok := parseNetwork(acl)
	return ok
}

// address is an IPv4 or IPv6 address; the bytes beyond len are zero.
type address struct {
	bytes [16]byte
	len   int // 4 or 16
	bits  int // of the prefix that counts
}

// parseNetwork reads ADDRESS or ADDRESS/BITS.
func parseNetwork(s string) (address, bool) {
	text, prefix, hasPrefix := strings.Cut(s, "/")
	a, ok := parseAddress(text)
	if !ok || !hasPrefix {
		return a, ok
	}
	a.bits, ok = parseInt(prefix, 10)
	return a, ok && a.bits >= 0 && a.bits <= a.len*8
}

func parseAddress(s string) (address, bool) {
	if strings.IndexByte(s, ':') >= 0 {
		return parseIPv6(s)
	}
	return parseIPv4(s)
}

func parseIPv4(s string) (address, bool) {
	a := address{len: 4, bits: 32}
	for i := range 4 {
		part, rest, more := strings.Cut(s, ".")
		v, ok := parseInt(part, 10)
		if !ok || v < 0 || v > 255 || more != (i < 3) {
			return a, false
		}
		a.bytes[i] = byte(v)
		s = rest
	}
	return a, true
}

// parseIPv6 reads eight groups, or fewer around one "::".
func parseIPv6(s string) (address, bool) {
	a := address{len: 16, bits: 128}
	head, tail, compressed := strings.Cut(s, "::")
	n, m := groups(head), groups(tail)
	if !compressed {
		return a, n == 8 && a.putGroups(0, head)
	}
	if strings.Contains(tail, "::") || n+m >= 8 {
		return a, false
	}
	return a, a.putGroups(0, head) && a.putGroups(16-2*m, tail)
}

// groups counts the groups between colons; there are none in "".
func groups(s string) int {
	if s == "" {
		return 0
	}
	return strings.Count(s, ":") + 1
}

// putGroups stores the groups of s from byte i on.
func (a *address) putGroups(i int, s string) bool {
	for more := s != ""; more; i += 2 {
		var group string
		group, s, more = strings.Cut(s, ":")
		v, ok := parseInt(group, 16)
		if !ok || len(group) > 4 {
			return false
		}
		a.bytes[i], a.bytes[i+1] = byte(v>>8), byte(v)
	}
	return true
}

// mask returns the address's bytes with all but the first bits cleared.
func (a address) mask(bits int) [16]byte {
	for i := range a.bytes {
		switch keep := bits - 8*i; {
		case keep <= 0:
			a.bytes[i] = 0
		case keep < 8:
			a.bytes[i] &= 0xFF << (8 - keep)
		}
	}
	return a.bytes
}

// parseInt reads a 32-bit number as Java's Integer.parseInt does: one sign is
// allowed, blanks and prefixes are not.
func parseInt(s string, base int) (int, bool) {
	digits := s
	if s != "" && (s[0] == '+' || s[0] == '-') {
		digits = s[1:]
	}
	if digits == "" {
		return 0, false
	}
	v := 0
	for i := range len(digits) {
		d := hexDigit(digits[i])
		if d >= base {
			return 0, false
		}
		if v = v*base + d; v > 1<<31 {
			return 0, false
		}
	}
	if s[0] == '-' {
		return -v, true
	}
	return v, v < 1<<31
}

// hexDigit returns the value of c, or 16.
func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return 16
}

// HostText writes an address as the JVM does, which is the form that ip
// identities have and that monitoring scripts know: an IPv6 address as eight
// groups without "::", with the zone behind "%"; an IPv4 address mapped into
// IPv6 as plain IPv4.
func HostText(a netip.Addr) string {
	a = a.Unmap()
	if !a.Is6() {
		return a.String()
	}
	b := make([]byte, 0, 40)
	for i, bytes := 0, a.As16(); i < 16; i += 2 {
		if i > 0 {
			b = append(b, ':')
		}
		b = strconv.AppendUint(b, uint64(bytes[i])<<8|uint64(bytes[i+1]), 16)
	}
	if zone := a.Zone(); zone != "" {
		b = append(append(b, '%'), zone...)
	}
	return string(b)
}
