package diff_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// constants are the codes of plan_codes.go, in its order.
func constants(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "plan_codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok {
			code, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, code)
		}
		return true
	})
	if len(out) == 0 {
		t.Fatal("plan_codes.go has no code")
	}
	return out
}

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// headings are the codes that have a section, in the order of the page.
func headings(text string) []string {
	var out []string
	for _, h := range regexp.MustCompile(`(?m)^#+ (OC3\d\d)$`).FindAllStringSubmatch(text, -1) {
		out = append(out, h[1])
	}
	return out
}

// TestCodesAreDocumented: every code has one section in docs/errors.md, in order, and where that refers to docs/guards.md for
// the rest, there is a section, too.
func TestCodesAreDocumented(t *testing.T) {
	text := document(t, "errors.md")
	if diff := cmp.Diff(constants(t), headings(text)); diff != "" {
		t.Errorf("sections (-plan_codes.go +errors.md):\n%s", diff)
	}
	guards := headings(document(t, "guards.md"))
	links := regexp.MustCompile(`\(guards\.md#(oc\d+)\)`).FindAllStringSubmatch(text, -1)
	if len(links) == 0 {
		t.Error("errors.md refers to no guard")
	}
	for _, link := range links {
		if code := strings.ToUpper(link[1]); !slices.Contains(guards, code) {
			t.Errorf("errors.md refers to %s in guards.md, which has only %v", code, guards)
		}
	}
}
