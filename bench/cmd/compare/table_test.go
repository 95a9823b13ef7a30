package main

import (
	"math"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		in   []float64
		want float64
	}{{nil, 0}, {[]float64{5}, 5}, {[]float64{9, 1, 4}, 4}, {[]float64{4, 1}, 2.5}} {
		if got := median(tt.in); got != tt.want {
			t.Errorf("median of %v is %v", tt.in, got)
		}
	}
}

func TestDigits(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.2: "0.2", 0.0712: "0.07", 2.5: "2.5", 1.0 / 3: "0.33", 12.345: "12.3", 12: "12", 99.99: "100",
		123.4: "123", 999.4: "999", 999.6: "1,000", 1234567: "1,234,567", -5: "-5", 9.999: "10",
	} {
		if got := digits(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
	for _, tt := range []struct {
		m    measure
		v    float64
		want string
	}{
		{p99Micros, 812, "812 µs"}, {p99Micros, 2340, "2.34 ms"}, {p99Micros, 1_500_000, "1.5 s"},
		{startMs, 48, "48 ms"}, {startMs, 2200, "2.2 s"}, {rssMB, 61.5, "61.5 MB"}, {itemBytes, 1600, "1,600"},
	} {
		if got := shown(tt.m, tt.v); got != tt.want {
			t.Errorf("%s %v: %q, want %q", tt.m, tt.v, got, tt.want)
		}
	}
}

func TestGoals(t *testing.T) {
	for _, tt := range []struct {
		g              goal
		ours, apache   float64
		reached, known bool
		text           string
	}{
		{goal{atLeast: 2.5}, 250, 100, true, true, "≥ 2.5 ×"},
		{goal{atLeast: 2.5}, 249, 100, false, true, "≥ 2.5 ×"},
		{goal{atLeast: 2.5}, 249, 0, false, false, "≥ 2.5 ×"},
		{goal{atMost: 0.25}, 25, 100, true, true, "≤ 0.25 ×"},
		{goal{atMost: 0.25}, 26, 100, false, true, "≤ 0.25 ×"},
		{goal{limit: 50}, 50, 0, true, true, "≤ 50 ms"},
		{goal{limit: 50}, 51, 1000, false, true, "≤ 50 ms"},
		{below, 99, 100, true, true, "below Apache's"},
		{below, 101, 100, false, true, "below Apache's"},
		{goal{}, 1, 1, true, true, ""},
	} {
		reached, known := tt.g.reached(tt.ours, tt.apache)
		if reached != tt.reached || known != tt.known || tt.g.text(startMs) != tt.text {
			t.Errorf("%+v with %v and %v: %v, %v, %q", tt.g, tt.ours, tt.apache, reached, known, tt.g.text(startMs))
		}
	}
}

func filledIn() figures {
	f := figures{}
	for _, ops := range []float64{100_000, 90_000, math.Inf(1)} {
		f.add("Apache", "get-16x16", opsPerSec, ops)
	}
	f.add("Meerkat", "get-16x16", opsPerSec, 590_000)
	f.add("Apache", "get-16x16", cpuPer100, 1.5)
	f.add("Meerkat", "get-16x16", cpuPer100, 0.31)
	f.add("Apache", "get-16x16", p99Micros, 7000)
	f.add("Meerkat", "get-16x16", p99Micros, 900)
	f.add("Echo", "get-16x16", opsPerSec, 1_000_000)
	f.add("Meerkat", "empty", startMs, 61)
	f.add("Meerkat", "empty", rssMB, 20)
	return f
}

func TestRender(t *testing.T) {
	got := render(standalone, filledIn(), scale{keys: 1000})
	for _, want := range []string{
		"| getData, 16 × 16 | 100,000 | 590,000 | **5.9 ×** | ≥ 6 × | 1,000,000 | 1.5 | **0.31** | ≤ 0.2 | 7 ms | 900 µs |\n",
		"| empty server: start until the first reply | – | **61 ms** | – | ≤ 50 ms |\n",
		"| empty server: resident memory | – | 20 MB | – | ≤ 25 MB |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "setData") {
		t.Errorf("a row that was not measured is shown:\n%s", got)
	}
	if list := misses(standalone, filledIn()); len(list) != 3 {
		t.Errorf("misses: %q", list)
	}
}

func TestReplaceFigures(t *testing.T) {
	g := standalone
	other := ensembles.begin + "\nothers\n" + ensembles.end
	note := "# Title\n" + g.begin + "\nold\n" + g.end + "\n" + other + "\nrest\n"
	want := "# Title\n" + g.begin + "\n\nnew\n\n" + g.end + "\n" + other + "\nrest\n"
	got, err := g.replaceFigures(note, "new\n")
	if err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
	if again, err := g.replaceFigures(got, "new"); err != nil || again != want {
		t.Errorf("%q, %v", again, err)
	}
	if _, err := g.replaceFigures("nothing", "new"); err == nil {
		t.Error("a note without marks is accepted")
	}
}

func TestRenderOfAnEnsemble(t *testing.T) {
	f := figures{}
	f.add("Apache", "ens-set-16x16", opsPerSec, 15_000)
	f.add("Meerkat", "ens-set-16x16", opsPerSec, 45_000)
	f.add("Apache", "ens-set-16x16", cpuPer100, 7.6)
	f.add("Meerkat", "ens-set-16x16", cpuPer100, 1.5)
	f.add("Apache", "ens-failover", failoverMs, 420)
	f.add("Meerkat", "ens-failover", failoverMs, 160)
	f.add("Meerkat", "ens-slow", slowdown, 0)
	f.add("Apache", "ens-rejoin", rejoinMs, 3000)
	f.add("Meerkat", "ens-rejoin", rejoinMs, 1000)
	f.add("Meerkat", "get-16x16", opsPerSec, 1)
	got := render(ensembles, f, scale{rejoin: 100_000})
	for _, want := range []string{
		"| setData, 16 × 16 | 15,000 | 45,000 | **3 ×** | ≥ 4 × | 7.6 | 1.5 | ≤ 1.8 | – | – |\n",
		"| kill -9 of the leader: until the first write through one that is left | 420 ms | **160 ms** | **0.38 ×** | ≤ 0.33 ×, ≤ 150 ms |\n",
		"| a follower comes back 100,000 transactions behind: from its start until it shows the last of them | 3 s | 1 s | 0.33 × | ≤ 0.5 × |\n",
		"slower at worst while it is frozen or down | – | 0 % | – | ≤ 10 % |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "ceiling") || strings.Contains(got, "getData") {
		t.Errorf("shows what no ensemble was measured for:\n%s", got)
	}
	if list := misses(ensembles, f); len(list) != 2 {
		t.Errorf("misses: %q", list)
	}
}

func TestGroups(t *testing.T) {
	for _, tt := range []struct {
		o    options
		want string
	}{
		{options{}, "figures.json ensembles.json"},
		{options{ensemble: true}, "ensembles.json"},
		{options{only: "mixed"}, "figures.json"},
		{options{only: "ens-slow,mixed"}, "figures.json ensembles.json"},
	} {
		only, err := rowSet(tt.o.only)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, g := range groupsOf(tt.o, only) {
			got = append(got, g.raw)
			if n := len(g.of([]contender{{name: "Meerkat"}, {name: "Echo", echo: true}})); n != 1 && g.raw == ensembles.raw {
				t.Errorf("%d contenders in %s", n, g.raw)
			}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%+v: %s, expected %s", tt.o, s, tt.want)
		}
	}
}
