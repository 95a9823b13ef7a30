package auth

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// The reasons why a configuration is refused.
var (
	// ErrProvider means a class of zookeeper.authProvider.* that this server
	// has no provider for.
	ErrProvider = errors.New("auth: no such provider")
	// ErrDigestAlg means a digest algorithm that this server does not know.
	ErrDigestAlg = errors.New("auth: unknown digest algorithm")
	// ErrEnforce means enforced authentication without a usable scheme.
	ErrEnforce = errors.New("auth: enforced authentication")
)

// The limits that Apache lacks. Without them one client could make the server
// store an ACL far larger than the frame that asked for it, by adding many
// identities and naming the scheme "auth" many times.
const (
	// DefaultMaxIDs bounds the identities of one connection.
	DefaultMaxIDs = 1024
	// DefaultMaxIDBytes bounds them in their wire form, for they go with every
	// write that is forwarded to a leader.
	DefaultMaxIDBytes = 128 << 10
	// DefaultMaxACLBytes bounds the wire form of an ACL after Fixup; it is
	// the default of jute.maxbuffer.
	DefaultMaxACLBytes = 1048575
)

// Config says which schemes exist and what is asked of a client. Names in
// parentheses are Apache's properties, after "zookeeper.".
type Config struct {
	SkipACL bool // no check of any ACL (skipACL=yes)

	DigestEnabled bool   // the scheme digest exists (DigestAuthenticationProvider.enabled, true unless said otherwise)
	DigestAlg     string // Java's name of the hash; "" is SHA1 (DigestAuthenticationProvider.digestAlg)
	SuperDigest   string // user:BASE64(HASH(user:password)) of the super user; "" is nobody (DigestAuthenticationProvider.superDigest)

	Classes       map[string]string // free text to Java class name (authProvider.*)
	EnsembleNames string            // names that clients may expect, by comma; used when Classes names the ensemble provider (ensembleAuthName)
	Providers     []Provider        // those that are built elsewhere: x509, sasl

	EnforceAuth    bool     // a client must hold an identity of one of EnforceSchemes (enforce.auth.enabled)
	EnforceSchemes []string // trimmed (enforce.auth.schemes)
	RequireSASL    bool     // enforce the scheme sasl instead of the two above (sessionRequireClientSASLAuth)

	MaxIDs      int // identities of one connection; 0 is DefaultMaxIDs
	MaxIDBytes  int // wire size of those; 0 is DefaultMaxIDBytes
	MaxACLBytes int // wire size of an ACL after Fixup; 0 is DefaultMaxACLBytes
}

// Registry holds the providers and answers every question about access. It
// does not change after New.
type Registry struct {
	providers   map[string]Provider // by scheme
	skipACL     bool
	enforced    []string // nil: anybody may send requests
	maxIDs      int
	maxIDBytes  int
	maxACLBytes int
}

// classSchemes maps the classes that Apache ships to their schemes.
var classSchemes = map[string]string{
	"org.apache.zookeeper.server.auth.IPAuthenticationProvider":       "ip",
	"org.apache.zookeeper.server.auth.DigestAuthenticationProvider":   "digest",
	"org.apache.zookeeper.server.auth.EnsembleAuthenticationProvider": "ensemble",
	"org.apache.zookeeper.server.auth.SASLAuthenticationProvider":     "sasl",
	"org.apache.zookeeper.server.auth.X509AuthenticationProvider":     "x509",
	"org.apache.zookeeper.server.auth.KeyAuthenticationProvider":      "key",
}

// New builds the registry. Its errors wrap ErrProvider, ErrDigestAlg or
// ErrEnforce. Where Apache only logs a class that it cannot load, New fails:
// ACLs of such a scheme would lock everybody out.
func New(cfg Config) (*Registry, error) {
	r := &Registry{
		providers:   map[string]Provider{},
		skipACL:     cfg.SkipACL,
		maxIDs:      orDefault(cfg.MaxIDs, DefaultMaxIDs),
		maxIDBytes:  orDefault(cfg.MaxIDBytes, DefaultMaxIDBytes),
		maxACLBytes: orDefault(cfg.MaxACLBytes, DefaultMaxACLBytes),
	}
	r.add(ipProvider{})
	if cfg.DigestEnabled {
		d, err := newDigest(cfg.DigestAlg, cfg.SuperDigest)
		if err != nil {
			return nil, err
		}
		r.add(d)
	}
	for _, p := range cfg.Providers {
		r.add(p)
	}
	if err := r.addClasses(cfg); err != nil {
		return nil, err
	}
	return r, r.enforce(cfg)
}

