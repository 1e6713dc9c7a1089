package diff_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/spec"
)

// ofOneAPI begins the names of the files that may know the kinds of an API by their names: the rules of that API.
var ofOneAPI = []string{"clickhouse", "locktera"}

// namesOfKinds gives the string literals of a Go file that are names of kinds, of collections or of roles, each with its line.
func namesOfKinds(t *testing.T, name string, source []byte) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{spec.RoleRef: true}
	for _, api := range spec.APIs() {
		for _, kind := range api.Kinds {
			known[kind.Name], known[kind.Collection] = true, true
		}
	}
	delete(known, "") // the organization is in no collection
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		if text, err := strconv.Unquote(literal.Value); err == nil && known[text] {
			out = append(out, files.Position(literal.Pos()).String()+" "+text)
		}
		return true
	})
	return out
}

// TestNoKindIsKnownByName: what computes, orders, guards and reads plans asks a kind for its properties, so that it does for any
// API what it does for one. What holds for a single API is in files of its own.
func TestNoKindIsKnownByName(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	apart := 0
	for _, name := range sources {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found := namesOfKinds(t, name, source)
		switch {
		case strings.HasSuffix(name, "_test.go"):
		case slices.ContainsFunc(ofOneAPI, func(api string) bool { return strings.HasPrefix(name, api) }):
			apart += len(found)
		case len(found) > 0:
			t.Errorf("the engine knows kinds by their names: ask for a property of the kind, or say it in a file of the API's own:\n%s",
				strings.Join(found, "\n"))
		}
	}
	if apart == 0 {
		t.Error("no file of an API's own names a kind: is anything looked at?")
	}
	const offender = "package diff\n\nfunc f(c *Change) bool {\n\treturn c.Address.Kind == `service` || c.sets(\"keys\", \"role\")\n}\n"
	want := []string{"offender.go:4:27 service", "offender.go:4:47 keys", "offender.go:4:55 role"}
	if d := cmp.Diff(want, namesOfKinds(t, "offender.go", []byte(offender))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
