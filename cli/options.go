package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// option is a flag of a command. Names may have several letters behind one
// hyphen.
type option struct {
	name string
	arg  bool   // takes an argument
	text string // description
}

// optionSet is what a command allows. In a choice at most one option may be
// given, and exactly one when it is required.
type optionSet struct {
	list             []option
	choice, required bool
}

func (o optionSet) find(name string) (option, bool) {
	i := slices.IndexFunc(o.list, func(x option) bool { return x.name == name })
	if i < 0 {
		return option{}, false
	}
	return o.list[i], true
}

// parsed is a command line after the options were taken out.
type parsed struct {
	args   []string // the command's name first
	values map[string]string
}

func (p parsed) has(name string) bool { _, ok := p.values[name]; return ok }

// parseError is a refusal in the words of commons-cli.
func parseError(kind, format string, args ...any) error {
	return failure("org.apache.commons.cli."+kind+"Exception: "+format, args...)
}

// parser is one run of [optionSet.parse].
type parser struct {
	set     optionSet
	out     parsed
	waiting *option // takes the next word
	chosen  string  // of a choice
	rest    bool    // after --
}

// parse takes the options out of the words of a command line, wherever they
// stand.
func (o optionSet) parse(words []string) (parsed, error) {
	p := parser{set: o, out: parsed{values: map[string]string{}}}
	for _, word := range words {
		if err := p.word(word); err != nil {
			return p.out, err
		}
	}
	if err := p.complete(); err != nil {
		return p.out, err
	}
	if o.required && p.chosen == "" {
		var names []string
		for _, x := range o.list {
			names = append(names, "-"+x.name+" "+x.text)
		}
		return p.out, parseError("MissingOption", "Missing required option: [%s]", strings.Join(names, ", "))
	}
	return p.out, nil
}

func (p *parser) word(word string) error {
	switch {
	case p.rest:
		p.out.args = append(p.out.args, word)
	case word == "--":
		p.rest = true
	case p.waiting != nil && (!p.isOption(word) || isNumber(word)):
		p.value(unquoted(word))
	case strings.HasPrefix(word, "--"):
		return unrecognized(word)
	case strings.HasPrefix(word, "-") && word != "-":
		return p.flags(word)
	default:
		p.out.args = append(p.out.args, word)
	}
	return nil
}

func unrecognized(word string) error {
	return parseError("UnrecognizedOption", "Unrecognized option: %s", word)
}

func isNumber(word string) bool { _, err := strconv.ParseFloat(word, 64); return err == nil }

// isOption tells whether a word is one of the set's options or several at
// once.
func (p *parser) isOption(word string) bool {
	if len(word) < 2 || word[0] != '-' {
		return false
	}
	name, _, _ := strings.Cut(word[1:], "=")
	if _, ok := p.set.find(name); ok {
		return true
	}
	_, ok := p.set.find(firstRune(name))
	return ok
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

// flags reads a word that begins with one hyphen.
func (p *parser) flags(word string) error {
	name, value, hasValue := strings.Cut(word[1:], "=")
	if x, ok := p.set.find(word[1:]); ok && !hasValue {
		return p.option(x)
	}
	if hasValue {
		x, ok := p.set.find(name)
		if !ok || !x.arg || len(name) > 1 {
			return unrecognized(word)
		}
		if err := p.option(x); err != nil {
			return err
		}
		p.value(value)
		return nil
	}
	for i, r := range name {
		x, ok := p.set.find(string(r))
		if !ok {
			return unrecognized(word)
		}
		if err := p.option(x); err != nil {
			return err
		}
		if rest := name[i+len(string(r)):]; p.waiting != nil && rest != "" {
			p.value(rest)
			break
		}
	}
	return nil
}

func (p *parser) option(x option) error {
	if err := p.complete(); err != nil {
		return err
	}
	if p.set.choice && p.chosen != "" && p.chosen != x.name {
		return parseError("AlreadySelected", "The option '%s' was specified but an option from this group has already been selected: '%s'", x.name, p.chosen)
	}
	p.chosen = x.name
	if x.arg {
		p.waiting = &x
	} else {
		p.out.values[x.name] = ""
	}
	return nil
}

// value gives the waiting option its argument; the first of several counts.
func (p *parser) value(text string) {
	if !p.out.has(p.waiting.name) {
		p.out.values[p.waiting.name] = text
	}
	p.waiting = nil
}

func (p *parser) complete() error {
	if p.waiting != nil {
		return parseError("MissingArgument", "Missing argument for option: %s", p.waiting.name)
	}
	return nil
}

// unquoted strips one pair of double quotes that has none between.
func unquoted(s string) string {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' && !strings.Contains(s[1:len(s)-1], `"`) {
		return s[1 : len(s)-1]
	}
	return s
}

// describe lists the options as commons-cli's HelpFormatter does.
func (o optionSet) describe() string {
	list := slices.Clone(o.list)
	slices.SortStableFunc(list, func(a, b option) int { return strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) })
	width, heads := 0, make([]string, len(list))
	for i, x := range list {
		heads[i] = " -" + x.name
		if x.arg {
			heads[i] += " <arg>"
		}
		width = max(width, len(heads[i]))
	}
	var b strings.Builder
	for i, x := range list {
		fmt.Fprintf(&b, "%-*s   %s\n", width, heads[i], x.text)
	}
	return b.String()
}
