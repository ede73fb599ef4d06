package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is one parsed file of internal/, tests left out.
type source struct {
	path   string // relative to internal/
	folder string
	file   *ast.File
}

func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	fset := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(filepath.ToSlash(path), "../")
		name, _, _ := strings.Cut(rel, "/")
		out = append(out, source{rel, name, f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("read only %d files below internal/: this test looks in the wrong place", len(out))
	}
	return out
}

func imports(f *ast.File) []string {
	var out []string
	for _, spec := range f.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		out = append(out, path)
	}
	return out
}

func TestImportsGoDown(t *testing.T) {
	for _, s := range sources(t) {
		from := floorOf(s.folder)
		if from < 0 {
			t.Errorf("%s: folder %q is on no floor; give it one in internal/arch/floors.go", s.path, s.folder)
			continue
		}
		for _, path := range imports(s.file) {
			name, ok := folder(path)
			if !ok || name == s.folder {
				continue
			}
			to := floorOf(name)
			if to > from || to == from && !slices.Contains(neighbours[s.folder], name) {
				t.Errorf("%s (floor %d) imports %s (floor %d): imports go down only", s.path, from, name, to)
			}
		}
	}
}

func TestPurePackagesTouchNothing(t *testing.T) {
	for _, s := range sources(t) {
		if !slices.Contains(pure, s.folder) {
			continue
		}
		for _, path := range imports(s.file) {
			if slices.Contains(impure, path) && allowed[s.folder][path] == "" {
				t.Errorf("%s imports %s: a pure package decides and touches nothing", s.path, path)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, sel.Sel.Name) {
				t.Errorf("%s uses time.%s: a pure package has no clock", s.path, sel.Sel.Name)
			}
			return true
		})
	}
}

// clocks are what package time offers beyond durations.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	doc := map[string]bool{}
	for _, s := range sources(t) {
		dir := filepath.ToSlash(filepath.Dir(s.path))
		doc[dir] = doc[dir] || s.file.Doc != nil
	}
	for dir, ok := range doc {
		if !ok {
			t.Errorf("internal/%s has no package comment", dir)
		}
	}
}
