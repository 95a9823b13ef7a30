package bench

// A readiness says that a file descriptor can be read or written without
// blocking. Errors and hang-ups count as readable: the read tells them.
type readiness struct {
	id       int
	readable bool
	writable bool
}

// A poller waits on many file descriptors. It belongs to one goroutine.
type poller interface {
	// add watches fd, reported as id, for reading and, if asked, writing.
	add(fd, id int, writable bool) error
	// change sets whether fd is also watched for writing.
	change(fd, id int, writable bool) error
	// remove stops watching fd; call it before fd is closed.
	remove(fd int) error
	// wait returns what is ready, at the latest after ns nanoseconds. The
	// result is valid until the next call.
	wait(ns int64) ([]readiness, error)
	close() error
}

// maxReady bounds what one wait reports.
const maxReady = 512
