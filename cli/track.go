package cli

import (
	"slices"
	"strconv"
	"strings"
)

// track is the text of a quota's limits or of its use (StatsTrack): names with
// numbers, of which count and bytes are always there.
type track map[string]int64

const (
	trackCount     = "count"
	trackBytes     = "bytes"
	trackCountHard = "countHardLimit"
	trackBytesHard = "byteHardLimit"
)

// parseTrack reads pairs with = between name and number, and commas or
// semicolons between the pairs.
func parseTrack(text string) (track, error) {
	t := track{}
	for _, pair := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' }) {
		parts := strings.Split(pair, "=")
		value := "-1"
		if len(parts) > 1 && parts[1] != "" {
			value = parts[1]
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return nil, failure("For input string: %q", value)
		}
		t[parts[0]] = n
	}
	return t, nil
}

// get returns a number, -1 if there is none.
func (t track) get(name string) int64 {
	if v, ok := t[name]; ok {
		return v
	}
	return -1
}

// String writes count and bytes first, and behind them an = that old readers
// need to pass over the rest.
func (t track) String() string {
	text := trackCount + "=" + strconv.FormatInt(t.get(trackCount), 10) + "," + trackBytes + "=" + strconv.FormatInt(t.get(trackBytes), 10)
	var rest []string
	for name := range t {
		if name != trackCount && name != trackBytes {
			rest = append(rest, name)
		}
	}
	if len(rest) > 0 {
		text += "="
	}
	slices.Sort(rest)
	for _, name := range rest {
		text += ";" + name + "=" + strconv.FormatInt(t[name], 10)
	}
	return text
}
