package spec

import (
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"pgregory.net/rapid"
)

// TestAcceptsKnowsEveryKeyword of the schema. Another one belongs into accepts first, or what breaks it would pass.
func TestAcceptsKnowsEveryKeyword(t *testing.T) {
	known := []string{
		"$schema", "$id", "$defs", "$comment", "title", "description", "examples", "patternErrorMessage", "propertyErrorMessage",
		"format", // says something to editors and decides nothing
		"$ref", "type", "const", "enum", "required", "properties", "patternProperties", "additionalProperties", "items",
		"minItems", "maxItems", "minLength", "maxLength", "pattern", "minimum", "maximum", "multipleOf",
	}
	var visit func(at string, part any)
	visit = func(at string, part any) {
		schema, _ := part.(map[string]any)
		for keyword, value := range schema {
			if !slices.Contains(known, keyword) {
				t.Errorf("%s has %s", at, keyword)
			}
			switch keyword {
			case "$defs", "properties", "patternProperties":
				named, _ := value.(map[string]any)
				for name, part := range named {
					visit(at+"/"+keyword+"/"+name, part)
				}
			case "items", "additionalProperties":
				visit(at+"/"+keyword, value)
			case "const":
				if _, ok := value.(string); !ok {
					t.Errorf("%s has the constant %v, which is no text", at, value)
				}
			case "enum":
				for _, allowed := range value.([]any) {
					if _, ok := allowed.(string); !ok {
						t.Errorf("%s allows %v, which is no text", at, allowed)
					}
				}
			}
		}
	}
	for _, api := range APIs() {
		visit(api.Name+"#", api.schema().source)
	}
}

// checkAccepts compares with the library.
func checkAccepts(t interface{ Errorf(string, ...any) }, s *jsonschema.Schema, value any) (valid bool) {
	err := s.Validate(value)
	if accepted := accepts(s, value); accepted != (err == nil) {
		t.Errorf("accepted %t: %s\n%v", accepted, FormatValue(value), err)
	}
	return err == nil
}

// TestAcceptsWhatTheSchemaDoes, of anything that could stand in any place of a manifest, from what is as good as valid to what
// has nothing to do with it.
func TestAcceptsWhatTheSchemaDoes(t *testing.T) {
	var all []*jsonschema.Schema
	for _, api := range APIs() {
		all = subschemas(api.schema().Schema, all)
	}
	count := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		g := valueGenerator{t: t, oddity: rapid.SampledFrom([]int{0, 1, 5, 30}).Draw(t, "percent odd")}
		for range 100 {
			part := rapid.SampledFrom(all).Draw(t, "part")
			count[checkAccepts(t, part, g.value(part))]++
		}
	})
	if count[true] == 0 || count[false] == 0 {
		t.Errorf("%d valid and %d invalid values say nothing", count[true], count[false])
	}
}

// subschemas are a schema and all that it is made of, in one order.
func subschemas(s *jsonschema.Schema, found []*jsonschema.Schema) []*jsonschema.Schema {
	if s == nil || slices.Contains(found, s) {
		return found
	}
	found = append(found, s)
	for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
		found = subschemas(s.Properties[key], found)
	}
	for _, part := range s.PatternProperties {
		found = subschemas(part, found)
	}
	rest, _ := s.AdditionalProperties.(*jsonschema.Schema)
	for _, part := range []*jsonschema.Schema{s.Ref, s.Items2020, rest} {
		found = subschemas(part, found)
	}
	return found
}

// TestAcceptsWhatTheSchemaDoesOfFiles: the same of every file that tests and examples have.
func TestAcceptsWhatTheSchemaDoesOfFiles(t *testing.T) {
	count := map[bool]int{}
	for _, pattern := range []string{"testdata/*/*.yaml", "testdata/*/*/*.yaml", "../../examples/*.yaml", "../../examples/*/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, names, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			docs, _, _ := parse(File{Name: name, Data: data})
			for _, doc := range docs {
				count[checkAccepts(t, ClickHouse.schema().Schema, doc.value)]++
			}
		}
	}
	if count[true] == 0 || count[false] == 0 {
		t.Errorf("%d valid and %d invalid documents say nothing", count[true], count[false])
	}
}

