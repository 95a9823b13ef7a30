package differential

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// comparedWords are the four-letter words whose answers a sequence of steps
// determines, at least in part. The others are compared elsewhere, by shape.
var comparedWords = []string{"srvr", "wchs", "wchc", "wchp", "dump", "cons", "ruok", "isro", "gtmk"}

var (
	zxidLine    = regexp.MustCompile(`^Zxid: 0x([0-9a-f]+)$`)
	volatile    = regexp.MustCompile(`^(Zookeeper version|Latency min/avg/max|Received|Sent|Connections|Outstanding):`)
	sessionText = regexp.MustCompile(`0x[0-9a-f]{8,16}`)
	consLine    = regexp.MustCompile(`sid=(0x[0-9a-f]+),lop=(\w+),.*?to=(\d+)(,lcxid=0x[0-9a-f]+)?`)
)

// wordLines renders what the steps determine of a word's answer.
func (s *side) wordLines(word, text string) []string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	switch word {
	case "srvr":
		lines = s.srvrLines(lines)
	case "cons":
		lines = s.consLines(lines)
	case "dump":
		lines = s.paragraphs(afterLine(lines, "ephemeral nodes dump:", "Connections dump:"))
	case "wchc", "wchp":
		lines = s.paragraphs(lines)
	}
	for i := range lines {
		lines[i] = word + ": " + lines[i]
	}
	return lines
}

func (s *side) srvrLines(lines []string) []string {
	var kept []string
	for _, line := range lines {
		if volatile.MatchString(line) {
			continue
		}
		if m := zxidLine.FindStringSubmatch(line); m != nil {
			zxid, _ := strconv.ParseInt(m[1], 16, 64)
			line = "Zxid: " + s.zxid(zxid)
		}
		kept = append(kept, line)
	}
	return kept
}

// consLines keeps the lines of the driver's own sessions. What the last
// operation was is determined; when, and how long it took, is not.
func (s *side) consLines(lines []string) []string {
	var kept []string
	for _, line := range lines {
		if m := consLine.FindStringSubmatch(line); m != nil {
			if name := s.sessionName(m[1]); strings.HasPrefix(name, "session#") {
				kept = append(kept, name+" lop="+m[2]+" to="+m[3]+m[4])
			}
		}
	}
	slices.Sort(kept)
	return kept
}

// paragraphs sorts the indented lines below each head and then the heads:
// their order is that of hash tables.
func (s *side) paragraphs(lines []string) []string {
	var blocks [][]string
	for _, line := range lines {
		line = sessionText.ReplaceAllStringFunc(line, s.sessionName)
		if len(blocks) == 0 || !strings.HasPrefix(line, "\t") {
			blocks = append(blocks, nil)
		}
		blocks[len(blocks)-1] = append(blocks[len(blocks)-1], line)
	}
	joined := make([]string, len(blocks))
	for i, block := range blocks {
		slices.Sort(block[1:])
		joined[i] = strings.Join(block, " ")
	}
	slices.Sort(joined)
	return joined
}

func (s *side) sessionName(hexID string) string {
	id, err := strconv.ParseUint(strings.TrimPrefix(hexID, "0x"), 16, 64)
	if err != nil {
		return hexID
	}
	return s.session(int64(id))
}

// afterLine returns the lines between two marks.
func afterLine(lines []string, from, to string) []string {
	if i := slices.Index(lines, from); i >= 0 {
		lines = lines[i+1:]
	}
	if i := slices.Index(lines, to); i >= 0 {
		lines = lines[:i]
	}
	return lines
}
