//go:build !linux

package bench

func newPoller() (poller, error) { return newPollPoller(), nil }
