package conf

import (
	"math"
	"slices"
	"strings"
)

// Use says what becomes of a key.
type Use uint8

const (
	// Honoured keys set a field of the Config.
	Honoured Use = iota
	// NoEffect keys mean nothing here: a notice says why.
	NoEffect
	// Ensemble keys set a field of the Config in an ensemble. They mean
	// nothing to a server that stands alone, in Apache too: a notice says so.
	Ensemble
	// NotBuilt keys ask for a capability that is still missing: a value that
	// asks for it is an error, others are accepted.
	NotBuilt
)

// String is the disposition as documentation shows it.
func (u Use) String() string {
	return [...]string{"honoured", "no effect", "honoured in ensembles", "not built yet"}[u]
}

// Origin says where a key may be set.
type Origin uint8

const (
	// FileOrProperty keys may stand in the file, or be given as
	// -Dzookeeper.KEY; the file wins.
	FileOrProperty Origin = iota
	// FileOnly keys count only in the file.
	FileOnly
	// PropertyOnly keys count only as -DKEY, without a prefix.
	PropertyOnly
)

// propertyPrefix turns a key of the file into Apache's system property.
const propertyPrefix = "zookeeper."

// Key is a setting that Apache knows, or that is ours (meerkat.*).
type Key struct {
	// Name is the key in the file. One that ends in * stands for all keys
	// that begin so.
	Name   string
	Origin Origin
	// Also is a second system property that sets it, "" for none.
	Also    string
	Kind    kind
	Default string // as text; "" for none
	Unit    string
	Doc     string // what it means, a short clause
	Use     Use
	// Why says why it has no effect, or what is not built yet.
	Why    string
	Secret bool // never show the value

	// set stores the parsed value, of keys that are Honoured or Ensemble.
	set func(*Config, value)
	// gathered keys have no setter: what they mean takes other keys too.
	gathered bool
	// check returns what is wrong with a parsed value, or "".
	check func(value) string
	// asks tells whether a value needs the missing capability, of keys that
	// are NotBuilt. Nil is always.
	asks func(string) bool
}

// Property is the system property that sets the key, "" when there is none.
func (k *Key) Property() string {
	switch k.Origin {
	case FileOrProperty:
		return propertyPrefix + k.Name
	case PropertyOnly:
		return k.Name
	default:
		return ""
	}
}

// Group is a part of the table.
type Group struct {
	Title string
	Keys  []Key
}

// Groups returns the table of all keys.
func Groups() []Group {
	return []Group{
		{"Clients, sessions and directories", slices.Concat(fileKeys, pauseKeys)},
		{"Requests and throttles", requestKeys},
		{"Data, watches and limits", slices.Concat(dataKeys, watchKeys, pathStatsKeys)},
		{"Network", networkKeys},
		{"Storage", storageKeys},
		{"Authentication and authorisation", authKeys},
		{"SASL and TLS", slices.Concat(saslKeys, tlsKeys)},
		{"Admin server, logs and metrics", slices.Concat(adminKeys, auditKeys, logKeys, metricsKeys)},
		{"Ensembles: members and security", slices.Concat(memberKeys, limitKeys, peerSecurityKeys)},
		{"Ensembles: tuning", slices.Concat(electionKeys, leaderKeys, learnerKeys, pipelineKeys)},
		{"Meerkat's own", ownKeys},
	}
}

// row is a key that sets nothing.
type row struct {
	name          string
	kind          kind
	byDefault     string
	unit, meaning string
}

// rows makes keys that share their disposition.
func rows(use Use, why string, list []row) []Key {
	return rowsFrom(FileOrProperty, use, why, list)
}

func rowsFrom(origin Origin, use Use, why string, list []row) []Key {
	keys := make([]Key, len(list))
	for i, r := range list {
		keys[i] = Key{
			Name: r.name, Origin: origin, Kind: r.kind, Default: r.byDefault, Unit: r.unit, Doc: r.meaning,
			Use: use, Why: why,
		}
	}
	return keys
}

// The setters of the table.

func toInt[T int | int32 | int64](field func(*Config) *T) func(*Config, value) {
	return func(c *Config, v value) { *field(c) = T(v.n) }
}

func toBool(field func(*Config) *bool) func(*Config, value) {
	return func(c *Config, v value) { *field(c) = v.b }
}

func toFloat(field func(*Config) *float64) func(*Config, value) {
	return func(c *Config, v value) { *field(c) = v.f }
}

func toText(field func(*Config) *string) func(*Config, value) {
	return func(c *Config, v value) { *field(c) = v.s }
}

// fromKB stores bytes of a setting in kibibytes, as large as fits.
func fromKB(field func(*Config) *int64) func(*Config, value) {
	return func(c *Config, v value) {
		*field(c) = max(min(v.n, math.MaxInt64/1024), math.MinInt64/1024) * 1024
	}
}

// within is the check of a number that has bounds.
func within(low, high int64, allowed string) func(value) string {
	return func(v value) string {
		if v.n < low || v.n > high {
			return allowed
		}
		return ""
	}
}

// The values that ask for a capability.

func isTrue(s string) bool { return strings.EqualFold(s, "true") }

func isFalse(s string) bool { return strings.EqualFold(s, "false") }

// oneOf allows some texts.
func oneOf(allowed ...string) func(value) string {
	return func(v value) string {
		if slices.Contains(allowed, v.s) {
			return ""
		}
		return "must be " + strings.Join(allowed[:len(allowed)-1], ", ") + " or " + allowed[len(allowed)-1]
	}
}

func isNot(harmless ...string) func(string) bool {
	return func(s string) bool {
		for _, h := range harmless {
			if s == h {
				return false
			}
		}
		return true
	}
}
