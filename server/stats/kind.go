package stats

// Kind is what a metric is made of.
type Kind int

// The kinds. A set has one metric per key.
const (
	KindCounter Kind = iota // grows
	KindCounterSet
	KindGauge // the present value
	KindGaugeSet
	KindSummary  // avg, min, max, cnt, sum
	KindAdvanced // the same and p50, p95, p99, p999
	KindSummarySet
	KindAdvancedSet
)

var kindNames = [...]string{
	"counter", "counter set", "gauge", "gauge set", "summary", "advanced summary", "summary set", "advanced summary set",
}

// String names the kind.
func (k Kind) String() string { return kindNames[k] }

// IsSet tells whether there is one metric per key.
func (k Kind) IsSet() bool {
	return k == KindCounterSet || k == KindGaugeSet || k == KindSummarySet || k == KindAdvancedSet
}

// IsGauge tells whether the value is not counted here but asked for.
func (k Kind) IsGauge() bool { return k == KindGauge || k == KindGaugeSet }

// Unit is what a metric counts.
type Unit int

// The units.
const (
	UnitNone Unit = iota // things, or events
	UnitMs               // milliseconds
	UnitBytes
)

// String names the unit; "" for things.
func (u Unit) String() string { return [...]string{"", "ms", "bytes"}[u] }

// Scope says when a metric can move.
type Scope int

// The scopes.
const (
	Always   Scope = iota // in every server
	Ensemble              // with other servers
	Never                 // Apache has it, but what it counts does not exist here: see Def.Why
)

// Def is a row of the table of metrics.
type Def struct {
	Name  string
	Kind  Kind
	Unit  Unit
	Scope Scope
	Help  string // what it counts
	Why   string // with Never: why it stays at zero
}

// scale is how many units of memory make one of what is printed: times are
// kept in ns.
func (d *Def) scale() int64 {
	if d.Unit == UnitMs {
		return nsPerMs
	}
	return 1
}

func (d *Def) advanced() bool { return d.Kind == KindAdvanced || d.Kind == KindAdvancedSet }

// Lookup finds a row by name; nil if there is none.
func Lookup(name string) *Def {
	for i := range Table {
		if Table[i].Name == name {
			return &Table[i]
		}
	}
	return nil
}
