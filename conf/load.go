package conf

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Load reads the configuration from a file and from system properties, which
// are what -D sets, by their names in Apache. Where both set the same thing
// the file wins, as in Apache.
//
// The notices, in the order of the lines, are for the operator. All that is
// wrong is reported at once: the error is one *[Error], or several joined by
// [errors.Join]; each wraps [ErrInvalid] or [ErrNotBuilt].
func Load(path string, props map[string]string) (*Config, []Notice, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return parse(path, data, props, machine{})
}

// FromArgs makes the configuration of Apache's other way to start a server:
// port, data directory, and if given tickTime and maxClientCnxns, which is
// without limit then unless given.
func FromArgs(args []string, props map[string]string) (*Config, []Notice, error) {
	if len(args) < 2 || len(args) > 4 {
		return nil, nil, fmt.Errorf("%w: %d arguments: must be zoo.cfg, or port datadir [ticktime] [maxcnxns]", ErrInvalid, len(args))
	}
	l := newLoader("", props, machine{})
	l.cfg.Limits.MaxConnectionsPerAddress = 0
	for i, key := range []string{"clientPort", "dataDir", "tickTime", "maxClientCnxns"}[:len(args)] {
		l.file[key] = setting{name: key, value: args[i]}
	}
	return l.load()
}

// Default returns the configuration of an empty file. It lacks a data
// directory and a client port.
func Default() *Config {
	c := &Config{Client: Client{Port: NoPort}, FourLetter: FourLetter{Words: []string{"srvr"}}}
	for _, g := range Groups() {
		for i := range g.Keys {
			k := &g.Keys[i]
			if k.set == nil || k.Default == "" {
				continue
			}
			if v, ok := k.Kind.parse(k.Default); ok && k.Kind != text {
				k.set(c, v)
			}
		}
	}
	c.Storage.ForceSync = true
	c.Admin.Enabled, c.Admin.Address, c.Admin.CommandURL = true, "0.0.0.0", "/commands"
	c.Metrics.Address, c.Metrics.Runtime = "0.0.0.0", true
	c.Auth.DigestAlg = "SHA1"
	c.Leader.ServesClients = true
	c.Session.MinTimeoutMs, c.Session.MaxTimeoutMs = 2*c.Session.TickTimeMs, 20*c.Session.TickTimeMs
	c.Limits.ExtraFrameBytes = c.Limits.MaxFrameBytes
	return c
}

// host is what a configuration looks up on the machine.
type host interface {
	// resolve returns the address of a name.
	resolve(name string) (ip string, err error)
	// readFile is os.ReadFile.
	readFile(path string) ([]byte, error)
}

type machine struct{}

func (machine) readFile(path string) ([]byte, error) { return os.ReadFile(filepath.Clean(path)) }

// resolve prefers IPv4, as Java does.
func (machine) resolve(name string) (string, error) {
	for _, network := range []string{"ip4", "ip"} {
		ips, err := net.DefaultResolver.LookupIP(context.Background(), network, name)
		if err == nil && len(ips) > 0 {
			return ips[0].String(), nil
		} else if network == "ip" {
			return "", err
		}
	}
	return "", errors.ErrUnsupported
}

// setting is one key with a value, from a line or a -D.
type setting struct {
	Place
	name, value string // as written, blanks around them removed in a file
	raw         string // the value with its blanks, of a line in a file
	secret      bool
}

// shown is the value as it may be repeated to people.
func (s setting) shown() string {
	if s.secret {
		return redactedText
	}
	return s.value
}

// loader turns settings into a Config.
type loader struct {
	cfg   *Config
	path  string
	host  host
	index keyIndex
	file  map[string]setting // FileOnly keys
	props map[string]setting // system properties, by name
	// aboutEnsembles are the settings that count in an ensemble only.
	aboutEnsembles []setting
	wrong          map[string]bool // keys that have an error of their own
	errs           []*Error
	notices        []Notice
}

func newLoader(path string, props map[string]string, h host) *loader {
	l := &loader{
		cfg: Default(), path: path, host: h, index: newKeyIndex(),
		file: map[string]setting{}, props: map[string]setting{}, wrong: map[string]bool{},
	}
	l.cfg.File = path
	l.cfg.Session.MinTimeoutMs, l.cfg.Session.MaxTimeoutMs = -1, -1 // finish derives them
	for name, v := range props {
		k := l.index.property(name)
		l.props[name] = setting{name: "-D" + name, value: v, secret: k != nil && k.Secret}
	}
	return l
}

func parse(path string, data []byte, props map[string]string, h host) (*Config, []Notice, error) {
	lines, err := ParseProperties(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %s: %w", ErrInvalid, path, err)
	}
	l := newLoader(path, props, h)
	l.readFile(lines)
	l.cfg.Text = l.redacted(data, lines)
	return l.load()
}

