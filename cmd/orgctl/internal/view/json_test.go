package view_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

func planSchema(t *testing.T) (*jsonschema.Schema, map[string]any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "schemas", "plan.v1.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.Draft = jsonschema.Draft2020
	if err := c.AddResource("mem:///plan.json", bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("mem:///plan.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema, decode[map[string]any](t, data)
}

func decode[T any](t *testing.T, data []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func planJSON(t *testing.T, p *diff.Plan) []byte {
	t.Helper()
	return render(t, func(w io.Writer) error { return view.PlanJSON(w, p) })
}

func TestPlanJSONFitsItsSchema(t *testing.T) {
	schema, document := planSchema(t)
	for name, p := range fixtures() {
		if err := schema.Validate(decode[any](t, planJSON(t, p))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i, example := range document["examples"].([]any) {
		if err := schema.Validate(example); err != nil {
			t.Errorf("example %d: %v", i, err)
		}
	}
}

// The schema says which properties there always are, and a plan without any one of them does not fit.
func TestPlanSchemaMissesNothing(t *testing.T) {
	schema, document := planSchema(t)
	for _, name := range document["required"].([]any) {
		plan := decode[map[string]any](t, planJSON(t, everything()))
		delete(plan, name.(string))
		if schema.Validate(plan) == nil {
			t.Errorf("a plan without %s fits the schema", name)
		}
	}
	broken := map[string]func(change map[string]any){
		"a change without action":        func(c map[string]any) { delete(c, "action") },
		"an unknown action":              func(c map[string]any) { c["action"] = "replace" },
		"an unknown risk":                func(c map[string]any) { c["risk"] = "some" },
		"an update without id":           func(c map[string]any) { delete(c, "id") },
		"an update without fields":       func(c map[string]any) { delete(c, "fields") },
		"an update without precondition": func(c map[string]any) { delete(c, "precondition") },
		"a create with an id":            func(c map[string]any) { c["action"] = "create" },
		"a delete with fields":           func(c map[string]any) { c["action"] = "delete" },
		"a short hash":                   func(c map[string]any) { c["precondition"] = "sha256:12" },
		"an address without name":        func(c map[string]any) { c["address"] = "service" },
		"a pruned update":                func(c map[string]any) { c["pruned"] = true },
		"a line 0":                       func(c map[string]any) { c["source"] = map[string]any{"file": "x", "line": 0} },
	}
	for name, breakIt := range broken {
		plan := decode[map[string]any](t, planJSON(t, planOf(diff.Plan{Changes: updates()[:1]})))
		breakIt(plan["changes"].([]any)[0].(map[string]any))
		if schema.Validate(plan) == nil {
			t.Errorf("%s fits the schema", name)
		}
	}
}

// Schema and types are written by hand in two places: they name the same properties and agree on which are always there.
func TestPlanSchemaNamesEveryProperty(t *testing.T) {
	_, document := planSchema(t)
	defs := document["$defs"].(map[string]any)
	defs["plan"] = document
	for name, value := range map[string]any{
		"plan": diff.Plan{}, "organization": diff.Organization{}, "summary": diff.Summary{}, "change": diff.Change{},
		"fieldChange": diff.FieldChange{}, "unmanaged": diff.Unmanaged{}, "finding": diff.Finding{},
		"requirement": diff.Requirement{}, "notChecked": diff.NotChecked{}, "position": spec.Pos{},
	} {
		var properties, required []string
		for field := range reflect.TypeOf(value).Fields() {
			if !field.IsExported() {
				continue
			}
			tag, options, optional := strings.Cut(field.Tag.Get("json"), ",")
			properties = append(properties, tag)
			if !optional || !strings.Contains(options, "omit") {
				required = append(required, tag)
			}
		}
		def := defs[name].(map[string]any)
		var documented, demanded []string
		for p, about := range def["properties"].(map[string]any) {
			documented = append(documented, p)
			text := about.(map[string]any)
			if text["description"] == nil && text["$ref"] == nil {
				t.Errorf("%s.%s has no description", name, p)
			}
		}
		for _, p := range list(def["required"]) {
			demanded = append(demanded, p.(string))
		}
		for _, s := range [][]string{properties, required, documented, demanded} {
			slices.Sort(s)
		}
		if d := cmp.Diff(properties, documented); d != "" {
			t.Errorf("properties of %s (-type +schema):\n%s", name, d)
		}
		if d := cmp.Diff(required, demanded); d != "" {
			t.Errorf("required of %s (-type +schema):\n%s", name, d)
		}
	}
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// What is spelt out for the eye is the same value for a reader.
func TestPlanJSONKeepsValues(t *testing.T) {
	text := "\u202e\u115f\u2028\u009b\x1b\x7f\U000e0041 <b>&amp; 🚀 ##[x] ::"
	out := planJSON(t, hostile(text))
	for _, raw := range []string{"\u202e", "\u115f", "\u009b", "\x7f", "\U000e0041", "##["} {
		if bytes.Contains(out, []byte(raw)) {
			t.Errorf("holds %q as it is", raw)
		}
	}
	for _, kept := range []string{"<b>&amp; 🚀", `"changes": [`} {
		if !bytes.Contains(out, []byte(kept)) {
			t.Errorf("lacks %q", kept)
		}
	}
	got := decode[diff.Plan](t, out)
	want := []string{text, text, text}
	if d := cmp.Diff(want, []string{got.Organization.Handle, got.Changes[0].Address.Name, got.Changes[0].After["name"].(string)}); d != "" {
		t.Error(d)
	}
}

func TestPlanJSONIsDeterministic(t *testing.T) {
	want := planJSON(t, everything())
	for range 20 {
		if got := planJSON(t, everything()); !bytes.Equal(want, got) {
			t.Fatal("two renderings of one plan differ")
		}
	}
	if !bytes.HasSuffix(want, []byte("}\n")) {
		t.Error("does not end in a line break")
	}
}

func TestPlanJSONLeavesThePlanAlone(t *testing.T) {
	p := planOf(diff.Plan{})
	if bytes.Contains(planJSON(t, p), []byte("null")) {
		t.Error("an absent list is null")
	}
	if p.Changes != nil {
		t.Error("the plan was changed")
	}
}
