package repotest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// module is the path of this module.
const module = "github.com/meerkat-zk/meerkat"

// source is one Go file.
type source struct {
	path string // from the root of the checkout, with slashes
	text []byte
	file *ast.File
	set  *token.FileSet
}

// pkg is the folder of the package, "." for the root.
func (s *source) pkg() string { return path.Dir(s.path) }

func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// line is where a node begins.
func (s *source) line(n ast.Node) int { return s.set.Position(n.Pos()).Line }

// lines is how many lines a node spans.
func (s *source) lines(n ast.Node) int { return s.set.Position(n.End()).Line - s.line(n) + 1 }

// imports lists what the file imports.
func (s *source) imports() []string {
	paths := make([]string, len(s.file.Imports))
	for i, spec := range s.file.Imports {
		paths[i] = strings.Trim(spec.Path.Value, `"`)
	}
	return paths
}

// sources parses every Go file of the module.
func sources(t *testing.T) []*source {
	t.Helper()
	root := filepath.Join("..", "..")
	set := token.NewFileSet()
	var all []*source
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skip(name, entry.Name())
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		all = append(all, &source{path: filepath.ToSlash(rel), text: text, file: file, set: set})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("only %d files found", len(all))
	}
	return all
}

// skip leaves out folders without sources of this module.
func skip(dir, name string) error {
	if name == "testdata" || name == "data" || strings.HasPrefix(name, ".") && name != ".." {
		return fs.SkipDir
	}
	if name != ".." {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return fs.SkipDir // another module
		}
	}
	return nil
}
