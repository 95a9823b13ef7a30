package conf

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// value is the text of a setting in its parsed form; its kind says which
// field counts.
type value struct {
	n int64
	f float64
	b bool
	s string
}

// kind is how Java reads the text of a setting.
type kind uint8

const (
	text kind = iota
	// fileInt and fileLong are Integer.parseInt and Long.parseLong: decimal,
	// and anything else is an error.
	fileInt
	fileLong
	// fileBool is true or false in any case, and anything else is an error.
	fileBool
	// propInt and propLong are Integer.getInteger and Long.getLong: decimal,
	// hexadecimal (0x, 0X, #) or octal (0), and anything else leaves the
	// default in place.
	propInt
	propLong
	// propDecimal is Long.parseLong, and anything else leaves the default.
	propDecimal
	// propBool is Boolean.parseBoolean: true in any case is true, and anything
	// else is false.
	propBool
	// propFloat is Double.parseDouble, and anything else is an error.
	propFloat
	// propFactor is the same, and anything else leaves the default.
	propFactor
)

// String is the type as documentation shows it.
func (k kind) String() string {
	switch k {
	case fileInt, propInt:
		return "int"
	case fileLong, propLong, propDecimal:
		return "long"
	case fileBool, propBool:
		return "boolean"
	case propFloat, propFactor:
		return "decimal"
	default:
		return "text"
	}
}

// allowed says what a value of this kind may be.
func (k kind) allowed() string {
	switch k {
	case fileInt, propInt:
		return "a whole number from -2147483648 to 2147483647"
	case fileLong, propLong, propDecimal:
		return "a whole number of 64 bits"
	case fileBool, propBool:
		return "true or false"
	case propFloat, propFactor:
		return "a decimal number"
	default:
		return "any text"
	}
}

// forgives tells whether Apache starts with a value that it cannot read.
func (k kind) forgives() bool {
	return k == propInt || k == propLong || k == propDecimal || k == propBool || k == propFactor
}

// parse reads a value. Without ok, the text is none of this kind, and v is
// what counts all the same when the kind forgives and has no default to fall
// back to (propBool: false).
func (k kind) parse(s string) (v value, ok bool) {
	v.s = s
	switch k {
	case fileInt:
		v.n, ok = parseLong(s, 32)
	case fileLong, propDecimal:
		v.n, ok = parseLong(s, 64)
	case propInt:
		v.n, ok = decodeLong(s, 32)
	case propLong:
		v.n, ok = decodeLong(s, 64)
	case fileBool, propBool:
		v.b = strings.EqualFold(s, "true")
		ok = v.b || strings.EqualFold(s, "false")
	case propFloat, propFactor:
		v.f, ok = parseDouble(s)
	default:
		ok = true
	}
	return v, ok
}

// parseLong is Long.parseLong, or with 32 bits Integer.parseInt.
func parseLong(s string, bits int) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, bits)
	return n, err == nil
}

// parseHex is Long.parseLong with base 16.
func parseHex(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 16, 64)
	if err != nil {
		return 0, false
	}
	return n, true
}

// decodeLong is Long.decode, or with 32 bits Integer.decode.
func decodeLong(s string, bits int) (int64, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	if !negative {
		digits = strings.TrimPrefix(digits, "+")
	}
	base := 10
	switch {
	case strings.HasPrefix(digits, "0x"), strings.HasPrefix(digits, "0X"):
		base, digits = 16, digits[2:]
	case strings.HasPrefix(digits, "#"):
		base, digits = 16, digits[1:]
	case strings.HasPrefix(digits, "0") && len(digits) > 1:
		base, digits = 8, digits[1:]
	}
	if strings.HasPrefix(digits, "-") || strings.HasPrefix(digits, "+") {
		return 0, false
	}
	if negative {
		digits = "-" + digits
	}
	n, err := strconv.ParseInt(digits, base, bits)
	return n, err == nil
}

// javaDouble is the decimal part of what Double.parseDouble takes.
var javaDouble = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[fFdD]?$`)

// parseDouble is Double.parseDouble without hexadecimal, NaN and Infinity,
// which no setting can use. Too large a number is infinite in Java: refused.
func parseDouble(s string) (float64, bool) {
	s = trim(s)
	if !javaDouble.MatchString(s) {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.TrimRight(s, "fFdD"), 64)
	return f, err == nil && !math.IsInf(f, 0)
}
