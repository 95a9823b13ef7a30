package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// shapeOf describes a JSON value by its types: what two servers have to have
// in common when their values differ. Keys that are numbers (sessions, times)
// count as one key.
func shapeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case string:
		return "text"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "decimal"
		}
		return "integer"
	case []any:
		kinds := map[string]bool{}
		for _, item := range v {
			kinds[shapeOf(item)] = true
		}
		return "[" + strings.Join(slices.Sorted(maps.Keys(kinds)), " ") + "]"
	case map[string]any:
		fields := map[string]bool{}
		for key, value := range v {
			if number.MatchString(key) {
				if l, ok := value.([]any); ok && len(l) == 0 {
					continue // a time at which no session expires any more, which Apache keeps for a while
				}
				key = "N"
			}
			fields[key+":"+shapeOf(value)] = true
		}
		return "{" + strings.Join(slices.Sorted(maps.Keys(fields)), " ") + "}"
	}
	return fmt.Sprintf("%T", v)
}

var number = regexp.MustCompile(`^-?\d+$`)

// decode reads JSON and keeps the spelling of its numbers.
func decode(text string) (map[string]any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v map[string]any
	return v, d.Decode(&v)
}

// family is what an exporter tells of one metric.
type family struct {
	kind    string
	samples map[string]bool // names with the labels that have no values of their own
}

// families reads the text format of Prometheus.
func families(text string) map[string]*family {
	all := map[string]*family{}
	for line := range strings.SplitSeq(text, "\n") {
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			all[name] = &family{kind: kind, samples: map[string]bool{}}
			continue
		}
		if line == "" || line[0] == '#' {
			continue
		}
		sample := line[:strings.LastIndexByte(line, ' ')]
		sample = strings.Replace(strings.TrimSuffix(sample, "}"), ",}", "}", 1)
		name, labels, _ := strings.Cut(strings.TrimSuffix(sample, ","), "{")
		base := name
		if all[base] == nil {
			base = strings.TrimSuffix(strings.TrimSuffix(name, "_count"), "_sum")
		}
		if f := all[base]; f != nil {
			f.samples[name+"{"+anyKey.ReplaceAllString(strings.TrimSuffix(labels, ","), "key=K")+"}"] = true
		}
	}
	return all
}

var anyKey = regexp.MustCompile(`key="[^"]*"`)
