package auth

import (
	"crypto/x509"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Provider is one authentication scheme. All methods may be called by several
// goroutines at once. Matches is called for every request on a node whose ACL
// names the scheme, so it should not allocate.
type Provider interface {
	// Scheme is the name that ACLs and auth packets use.
	Scheme() string

	// Authenticated tells whether an identity of this scheme proves who the
	// client is. Only such identities stand in for the scheme "auth".
	Authenticated() bool

	// Authenticate answers an auth packet. The identities count only with
	// the verdict Accept, which may come without any. data is nil when the
	// packet held null; it must not be kept.
	Authenticate(peer Peer, data []byte) ([]proto.ID, Verdict)

	// Matches tells whether the identity id is meant by the id text of an
	// ACL entry.
	Matches(id, acl string) bool

	// Valid tells whether an ACL entry may carry the id text.
	Valid(acl string) bool

	// UserName is the name to show to people for the identity id.
	UserName(id string) string
}

// Peer is what a provider may know of a connection.
type Peer struct {
	IP           string              // as HostText gives it
	Certificates []*x509.Certificate // verified chain, leaf first; nil without TLS
}

// Verdict is what happens to a connection after an auth packet.
type Verdict int

// The verdicts.
const (
	Refuse Verdict = iota // answer AUTHFAILED, then close
	Accept                // add the identities, answer OK
	Drop                  // close without an answer, so that the client tries another server
)

// SchemeSuper is the scheme of the identity that passes every check. It has
// no provider: nobody can ask for it by name.
const SchemeSuper = "super"

// Super is the identity that passes every check.
var Super = proto.ID{Scheme: SchemeSuper, ID: ""}

// Add returns ids with those of more that it lacks. ids itself is left alone:
// requests that are under way hold it.
func Add(ids []proto.ID, more ...proto.ID) []proto.ID {
	grown := ids[:len(ids):len(ids)]
	for _, id := range more {
		if !contains(grown, id) {
			grown = append(grown, id)
		}
	}
	return grown
}

func contains(ids []proto.ID, id proto.ID) bool {
	for i := range ids {
		if ids[i] == id {
			return true
		}
	}
	return false
}
