package masterworker

import (
	"reflect"
	"testing"
)

func TestPlan(t *testing.T) {
	for _, tc := range []struct {
		name           string
		tasks, workers []string
		assigned       map[string][]string
		want           []move
	}{
		{"nobody works", []string{"t1"}, nil, map[string][]string{"dead": {"t1"}}, nil},
		{"nothing to do", nil, []string{"a"}, nil, nil},
		{"by turns", []string{"t1", "t2", "t3"}, []string{"b", "a"}, nil, []move{{"t1", "", "a"}, {"t2", "", "b"}, {"t3", "", "a"}}},
		{"to the idle", []string{"t1", "t2"}, []string{"a", "b"}, map[string][]string{"a": {"t1"}}, []move{{"t2", "", "b"}}},
		{"of the dead", []string{"t1", "t2"}, []string{"a"}, map[string][]string{"dead": {"t2"}, "a": {"t1"}}, []move{{"t2", "dead", "a"}}},
		{"stays", []string{"t1"}, []string{"a", "b"}, map[string][]string{"b": {"t1"}}, nil},
	} {
		if got := plan(tc.tasks, tc.workers, tc.assigned); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
