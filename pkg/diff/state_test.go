package diff_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// manifest reads a desired state as a user writes it, without the lines that are always the same.
func manifest(t testing.TB, body string) *spec.Organization {
	t.Helper()
	const header = "apiVersion: orgctl/v1\nkind: Organization\nmetadata: {name: acme}\n"
	organizations, diags := spec.Load([]spec.File{{Name: "m.yaml", Data: []byte(header + body)}})
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, body)
	}
	return organizations[0]
}

// observed reads a live state: lists by collection, each object with its fields, its id, and maybe a status and refs. The keys
// caller, roles and notChecked are those of spec.Live.
func observed(t testing.TB, body string) *spec.Live {
	t.Helper()
	var lists map[string]any
	if err := yaml.Unmarshal([]byte(body), &lists); err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	live := &spec.Live{OrganizationID: "org-1", OrganizationName: "Acme", Resources: []spec.Resource{{
		Address: spec.Address{Kind: "organization", Name: "org-1"}, ID: "org-1", Spec: spec.Tree{"name": "Acme"}, Status: spec.Tree{},
	}}}
	tree := spec.Normalize(lists).(spec.Tree)
	if organization, ok := tree["organization"].(spec.Tree); ok {
		maps.Copy(live.Resources[0].Spec, organization)
	}
	live.Caller.KeySuffix, _ = tree["caller"].(string)
	live.Roles = roles("Admin", "Billing", "Developer")
	if list, ok := tree["roles"].([]any); ok {
		live.Roles = nil
		for _, role := range list {
			live.Roles = append(live.Roles, roles(role.(string))...)
		}
	}
	for _, collection := range list(tree["notChecked"]) {
		live.NotChecked = map[string]string{collection.(string): "may not list " + collection.(string)}
	}
	for _, kind := range spec.ClickHouse.Kinds {
		for _, e := range list(tree[kind.Collection]) {
			live.Resources = append(live.Resources, liveObject(kind, e.(spec.Tree)))
		}
	}
	sortWorld(&spec.Organization{}, live)
	joinWarehouses(live)
	return live
}

func roles(names ...string) []spec.Role {
	var out []spec.Role
	for _, name := range names {
		out = append(out, spec.Role{ID: "role-" + strings.ToLower(name), Name: name})
	}
	return out
}

// joinWarehouses gives secondaries the id of their primary where the name says which one it is.
func joinWarehouses(live *spec.Live) {
	for i, r := range live.Resources {
		name, secondary := r.Spec["warehouse"]
		if !secondary || r.Refs != nil {
			continue
		}
		for _, p := range live.Resources {
			if p.Address == (spec.Address{Kind: "service", Name: name.(string)}) {
				live.Resources[i].Refs = map[string]string{"warehouse": p.ID}
			}
		}
	}
}

