package conf

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
)

// ErrEscape means a malformed \uXXXX escape.
var ErrEscape = errors.New(`malformed \uXXXX escape`)

// Property is one line of a properties file.
type Property struct {
	Key, Value string
	Line       int // where it begins, from 1
}

// ParseProperties reads the syntax of java.util.Properties, in the order of
// the lines and with duplicates. The rules:
//
//	bytes         ISO-8859-1; any other character as \uXXXX (UTF-16)
//	line ends     \n, \r or \r\n
//	blank, # or ! first after blanks: no property
//	\ at the end  the next line goes on here, without its leading blanks
//	key           up to the first '=', ':' or blank that no \ precedes
//	separator     blanks, at most one '=' or ':', blanks
//	value         the rest, trailing blanks included
//	\t \n \r \f   that character; \ before any other stands for that other
//
// Blanks are space, tab and form feed. An error names the line and wraps
// ErrEscape.
func ParseProperties(data []byte) ([]Property, error) {
	var all []Property
	s := lineScanner{data: data, line: 1}
	for s.next() {
		key, value := splitProperty(s.logical)
		k, err := unescape(key)
		if err == nil {
			value, err = unescape(value)
		}
		if err != nil {
			return all, fmt.Errorf("line %d: %w", s.begin, err)
		}
		all = append(all, Property{Key: k, Value: value, Line: s.begin})
	}
	return all, nil
}

// lineScanner cuts logical lines: continuations joined, comments and blank
// lines left out, escapes still inside.
type lineScanner struct {
	data []byte
	line int // of data's first byte, from 1

	logical string // the current one
	begin   int    // the line on which it begins
}

// next reads the next logical line; false at the end.
func (s *lineScanner) next() bool {
	var b strings.Builder
	for len(s.data) > 0 {
		begin := s.line
		text, last := s.natural()
		text = strings.TrimLeft(text, " \t\f")
		// A comment can only open a logical line. One whose first lines were
		// nothing but a backslash has not begun yet.
		if b.Len() == 0 {
			if text == "" || text[0] == '#' || text[0] == '!' {
				continue
			}
			s.begin = begin
		}
		goesOn := trailingBackslashes(text)%2 == 1
		if goesOn {
			text = text[:len(text)-1]
		}
		b.WriteString(text)
		if last || !goesOn {
			s.logical = b.String()
			return true
		}
	}
	s.logical = b.String()
	return b.Len() > 0
}

// natural takes the bytes up to the next line end as characters; last means
// that nothing follows.
func (s *lineScanner) natural() (text string, last bool) {
	end := 0
	for end < len(s.data) && s.data[end] != '\n' && s.data[end] != '\r' {
		end++
	}
	text = latin1(s.data[:end])
	s.data = s.data[end:]
	if len(s.data) > 1 && s.data[0] == '\r' && s.data[1] == '\n' {
		s.data = s.data[1:]
	}
	if len(s.data) > 0 {
		s.data = s.data[1:]
		s.line++
	}
	return text, len(s.data) == 0
}

func latin1(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		s.WriteRune(rune(c))
	}
	return s.String()
}

func trailingBackslashes(s string) int {
	return len(s) - len(strings.TrimRight(s, `\`))
}

// splitProperty cuts a logical line into key and value, escapes still inside.
func splitProperty(s string) (key, value string) {
	end := 0
	for end < len(s) && !strings.ContainsRune("=: \t\f", rune(s[end])) {
		if s[end] == '\\' {
			end++
		}
		end++
	}
	end = min(end, len(s))
	key, value = s[:end], strings.TrimLeft(s[end:], " \t\f")
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = strings.TrimLeft(value[1:], " \t\f")
	}
	return key, value
}

// unescape replaces the escapes. Half of a surrogate pair becomes U+FFFD.
func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var units []uint16
	runes := []rune(s)
	for i := 0; i < len(runes); i++ {
		c := runes[i]
		if c == '\\' && i+1 < len(runes) {
			i++
			switch c = runes[i]; c {
			case 't':
				c = '\t'
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 'f':
				c = '\f'
			case 'u':
				unit, ok := hexUnit(runes[i+1:])
				if !ok {
					return "", ErrEscape
				}
				units = append(units, unit)
				i += 4
				continue
			}
		} else if c == '\\' {
			break // a lone one at the very end says nothing
		}
		units = append(units, uint16(c)) // ISO-8859-1: below 256
	}
	return string(utf16.Decode(units)), nil
}

// hexUnit reads the four digits of a \u escape.
func hexUnit(s []rune) (unit uint16, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range s[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | uint16(c)
	}
	return unit, true
}

// trim removes what Java's String.trim does: all up to U+0020.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}
