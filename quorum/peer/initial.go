package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strings"

	"github.com/meerkat-zk/meerkat/jute"
)

// The first long on an election connection, unless it is a server id as very
// old servers send it.
const (
	initialOneAddress   int64 = -65536 // one address follows
	initialAllAddresses int64 = -65535 // all addresses follow, joined by "|"
)

const (
	maxAddressText = 2048          // bytes, as Apache
	anonymous      = math.MaxInt64 // the id of an observer that has none
)

var errInitial = errors.New("malformed initial message")

// initialMessage is what a dialler says first on an election connection.
//
//	offset  size  field
//	0       8     version: -65536, or -65535 with several addresses
//	8       8     server id
//	16      4     length of the address text, 1 to 2048
//	20      n     election address "host:port" of the dialler; IPv6 hosts in
//	              brackets; several joined by "|"
//
// Very old servers send the server id alone.
type initialMessage struct {
	server    int64
	addresses []string
}

// append adds the wire form to b; all tells whether every address goes out or
// only the first, which all versions of Apache understand. The message must
// leave in one write: Apache takes an address that comes in two pieces for an
// error.
func (m *initialMessage) append(b []byte, all bool) []byte {
	version, text := initialOneAddress, m.addresses[0]
	if all {
		version, text = initialAllAddresses, strings.Join(m.addresses, "|")
	}
	b = jute.AppendLong(b, version)
	b = jute.AppendLong(b, m.server)
	b = jute.AppendInt(b, int32(len(text)))
	return append(b, text...)
}

// readInitial reads the message. Addresses that stand for every interface say
// nothing and are left out, so there may be none.
func readInitial(r io.Reader) (initialMessage, error) {
	var m initialMessage
	var head [12]byte
	if _, err := io.ReadFull(r, head[:8]); err != nil {
		return m, err
	}
	version := int64(binary.BigEndian.Uint64(head[:]))
	if version >= 0 {
		m.server = version
		return m, nil
	}
	if version != initialOneAddress && version != initialAllAddresses {
		return m, fmt.Errorf("%w: version %d", errInitial, version)
	}
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return m, err
	}
	m.server = int64(binary.BigEndian.Uint64(head[:]))
	size := int32(binary.BigEndian.Uint32(head[8:]))
	if size < 1 || size > maxAddressText {
		return m, fmt.Errorf("%w: address of %d bytes", errInitial, size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return m, err
	}
	for address := range strings.SplitSeq(string(text), "|") {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return m, fmt.Errorf("%w: address: %w", errInitial, err)
		}
		if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
			m.addresses = append(m.addresses, address)
		}
	}
	return m, nil
}
