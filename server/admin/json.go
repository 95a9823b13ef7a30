package admin

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/meerkat-zk/meerkat/server/stats"
)

// member is a key of an object, with its value.
type member struct {
	key   string
	value any
}

// object is a JSON object that keeps its order.
type object []member

// put sets a key; a key that is there keeps its place.
func (o *object) put(key string, value any) {
	for i := range *o {
		if (*o)[i].key == key {
			(*o)[i].value = value
			return
		}
	}
	*o = append(*o, member{key, value})
}

func (o object) has(key string) bool {
	for i := range o {
		if o[i].key == key {
			return true
		}
	}
	return false
}

// list is a JSON array.
type list []any

func listOf[T any](items []T) list {
	l := make(list, len(items))
	for i, item := range items {
		l[i] = item
	}
	return l
}

// appendJSON writes a value as Jackson's default pretty printer does: two
// blanks for each level of objects, none for arrays. Values are nil, bool,
// string, int, int64, float64, stats.Value, object and list; anything else is
// a mistake in the program.
func appendJSON(b []byte, v any, depth int) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return appendDouble(b, v)
	case stats.Value:
		if f := v.Float64(); math.IsNaN(f) || math.IsInf(f, 0) {
			return appendDouble(b, f)
		}
		return append(b, v.String()...)
	case string:
		return appendText(b, v)
	case list:
		return appendList(b, v, depth)
	case object:
		return appendObject(b, v, depth)
	}
	panic("admin: a value that JSON has no place for")
}

// appendDouble writes what JSON has no number for as text, as Jackson does.
func appendDouble(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return appendText(b, stats.JavaDouble(f))
	}
	return append(b, stats.JavaDouble(f)...)
}

func appendList(b []byte, l list, depth int) []byte {
	if len(l) == 0 {
		return append(b, "[ ]"...)
	}
	b = append(b, "[ "...)
	for i, item := range l {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendJSON(b, item, depth)
	}
	return append(b, " ]"...)
}

func appendObject(b []byte, o object, depth int) []byte {
	if len(o) == 0 {
		return append(b, "{ }"...)
	}
	b = append(b, '{')
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = indent(b, depth+1)
		b = append(appendText(b, m.key), " : "...)
		b = appendJSON(b, m.value, depth+1)
	}
	return append(indent(b, depth), '}')
}

func indent(b []byte, depth int) []byte {
	b = append(b, '\n')
	for range depth {
		b = append(b, "  "...)
	}
	return b
}

// escapes are the characters below a blank that have a letter of their own.
var escapes = map[rune]byte{'\b': 'b', '\t': 't', '\n': 'n', '\f': 'f', '\r': 'r', '"': '"', '\\': '\\'}

func appendText(b []byte, s string) []byte {
	const hexDigits = "0123456789ABCDEF"
	b = append(b, '"')
	for _, r := range s {
		switch letter, short := escapes[r]; {
		case short:
			b = append(b, '\\', letter)
		case r < ' ':
			b = append(b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
