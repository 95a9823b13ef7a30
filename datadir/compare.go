package datadir

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/meerkat-zk/meerkat/datatree"
)

// CompareOptions say what a comparison prints.
type CompareOptions struct {
	Bytes int64     // differences in size up to this are left out
	Nodes int64     // differences in number up to this are left out
	Debug bool      // print every step
	Input io.Reader // if not nil, ask there what to compare next
}

// outline is a snapshot as comparisons see it: sizes by path and by depth.
type outline struct {
	root   *outlineNode
	levels [][]*outlineNode // by depth, each sorted by path
	byPath map[string]*outlineNode
}

// outlineNode is one znode. The root has the path "", as in Apache's output.
type outlineNode struct {
	path           string
	children       []*outlineNode // sorted by path
	size, allBytes int64          // of its data; of that and all below
	allNodes       int64          // below it
}

func newOutline(img *Image) *outline {
	o := &outline{byPath: make(map[string]*outlineNode)}
	o.root = o.add(img, img.Tree.Lookup("/"), 0)
	for _, level := range o.levels {
		slices.SortFunc(level, byPath)
	}
	return o
}

func byPath(a, b *outlineNode) int { return strings.Compare(a.path, b.path) }

func (o *outline) add(img *Image, z *datatree.Znode, depth int) *outlineNode {
	n := &outlineNode{size: int64(len(z.Data()))}
	if depth > 0 {
		n.path = z.Path()
	}
	for len(o.levels) <= depth {
		o.levels = append(o.levels, nil)
	}
	o.levels[depth] = append(o.levels[depth], n)
	o.byPath[n.path] = n
	n.allBytes = n.size
	for _, name := range img.children(z) {
		child := o.add(img, img.child(z, name), depth+1)
		n.children = append(n.children, child)
		n.allBytes += child.allBytes
		n.allNodes += child.allNodes + 1
	}
	return n
}

func (o *outline) level(depth int) []*outlineNode {
	if depth >= len(o.levels) {
		return nil
	}
	return o.levels[depth]
}

func (o *outline) write(out io.Writer) {
	fmt.Fprintf(out, "Node count: %d\nTotal size: %d\nMax depth: %d\n", len(o.byPath), o.root.allBytes, len(o.levels))
	for i, level := range o.levels {
		fmt.Fprintf(out, "Count of nodes at depth %d: %d\n", i, len(level))
	}
	fmt.Fprintln(out)
}

// Compare prints which znodes differ in two snapshots, as Apache's
// SnapshotComparer does: by path, the size of the data and the number of
// znodes below. load reads each of the two, and now tells how long that takes.
func Compare(w io.Writer, left, right func() (*Image, error), now func() time.Time, opt CompareOptions) error {
	c := &comparison{out: bufio.NewWriter(w), opt: opt}
	fmt.Fprintln(c.out, "Successfully parsed options!")
	var err error
	if c.left, err = c.load(left, now); err != nil {
		return err
	}
	if c.right, err = c.load(right, now); err != nil {
		return err
	}
	c.left.write(c.out)
	c.right.write(c.out)
	c.depth = max(len(c.left.levels), len(c.right.levels))
	if opt.Input != nil {
		c.interact(opt.Input)
	} else {
		c.all()
	}
	fmt.Fprintln(c.out, "All layers compared.")
	return c.out.Flush()
}

// comparison is one run of Compare.
type comparison struct {
	out         *bufio.Writer
	opt         CompareOptions
	left, right *outline
	depth       int // of the deeper one
}

func (c *comparison) load(read func() (*Image, error), now func() time.Time) (*outline, error) {
	began := now()
	img, err := read()
	if err != nil {
		return nil, err
	}
	loaded := now()
	fmt.Fprintf(c.out, "Deserialized snapshot in %s in %f seconds\n", img.Name, loaded.Sub(began).Seconds())
	o := newOutline(img)
	fmt.Fprintf(c.out, "Processed data tree in %f seconds\n", now().Sub(loaded).Seconds())
	return o, nil
}

func (c *comparison) thresholds() {
	fmt.Fprintf(c.out, "Printing analysis for nodes difference larger than %d bytes or node count difference larger than %d.\n", c.opt.Bytes, c.opt.Nodes)
}

