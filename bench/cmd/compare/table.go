package main

import (
	"fmt"
	"slices"
	"strings"
)

// render writes the tables: throughput, one line per row, and below it what
// is measured otherwise, one line per figure. A missed goal is in bold.
func render(g group, f figures, sc scale) string {
	var speed, other strings.Builder
	for _, r := range g.rows {
		if !f.has(r) {
			continue
		}
		if _, ok := r.goals[opsPerSec]; ok {
			writeSpeed(&speed, g, f, r)
		}
		for _, m := range others(r) {
			writeFigure(&other, f, r, m, sc)
		}
	}
	var b strings.Builder
	if speed.Len() > 0 {
		writeLine(&b, g.columns("100-byte values", "Apache", "Meerkat", "ratio", "goal", "ceiling",
			"CPU-s per 100k: Apache", "Meerkat", "goal", "p99: Apache", "Meerkat"))
		writeLine(&b, g.columns("---", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:"))
		b.WriteString(speed.String() + "\n")
	}
	if other.Len() > 0 {
		b.WriteString("| otherwise | Apache | Meerkat | ratio | goal |\n| --- | --: | --: | --: | --: |\n" + other.String())
	}
	return b.String()
}

// ceilingColumn is the column of the echo server in the first table.
const ceilingColumn = 5

// columns leaves out the ceiling where there is none.
func (g group) columns(cells ...string) []string {
	if g.ceiling {
		return cells
	}
	return slices.Delete(cells, ceilingColumn, ceilingColumn+1)
}

func writeLine(b *strings.Builder, cells []string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func (f figures) has(r row) bool {
	for _, c := range f {
		if len(c[r.key]) > 0 {
			return true
		}
	}
	return false
}

func writeSpeed(b *strings.Builder, g group, f figures, r row) {
	writeLine(b, g.columns(r.title,
		f.cell("Apache", r, opsPerSec), f.cell("Meerkat", r, opsPerSec), f.ratio(r, opsPerSec), r.goals[opsPerSec].text(opsPerSec),
		f.cell("Echo", r, opsPerSec),
		f.cell("Apache", r, cpuPer100), f.judged(r, cpuPer100), r.goals[cpuPer100].text(cpuPer100),
		f.cell("Apache", r, p99Micros), f.judged(r, p99Micros)))
}

// others are the measures of r that stand in the second table.
func others(r row) []measure {
	return map[string][]measure{
		"watch":        {allMillis, p99Micros, cpuPer100},
		"sessions":     {itemBytes},
		"filled":       {itemBytes, startMs, opsPerSec},
		"pause":        {pauseMs, readMs, writeMs, lateMs, p99Micros, cpuPer100},
		"empty":        {startMs, rssMB},
		"ens-expiry":   {goneMs},
		"ens-failover": {failoverMs},
		"ens-handover": {pauseMs},
		"ens-slow":     {beforeRate, frozenRate, thawedRate, downRate, slowdown, writeMs},
		"ens-rejoin":   {rejoinMs},
	}[r.key]
}

// labels says what a measure of the second table is.
var labels = map[measure]string{
	allMillis: "from the change to the last event",
	p99Micros: "p99",
	cpuPer100: "CPU-s per 100k operations",
	itemBytes: "resident bytes each",
	startMs:   "start until the first reply",
	opsPerSec: "created per second",
	pauseMs:   "longest pause",
	readMs:    "longest read",
	writeMs:   "longest write",
	lateMs:    "longest delay of the load generator itself",
	rssMB:     "resident memory",

	goneMs:     "from their timeout until the last ephemeral is gone",
	failoverMs: "until the first write through one that is left",
	rejoinMs:   "from its start until it shows the last of them",
	beforeRate: "per second with three servers",
	frozenRate: "per second while a follower is frozen",
	thawedRate: "per second while it catches up",
	downRate:   "per second after its kill -9",
	slowdown:   "slower at worst while it is frozen or down",
}

// scaled is how many the title of r speaks of.
func (s scale) scaled(r row) int64 {
	switch r.key {
	case "ens-expiry":
		return int64(s.sessions)
	case "ens-rejoin":
		return s.rejoin
	}
	return s.keys
}

func writeFigure(b *strings.Builder, f figures, r row, m measure, sc scale) {
	title := r.title
	if strings.Contains(title, "%s") {
		title = fmt.Sprintf(title, thousands(sc.scaled(r)))
	}
	fmt.Fprintf(b, "| %s: %s | %s | %s | %s | %s |\n", title, labels[m],
		f.cell("Apache", r, m), f.judged(r, m), f.ratio(r, m), r.goals[m].text(m))
}

// cell is a contender's figure, or a dash.
func (f figures) cell(contender string, r row, m measure) string {
	v, ok := f.median(contender, r.key, m)
	if !ok {
		return "–"
	}
	return shown(m, v)
}

// judged is Meerkat's figure, in bold when it misses its goal.
func (f figures) judged(r row, m measure) string { return f.bold(r, m, f.cell("Meerkat", r, m)) }

// ratio is Meerkat's figure as a multiple of Apache's, in bold when it misses
// its goal.
func (f figures) ratio(r row, m measure) string {
	ours, ok1 := f.median("Meerkat", r.key, m)
	theirs, ok2 := f.median("Apache", r.key, m)
	if !ok1 || !ok2 || theirs == 0 {
		return "–"
	}
	return f.bold(r, m, digits(ours/theirs)+" ×")
}

func (f figures) bold(r row, m measure, text string) string {
	if f.missed(r, m) {
		return "**" + text + "**"
	}
	return text
}

func (f figures) missed(r row, m measure) bool {
	ours, ok := f.median("Meerkat", r.key, m)
	theirs, _ := f.median("Apache", r.key, m)
	reached, known := r.goals[m].reached(ours, theirs)
	return ok && known && !reached
}

// misses lists every goal that was not reached.
func misses(g group, f figures) (list []string) {
	for _, r := range g.rows {
		for _, m := range measures {
			g, ok := r.goals[m]
			if !ok || !f.missed(r, m) {
				continue
			}
			list = append(list, fmt.Sprintf("%s: %s is %s, Apache's %s, the goal %s",
				r.key, m, f.cell("Meerkat", r, m), f.cell("Apache", r, m), g.text(m)))
		}
	}
	return list
}

// text says what the goal is, such as "≥ 2.5 ×".
func (g goal) text(m measure) string {
	var parts []string
	if g.atLeast > 0 {
		parts = append(parts, "≥ "+digits(g.atLeast)+" ×")
	}
	switch {
	case g == below:
		parts = append(parts, "below Apache's")
	case g.atMost > 0:
		parts = append(parts, "≤ "+digits(g.atMost)+" ×")
	}
	if g.limit > 0 {
		parts = append(parts, "≤ "+shown(m, g.limit))
	}
	return strings.Join(parts, ", ")
}

// shown is a value with its unit, as tables show it.
func shown(m measure, v float64) string {
	switch m {
	case p99Micros:
		if v < 1000 {
			return digits(v) + " µs"
		}
		return shown(allMillis, v/1000)
	case startMs, allMillis, pauseMs, readMs, writeMs, lateMs, goneMs, failoverMs, rejoinMs:
		if v >= 1000 {
			return digits(v/1000) + " s"
		}
		return digits(v) + " ms"
	case rssMB:
		return digits(v) + " MB"
	case slowdown:
		return digits(v) + " %"
	}
	return digits(v)
}

// digits prints about three digits, and thousands with a comma.
func digits(v float64) string {
	a := max(v, -v)
	switch {
	case a >= 999.5:
		return thousands(int64(v + 0.5))
	case a >= 99.95:
		return fmt.Sprintf("%.0f", v)
	case a >= 9.995:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	}
	s := strings.TrimRight(fmt.Sprintf("%.2f", v), "0")
	return strings.TrimSuffix(s, ".")
}

func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
