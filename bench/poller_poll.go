package bench

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// pollPoller waits with poll(2), for systems without epoll. It costs time in
// proportion to the connections, and its deadlines are whole milliseconds:
// good enough to try a server out, not to measure it.
type pollPoller struct {
	fds   []unix.PollFd
	ids   []int       // of the fds, at the same index
	index map[int]int // fd to index
	ready []readiness
}

func newPollPoller() *pollPoller { return &pollPoller{index: map[int]int{}} }

func pollEvents(writable bool) int16 {
	if writable {
		return unix.POLLIN | unix.POLLOUT
	}
	return unix.POLLIN
}

func (p *pollPoller) add(fd, id int, writable bool) error {
	p.index[fd] = len(p.fds)
	p.fds = append(p.fds, unix.PollFd{Fd: int32(fd), Events: pollEvents(writable)})
	p.ids = append(p.ids, id)
	return nil
}

func (p *pollPoller) change(fd, _ int, writable bool) error {
	p.fds[p.index[fd]].Events = pollEvents(writable)
	return nil
}

func (p *pollPoller) remove(fd int) error {
	i, last := p.index[fd], len(p.fds)-1
	p.fds[i], p.ids[i] = p.fds[last], p.ids[last]
	p.index[int(p.fds[i].Fd)] = i
	p.fds, p.ids = p.fds[:last], p.ids[:last]
	delete(p.index, fd)
	return nil
}

func (p *pollPoller) wait(ns int64) ([]readiness, error) {
	timeoutMs := (max(ns, 0) + int64(time.Millisecond) - 1) / int64(time.Millisecond)
	_, err := unix.Poll(p.fds, int(timeoutMs))
	if errors.Is(err, unix.EINTR) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("bench: poll: %w", err)
	}
	p.ready = p.ready[:0]
	for i, f := range p.fds {
		if f.Revents != 0 {
			p.ready = append(p.ready, readiness{
				id:       p.ids[i],
				readable: f.Revents&^unix.POLLOUT != 0,
				writable: f.Revents&unix.POLLOUT != 0,
			})
		}
	}
	return p.ready, nil
}

func (p *pollPoller) close() error { return nil }