func orDefault(n, byDefault int) int {
	if n == 0 {
		return byDefault
	}
	return n
}

func (r *Registry) add(p Provider) { r.providers[p.Scheme()] = p }

// addClasses sees to it that every configured class has its provider.
func (r *Registry) addClasses(cfg Config) error {
	for key, class := range cfg.Classes {
		scheme, known := classSchemes[class]
		switch _, present := r.providers[scheme]; {
		case !known:
			return fmt.Errorf("%w: authProvider.%s=%s: this server cannot load Java classes", ErrProvider, key, class)
		case present:
		case scheme == "ensemble":
			r.add(newEnsemble(cfg.EnsembleNames))
		case scheme == "digest": // named by its class it exists even when not enabled
			d, err := newDigest(cfg.DigestAlg, cfg.SuperDigest)
			if err != nil {
				return err
			}
			r.add(d)
		default:
			return fmt.Errorf("%w: authProvider.%s=%s: the scheme %s is not supported", ErrProvider, key, class, scheme)
		}
	}
	return nil
}

// enforce notes the schemes of which a client must hold one.
func (r *Registry) enforce(cfg Config) error {
	schemes := cfg.EnforceSchemes
	if cfg.RequireSASL {
		schemes = []string{"sasl"}
	} else if !cfg.EnforceAuth {
		return nil
	}
	if len(schemes) == 0 {
		return fmt.Errorf("%w: enforce.auth.enabled is true, so enforce.auth.schemes must be configured", ErrEnforce)
	}
	for _, s := range schemes {
		if _, ok := r.providers[s]; !ok {
			return fmt.Errorf("%w: the scheme %q is not available; there are: %s", ErrEnforce, s, strings.Join(r.Schemes(), " "))
		}
	}
	r.enforced = slices.Clone(schemes)
	return nil
}

// Schemes lists the schemes that have a provider, sorted.
func (r *Registry) Schemes() []string {
	schemes := make([]string, 0, len(r.providers))
	for s := range r.providers {
		schemes = append(schemes, s)
	}
	sort.Strings(schemes)
	return schemes
}

// Authenticate answers an auth packet: have are the identities that the
// connection holds, and with the verdict Accept ids is the set it holds from
// now on. A scheme without a provider is refused, as is an identity beyond
// the limits of one connection.
func (r *Registry) Authenticate(peer Peer, have []proto.ID, scheme string, data []byte) (ids []proto.ID, v Verdict) {
	p, ok := r.providers[scheme]
	if !ok {
		return have, Refuse
	}
	more, v := p.Authenticate(peer, data)
	if v != Accept {
		return have, v
	}
	ids = Add(have, more...)
	if len(ids) > r.maxIDs || wireBytes(ids) > r.maxIDBytes {
		return have, Refuse
	}
	return ids, Accept
}

func wireBytes(ids []proto.ID) (n int) {
	for i := range ids {
		n += 8 + len(ids[i].Scheme) + len(ids[i].ID)
	}
	return n
}

// Admitted tells whether a connection with these identities may send requests
// other than auth and sasl packets. If not, the request is answered with
// proto.ErrSASLAuthRequired and the connection closed.
func (r *Registry) Admitted(ids []proto.ID) bool {
	if r.enforced == nil {
		return true
	}
	for i := range ids {
		if slices.Contains(r.enforced, ids[i].Scheme) {
			return true
		}
	}
	return false
}

// EnforcesSASL tells whether sasl is among the enforced schemes; then a
// failed SASL exchange ends with proto.ErrSASLAuthRequired, and clients that
// failed it are never kept.
func (r *Registry) EnforcesSASL() bool { return slices.Contains(r.enforced, "sasl") }

// Users gives the answer to whoAmI: each scheme with the user's name in the
// place of the id, "" where the scheme has no provider.
func (r *Registry) Users(ids []proto.ID) []proto.ID {
	users := make([]proto.ID, len(ids))
	for i, id := range ids {
		users[i].Scheme = id.Scheme
		if p, ok := r.providers[id.Scheme]; ok {
			users[i].ID = p.UserName(id.ID)
		}
	}
	return users
}
