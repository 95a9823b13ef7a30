package replica

import (
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/quorum"
)

// Recovered describes to the quorum what a store held when it was recovered
// into the tree, whole as it is: what was logged and never committed is taken
// for applied too, and a leader that lacks it has it removed. tailTxns of at
// most tailBytes are read back from the end of the log, for learners that are
// a little behind. It creates epoch files that are missing, and comes before
// the first Append.
func Recovered(store *persistence.Store, found persistence.Recovered, tailTxns int, tailBytes int64) (quorum.Recovered, error) {
	epochs, err := store.LoadEpochs(found.Zxid)
	if err != nil {
		return quorum.Recovered{}, err
	}
	r := quorum.Recovered{
		Zxid: found.Zxid, Applied: found.Zxid, TailBase: found.Zxid, AcceptedEpoch: epochs.Accepted, CurrentEpoch: epochs.Current,
	}
	if found.Zxid < 0 {
		return r, nil
	}
	base, entries, err := store.Tail(found.Zxid, tailTxns, tailBytes)
	if err != nil {
		return quorum.Recovered{}, err
	}
	r.TailBase = base
	for _, e := range entries {
		r.Tail = append(r.Tail, quorum.Entry(e))
	}
	return r, nil
}
