package auth

import (
	"strings"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// ensembleProvider is the scheme ensemble: a client says which ensemble it
// means to talk to, and is cut off when it has reached another one. It grants
// nothing and cannot stand in an ACL.
type ensembleProvider struct {
	names map[string]struct{} // nil: every name is fine
}

// newEnsemble takes the names separated by commas; "" is no list at all.
func newEnsemble(names string) ensembleProvider {
	if names == "" {
		return ensembleProvider{}
	}
	p := ensembleProvider{names: map[string]struct{}{}}
	for name := range strings.SplitSeq(names, ",") {
		p.names[strings.TrimSpace(name)] = struct{}{}
	}
	return p
}

func (ensembleProvider) Scheme() string              { return "ensemble" }
func (ensembleProvider) Authenticated() bool         { return false }
func (ensembleProvider) Matches(string, string) bool { return false }
func (ensembleProvider) Valid(string) bool           { return false }
func (ensembleProvider) UserName(id string) string   { return id }

func (p ensembleProvider) Authenticate(_ Peer, data []byte) ([]proto.ID, Verdict) {
	if len(data) == 0 || p.names == nil {
		return nil, Accept
	}
	if _, ok := p.names[jute.Text(data)]; !ok {
		return nil, Drop
	}
	return nil, Accept
}
