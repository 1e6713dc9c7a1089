package cloud

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/spec"
)

// Every kind has a binding, in the order of the kinds, and is read in exactly one way.
func TestBindings(t *testing.T) {
	want := mapped(spec.ClickHouse.Kinds, func(k *spec.Kind) [2]string { return [2]string{k.Name, k.Collection} })
	have := mapped(bindings, func(k *binding) [2]string { return [2]string{k.kind, k.collection} })
	if d := cmp.Diff(want, have); d != "" {
		t.Error(d)
	}
	for i, k := range bindings {
		if k.steps == nil || (k.list == nil) == (k.shown == nil) || (k.list == nil) != (k.permission == "") {
			t.Errorf("%s: %+v", k.kind, k)
		}
		detailed := false
		for _, f := range spec.ClickHouse.Kinds[i].Fields {
			detailed = detailed || f.Detail
		}
		if detailed != (k.detail != nil) {
			t.Errorf("%s: has detail fields: %t, and reads them: %t", k.kind, detailed, k.detail != nil)
		}
	}
}

// A kind is named in its own files and nowhere else.
func TestKindsAreNamedInTheirOwnFiles(t *testing.T) {
	own := map[string]string{}
	for _, k := range spec.ClickHouse.Kinds {
		own[k.Name], own[k.Collection] = k.Name, k.Name
	}
	delete(own, "")
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		positions := token.NewFileSet()
		tree, err := parser.ParseFile(positions, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		fields := map[ast.Node]bool{} // names of fields: a tag has a "key"
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.IndexExpr:
				fields[n.Index] = true
			case *ast.KeyValueExpr:
				fields[n.Key] = true
			}
			literal, ok := n.(*ast.BasicLit)
			if !ok || fields[n] {
				return true
			}
			text, _ := strconv.Unquote(literal.Value)
			kind := own[text]
			if kind == "" {
				return true
			}
			if prefix := strings.ToLower(strings.TrimPrefix(kind, "private")); !strings.HasPrefix(file, prefix) {
				t.Errorf("%s names the kind %s", positions.Position(literal.Pos()), kind)
			}
			return true
		})
	}
}
