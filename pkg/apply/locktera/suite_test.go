package locktera_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/apply/backendtest"
	"github.com/orgctl/orgctl/pkg/spec"
)

// TestBackend holds the backend to what any must do.
func TestBackend(t *testing.T) { suite(world{}).Run(t) }

const (
	nothing = `
spec: {api: locktera/v1, name: Acme}
`
	small = `
spec:
  api: locktera/v1
  name: Acme
  customizations: {theme: dark}
  keys: [{name: ci, permissions: [read]}]
`
	changed = `
spec:
  api: locktera/v1
  name: Other
  customizations: {theme: light, branding_color: "#0047AB", size: 3, beta: true, colors: {primary: blue, others: [red]}, links: [a, b]}
  keys:
    - {name: ci, ensure: absent}
    - {name: uploads, permissions: [write, read]}
    - {name: reports, permissions: [read]}
policy: {allowDelete: [key/ci]}
`
	pruned = `
spec:
  api: locktera/v1
  name: Acme
  customizations: {theme: dark, size: 4.5, beta: false, colors: {primary: blue}, links: []}
  keys:
    - {name: sandbox, permissions: [read, write]}
    - {name: uploads, permissions: [read, write]}
policy: {prune: [keys], allowDelete: ["key/*"], maxDeletes: {percent: 100}}
`
	// everything declares every field; its customizations are of every type.
	everything = `
spec:
  api: locktera/v1
  name: Acme
  customizations:
    theme: dark
    size: 3
    ratio: 1.5
    beta: true
    colors: {primary: blue, others: [red, {deep: true}]}
    links: [{to: a}, b]
  keys:
    - {name: ci, permissions: [read]}
`
	bare = `
spec:
  api: locktera/v1
  keys: [{name: ci, permissions: [read]}]
`
	faultsBefore = `
spec:
  api: locktera/v1
  name: Acme
  customizations: {theme: dark, logo_url: https://example.com/a.svg}
  keys:
    - {name: stays, permissions: [read]}
    - {name: leaves-1, permissions: [read]}
    - {name: leaves-2, permissions: [write]}
`
	faultsAfter = `
spec:
  api: locktera/v1
  name: Other
  customizations: {theme: light, branding_color: "#0047AB"}
  keys:
    - {name: stays, permissions: [read]}
    - {name: leaves-1, ensure: absent}
    - {name: leaves-2, ensure: absent}
    - {name: new-1, permissions: [read]}
    - {name: new-2, permissions: [read, write]}
policy: {allowDelete: ["key/leaves-*"]}
`
)

// suite is what is special about Locktera, in one world.
func suite(w world) backendtest.Suite {
	custom := func(key string, value any) map[string]any {
		return map[string]any{"customizations": map[string]any{key: value}}
	}
	const undeclared = "a customization that is not declared is not managed"
	return backendtest.Suite{
		API:    spec.Locktera,
		Fresh:  func(ctx context.Context, t backendtest.T) backendtest.Fixture { return newBench(ctx, t, w) },
		States: map[string]string{"nothing": nothing, "small": small, "changed": changed, "pruned": pruned},
		Draw:   drawManifest,
		Edits:  edits,

		Before: faultsBefore, After: faultsAfter,

		Bare: bare, Everything: everything,
		Changed: map[string]backendtest.FieldEdit{
			"organization.name":                  {Set: map[string]any{"name": "Changed"}},
			"organization.customizations.theme":  {Set: custom("theme", "light")},
			"organization.customizations.size":   {Set: custom("size", 4)},
			"organization.customizations.ratio":  {Set: custom("ratio", 1.25)},
			"organization.customizations.beta":   {Set: custom("beta", nil)},
			"organization.customizations.colors": {Set: custom("colors", map[string]any{"others": []any{"red", map[string]any{"deep": false}}})},
			"organization.customizations.links":  {Set: custom("links", []any{"b", map[string]any{"to": "a"}})},

			"key.name":        {Never: "part of the identity"},
			"key.permissions": {Name: "ci", Set: map[string]any{"permissions": []any{"write"}}},
		},
		First: map[string]backendtest.Edit{
			"organization.name":                 {Set: map[string]any{"name": "Changed"}},
			"organization.customizations.theme": {Set: custom("theme", "light")},
			"key.name":                          {Name: "ci", Set: map[string]any{"name": "changed"}},
			"key.permissions":                   {Name: "ci", Set: map[string]any{"permissions": []any{}}},
		},
		Unmanaged: map[string]string{
			"organization.customizations.theme":  undeclared,
			"organization.customizations.size":   undeclared,
			"organization.customizations.ratio":  undeclared,
			"organization.customizations.beta":   undeclared,
			"organization.customizations.colors": undeclared,
			"organization.customizations.links":  undeclared,
		},
		There: map[string]string{"key": "ci"},
		Stray: "stray@example.com",
	}
}

// drawManifest writes a valid manifest over few names, so that consecutive ones overlap.
func drawManifest(t *rapid.T) string {
	var b strings.Builder
	pick := func(label string, values ...string) string { return rapid.SampledFrom(values).Draw(t, label) }
	fmt.Fprintf(&b, "spec:\n  api: locktera/v1\n  name: %s\n  customizations:\n    theme: %s\n", pick("name", "Acme", "Other"), pick("theme", "dark", "light"))
	for key, values := range map[string][]string{"colors": {"{a: 1}", "{a: 1, b: [x]}", "{}"}, "size": {"1", "2.5"}, "beta": {"true", "false"}} {
		if rapid.Bool().Draw(t, key+" declared") {
			fmt.Fprintf(&b, "    %s: %s\n", key, pick(key, values...))
		}
	}
	b.WriteString("  keys:\n    - {name: sandbox, permissions: [read, write]}\n    - {name: keep, permissions: [read]}\n")
	for _, name := range []string{"k1", "k2", "k3"} {
		switch pick(name, "unsaid", "there", "gone") {
		case "there":
			fmt.Fprintf(&b, "    - {name: %s, permissions: %s}\n", name, map[string]string{"k1": "[read]", "k2": "[write, read]", "k3": "[write]"}[name])
		case "gone":
			fmt.Fprintf(&b, "    - {name: %s, ensure: absent}\n", name)
		}
	}
	fmt.Fprintf(&b, "policy: {prune: [%s], allowDelete: [\"key/*\"], maxDeletes: {percent: 100}}\n", pick("prune", "", "keys"))
	return b.String()
}

// edits are what somebody does in the application.
var edits = []backendtest.Edit{
	{Kind: "organization", Set: map[string]any{"name": "Taken"}},
	{Kind: "organization", Set: map[string]any{"customizations": map[string]any{"theme": "blue", "theirs": "kept"}}},
	{Kind: "organization", Set: map[string]any{"customizations": map[string]any{"theme": nil}}},
	{Kind: "key", Name: "keep", Delete: true},
	{Kind: "key", Name: "stray", Create: true},
}