func liveObject(kind *spec.Kind, fields spec.Tree) spec.Resource {
	status, _ := fields["status"].(spec.Tree)
	if status == nil {
		status = spec.Tree{}
	}
	delete(fields, "status")
	var refs map[string]string
	if list, ok := fields["refs"].(spec.Tree); ok {
		refs = map[string]string{}
		for path, id := range list {
			refs[path] = id.(string)
		}
	}
	delete(fields, "refs")
	id, _ := fields["id"].(string)
	var name string
	switch kind.Name {
	case "privateEndpoint":
		if fields["region"] == nil {
			fields["region"] = "us-east-1"
		}
		fields["cloudProvider"] = "aws"
		name = spec.PrivateEndpointName("aws", fields["region"].(string), id)
		id = name
	case "member", "invitation":
		delete(fields, "id")
		name, _ = fields["email"].(string)
		if name == "" {
			name, fields["email"] = id, id
			status[spec.StatusNameless] = "the API shows no e-mail address"
		}
		if id == "" {
			id = kind.Name + "-" + name
		}
	default:
		delete(fields, "id")
		name = fields["name"].(string)
		if kind.Name == "service" && fields["provider"] == nil {
			fields["provider"] = "aws"
		}
		if kind.Name == "service" && fields["region"] == nil {
			fields["region"] = "us-east-1"
		}
		if id == "" {
			id = kind.Name + "-" + name
		}
	}
	return spec.Resource{Address: spec.Address{Kind: kind.Name, Name: name}, ID: id, Spec: fields, Status: status, Refs: refs}
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func plan(t *testing.T, desired, live string, sel diff.Selection) *diff.Plan {
	t.Helper()
	p, err := diff.Compute(manifest(t, desired), observed(t, live), sel)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// told gives what a plan says, a line for each thing.
func told(p *diff.Plan) []string {
	out := []string{}
	for _, c := range p.Changes {
		out = append(out, toldChange(c))
	}
	for _, u := range p.Unmanaged {
		word := "unmanaged"
		if u.Exclusive {
			word = "drift"
		}
		if u.HalfMade {
			out = append(out, word+" "+u.Address.String()+" half made")
			continue
		}
		out = append(out, word+" "+u.Address.String())
	}
	for _, f := range p.Findings {
		out = append(out, fmt.Sprintf("%s %s %s: %s", f.Code, f.Severity, f.Address, f.Message))
	}
	for _, r := range p.Requirements {
		out = append(out, fmt.Sprintf("%s needs %s %s", r.Code, r.Kind, r.Address))
	}
	return out
}

func toldChange(c diff.Change) string {
	line := fmt.Sprintf("%s %s", c.Action, c.Address)
	if c.Pruned {
		line += " pruned"
	}
	for i, f := range c.Fields {
		line += []string{": ", "; "}[min(i, 1)] + f.Path
		switch {
		case f.List && len(f.Remove) > 0 && len(f.Add) > 0:
			line += fmt.Sprintf(" -%s +%s", spec.FormatValue(f.Remove), spec.FormatValue(f.Add))
		case f.List && len(f.Remove) > 0:
			line += " -" + spec.FormatValue(f.Remove)
		case f.List:
			line += " +" + spec.FormatValue(f.Add)
		case f.Reset:
			line += " " + spec.FormatValue(f.Before) + " -> default"
		default:
			line += " " + spec.FormatValue(f.Before) + " -> " + spec.FormatValue(f.After)
		}
	}
	if c.SetsPassword {
		line += ", sets password"
	}
	if len(c.DependsOn) > 0 {
		after := make([]string, len(c.DependsOn))
		for i, a := range c.DependsOn {
			after[i] = a.String()
		}
		line += " after " + strings.Join(after, ", ")
	}
	return line
}

func codes(p *diff.Plan) []string {
	var out []string
	for _, f := range p.Findings {
		out = append(out, f.Code)
	}
	for _, r := range p.Requirements {
		out = append(out, r.Code)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// state is a line in a table of states: what is declared, what is live, and what the plan says of it.
type state struct {
	name, desired, live string
	sel                 diff.Selection
	want                []string
}

func runStates(t *testing.T, states []state) {
	t.Helper()
	for _, s := range states {
		t.Run(s.name, func(t *testing.T) {
			p := plan(t, s.desired, s.live, s.sel)
			if s.want == nil {
				s.want = []string{}
			}
			if d := cmp.Diff(s.want, told(p)); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			invariants(t, p)
		})
	}
}

// invariants holds every change to what its action promises.
func invariants(t *testing.T, p *diff.Plan) {
	t.Helper()
	for _, c := range p.Changes {
		type shape struct{ ID, Fields, Before, After, Precondition, Pruned bool }
		want := map[diff.Action]shape{
			diff.Create: {After: true},
			diff.Update: {ID: true, Fields: true, Before: true, After: true, Precondition: true},
			diff.Delete: {ID: true, Before: true, Precondition: true, Pruned: c.Pruned},
		}[c.Action]
		got := shape{c.ID != "", len(c.Fields) > 0, c.Before != nil, c.After != nil, c.Precondition != "", c.Pruned}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s of %s has the wrong shape (-want +got):\n%s", c.Action, c.Address, d)
		}
		if c.Reason == "" || c.Risk == "" {
			t.Errorf("%s: no reason or no risk", c.Address)
		}
		if (c.Pos == spec.Pos{}) != c.Pruned {
			t.Errorf("%s: its place is %q", c.Address, c.Pos)
		}
	}
}
