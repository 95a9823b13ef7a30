package exporter

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"

	"github.com/meerkat-zk/meerkat/server/stats"
)

// keyLabel tells the members of a set apart.
const keyLabel = "key"

var (
	basicQuantiles    = []float64{0.5}
	advancedQuantiles = []float64{0.5, 0.9, 0.99}
)

// Exporter turns a registry into what Prometheus scrapes.
type Exporter struct {
	gatherer *prometheus.Registry // set once
}

// New makes an exporter of a registry. With runtime it shows the process and
// Go's runtime, too.
func New(registry *stats.Registry, runtime bool) *Exporter {
	e := &Exporter{gatherer: prometheus.NewRegistry()}
	e.gatherer.MustRegister(newCollector(registry, time.Now))
	if runtime {
		e.gatherer.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	return e
}

// collector shows a registry. What its gauges say is asked at each scrape.
type collector struct {
	registry *stats.Registry             // set once
	now      func() time.Time            // set once
	descs    map[string]*prometheus.Desc // set once: by name

	mu      sync.Mutex
	windows map[windowKey]*window // mu; as many as the registry has summaries
}

type windowKey struct{ name, key string }

func newCollector(registry *stats.Registry, now func() time.Time) *collector {
	c := &collector{registry: registry, now: now, descs: map[string]*prometheus.Desc{}, windows: map[windowKey]*window{}}
	for i := range stats.Table {
		d := &stats.Table[i]
		var labels []string
		if d.Kind.IsSet() {
			labels = []string{keyLabel}
		}
		c.descs[d.Name] = prometheus.NewDesc(d.Name, help(d), labels, nil)
	}
	return c
}

func help(d *stats.Def) string {
	text := d.Help
	if unit := d.Unit.String(); unit != "" {
		text += " (" + unit + ")"
	}
	return text
}

// Describe names all that may be collected.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect shows all that there is.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.registry.Samples(func(s *stats.Sample) { ch <- c.metric(s, now) })
}

// metric converts a sample. What a client called something need not be text.
func (c *collector) metric(s *stats.Sample, now time.Time) prometheus.Metric {
	desc := c.descs[s.Def.Name]
	var labels []string
	if s.Def.Kind.IsSet() {
		labels = []string{strings.ToValidUTF8(s.Key, "\uFFFD")}
	}
	switch s.Def.Kind {
	case stats.KindCounter, stats.KindCounterSet:
		return prometheus.MustNewConstMetric(desc, prometheus.CounterValue, s.Value.Float64(), labels...)
	case stats.KindGauge, stats.KindGaugeSet:
		return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, s.Value.Float64(), labels...)
	}
	id := windowKey{s.Def.Name, s.Key}
	w := c.windows[id]
	if w == nil {
		w = &window{}
		c.windows[id] = w
	}
	recent := w.recent(s.Summary, now)
	quantiles := map[float64]float64{}
	for _, q := range quantilesOf(s.Def) {
		quantiles[q] = recent.Quantile(q)
	}
	return prometheus.MustNewConstSummary(desc, s.Summary.Count, s.Summary.Sum, quantiles, labels...)
}

func quantilesOf(d *stats.Def) []float64 {
	if d.Kind == stats.KindAdvanced || d.Kind == stats.KindAdvancedSet {
		return advancedQuantiles
	}
	return basicQuantiles
}

// Dump gives every number to sink, under the name and the labels that
// Prometheus knows it by: what Apache's word mntr and command monitor show
// while this exporter is on. All are floating point numbers.
func (e *Exporter) Dump(sink stats.Sink) error {
	families, err := e.gatherer.Gather()
	for _, f := range families {
		for _, m := range f.Metric {
			dump(f.GetName(), m, sink)
		}
	}
	return err
}

func dump(name string, m *dto.Metric, sink stats.Sink) {
	labels := labelText(m.Label)
	emit := func(name, labels string, v float64) {
		if labels != "" {
			name += "{" + labels + "}"
		}
		sink(name, stats.Float(v))
	}
	switch {
	case m.Counter != nil:
		emit(name, labels, m.Counter.GetValue())
	case m.Gauge != nil:
		emit(name, labels, m.Gauge.GetValue())
	case m.Summary != nil:
		for _, q := range m.Summary.Quantile {
			label := `quantile="` + stats.JavaDouble(q.GetQuantile()) + `"`
			if labels != "" {
				label = labels + "," + label
			}
			emit(name, label, q.GetValue())
		}
		emit(name+"_count", labels, float64(m.Summary.GetSampleCount()))
		emit(name+"_sum", labels, m.Summary.GetSampleSum())
	case m.Histogram != nil:
		emit(name+"_count", labels, float64(m.Histogram.GetSampleCount()))
		emit(name+"_sum", labels, m.Histogram.GetSampleSum())
	case m.Untyped != nil:
		emit(name, labels, m.Untyped.GetValue())
	}
}

func labelText(pairs []*dto.LabelPair) string {
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(p.GetName() + `="` + p.GetValue() + `"`)
	}
	return b.String()
}
