package repotest

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// The limits of size. Most files and functions are far below.
const (
	maxFileLines     = 500
	maxTestFileLines = 700
	maxFuncLines     = 80
)

func TestFilesAndFunctionsAreSmall(t *testing.T) {
	var files, funcs []int
	for _, s := range sources(t) {
		lines := bytes.Count(s.text, []byte("\n"))
		limit := maxFileLines
		if s.isTest() {
			limit = maxTestFileLines
		}
		if lines > limit {
			t.Errorf("%s has %d lines, of %d", s.path, lines, limit)
		}
		if s.isTest() {
			continue // tables of cases are as long as they are
		}
		files = append(files, lines)
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			funcs = append(funcs, s.lines(f))
			if n := s.lines(f); n > maxFuncLines {
				t.Errorf("%s:%d: %s has %d lines, of %d", s.path, s.line(f), f.Name.Name, n, maxFuncLines)
			}
		}
	}
	for what, sizes := range map[string][]int{"files": files, "functions": funcs} {
		slices.Sort(sizes)
		t.Logf("%d %s: median %d lines, p90 %d, longest %d", len(sizes), what, sizes[len(sizes)/2], sizes[len(sizes)*9/10], sizes[len(sizes)-1])
	}
}

func TestFilesAreFormatted(t *testing.T) {
	for _, s := range sources(t) {
		formatted, err := format.Source(s.text)
		if err != nil {
			t.Errorf("%s: %v", s.path, err)
		} else if !bytes.Equal(formatted, s.text) {
			t.Errorf("%s is not formatted", s.path)
		}
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		name := s.file.Name.Name
		documented[s.pkg()] = documented[s.pkg()] || s.file.Doc != nil
		if doc := s.file.Doc.Text(); doc != "" {
			want := "Package " + name + " "
			if name == "main" {
				want = "Command "
			}
			if !strings.HasPrefix(doc, want) {
				t.Errorf("%s: the package comment does not begin with %q", s.path, want)
			}
		}
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() || s.file.Name.Name == "main" {
			continue
		}
		for _, d := range s.file.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s:%d: %s is exported and has no comment", s.path, s.line(d), name)
			}
		}
	}
}

// undocumented lists the exported names of a declaration without a comment.
// The methods of unexported types count as unexported; a comment on a group
// covers the group.
func undocumented(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		if d.Tok == token.IMPORT || d.Doc != nil {
			return nil
		}
		var names []string
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() && spec.Doc == nil {
					names = append(names, spec.Name.Name)
				}
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.IsExported() && spec.Doc == nil && spec.Comment == nil {
						names = append(names, name.Name)
					}
				}
			}
		}
		return names
	}
	return nil
}

func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	receiver := f.Recv.List[0].Type
	for {
		switch r := receiver.(type) {
		case *ast.StarExpr:
			receiver = r.X
		case *ast.IndexExpr:
			receiver = r.X
		case *ast.IndexListExpr:
			receiver = r.X
		case *ast.Ident:
			return r.IsExported()
		default:
			return true
		}
	}
}
