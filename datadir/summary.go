package datadir

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/meerkat-zk/meerkat/datatree"
)

// ErrNoZnode means that a snapshot has no znode at a path.
var ErrNoZnode = errors.New("no such znode")

// WriteSummary prints how many znodes, and bytes of data, are below each
// znode from start on that has children, as Apache's SnapshotRecursiveSummary
// does. Levels below maxDepth are not printed, but counted; 0 prints all.
func (img *Image) WriteSummary(w io.Writer, start string, maxDepth int) error {
	z := img.Tree.Lookup(start)
	if z == nil || start == "" {
		return fmt.Errorf("%w: %q in %s", ErrNoZnode, start, img.Name)
	}
	s := summary{img: img, maxDepth: maxDepth}
	s.count(z, 0)
	out := bufio.NewWriter(w)
	for _, line := range s.lines {
		tab := strings.Repeat("--", line.level)
		fmt.Fprintf(out, "%s %s\n%s   children: %d\n%s   data: %d\n", tab, line.path, tab, line.znodes-1, tab, line.sizeBytes)
	}
	fmt.Fprintln(out)
	return out.Flush()
}

// summary collects the lines to print, parents first.
type summary struct {
	img      *Image
	maxDepth int
	lines    []*summaryLine
}

type summaryLine struct {
	path      string
	level     int
	znodes    int64 // the znode itself included
	sizeBytes int64
}

func (s *summary) count(z *datatree.Znode, level int) (znodes, sizeBytes int64) {
	znodes, sizeBytes = 1, int64(len(z.Data()))
	children := s.img.children(z)
	if len(children) == 0 {
		return znodes, sizeBytes
	}
	line := &summaryLine{path: z.Path(), level: level}
	if s.maxDepth == 0 || level <= s.maxDepth {
		s.lines = append(s.lines, line)
	}
	for _, name := range children {
		n, size := s.count(s.img.child(z, name), level+1)
		znodes += n
		sizeBytes += size
	}
	line.znodes, line.sizeBytes = znodes, sizeBytes
	return znodes, sizeBytes
}
