package bench

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// epoll waits with epoll, and with a timer file descriptor for deadlines that
// the milliseconds of epoll_wait are too coarse for.
type epoll struct {
	fd    int
	timer int
	ticks [8]byte // what the timer yields when read
	raw   [maxReady]unix.EpollEvent
	ready [maxReady]readiness
}

const timerID = -1

func newPoller() (poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("bench: epoll_create: %w", err)
	}
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("bench: timerfd_create: %w", err)
	}
	p := &epoll{fd: fd, timer: timer}
	if err := p.add(timer, timerID, false); err != nil {
		_ = p.close()
		return nil, err
	}
	return p, nil
}

func (p *epoll) control(op, fd, id int, writable bool) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(id)}
	if writable {
		ev.Events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(p.fd, op, fd, &ev); err != nil {
		return fmt.Errorf("bench: epoll_ctl: %w", err)
	}
	return nil
}

func (p *epoll) add(fd, id int, writable bool) error {
	return p.control(unix.EPOLL_CTL_ADD, fd, id, writable)
}

func (p *epoll) change(fd, id int, writable bool) error {
	return p.control(unix.EPOLL_CTL_MOD, fd, id, writable)
}

func (p *epoll) remove(fd int) error {
	return p.control(unix.EPOLL_CTL_DEL, fd, 0, false)
}

func (p *epoll) wait(ns int64) ([]readiness, error) {
	timeoutMs := 0
	switch {
	case ns <= 0:
	case ns >= int64(100*time.Millisecond): // what a late wake-up adds does not matter
		timeoutMs = int(ns / int64(time.Millisecond))
	default:
		spec := unix.ItimerSpec{Value: unix.NsecToTimespec(ns)}
		if err := unix.TimerfdSettime(p.timer, 0, &spec, nil); err != nil {
			return nil, fmt.Errorf("bench: timerfd_settime: %w", err)
		}
		timeoutMs = -1
	}
	n, err := unix.EpollWait(p.fd, p.raw[:], timeoutMs)
	if errors.Is(err, unix.EINTR) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("bench: epoll_wait: %w", err)
	}
	ready := p.ready[:0]
	for _, ev := range p.raw[:n] {
		if ev.Fd == timerID {
			// Unread it would end every later wait at once. It may have been
			// set again since, so there may be nothing to read.
			_, _ = unix.Read(p.timer, p.ticks[:])
			continue
		}
		ready = append(ready, readiness{
			id:       int(ev.Fd),
			readable: ev.Events&^unix.EPOLLOUT != 0,
			writable: ev.Events&unix.EPOLLOUT != 0,
		})
	}
	return ready, nil
}

func (p *epoll) close() error {
	return errors.Join(unix.Close(p.timer), unix.Close(p.fd))
}
