package differential

import "testing"

func TestShrinkKeepsWhatMatters(t *testing.T) {
	var steps []Step
	for range 40 {
		steps = append(steps, drop{0})
	}
	steps[7], steps[31] = drop{1}, drop{2}
	got := shrink(steps, func(rest []Step) (bool, bool) {
		one, two := false, false
		for _, st := range rest {
			one = one || st == Step(drop{1})
			two = two || (one && st == Step(drop{2}))
		}
		return two, true
	})
	if len(got) != 2 || got[0] != Step(drop{1}) || got[1] != Step(drop{2}) {
		t.Errorf("shrunk to %v", got)
	}
}

func TestGenerateIsRepeatable(t *testing.T) {
	one, two := Generate(5, 300), Generate(5, 300)
	for i := range one {
		if one[i].String() != two[i].String() {
			t.Fatalf("step %d: %s, then %s", i, one[i], two[i])
		}
	}
	if other := Generate(6, 300); other[0].String() == one[0].String() && other[1].String() == one[1].String() {
		t.Error("two seeds begin alike")
	}
}
