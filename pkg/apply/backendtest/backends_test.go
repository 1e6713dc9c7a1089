package backendtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryBackendIsHeldToAll: each package beside this one that has a backend tries the whole suite on it, no part left out.
func TestEveryBackendIsHeldToAll(t *testing.T) {
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	backends := 0
	for _, entry := range entries {
		dir := filepath.Join("..", entry.Name())
		if !entry.IsDir() || !declares(t, dir, false, func(f *ast.FuncDecl) bool { return f.Recv != nil && f.Name.Name == "Observe" }) {
			continue
		}
		backends++
		if !declares(t, dir, true, runsAll) {
			t.Errorf("%s has a backend, and no TestBackend that ends with .Run(t) of a suite", entry.Name())
		}
	}
	if backends < 2 {
		t.Errorf("%d backends were found", backends)
	}
}

// runsAll reports whether a function is TestBackend, and runs a suite.
func runsAll(f *ast.FuncDecl) bool {
	if f.Recv != nil || f.Name.Name != "TestBackend" || len(f.Body.List) != 1 {
		return false
	}
	statement, _ := f.Body.List[0].(*ast.ExprStmt)
	if statement == nil {
		return false
	}
	call, _ := statement.X.(*ast.CallExpr)
	if call == nil {
		return false
	}
	method, _ := call.Fun.(*ast.SelectorExpr)
	return method != nil && method.Sel.Name == "Run"
}

// declares reports whether a file of a directory, of its tests or the others, has such a function.
func declares(t *testing.T, dir string, tests bool, is func(*ast.FuncDecl) bool) bool {
	t.Helper()
	files, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") != tests {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && is(f) {
				return true
			}
		}
	}
	return false
}
