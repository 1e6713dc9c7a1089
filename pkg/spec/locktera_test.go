package spec_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/spec"
)

// TestLoadLocktera: spec.api of any document decides for all of them, customizations are managed one by one wherever they are
// said, and ids are taken to the letter.
func TestLoadLocktera(t *testing.T) {
	organizations, diags := spec.Load([]spec.File{
		{Name: "a.yaml", Data: []byte(`apiVersion: orgctl/v1
kind: Organization
metadata: {name: acme, id: Org-A}
spec:
  customizations: {theme: dark, colors: {primary: blue}}
`)},
		{Name: "b.yaml", Data: []byte(`apiVersion: orgctl/v1
kind: Organization
metadata: {name: acme}
spec:
  api: locktera/v1
  name: Acme
  customizations: {logo_url: https://example.com/logo.png, theme: dark}
  keys:
    - {name: ci, id: Key-1, permissions: [write, read]}
    - {name: old, ensure: absent}
policy: {allowDelete: [key/old]}
`)},
	})
	if len(diags) > 0 || len(organizations) != 1 {
		t.Fatal(organizations, diags)
	}
	o := organizations[0]
	if o.API != spec.Locktera || o.ID != "Org-A" {
		t.Errorf("API %v, id %s", o.API.Name, o.ID)
	}
	want := []spec.Resource{
		{Address: spec.Address{Kind: "organization", Name: "acme"}, ID: "Org-A", Spec: spec.Tree{
			"name": "Acme", "customizations": spec.Tree{
				"theme": "dark", "colors": spec.Tree{"primary": "blue"}, "logo_url": "https://example.com/logo.png",
			},
		}, Intent: spec.Intent{Pos: spec.Pos{File: "a.yaml", Line: 1, Column: 1}, Fields: map[string]spec.Pos{
			"name":                    {File: "b.yaml", Line: 6, Column: 3},
			"customizations.theme":    {File: "a.yaml", Line: 5, Column: 20},
			"customizations.colors":   {File: "a.yaml", Line: 5, Column: 33},
			"customizations.logo_url": {File: "b.yaml", Line: 7, Column: 20},
		}}},
		{Address: spec.Address{Kind: "key", Name: "ci"}, ID: "Key-1", Spec: spec.Tree{
			"name": "ci", "permissions": []any{"write", "read"},
		}, Intent: spec.Intent{Pos: spec.Pos{File: "b.yaml", Line: 9, Column: 7}, Fields: map[string]spec.Pos{
			"name":        {File: "b.yaml", Line: 9, Column: 8},
			"permissions": {File: "b.yaml", Line: 9, Column: 29},
		}}},
		{Address: spec.Address{Kind: "key", Name: "old"}, Spec: spec.Tree{"name": "old"}, Intent: spec.Intent{
			Absent: true, Pos: spec.Pos{File: "b.yaml", Line: 10, Column: 7},
			Fields: map[string]spec.Pos{"name": {File: "b.yaml", Line: 10, Column: 8}},
		}},
	}
	if diff := cmp.Diff(want, o.Resources); diff != "" {
		t.Error(diff)
	}
}

// TestOpenFields: every key of customizations is a field of its own, and no other path is.
func TestOpenFields(t *testing.T) {
	kind := spec.Locktera.Organization()
	for path, open := range map[string]bool{"customizations.theme": true, "customizations": false, "custom": false, "name": true} {
		if f := kind.Field(path); (f != nil) != open || f != nil && f.Path != path {
			t.Errorf("%s: %v", path, f)
		}
	}
	var paths []string
	for _, f := range kind.FieldsOf(
		spec.Tree{"customizations": spec.Tree{"theme": "dark", "a": 1}}, spec.Tree{"name": "Acme", "customizations": spec.Tree{"a": 2, "b": 3}},
	) {
		paths = append(paths, f.Path)
	}
	if diff := cmp.Diff([]string{"name", "customizations.a", "customizations.b", "customizations.theme"}, paths); diff != "" {
		t.Error(diff)
	}
}

// TestExportLocktera: what is written says which API it is of, and loads as what was live. A key without a name goes by its id.
func TestExportLocktera(t *testing.T) {
	key := func(name, id string) spec.Resource {
		return spec.Resource{Address: spec.Address{Kind: "key", Name: name}, ID: id, Spec: spec.Tree{"name": name, "permissions": []any{"read"}}}
	}
	live := &spec.Live{API: spec.Locktera, OrganizationID: "Org-A", OrganizationName: "Acme", Resources: []spec.Resource{
		{Address: spec.Address{Kind: "organization", Name: "Org-A"}, ID: "Org-A", Spec: spec.Tree{
			"name": "Acme", "customizations": spec.Tree{"theme": "dark", "colors": spec.Tree{"primary": "blue"}},
		}},
		key("ci", "K1"), key("ci", "K2"), key("deploy", "K3"),
		{
			Address: spec.Address{Kind: "key", Name: "K4"}, ID: "K4", Spec: spec.Tree{"permissions": []any{"write"}},
			Status: spec.Tree{spec.StatusNameless: "the API shows no name of it"},
		},
	}}
	manifest, missing, err := spec.Export(live)
	if err != nil {
		t.Fatal(err)
	}
	want := `apiVersion: orgctl/v1
kind: Organization
metadata:
  name: acme
  id: Org-A
spec:
  api: locktera/v1
  name: Acme
  customizations:
    colors:
      primary: blue
    theme: dark
  keys:
    # also live under this name and not managed here: K2
    - name: ci
      id: K1
      permissions:
        - read
    - name: deploy
      permissions:
        - read
    - name: K4
      id: K4
      permissions:
        - write
policy:
  # keys are not exclusive, so that further ones are no drift: not all of the live ones are declared
  exclusive: []
`
	if diff := cmp.Diff(want, string(manifest)); diff != "" || len(missing) != 2 {
		t.Errorf("%s\n%q", diff, missing)
	}
	organizations, diags := spec.Load([]spec.File{{Name: "export.yaml", Data: manifest}})
	if len(diags) > 0 || len(organizations) != 1 || organizations[0].API != spec.Locktera {
		t.Fatal(organizations, diags)
	}
}
