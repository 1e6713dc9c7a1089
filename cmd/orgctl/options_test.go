package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFlagsAreReadOnce: what was typed is read by functions that make options of it, which everything below takes. Three others
// look at flags whatever they are.
func TestFlagsAreReadOnce(t *testing.T) {
	reads := []string{"String", "Bool", "Duration", "IsSet", "StringSlice", "Int"}
	readers := regexp.MustCompile(`^(new\w+Options|meaningful|obey|noArguments)$`)
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, entry.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			f, _ := declaration.(*ast.FuncDecl)
			ast.Inspect(declaration, func(n ast.Node) bool {
				call, ok := n.(*ast.SelectorExpr)
				if !ok || !slices.Contains(reads, call.Sel.Name) {
					return true
				}
				if of, ok := call.X.(*ast.Ident); !ok || of.Name != "c" {
					return true
				}
				found++
				if f == nil || !readers.MatchString(f.Name.Name) {
					t.Errorf("%s: c.%s is read here", files.Position(n.Pos()), call.Sel.Name)
				}
				return true
			})
		}
	}
	if found == 0 {
		t.Error("no flag is read at all")
	}
}
