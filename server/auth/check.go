package auth

import (
	"errors"
	"fmt"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// ErrACLTooLarge means an ACL that grows beyond the limit when the scheme
// "auth" is replaced. It comes wrapped together with proto.ErrInvalidACL.
var ErrACLTooLarge = errors.New("auth: ACL too large")

// SchemeDigest is the scheme whose ids Mask hides.
const SchemeDigest = "digest"

// Check tells whether ids may do perm on a node with this ACL. An entry
// counts when it shares any bit with perm. An empty ACL is open to all. Check
// does not allocate.
func (r *Registry) Check(acl []proto.ACL, perm int32, ids []proto.ID) bool {
	if r.skipACL || len(acl) == 0 {
		return true
	}
	for i := range ids {
		if ids[i].Scheme == SchemeSuper {
			return true
		}
	}
	for i := range acl {
		a := &acl[i]
		if a.Perms&perm != 0 && (a.ID == proto.Anyone || r.matches(&a.ID, ids)) {
			return true
		}
	}
	return false
}

// matches tells whether one of ids is meant by the id of an ACL entry.
func (r *Registry) matches(entry *proto.ID, ids []proto.ID) bool {
	p, ok := r.providers[entry.Scheme]
	if !ok {
		return false
	}
	for i := range ids {
		if ids[i].Scheme == entry.Scheme && p.Matches(ids[i].ID, entry.ID) {
			return true
		}
	}
	return false
}

// Fixup turns the ACL that a client holding ids sends into the one to store:
// duplicates go, the scheme "auth" becomes one entry for each authenticated
// identity of the client, in the order in which it got them. Every error
// wraps proto.ErrInvalidACL. The result shares nothing with acl but strings,
// and is not to be modified.
func (r *Registry) Fixup(ids []proto.ID, acl []proto.ACL) ([]proto.ACL, error) {
	if len(acl) == 0 {
		return nil, fmt.Errorf("%w: empty", proto.ErrInvalidACL)
	}
	if len(acl) == 1 && acl[0] == proto.OpenACL[0] {
		return proto.OpenACL, nil // nearly all of them
	}
	f := fixup{r: r, ids: ids, out: make([]proto.ACL, 0, len(acl))}
	for _, a := range dedup(acl) {
		if err := f.entry(a); err != nil {
			return nil, err
		}
	}
	return f.out, nil
}

// fixup is one run of Fixup.
type fixup struct {
	r     *Registry
	ids   []proto.ID
	out   []proto.ACL
	bytes int // wire size of out
}

func (f *fixup) entry(a proto.ACL) error {
	if a.ID == proto.Anyone {
		return f.add(a)
	}
	if a.ID.Scheme == "auth" {
		return f.expand(a.Perms)
	}
	p, ok := f.r.providers[a.ID.Scheme]
	if !ok {
		return fmt.Errorf("%w: no scheme %q", proto.ErrInvalidACL, a.ID.Scheme)
	}
	if !p.Valid(a.ID.ID) {
		return fmt.Errorf("%w: the scheme %s does not take the id %q", proto.ErrInvalidACL, a.ID.Scheme, a.ID.ID)
	}
	return f.add(a)
}

func (f *fixup) expand(perms int32) error {
	found := false
	for _, id := range f.ids {
		if p, ok := f.r.providers[id.Scheme]; ok && p.Authenticated() {
			found = true
			if err := f.add(proto.ACL{Perms: perms, ID: id}); err != nil {
				return err
			}
		}
	}
	if !found {
		return fmt.Errorf("%w: the client is not authenticated", proto.ErrInvalidACL)
	}
	return nil
}

func (f *fixup) add(a proto.ACL) error {
	const headBytes = 12 // perms and two string lengths
	f.bytes += headBytes + len(a.ID.Scheme) + len(a.ID.ID)
	if f.bytes > f.r.maxACLBytes {
		return fmt.Errorf("%w: %w: more than %d bytes", proto.ErrInvalidACL, ErrACLTooLarge, f.r.maxACLBytes)
	}
	f.out = append(f.out, a)
	return nil
}

// dedup drops all but the first of equal entries. Short ACLs, which are
// nearly all, are compared pairwise; a hostile one costs a map.
func dedup(acl []proto.ACL) []proto.ACL {
	const short = 16
	if len(acl) == 1 {
		return acl
	}
	out := make([]proto.ACL, 0, len(acl))
	if len(acl) <= short {
		for _, a := range acl {
			if !containsACL(out, a) {
				out = append(out, a)
			}
		}
		return out
	}
	seen := make(map[proto.ACL]struct{}, len(acl))
	for _, a := range acl {
		if _, dup := seen[a]; !dup {
			seen[a] = struct{}{}
			out = append(out, a)
		}
	}
	return out
}

func containsACL(acl []proto.ACL, a proto.ACL) bool {
	for i := range acl {
		if acl[i] == a {
			return true
		}
	}
	return false
}

// Mask returns the ACL as a client without ADMIN sees it: the hash of every
// digest id is replaced by "x". acl is left alone, and returned as it is when
// there is nothing to hide.
func Mask(acl []proto.ACL) []proto.ACL {
	var masked []proto.ACL
	for i, a := range acl {
		if a.ID.Scheme != SchemeDigest {
			continue
		}
		if masked == nil {
			masked = append([]proto.ACL(nil), acl...)
		}
		masked[i].ID.ID = maskID(a.ID.ID)
	}
	if masked == nil {
		return acl
	}
	return masked
}

// maskID replaces everything from the first colon to the end of the line,
// in every line, for Apache does it with a regular expression.
func maskID(id string) string {
	colon := strings.IndexByte(id, ':')
	if colon < 0 {
		return id
	}
	rest := id[colon+1:]
	end := strings.IndexAny(rest, "\n\r\u0085\u2028\u2029")
	if end < 0 {
		return id[:colon] + ":x"
	}
	return id[:colon] + ":x" + maskID(rest[end:])
}
