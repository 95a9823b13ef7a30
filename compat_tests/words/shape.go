package words

import (
	"regexp"
	"slices"
	"strings"
)

// A rule replaces what two servers need not have in common.
type rule struct {
	find    *regexp.Regexp
	replace string
}

func rules(pairs ...string) []rule {
	list := make([]rule, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, rule{regexp.MustCompile(pairs[i]), pairs[i+1]})
	}
	return list
}

// masks are the rules for each word. What they leave is compared as it is.
var masks = map[string][]rule{
	"conf": rules(`(?m)^(clientPort|dataDirSize|dataLogSize)=\d+$`, "$1=N", `(?m)^(dataDir|dataLogDir)=/.*/version-2$`, "$1=PATH/version-2"),
	"dirs": rules(`\d+`, "N"),
	"envi": rules(`(?m)^([a-z.]+)=.*$`, "$1=VALUE"),
	"srvr": status,
	"stat": append(slices.Clone(connection), status...),
	"cons": connection,
	// Apache keeps buckets until their time comes, also when all that was in
	// them has moved on, and counts them.
	"dump": rules(`0x[0-9a-f]{8,16}`, "SESSION",
		`(?m)^0 expire at .*:\n`, "",
		`(?m)^(\d+ expire) at [A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d [A-Z]+ \d{4}:$`, "$1 at DATE:",
		`(?m)^(((Local |Global )?Session|Connections) Sets) \(\d+\)/`, "$1 (N)/",
		`(?m)^\tip: /127\.0\.0\.1:\d+ `, "\tip: /ADDR "),
	"wchc": rules(`0x[0-9a-f]{8,16}`, "SESSION"),
	"wchp": rules(`0x[0-9a-f]{8,16}`, "SESSION"),
	"hash": rules(`(?m)^([0-9a-f]+): -?\d+$`, "$1: DIGEST"),
}

// counters hides what the questions of the start have counted up.
var counters = rules(`(?m)^(Received|Sent): \d+$`, "$1: N")

var status = rules(
	`(?m)^Zookeeper version: \d+\.\d+\.\d+(-[A-Za-z0-9.-]+)?-[0-9a-f]+, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC$`, "Zookeeper version: VERSION",
	`(?m)^Latency min/avg/max: \d+/\d+\.\d{1,4}/\d+$`, "Latency min/avg/max: N/N.N/N")

var connection = rules(
	`/(127\.0\.0\.1|\[?0:0:0:0:0:0:0:1\]?):\d+`, "/ADDR",
	`sid=0x[0-9a-f]+`, "sid=SESSION",
	`est=\d+`, "est=N", `lresp=\d+`, "lresp=N",
	`llat=\d+,minlat=\d+,avglat=\d+,maxlat=\d+`, "llat=N,minlat=N,avglat=N,maxlat=N")

// unordered are the words whose lines come in the order of hash tables: below
// each line that is not indented, and of those lines themselves.
var unordered = []string{"cons", "stat", "dump", "wchc", "wchp", "hash"}

// shape applies a word's rules, and more, to an answer.
func shape(word, answer string, more ...rule) []string {
	for _, r := range append(slices.Clone(masks[word]), more...) {
		answer = r.find.ReplaceAllString(answer, r.replace)
	}
	lines := strings.Split(answer, "\n")
	if slices.Contains(unordered, word) {
		lines = sortGroups(lines)
	}
	return lines
}

// sortGroups sorts runs of lines that begin with a blank, a tab or a number,
// and keeps those between them in place.
func sortGroups(lines []string) []string {
	loose := func(line string) bool {
		return line != "" && strings.ContainsAny(line[:1], " \t/S0123456789abcdef") && !strings.HasSuffix(line, "):")
	}
	for i := 0; i < len(lines); i++ {
		end := i
		for end < len(lines) && loose(lines[end]) {
			end++
		}
		slices.Sort(lines[i:end])
		i = max(i, end-1)
	}
	return lines
}

// kind tells what sort of value stands behind a key of mntr.
func kind(value string) string {
	switch {
	case regexp.MustCompile(`^-?\d+$`).MatchString(value):
		return "integer"
	case regexp.MustCompile(`^-?\d+\.\d+(E-?\d+)?$`).MatchString(value):
		return "decimal"
	case value == "null" || value == "NaN":
		return value
	}
	return "text"
}
