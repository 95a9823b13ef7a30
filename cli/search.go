package cli

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/subtree"
)

func searchCommands() []*command {
	ignoreCase := flags("i", "upper and lower case are the same")
	return []*command{
		{
			name: "tree", usage: "[-d depth] [path]", help: "draw the znodes below a path", run: tree,
			options: options(valued("d", "how many levels; all without")),
		},
		{
			name: "find", usage: "[-i] [-e] path regexp", help: "list the znodes whose name matches a regular expression",
			least: 2, run: find, options: options(ignoreCase, flags("e", "only ephemerals")),
		},
		{
			name: "grep", usage: "[-i] [-l] path regexp", help: "print the lines of data that match a regular expression",
			least: 2, run: grep, options: options(ignoreCase, flags("l", "print the paths alone")),
		},
	}
}

// branch is a znode of a drawn tree.
type branch struct {
	name     string
	children []*branch
}

func tree(ctx context.Context, s *Shell, p parsed) error {
	root, depth := "/", 0
	if len(p.args) > 1 {
		root = p.args[1]
	}
	if p.has("d") {
		var err error
		if depth, err = strconv.Atoi(p.values["d"]); err != nil || depth < 1 {
			return failure("-d %s: must be a number above 0", p.values["d"])
		}
	}
	top, count, err := s.branches(ctx, root, depth)
	if err != nil {
		return err
	}
	if s.cfg.JSON {
		s.p.json(top.json())
		return nil
	}
	s.p.println(root)
	top.draw(s.p, "")
	s.p.printf("%d znodes\n", count)
	return nil
}

// branches reads the names below a path, to a depth; 0 is all.
func (s *Shell) branches(ctx context.Context, root string, depth int) (top *branch, count int, err error) {
	top = &branch{name: root}
	at := map[string]*branch{root: top}
	paths := []string{root}
	for level := 0; len(paths) > 0 && (depth == 0 || level < depth); level++ {
		families, err := ask(ctx, s.zk, paths, false)
		if err != nil {
			return nil, 0, err
		}
		paths = nil
		for _, f := range families {
			names, err := f.wait(ctx)
			if gone(err, f.path, root) {
				continue
			}
			if err != nil {
				return nil, 0, err
			}
			slices.Sort(names)
			for _, name := range names {
				child := &branch{name: name}
				at[f.path].children = append(at[f.path].children, child)
				path := client.Join(f.path, name)
				at[path] = child
				paths = append(paths, path)
				count++
			}
			delete(at, f.path)
		}
	}
	return top, count, nil
}

func (b *branch) draw(p *printer, indent string) {
	for i, child := range b.children {
		corner, below := "├── ", "│   "
		if i == len(b.children)-1 {
			corner, below = "└── ", "    "
		}
		p.println(indent + corner + child.name)
		child.draw(p, indent+below)
	}
}

type jsonBranch struct {
	Name     string       `json:"name"`
	Children []jsonBranch `json:"children,omitempty"`
}

func (b *branch) json() jsonBranch {
	j := jsonBranch{Name: b.name}
	for _, child := range b.children {
		j.Children = append(j.Children, child.json())
	}
	return j
}

// pattern compiles the regular expression of a command.
func pattern(p parsed) (*regexp.Regexp, error) {
	text := p.args[2]
	if p.has("i") {
		text = "(?i)" + text
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, failure("%v", err)
	}
	return re, nil
}

// each visits the znodes below a path as they come, until the user has seen
// enough.
func (s *Shell) each(ctx context.Context, root string, visit func(path string, n *subtree.Node)) error {
	return subtree.Walk(ctx, s.zk, root, false, func(n subtree.Node) error {
		visit(n.At(root), &n)
		return ctx.Err()
	})
}

func find(ctx context.Context, s *Shell, p parsed) error {
	re, err := pattern(p)
	if err != nil {
		return err
	}
	return s.each(ctx, p.args[1], func(where string, n *subtree.Node) {
		if re.MatchString(path.Base(where)) && (!p.has("e") || n.Ephemeral()) {
			s.answer(map[string]string{"path": where}, func() { s.p.println(where) })
		}
	})
}

func grep(ctx context.Context, s *Shell, p parsed) error {
	re, err := pattern(p)
	if err != nil {
		return err
	}
	return s.each(ctx, p.args[1], func(where string, n *subtree.Node) {
		if !re.Match(n.Data) {
			return
		}
		if p.has("l") {
			s.answer(map[string]string{"path": where}, func() { s.p.println(where) })
			return
		}
		for i, line := range strings.Split(plainText(n.Data), "\n") {
			if re.MatchString(line) {
				s.answer(map[string]any{"path": where, "line": i + 1, "text": line}, func() { s.p.println(fmt.Sprintf("%s:%d: %s", where, i+1, line)) })
			}
		}
	})
}
