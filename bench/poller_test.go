package bench

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestPollers(t *testing.T) {
	for name, make := range map[string]func() (poller, error){
		"default": newPoller,
		"poll":    func() (poller, error) { return newPollPoller(), nil },
	} {
		t.Run(name, func(t *testing.T) {
			p, err := make()
			if err != nil {
				t.Fatal(err)
			}
			defer p.close()
			testPoller(t, p)
		})
	}
}

func testPoller(t *testing.T, p poller) {
	a, b := socketPair(t)
	c, _ := socketPair(t)
	check(t, p.add(a, 7, false))
	check(t, p.add(c, 8, false))
	expect := func(what string, ns int64, want ...readiness) {
		t.Helper()
		got, err := p.wait(ns)
		check(t, err)
		if len(got) != len(want) || (len(want) > 0 && got[0] != want[0]) {
			t.Errorf("%s: got %+v, want %+v", what, got, want)
		}
	}
	nothing := func(wait time.Duration) {
		t.Helper()
		for end := time.Now().Add(wait); time.Now().Before(end); { // a signal may end a wait early
			expect("nothing", int64(time.Until(end)))
		}
	}
	for range 2 { // a deadline that has passed must not spoil the next wait
		nothing(5 * time.Millisecond)
	}
	nothing(150 * time.Millisecond)
	_, err := unix.Write(b, []byte("x"))
	check(t, err)
	expect("readable", int64(time.Second), readiness{id: 7, readable: true})
	check(t, p.change(a, 7, true))
	expect("both", int64(time.Second), readiness{id: 7, readable: true, writable: true})
	check(t, p.remove(a))
	expect("removed", 0)
	check(t, p.change(c, 8, true))
	expect("the other", 0, readiness{id: 8, writable: true})
}

func socketPair(t *testing.T) (a, b int) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	check(t, err)
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
