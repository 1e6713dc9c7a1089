package spec_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/orgctl/orgctl/pkg/spec"
)

type object = map[string]any

func schemaOf(t *testing.T, api *spec.API) object {
	t.Helper()
	var root object
	if err := json.Unmarshal(api.Schema, &root); err != nil {
		t.Fatal(err)
	}
	return root
}

// properties of a definition, references followed.
func properties(root object, def string) map[string]object {
	defs, _ := root["$defs"].(object)
	part, _ := defs[def].(object)
	list, _ := part["properties"].(object)
	out := map[string]object{}
	for name, p := range list {
		property, _ := p.(object)
		out[name] = deref(root, property)
	}
	return out
}

func deref(root, part object) object {
	ref, ok := part["$ref"].(string)
	if !ok {
		return part
	}
	target := root
	for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		target, _ = target[step].(object)
	}
	return deref(root, target)
}

// TestSchemaIsComplete: what a manifest may say of a kind is a field that reconciles or a known statement of intent, and
// every field can be said. A property that nothing reads would be ignored silently.
func TestSchemaIsComplete(t *testing.T) {
	for _, tc := range []struct {
		api       *spec.API
		kind, def string
		intent    []string
	}{
		{spec.ClickHouse, "organization", "Spec", []string{"api", "privateEndpoints", "ipSets", "serviceDefaults", "services", "keys", "members", "invitations"}},
		{spec.ClickHouse, "privateEndpoint", "PrivateEndpoint", []string{"ensure"}},
		{spec.ClickHouse, "service", "Service", []string{"id", "previously", "ensure", "protect", "access"}},
		{spec.ClickHouse, "key", "Key", []string{"id", "previously", "ensure", "role"}},
		{spec.ClickHouse, "member", "Member", []string{"id", "ensure", "role"}},
		{spec.ClickHouse, "invitation", "Invitation", []string{"id", "ensure", "role"}},
		{spec.Locktera, "organization", "Spec", []string{"api", "keys"}},
		{spec.Locktera, "key", "Key", []string{"id", "ensure"}},
	} {
		t.Run(tc.api.Name+" "+tc.kind, func(t *testing.T) {
			root, kind := schemaOf(t, tc.api), tc.api.Kind(tc.kind)
			written := properties(root, tc.def)
			for name, property := range written {
				nested, _ := property["properties"].(object)
				if nested != nil && kind.Field(name) == nil && !slices.Contains(tc.intent, name) {
					for sub := range nested {
						if path := name + "." + sub; kind.Field(path) == nil {
							t.Errorf("property %s is no field", path)
						}
					}
					continue
				}
				if _, open := property["patternProperties"].(object); open && kind.Field(name+".any") != nil {
					continue
				}
				if kind.Field(name) == nil && !slices.Contains(tc.intent, name) {
					t.Errorf("property %s is no field", name)
				}
			}
			for _, field := range kind.Fields {
				head, sub, isNested := strings.Cut(field.Path, ".")
				property, ok := written[head]
				if isNested && sub == "*" {
					patterns, _ := property["patternProperties"].(object)
					for _, pattern := range patterns {
						property, ok = pattern.(object)
					}
				} else if isNested {
					nested, _ := property["properties"].(object)
					property, ok = nested[sub].(object)
				}
				if !ok {
					t.Errorf("field %s is no property", field.Path)
					continue
				}
				types, _ := property["type"].([]any)
				if nullable := slices.Contains(types, any("null")); nullable != field.Nullable {
					t.Errorf("field %s: null allowed %t by the schema, %t by the kind", field.Path, nullable, field.Nullable)
				}
				if isList := property["type"] == "array"; isList != (field.List != nil) {
					t.Errorf("field %s: a list %t in the schema, %t in the kind", field.Path, isList, field.List != nil)
				}
			}
			for _, name := range tc.intent {
				if _, ok := written[name]; !ok {
					t.Errorf("%s is no property", name)
				}
			}
		})
	}
	for _, api := range spec.APIs() {
		for _, kind := range api.Kinds {
			if _, ok := properties(schemaOf(t, api), "Spec")[kind.Collection]; kind.Collection != "" && !ok {
				t.Errorf("collection %s is no property of spec", kind.Collection)
			}
		}
	}
	root := schemaOf(t, spec.ClickHouse)
	for name := range properties(root, "ServiceDefaults") {
		if _, ok := properties(root, "Service")[name]; !ok {
			t.Errorf("default %s is no property of a service", name)
		}
	}
}

