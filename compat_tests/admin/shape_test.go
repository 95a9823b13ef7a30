package admin

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestShape(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1,"b":1.5,"c":[1,2],"d":{"7":["x"],"9":[]},"e":null,"f":[],"g":true}`: "{a:integer b:decimal c:[integer] d:{N:[text]} e:null f:[] g:bool}",
		`{"a":[{"b":"x"},{"b":1}]}`: "{a:[{b:integer} {b:text}]}",
	} {
		v, err := decode(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := shapeOf(v); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// The two libraries write labels a little differently.
func TestFamilies(t *testing.T) {
	for _, text := range []string{
		"# HELP a x\n# TYPE a summary\na{key=\"app\",quantile=\"0.5\",} 1.0\na_count{key=\"app\",} 2.0\na_sum{key=\"app\",} 3.0\n",
		"# TYPE a summary\na{key=\"other\",quantile=\"0.5\"} 1\na_sum{key=\"other\"} 3\na_count{key=\"other\"} 2\n",
	} {
		a := families(text)["a"]
		if a == nil || a.kind != "summary" {
			t.Fatalf("%q: %+v", text, a)
		}
		if got := strings.Join(slices.Sorted(maps.Keys(a.samples)), " "); got != `a_count{key=K} a_sum{key=K} a{key=K,quantile="0.5"}` {
			t.Errorf("%q: %s", text, got)
		}
	}
}