func (c *comparison) all() {
	c.thresholds()
	for depth := range c.depth {
		c.line(depth)
	}
}

func (c *comparison) line(depth int) {
	fmt.Fprintf(c.out, "Analysis for depth %d\n", depth)
	c.nodes(c.left.level(depth), c.right.level(depth))
}

const compareHelp = "- Press enter to move to print current depth layer;\n" +
	"- Type a number to jump to and print all nodes at a given depth;\n" +
	"- Enter an ABSOLUTE path to print the immediate subtree of a node. Path must start with '/'.\n"

// interact prints what is asked for, until the last depth was seen or the
// input ends.
func (c *comparison) interact(in io.Reader) {
	lines := bufio.NewScanner(in)
	for depth := 0; depth < c.depth; {
		fmt.Fprintf(c.out, "Current depth is %d\n%s", depth, compareHelp)
		_ = c.out.Flush() // the error comes back from the last one
		if !lines.Scan() {
			return
		}
		input := lines.Text()
		c.thresholds()
		n, err := strconv.Atoi(input)
		switch {
		case input == "":
			c.line(depth)
			depth++
		case input[0] == '/':
			fmt.Fprintf(c.out, "Analysis for node %s\n", input)
			c.subtree(input)
		case err != nil:
			fmt.Fprintf(c.out, "Input %s is not valid. Depth must be in range [0, %d]. Path must be an absolute path which starts with '/'.\n", input, c.depth-1)
		case n < 0 || n >= c.depth:
			fmt.Fprintf(c.out, "Depth must be in range [0, %d]\n", c.depth-1)
			continue
		default:
			depth = n
			c.line(depth)
		}
		fmt.Fprintln(c.out)
	}
}

func (c *comparison) subtree(path string) {
	left, right := c.left.byPath[path], c.right.byPath[path]
	if left == nil && right == nil {
		fmt.Fprintf(c.out, "Path %s is neither found in left tree nor right tree.\n", path)
		return
	}
	var l, r []*outlineNode
	if left != nil {
		l = left.children
	}
	if right != nil {
		r = right.children
	}
	c.nodes(l, r)
}

// nodes compares two sorted lists.
func (c *comparison) nodes(left, right []*outlineNode) {
	for len(left) > 0 || len(right) > 0 {
		order := 0
		switch {
		case len(right) == 0:
			order = -1
		case len(left) == 0:
			order = 1
		default:
			order = byPath(left[0], right[0])
			c.debug("Comparing %s to %s", left[0].path, right[0].path)
			c.debug("%s", map[int]string{-1: "left is less", 0: "same", 1: "right is less"}[order])
		}
		switch {
		case order < 0:
			c.only("left", left[0])
			left = left[1:]
		case order > 0:
			c.only("right", right[0])
			right = right[1:]
		default:
			c.both(left[0], right[0])
			left, right = left[1:], right[1:]
		}
	}
}

func (c *comparison) debug(format string, args ...any) {
	if c.opt.Debug {
		fmt.Fprintf(c.out, format+"\n", args...)
	}
}

func (c *comparison) only(side string, n *outlineNode) {
	switch {
	case n.allBytes > c.opt.Bytes || n.allNodes > c.opt.Nodes:
		fmt.Fprintf(c.out, "Node %s found only in %s tree. Descendant size: %d. Descendant count: %d\n", n.path, side, n.allBytes, n.allNodes)
	case c.opt.Debug || c.opt.Input != nil:
		fmt.Fprintf(c.out, "Filtered %s node %s of size %d\n", side, n.path, n.allBytes)
	}
}

func (c *comparison) both(l, r *outlineNode) {
	bytes, nodes := r.allBytes-l.allBytes, r.allNodes-l.allNodes
	switch {
	case max(bytes, -bytes) > c.opt.Bytes || max(nodes, -nodes) > c.opt.Nodes:
		fmt.Fprintf(c.out, "Node %s found in both trees. Delta: %d bytes, %d descendants\n", l.path, bytes, nodes)
	case c.opt.Debug || c.opt.Input != nil:
		fmt.Fprintf(c.out, "Filtered node %s of left size %d, right size %d\n", l.path, l.allBytes, r.allBytes)
	}
}