// TestSchemaExplainsItself: an editor has something to say about everything, and what it offers is valid.
func TestSchemaExplainsItself(t *testing.T) {
	for _, api := range spec.APIs() {
		t.Run(api.Name, func(t *testing.T) { explainsItself(t, api) })
	}
}

func explainsItself(t *testing.T, api *spec.API) {
	root := schemaOf(t, api)
	id, _ := root["$id"].(string)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(id, bytes.NewReader(api.Schema)); err != nil {
		t.Fatal(err)
	}
	var visit func(part object, pointer string)
	visit = func(part object, pointer string) {
		if _, isRef := part["$ref"]; isRef {
			return
		}
		for _, keyword := range []string{"title", "description"} {
			if s, _ := part[keyword].(string); s == "" {
				t.Errorf("%s has no %s", pointer, keyword)
			}
		}
		examples, _ := part["examples"].([]any)
		if len(examples) == 0 {
			t.Errorf("%s has no examples", pointer)
		}
		compiled, err := compiler.Compile(id + pointer)
		if err != nil {
			t.Fatal(err)
		}
		for _, example := range examples {
			if err := compiled.Validate(example); err != nil {
				t.Errorf("%s: example %v: %v", pointer, example, err)
			}
		}
		if part["type"] == "object" && part["additionalProperties"] == nil {
			t.Errorf("%s is open", pointer)
		}
		if _, ok := part["oneOf"]; ok {
			t.Errorf("%s has oneOf, which reports every branch when none fits", pointer)
		}
		for _, keyword := range []string{"properties", "patternProperties"} {
			list, _ := part[keyword].(object)
			for name, p := range list {
				property, _ := p.(object)
				visit(property, pointer+"/"+keyword+"/"+url.PathEscape(name))
			}
		}
		for _, keyword := range []string{"items", "additionalProperties"} {
			if sub, ok := part[keyword].(object); ok {
				visit(sub, pointer+"/"+keyword)
			}
		}
	}
	visit(root, "#")
	defs, _ := root["$defs"].(object)
	for name, d := range defs {
		def, _ := d.(object)
		visit(def, "#/$defs/"+name)
	}
}

// codes are the constants of codes.go.
func codes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok {
			code, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, code)
		}
		return true
	})
	if len(list) == 0 {
		t.Fatal("codes.go has no code")
	}
	return list
}

// TestCodesAreDocumented: every code has a section in docs/errors.md, and the example there gives the code.
func TestCodesAreDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(text), "\n## ")[1:]
	var documented []string
	for _, section := range sections {
		code, body, _ := strings.Cut(section, "\n")
		documented = append(documented, code)
		for i, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(body, -1) {
			t.Run(fmt.Sprintf("%s/%d", code, i), func(t *testing.T) {
				manifest := block[1]
				if !strings.HasPrefix(manifest, "apiVersion:") {
					manifest = header + manifest
				}
				_, diags := spec.Load([]spec.File{{Name: "errors.md", Data: []byte(manifest)}})
				for _, d := range diags {
					if d.Code != code {
						t.Errorf("%s", d)
					}
				}
				if len(diags) == 0 {
					t.Error("the example is valid")
				}
			})
		}
	}
	if diff := cmp.Diff(codes(t), documented); diff != "" {
		t.Errorf("sections (-codes.go +errors.md):\n%s", diff)
	}
}

// TestCodesAreTested: every code is given by some file of testdata/bad or testdata/warn, except those that need what git cannot hold.
func TestCodesAreTested(t *testing.T) {
	elsewhere := []string{spec.CodeRead, spec.CodeTooLarge, spec.CodeEncoding} // TestRead, TestReadRefusesLargeInput, TestBadText
	for _, code := range codes(t) {
		found, err := filepath.Glob(filepath.Join("testdata", "*", code+"-*.want"))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 && !slices.Contains(elsewhere, code) {
			t.Errorf("%s has no file in testdata", code)
		}
	}
}