// readFile sorts the lines into those that only a file can set, and those
// that Apache turns into system properties. The last of several lines with
// the same key counts.
func (l *loader) readFile(lines []Property) {
	for _, p := range lines {
		s := setting{Place: Place{File: l.path, Line: p.Line}, name: trim(p.Key), value: trim(p.Value), raw: p.Value}
		target := l.props
		name := propertyPrefix + s.name
		if l.index.fileOnly(s.name) != nil {
			target, name = l.file, s.name
		} else if k := l.index.property(name); k != nil {
			s.secret = k.Secret
		}
		if old, twice := target[name]; twice && old.File == "" {
			l.notice(old, true, fmt.Sprintf("has no effect: %s sets it on line %d", l.path, s.Line))
		} else if twice {
			l.notice(old, true, fmt.Sprintf("is set again on line %d, which counts", s.Line))
		}
		target[name] = s
	}
}

func (l *loader) load() (*Config, []Notice, error) {
	for _, name := range sortedKeys(l.file) {
		l.apply(l.index.fileOnly(name), l.file[name])
	}
	for _, name := range sortedKeys(l.props) {
		s := l.props[name]
		k := l.index.property(name)
		switch {
		case k == nil:
			l.notice(s, true, l.unknown(name, s))
		case k.Origin == FileOrProperty && name == k.Also && l.has(k.Property()):
			// The name with the prefix counts.
		case k.Origin == FileOnly && l.file[k.Name].name != "":
			// The file counts.
		default:
			l.apply(k, s)
		}
	}
	l.finish()
	slices.SortStableFunc(l.notices, func(a, b Notice) int { return cmp.Compare(a.Line, b.Line) })
	if len(l.errs) > 0 {
		return nil, l.notices, l.failure()
	}
	return l.cfg, l.notices, nil
}

func (l *loader) has(property string) bool { _, ok := l.props[property]; return ok }

// apply does with a setting what its key says.
func (l *loader) apply(k *Key, s setting) {
	kind := k.Kind
	if kind == fileBool && s.File == "" {
		kind = propBool // Also is a property
	}
	v, ok := kind.parse(s.value)
	matters := k.Use == Honoured || k.Use == Ensemble || k.Origin == FileOnly // what else Apache reads late or never
	switch {
	case ok || !matters:
	case !kind.forgives():
		l.invalid(s, "must be "+kind.allowed())
		return
	case kind == propBool:
		l.notice(s, true, "is neither true nor false and counts as false, as in Apache")
	default:
		l.notice(s, true, fmt.Sprintf("is not %s: the default %s counts, as in Apache", kind.allowed(), k.Default))
		return
	}
	if k.check != nil && ok {
		if problem := k.check(v); problem != "" {
			l.invalid(s, problem)
			return
		}
	}
	if k.set != nil {
		k.set(l.cfg, v)
	}
	switch k.Use {
	case Honoured:
	case Ensemble:
		l.aboutEnsembles = append(l.aboutEnsembles, s)
	case NotBuilt:
		if k.asks == nil || k.asks(s.value) {
			l.errs = append(l.errs, &Error{
				Place: s.Place, Key: s.name, Value: s.shown(), Kind: ErrNotBuilt, Problem: k.Why + ": not built yet" + k.remedy(),
			})
		}
	default:
		l.notice(s, false, "has no effect: "+k.Why)
	}
}

// remedy says how to get a NotBuilt key accepted.
func (k *Key) remedy() string {
	if k.asks == nil {
		return "; the key must be left out"
	}
	return "; it must be left out or be " + k.Default
}

func (l *loader) invalid(s setting, problem string) {
	l.wrong[s.name] = true
	l.errs = append(l.errs, &Error{Place: s.Place, Key: s.name, Value: s.shown(), Problem: problem, Kind: ErrInvalid})
}

func (l *loader) notice(s setting, warn bool, text string) {
	l.notices = append(l.notices, Notice{Place: s.Place, Key: s.name, Value: s.shown(), Text: text, Warn: warn})
}

// failure joins the errors in the order of the lines.
func (l *loader) failure() error {
	slices.SortStableFunc(l.errs, func(a, b *Error) int { return cmp.Compare(a.Line, b.Line) })
	if len(l.errs) == 1 {
		return l.errs[0]
	}
	all := make([]error, len(l.errs))
	for i, e := range l.errs {
		all[i] = e
	}
	return errors.Join(all...)
}

func sortedKeys(m map[string]setting) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// isBelow tells whether a name is what a pattern key stands for, and returns
// what follows the prefix.
func isBelow(name, prefix string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(name, prefix)
	return rest, ok && rest != ""
}