// valueGenerator draws values along a schema, and every so often one that does not belong there.
type valueGenerator struct {
	t      *rapid.T
	oddity int // percent
}

func (g valueGenerator) chance(percent int, what string) bool {
	return rapid.IntRange(1, 100).Draw(g.t, what) <= percent
}

func (g valueGenerator) value(s *jsonschema.Schema) any {
	if s.Ref != nil {
		s = s.Ref
	}
	if g.chance(g.oddity, "odd") {
		return rapid.SampledFrom([]any{
			nil, true, "", " ", "text", int64(0), int64(-1), int64(24), 1.5, 1e300, []any{}, []any{nil}, Tree{}, Tree{"name": "a"},
		}).Draw(g.t, "odd value")
	}
	if values := slices.Concat(s.Constant, s.Enum); len(values) > 0 {
		return rapid.SampledFrom(values).Draw(g.t, "value")
	}
	if len(s.Types) == 0 {
		return rapid.SampledFrom([]any{nil, "anything", []any{int64(1)}}).Draw(g.t, "any value")
	}
	switch rapid.SampledFrom(s.Types).Draw(g.t, "type") {
	case "object":
		return g.object(s)
	case "array":
		out := make([]any, rapid.IntRange(0, 2).Draw(g.t, "elements"))
		for i := range out {
			out[i] = g.value(s.Items2020)
		}
		if len(out) > 0 && s.MaxItems >= 0 && g.chance(20, "long list") {
			return slices.Repeat(out[:1], s.MaxItems+rapid.IntRange(0, 1).Draw(g.t, "one more"))
		}
		return out
	case "string":
		return g.text(s)
	case "integer", "number":
		return g.number(s)
	case "boolean":
		return rapid.Bool().Draw(g.t, "boolean")
	default:
		return nil
	}
}

func (g valueGenerator) object(s *jsonschema.Schema) any {
	out := Tree{}
	for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
		if slices.Contains(s.Required, key) && !g.chance(g.oddity, "without "+key) || g.chance(30, "with "+key) {
			out[key] = g.value(s.Properties[key])
		}
	}
	if rest, ok := s.AdditionalProperties.(*jsonschema.Schema); ok {
		for range rapid.IntRange(0, 2).Draw(g.t, "more") {
			out[rapid.SampledFrom([]string{"", "a", "office"}).Draw(g.t, "key")] = g.value(rest)
		}
	}
	if g.chance(g.oddity, "odd key") {
		key := rapid.SampledFrom([]string{"", "x-", "x-shared", "ax-b", "X-a", "Name", "nam"}).Draw(g.t, "key")
		out[key] = rapid.SampledFrom([]any{nil, "a", Tree{"a": []any{}}}).Draw(g.t, "value")
	}
	return out
}

func (g valueGenerator) text(s *jsonschema.Schema) any {
	var of *rapid.Generator[string]
	switch {
	case g.chance(g.oddity, "odd text"):
		of = rapid.OneOf(rapid.String(), rapid.Map(rapid.IntRange(0, 300), func(n int) string { return strings.Repeat("é", n) }))
	case s.Pattern != nil:
		of = rapid.StringMatching(s.Pattern.String())
	default:
		of = rapid.SampledFrom([]string{"a", "aws", "us-east-1", "10.0.0.0/8"})
	}
	return of.Draw(g.t, "text")
}

// number draws around the bounds.
func (g valueGenerator) number(s *jsonschema.Schema) any {
	near := []*big.Rat{big.NewRat(1, 1)}
	for _, bound := range []*big.Rat{s.Minimum, s.Maximum, s.MultipleOf} {
		if bound != nil {
			near = append(near, bound)
		}
	}
	base, _ := rapid.SampledFrom(near).Draw(g.t, "near").Float64()
	step := 1.0
	if s.MultipleOf != nil {
		step, _ = s.MultipleOf.Float64()
	}
	if g.chance(g.oddity, "odd step") {
		step = rapid.SampledFrom([]float64{0.1, 0.5, 1, 3, 1e18}).Draw(g.t, "step")
	}
	return Normalize(base + step*float64(rapid.IntRange(-2, 2).Draw(g.t, "steps")))
}
