package bench

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// runWatch lets every connection watch one znode, changes it from one more,
// and waits until all have been told; several times.
func runWatch(ctx context.Context, e *engine, m *meter, r *Report) error {
	watchers := e.cfg.Connections
	if _, _, err := e.dial(ctx, watchers+1); err != nil {
		return err
	}
	path, created, err := e.below(ctx, "watched")
	if err != nil {
		return err
	}
	err = e.watchRounds(ctx, m, r, path, watchers)
	return e.cleanUp(ctx, err, created, path)
}

func (e *engine) watchRounds(ctx context.Context, m *meter, r *Report, path string, watchers int) error {
	arm := fixed(proto.OpGetData, getData(path, true))
	change := fixed(proto.OpSetData, setData(path, e.value()))
	total := &outcome{codes: map[proto.ErrCode]int64{}}
	var took time.Duration
	m.begin()
	for range e.cfg.Rounds {
		o, err := e.stream(ctx, "arm watches", plan{window: 1, until: forever, count: -1, source: func(i int) source {
			if i == watchers {
				return nil
			}
			return &repeated{request: arm, class: classRead, left: 1}
		}}, nil)
		if err == nil {
			err = o.failed("arm watches")
		}
		if err != nil {
			return err
		}
		var sent atomic.Int64
		o, err = e.stream(ctx, "notify", plan{window: 1, measureFrom: forever, until: forever, count: -1,
			events: watchers, eventsFrom: &sent, source: func(i int) source {
				if i != watchers {
					return nil
				}
				return &stamped{repeated{request: change, class: classWrite, left: 1}, e.clock, &sent}
			}}, nil)
		if err != nil {
			return err
		}
		all := time.Duration(o.lastAt - sent.Load())
		r.NotifiedMillis = append(r.NotifiedMillis, float64(all)/1e6)
		took += all
		total.event.Merge(&o.event)
		for code, n := range o.codes {
			total.codes[code] += n
		}
	}
	r.Latency = summarize(&total.event)
	r.operations(total.event.Count(), took)
	r.failures(total.codes)
	return m.end(r, 0)
}

// stamped notes when its request is made.
type stamped struct {
	repeated
	clock clock
	at    *atomic.Int64
}

func (s *stamped) next(b []byte, xid int32) ([]byte, class, bool) {
	if s.left > 0 {
		s.at.Store(s.clock.now())
	}
	return s.repeated.next(b, xid)
}
