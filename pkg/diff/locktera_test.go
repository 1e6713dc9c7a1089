package diff_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// lockteraKey is the live key K1; without a name it goes by its id.
func lockteraKey(name string, permissions ...any) spec.Resource {
	const id = "K1"
	r := spec.Resource{
		Address: spec.Address{Kind: "key", Name: id}, ID: id, Spec: spec.Tree{"permissions": permissions}, Status: spec.Tree{spec.StatusNameless: "not shown"},
	}
	if name != "" {
		r.Address.Name, r.Spec["name"], r.Status = name, name, spec.Tree{}
	}
	return r
}

func lockteraLive(customizations spec.Tree, keys ...spec.Resource) *spec.Live {
	return &spec.Live{API: spec.Locktera, OrganizationID: "Org-1", OrganizationName: "Acme", Resources: append([]spec.Resource{{
		Address: spec.Address{Kind: "organization", Name: "Org-1"}, ID: "Org-1", Status: spec.Tree{},
		Spec: spec.Tree{"name": "Acme", "customizations": customizations},
	}}, keys...)}
}

// TestLocktera: customizations are compared one by one, keys are not changed, whatever may be nameless is not guessed, and every
// deletion of a key may lock the caller out.
func TestLocktera(t *testing.T) {
	dark := spec.Tree{"theme": "dark", "logo": "x", "_etag": "1"}
	for name, test := range map[string]struct {
		manifest string
		live     *spec.Live
		want     []string
	}{
		"what is not declared is not managed": {"customizations: {theme: dark}", lockteraLive(dark), nil},
		"one of many": {
			"customizations: {theme: light, size: 1.0, tags: [a], nested: {b: 1}}",
			lockteraLive(spec.Tree{"theme": "dark", "size": int64(1), "tags": []any{"a"}, "nested": spec.Tree{"b": int64(2)}}),
			[]string{"update organization/acme none: customizations.nested, customizations.theme"},
		},
		"another type": {
			"name: Other\n  customizations: {theme: {main: dark}}", lockteraLive(dark),
			[]string{"OC306 blocked organization/acme: customizations.theme is a text, \"dark\", and cannot become an object, {main: \"dark\"}"},
		},
		"a key whose permissions differ": {
			"keys: [{name: ci, permissions: [read, write]}]", lockteraLive(nil, lockteraKey("ci", "read")),
			[]string{`OC310 blocked key/ci: permissions is ["read"] and cannot become ["read", "write"]: it is set at creation only`},
		},
		"a key that goes": {
			"keys: [{name: ci, ensure: absent}]", lockteraLive(nil, lockteraKey("ci", "read")),
			[]string{"delete key/ci lockout: ", "OC330 deleteLeave key/ci"},
		},
		"a key that may be one without a name": {
			"keys: [{name: ci, permissions: [read]}]", lockteraLive(nil, lockteraKey("", "read")),
			[]string{"OC302 blocked key/ci: which live key this is, if any, cannot be told: the API shows no name of K1"},
		},
		"nor is it known to be absent": {
			"keys: [{name: ci, ensure: absent}]", lockteraLive(nil, lockteraKey("", "read")),
			[]string{"OC302 blocked key/ci: which live key this is, if any, cannot be told: the API shows no name of K1"},
		},
		"one that is pinned is that one": {
			"keys: [{name: ci, id: K1, permissions: [read]}, {name: new, permissions: [read]}]", lockteraLive(nil, lockteraKey("", "read")),
			[]string{"create key/new none: ", "OC331 secretSink key/new"},
		},
		"ids are to the letter": {
			"keys: [{name: ci, id: k1, permissions: [read]}]", lockteraLive(nil, lockteraKey("ci", "read")),
			[]string{"OC303 blocked key/ci: no live key has the id k1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := lockteraPlan(t, test.manifest, test.live)
			var got []string
			for _, c := range p.Changes {
				var paths []string
				for _, f := range c.Fields {
					paths = append(paths, f.Path)
				}
				got = append(got, string(c.Action)+" "+c.Address.String()+" "+string(c.Risk)+": "+strings.Join(paths, ", "))
			}
			for _, f := range p.Findings {
				got = append(got, f.Code+" "+string(f.Severity)+" "+f.Address.String()+": "+f.Message)
			}
			for _, r := range p.Requirements {
				got = append(got, r.Code+" "+r.Kind+" "+r.Address.String())
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Error(d)
			}
			invariants(t, p)
			if again := anew(t, p, test.live); again.Digest != p.Digest {
				t.Errorf("computed anew from the plan alone it is another one: %v", diff.Moved(p, again))
			}
		})
	}
}

// TestAddressesOfNamesakes: what several live objects are called in one plan is no two times the same, even where somebody has given
// one of them the name that tells another from its namesake. A plan that is computed anew from itself calls them likewise.
func TestAddressesOfNamesakes(t *testing.T) {
	named := func(name, id string) spec.Resource {
		r := lockteraKey(name, "read")
		r.ID = id
		return r
	}
	live := lockteraLive(nil, named("tmp-a", "2"), named("tmp-a", "4"), named("tmp-a#4", "3"), named("tmp-a#4#4", "5"))
	p := lockteraPlan(t, "keys: []\npolicy: {prune: [keys], maxDeletes: {percent: 100}}", live)
	ids := map[spec.Address]string{}
	for _, c := range p.Changes {
		if other, twice := ids[c.Address]; twice {
			t.Errorf("%s is %s and %s", c.Address, other, c.ID)
		}
		ids[c.Address] = c.ID
	}
	if len(p.Changes) != 4 {
		t.Fatalf("%+v", p.Changes)
	}
	if again := anew(t, p, live); again.Digest != p.Digest {
		t.Errorf("computed anew it is another plan: %v", diff.Moved(p, again))
	}
}

// TestAbsentUnderAMistakenID: an entry that is to be absent under an id that nothing has says so while an object of its name lives.
func TestAbsentUnderAMistakenID(t *testing.T) {
	p := lockteraPlan(t, "keys: [{name: first, id: nope, ensure: absent}]", lockteraLive(nil, lockteraKey("first", "read")))
	if len(p.Changes) > 0 || len(p.Findings) != 1 || p.Findings[0].Code != diff.CodeUnknownID || p.Findings[0].Severity != diff.SeverityWarning {
		t.Errorf("%+v %+v", p.Changes, p.Findings)
	}
	p = lockteraPlan(t, "keys: [{name: first, id: nope, ensure: absent}]", lockteraLive(nil))
	if !p.Converged() || len(p.Findings) > 0 {
		t.Errorf("gone, as it should be: %+v", p.Findings)
	}
}

func lockteraPlan(t *testing.T, manifest string, live *spec.Live) *diff.Plan {
	t.Helper()
	organizations, diags := spec.Load([]spec.File{{Name: "m.yaml", Data: []byte(
		"apiVersion: orgctl/v1\nkind: Organization\nmetadata: {name: acme}\nspec:\n  api: locktera/v1\n  " + manifest + "\n",
	)}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p, err := diff.Compute(organizations[0], live, diff.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
