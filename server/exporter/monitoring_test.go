package exporter

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"go.yaml.in/yaml/v3"

	"github.com/meerkat-zk/meerkat/server/stats"
)

const monitoring = "../../conf/monitoring"

// exported are the names of all samples that a server can show.
func exported(t *testing.T) map[string]bool {
	t.Helper()
	families, err := New(newRegistry(), true).gatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{"up": true} // of Prometheus itself
	for _, d := range stats.Table {
		if d.Kind.IsSet() { // may have no member yet
			names[d.Name], names[d.Name+"_sum"], names[d.Name+"_count"] = true, true, true
		}
	}
	for _, f := range families {
		names[f.GetName()] = true
		if f.GetType() == dto.MetricType_SUMMARY {
			names[f.GetName()+"_sum"], names[f.GetName()+"_count"] = true, true
		}
	}
	return names
}

var (
	quoted    = regexp.MustCompile(`"[^"]*"`)
	ranges    = regexp.MustCompile(`\[[^\]]*\]`)
	selectors = regexp.MustCompile(`\{[^}]*\}`)
	grouping  = regexp.MustCompile(`\b(by|on|without) *\([^)]*\)`)
	words     = regexp.MustCompile(`[a-zA-Z_][a-zA-Z0-9_]*`)
	numbers   = regexp.MustCompile(`\b[0-9][0-9.e]*\b`)
)

// metricsIn lists the metrics of an expression: its words that are neither
// operators nor functions.
func metricsIn(expr string) []string {
	for _, skip := range []*regexp.Regexp{quoted, ranges, selectors, grouping, numbers} {
		expr = skip.ReplaceAllString(expr, " ")
	}
	language := map[string]bool{}
	for _, w := range strings.Fields("or and unless count rate increase sum max min avg topk predict_linear label_values instance") {
		language[w] = true
	}
	var names []string
	for _, w := range words.FindAllString(expr, -1) {
		if !language[w] {
			names = append(names, w)
		}
	}
	return names
}

func checkExpr(t *testing.T, where, expr string, names map[string]bool) {
	t.Helper()
	used := metricsIn(expr)
	if len(used) == 0 {
		t.Errorf("%s: %q uses no metric", where, expr)
	}
	for _, name := range used {
		if !names[name] {
			t.Errorf("%s: %q uses %s, which is not exported", where, expr, name)
		}
	}
	if strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "{") != strings.Count(expr, "}") {
		t.Errorf("%s: %q is not balanced", where, expr)
	}
}

// Everything that the rules ask for is exported.
func TestAlertRules(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(monitoring, "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	names, seen := exported(t), map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || seen[r.Alert] || r.Labels["severity"] == "" || r.Annotations["summary"] == "" {
				t.Errorf("%s: rule %+v lacks something, or is there twice", g.Name, r)
			}
			seen[r.Alert] = true
			checkExpr(t, r.Alert, r.Expr, names)
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d rules", len(seen))
	}
}

// Everything that the dashboard shows is exported.
func TestDashboard(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(monitoring, "grafana.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title      string
		Templating struct {
			List []struct{ Name, Type, Query string }
		}
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	names, ids := exported(t), map[int]bool{}
	for _, v := range board.Templating.List {
		if v.Type == "query" {
			checkExpr(t, "variable "+v.Name, v.Query, names)
		}
	}
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q lacks something, or is there twice", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			checkExpr(t, p.Title, target.Expr, names)
		}
	}
	if len(board.Panels) < 25 {
		t.Errorf("only %d panels", len(board.Panels))
	}
}

// The sample configuration names the rules.
func TestPrometheusSample(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(monitoring, "prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		RuleFiles     []string `yaml:"rule_files"`
		ScrapeConfigs []struct {
			JobName string `yaml:"job_name"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.ScrapeConfigs) != 1 || file.ScrapeConfigs[0].JobName != "zookeeper" {
		t.Errorf("jobs %+v: the rules and the dashboard ask for zookeeper", file.ScrapeConfigs)
	}
	for _, name := range file.RuleFiles {
		if _, err := os.Stat(filepath.Join(monitoring, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestMetricsIn(t *testing.T) {
	got := strings.Join(metricsIn(`topk(5, sum by (key) (rate(a_sum{instance=~"$x"}[5m]))) / b_count > 1e9 or up{job="z"} == 0`), " ")
	if got != "a_sum b_count up" {
		t.Errorf("%q", got)
	}
}
