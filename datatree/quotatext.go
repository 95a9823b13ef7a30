package datatree

import (
	"slices"
	"strconv"
	"strings"
)

// The names in the text of a quota znode (StatsTrack).
const (
	countField     = "count"
	bytesField     = "bytes"
	countHardField = "countHardLimit"
	bytesHardField = "byteHardLimit"
)

// noLimit is the value of a field that is absent.
const noLimit = -1

// quotaField is one field of a quota text.
type quotaField struct {
	name  string
	value int64
}

// quotaText is the content of a znode zookeeper_limits or zookeeper_stats:
//
//	count=N,bytes=N[=;name=N[;name=N...]]
//
// The extra "=" makes servers before 3.7 stop reading there. Fields other than
// count and bytes are kept, sorted by name. Apache fails on a text that is not
// like this; here what cannot be read is left out.
type quotaText []quotaField

func parseQuota(text string) quotaText {
	var q quotaText
	for _, pair := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		value, _, _ = strings.Cut(value, "=")
		if value == "" {
			value = "-1"
		}
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			q.set(name, n)
		}
	}
	return q
}

func (q quotaText) get(name string) int64 {
	for _, f := range q {
		if f.name == name {
			return f.value
		}
	}
	return noLimit
}

func (q *quotaText) set(name string, value int64) {
	for i := range *q {
		if (*q)[i].name == name {
			(*q)[i].value = value
			return
		}
	}
	*q = append(*q, quotaField{name, value})
}

func (q quotaText) append(b []byte) []byte {
	b = strconv.AppendInt(append(b, countField+"="...), q.get(countField), 10)
	b = strconv.AppendInt(append(b, ","+bytesField+"="...), q.get(bytesField), 10)
	var more quotaText
	for _, f := range q {
		if f.name != countField && f.name != bytesField {
			more = append(more, f)
		}
	}
	if len(more) == 0 {
		return b
	}
	slices.SortFunc(more, func(a, b quotaField) int { return strings.Compare(a.name, b.name) })
	b = append(b, '=')
	for _, f := range more {
		b = append(append(append(b, ';'), f.name...), '=')
		b = strconv.AppendInt(b, f.value, 10)
	}
	return b
}
