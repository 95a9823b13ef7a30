package auth

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"sort"
	"strings"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// digestProvider is the scheme digest. An auth packet holds "user:password",
// the identity is user:BASE64(HASH(user:password)), and an ACL grants to that
// very text. Any packet is accepted: a wrong password yields an identity that
// no ACL names.
type digestProvider struct {
	newHash func() hash.Hash
	super   string // the id that also brings the super user's rights; "" is nobody
}

// digestAlgs maps Java's names, in upper case, to the hashes. Java's MD2 is
// not among them.
var digestAlgs = map[string]func() hash.Hash{
	"MD5":         md5.New,
	"SHA":         sha1.New,
	"SHA1":        sha1.New,
	"SHA-1":       sha1.New,
	"SHA-224":     sha256.New224,
	"SHA-256":     sha256.New,
	"SHA-384":     sha512.New384,
	"SHA-512":     sha512.New,
	"SHA-512/224": sha512.New512_224,
	"SHA-512/256": sha512.New512_256,
	"SHA3-224":    func() hash.Hash { return sha3.New224() },
	"SHA3-256":    func() hash.Hash { return sha3.New256() },
	"SHA3-384":    func() hash.Hash { return sha3.New384() },
	"SHA3-512":    func() hash.Hash { return sha3.New512() },
}

// DefaultDigestAlg is the hash of digest identities unless configured.
const DefaultDigestAlg = "SHA1"

// digestHash finds a hash by Java's name for it, in any case.
func digestHash(alg string) (func() hash.Hash, error) {
	if alg == "" {
		alg = DefaultDigestAlg
	}
	if h, ok := digestAlgs[strings.ToUpper(alg)]; ok {
		return h, nil
	}
	names := make([]string, 0, len(digestAlgs))
	for name := range digestAlgs {
		names = append(names, name)
	}
	sort.Strings(names)
	return nil, fmt.Errorf("%w %q; there are: %s", ErrDigestAlg, alg, strings.Join(names, " "))
}

func newDigest(alg, super string) (*digestProvider, error) {
	h, err := digestHash(alg)
	if err != nil {
		return nil, err
	}
	return &digestProvider{newHash: h, super: super}, nil
}

// Digest returns the id text of the scheme digest for "user:password". alg is
// Java's name of the hash, "" for SHA1; an unknown one is ErrDigestAlg.
func Digest(alg, userPassword string) (string, error) {
	h, err := digestHash(alg)
	if err != nil {
		return "", err
	}
	return digest(h(), userPassword), nil
}

func digest(h hash.Hash, userPassword string) string {
	user, _, _ := strings.Cut(userPassword, ":")
	h.Write([]byte(userPassword)) // a hash never fails
	return user + ":" + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func (p *digestProvider) Scheme() string              { return SchemeDigest }
func (p *digestProvider) Authenticated() bool         { return true }
func (p *digestProvider) Matches(id, acl string) bool { return id == acl }

func (p *digestProvider) Authenticate(_ Peer, data []byte) ([]proto.ID, Verdict) {
	if data == nil {
		return nil, Refuse
	}
	id := digest(p.newHash(), jute.Text(data))
	own := proto.ID{Scheme: SchemeDigest, ID: id}
	if p.super != "" && id == p.super {
		return []proto.ID{Super, own}, Accept
	}
	return []proto.ID{own}, Accept
}

// Valid wants two parts around colons, where empty parts at the end do not
// count: "a:b", ":b" and "a:b:" pass, "a:" and "a:b:c" do not.
func (p *digestProvider) Valid(acl string) bool {
	acl = strings.TrimRight(acl, ":")
	return strings.Count(acl, ":") == 1
}

func (p *digestProvider) UserName(id string) string {
	user, _, _ := strings.Cut(id, ":")
	return user
}
