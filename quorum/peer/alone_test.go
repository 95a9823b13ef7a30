package peer

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/meerkat-zk/meerkat/quorum"
)

// A single voter that steps down elects itself in the same moment; still its
// server is told that a term has ended.
func TestPeerAloneStepsDown(t *testing.T) {
	inEnsemble(t, 1, func(e *ensemble) {
		e.start(1)
		e.propose(3)
		e.converge()
		e.peers[1].StepDown("enough")
		synctest.Wait()
		e.propose(3)
		e.converge()
		var got []string
		for _, r := range e.servers[1].roles {
			got = append(got, fmt.Sprintf("%s %s %s", r.State, r.Phase, r.Reason))
		}
		term := []string{"leading synchronization ", "leading broadcast "}
		want := slices.Concat(
			[]string{"looking election started", "leading discovery started"}, term,
			[]string{"looking election enough", "leading discovery enough"}, term)
		if !slices.Equal(got, want) {
			t.Errorf("roles %q, want %q", got, want)
		}
		if epoch := quorum.Epoch(lastOf(e.want)); epoch != 2 {
			t.Errorf("the last epoch is %d", epoch)
		}
	})
}
