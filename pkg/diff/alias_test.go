package diff_test

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// The laws of aliases are about manifests that call live objects otherwise than they are called: by pins, former names and
// namesakes. They are checked against a model that knows live objects and patterns only.

// masks is what names are drawn from: some are patterns of others, and one crosses a slash.
var masks = []string{"orders", "tmp-1", "prod/tmp-1", "old", "new"}

// masquerade draws an organization with namesakes, a manifest that speaks of it in every way there is, and what somebody selects
// and allows. It is of one kind, or of people, so that all of these meet.
func masquerade(t *rapid.T) (desired *spec.Organization, live *spec.Live, sel diff.Selection, leave []string) {
	live = &spec.Live{OrganizationID: "org-1", OrganizationName: "Acme", Roles: roles("Admin", "Developer"), Resources: []spec.Resource{
		{Address: spec.Address{Kind: "organization", Name: "org-1"}, ID: "org-1", Spec: spec.Tree{"name": "Acme"}},
	}}
	desired = &spec.Organization{Name: "acme", Declared: map[string]spec.Pos{}, Policy: spec.Policy{
		Prune: rapid.SliceOfDistinct(rapid.SampledFrom(collections()), rapid.ID[string]).Draw(t, "prune"), MinAdmins: 1,
		MaxDeletes: spec.MaxDeletes{Percent: 100},
	}}
	var patterns []string
	kinds := rapid.SampledFrom([][]string{{"service"}, {"service"}, {"key"}, {"member", "invitation"}}).Draw(t, "kinds")
	for _, kind := range kinds {
		desired.Declared[spec.ClickHouse.Kind(kind).Collection] = spec.Pos{}
		ids := []string{}
		for i, name := range rapid.SliceOfN(rapid.SampledFrom(masks), 0, 4).Draw(t, "live "+kind) {
			id := fmt.Sprintf("%s-%d", kind, i)
			tree := maskedObject(kind, name)
			if kind == "service" {
				tree["state"] = "running"
			}
			live.Resources = append(live.Resources, spec.Resource{Address: address(kind, name), ID: id, Spec: tree, Status: spec.Tree{}})
			ids = append(ids, id)
			patterns = append(patterns, address(kind, name).String()+"#"+id)
		}
		for _, name := range masks {
			patterns = append(patterns, address(kind, name).String())
		}
		patterns = append(patterns, kind, kind+"/*", kind+"/tmp-*", kind+"/prod/*", kind+"/*[0-9]")
		masqueradeOf(t, desired, kind, ids)
	}
	sortWorld(desired, live)
	draw := func(label string, most int, among []string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(among), 0, most).Draw(t, label)
	}
	called := slices.Clone(patterns) // and once more what entries and objects are called
	for _, r := range slices.Concat(desired.Resources, desired.Resources, live.Resources) {
		called = append(called, r.Address.String())
	}
	sel = diff.Selection{Only: draw("only", 2, called), Except: draw("except", 1, called)}
	desired.Policy.AllowDelete, leave = draw("allowDelete", 2, patterns), draw("leave", 2, patterns)
	return desired, live, sel, leave
}

func maskedObject(kind, name string) spec.Tree {
	switch kind {
	case "service":
		return spec.Tree{"name": name, "provider": "aws", "region": "us-east-1", "ipAccessList": []any{}}
	case "key":
		return spec.Tree{"name": name, "roles": []any{"Developer"}, "ipAccessList": []any{}}
	default:
		return spec.Tree{"email": address(kind, name).Name, "roles": []any{"Developer"}}
	}
}

// masqueradeOf declares objects of a kind, as far as validation lets it pass: no id and no former name twice, no former name that
// is declared, nothing absent and protected, nobody in both lists of people.
func masqueradeOf(t *rapid.T, desired *spec.Organization, kind string, ids []string) {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom(masks), 0, 4, rapid.ID[string]).Draw(t, "declared "+kind)
	free := slices.DeleteFunc(slices.Clone(masks), func(name string) bool { return slices.Contains(names, name) })
	ids = rapid.Permutation(append(ids, kind+"-9")).Draw(t, "ids")
	for _, name := range names {
		r := spec.Resource{Address: address(kind, name), Spec: maskedObject(kind, name)}
		r.Intent.Absent = rapid.IntRange(0, 2).Draw(t, "absent") == 0
		if kind == "invitation" && slices.ContainsFunc(desired.Resources, func(o spec.Resource) bool {
			return o.Address == address("member", name) && !o.Intent.Absent && !r.Intent.Absent
		}) {
			continue
		}
		if len(ids) > 0 && rapid.IntRange(0, 2).Draw(t, "pinned") == 0 {
			r.ID, ids = ids[0], ids[1:]
		}
		if (kind == "service" || kind == "key") && len(free) > 0 && rapid.IntRange(0, 2).Draw(t, "renamed") == 0 {
			r.Intent.Previously, free = free[:1], free[1:]
		}
		if kind == "service" && !r.Intent.Absent {
			r.Intent.Protect = rapid.IntRange(0, 3).Draw(t, "protected") == 0
			r.Spec["state"] = rapid.SampledFrom([]string{"running", "stopped"}).Draw(t, "state")
		}
		if r.Intent.Absent {
			r.Spec = spec.Tree{}
		}
		desired.Resources = append(desired.Resources, r)
	}
}

// means reports whether patterns mean an object by the name that it has, or by that and its id.
func means(patterns []string, r spec.Resource) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		kind, glob, narrowed := strings.Cut(p, "/")
		name := r.Address.Name
		if strings.Contains(p, "#") {
			name += "#" + r.ID
		}
		ok, err := path.Match(glob, name)
		return kind == r.Address.Kind && (!narrowed || ok && err == nil)
	})
}

// Whatever a manifest calls it: what a run deletes or stops is shown by the name that it has, allowed and selected by it, and
// protected under none.
func TestLawAliases(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live, sel, leave := masquerade(t)
		p, err := diff.Compute(desired, live, sel)
		if err != nil {
			t.Fatal(err)
		}
		p.Guard(live, diff.Caller{Leave: leave, Sink: true})
		for _, c := range p.Changes {
			if c.Action == diff.Create {
				if slices.ContainsFunc(live.Resources, func(r spec.Resource) bool { return r.Address == c.Address }) {
					t.Fatalf("a second %s would be created:\n%s", c.Address, encode(t, p))
				}
				continue
			}
			r := find(live, c.Address.Kind, c.ID)
			stops := slices.ContainsFunc(c.Fields, func(f diff.FieldChange) bool { return f.Path == "state" && f.After == "stopped" })
			if c.Action != diff.Delete && !stops {
				continue
			}
			unique := r.Address.Name + "#" + r.ID
			named := c.Address.Name == r.Address.Name || c.Address.Name == unique
			renamed := slices.ContainsFunc(c.Fields, func(f diff.FieldChange) bool { return f.Path == "name" && f.Before == r.Address.Name })
			switch {
			case !named && (c.Action == diff.Delete || !renamed):
				t.Fatalf("%s is %s\n%s", c.Address, r.Address, encode(t, p))
			case c.Action == diff.Delete && c.Address.Name != unique && len(slices.DeleteFunc(of(live, c.Address.Kind), func(o spec.Resource) bool {
				return o.Address != r.Address
			})) > 1:
				t.Fatalf("it is not said which %s goes\n%s", c.Address, encode(t, p))
			case c.DeclaredAs.Name != "" && !slices.ContainsFunc(desired.Resources, func(d spec.Resource) bool {
				return d.Address == c.DeclaredAs && slices.Contains(d.Intent.Previously, r.Address.Name)
			}):
				t.Fatalf("%s was never called %s\n%s", r.Address, c.DeclaredAs, encode(t, p))
			case len(sel.Only) > 0 && !means(sel.Only, *r), means(sel.Except, *r):
				t.Fatalf("%s is not selected\n%s", r.Address, encode(t, p))
			case c.Action == diff.Delete && c.Address.Kind == "service" &&
				means(append(leave, desired.Policy.AllowDelete...), *r) ==
					slices.ContainsFunc(p.Requirements, func(q diff.Requirement) bool { return q.Address == c.Address }):
				t.Fatalf("the leave for %s is not its own\n%s", r.Address, encode(t, p))
			case shielded(desired, live, *r) && !slices.ContainsFunc(p.Findings, func(f diff.Finding) bool {
				return f.Code == diff.CodeProtected && f.Severity == diff.SeverityBlocked && f.Address == c.Address
			}):
				t.Fatalf("%s is protected\n%s", r.Address, encode(t, p))
			}
		}
	})
}

// shielded reports whether an entry protects an object: as that which it pins, by its name, or by the former name of something
// that has no other.
func shielded(desired *spec.Organization, live *spec.Live, r spec.Resource) bool {
	return slices.ContainsFunc(desired.Resources, func(d spec.Resource) bool {
		isNew := !slices.ContainsFunc(live.Resources, func(o spec.Resource) bool { return o.Address == d.Address })
		former := d.ID == "" && isNew && slices.Contains(d.Intent.Previously, r.Address.Name)
		return d.Intent.Protect && d.Address.Kind == r.Address.Kind && (d.ID == r.ID || d.Address == r.Address || former)
	})
}

// While any entry of a collection is in error, nothing of it is pruned, whatever is selected.
func TestLawNothingIsPrunedInDoubt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live, sel, _ := masquerade(t)
		whole := compute(t, desired, live)
		p, err := diff.Compute(desired, live, sel)
		if err != nil {
			t.Fatal(err)
		}
		list := map[string]string{"service": "service", "key": "key", "member": "people", "invitation": "people"}
		for _, f := range whole.Findings {
			if f.Severity != diff.SeverityError && f.Code != diff.CodeAmbiguous {
				continue
			}
			for _, c := range p.Changes {
				if c.Pruned && list[c.Address.Kind] == list[f.Address.Kind] {
					t.Fatalf("%s is pruned, and %s %s\n%s", c.Address, f.Code, f.Address, encode(t, p))
				}
			}
		}
	})
}

// A plan that speaks of objects by several names stands alone, too, and does what it says.
func TestLawAliasesStandAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live, sel, _ := masquerade(t)
		p, err := diff.Compute(desired, live, sel)
		if err != nil {
			t.Fatal(err)
		}
		if p.Worst() == diff.SeverityError {
			return
		}
		saved, err := diff.ReadPlan(bytes.NewReader(encode(t, p)))
		if err != nil {
			t.Fatalf("%v\n%s", err, encode(t, p))
		}
		if again := anew(t, saved, live); again.Digest != p.Digest {
			t.Fatalf("moved %v:\n%s\n%s", diff.Moved(p, again), encode(t, p), encode(t, again))
		}
		if left := anew(t, saved, carryOut(t, live, p)); !left.Empty() {
			t.Fatalf("left over:\n%s\nof\n%s", encode(t, left), encode(t, p))
		}
	})
}

// The cases behind the laws, kind by kind.
func TestAliases(t *testing.T) {
	const people = "members: [{email: ana@example.com, id: ana, roles: [Admin]}, {email: bo@example.com, id: bo, roles: [Admin]}]\n" +
		"invitations: [{email: cy@example.com, id: " + id1 + ", roles: [Developer]}]"
	runStates(t, []state{
		{
			name: "the id of another member",
			desired: `
spec: {members: [{email: gone@example.com, id: ana, ensure: absent}, {email: ana@example.com, role: admin}]}`,
			live: people,
			want: []string{
				`unmanaged member/bo@example.com`,
				`OC308 error member/gone@example.com: would be deleted, and its id ana is that of member/ana@example.com`,
			},
		},
		{
			name: "the id of another invitation",
			desired: `
spec: {invitations: [{email: gone@example.com, id: ` + id1 + `, ensure: absent}, {email: cy@example.com, role: developer}]}`,
			live: people,
			want: []string{`OC308 error invitation/gone@example.com: would be deleted, and its id ` + id1 + ` is that of invitation/cy@example.com`},
		},
		{
			name: "a member whose entry another one has taken is not invited",
			desired: `
spec: {members: [{email: new@example.com, id: ana}, {email: ana@example.com, role: admin}, {email: bo@example.com}]}`,
			live: people,
			want: []string{
				`OC309 error member/ana@example.com: the live member/ana@example.com is member/new@example.com by its id, and it is not created a second time`,
				`OC310 blocked member/new@example.com: email is "ana@example.com" and cannot become "new@example.com": it is set at creation only`,
			},
		},
		{
			name: "a key by its former name",
			desired: `
spec: {keys: [{name: tmp, previously: [ci], ensure: absent}, {name: cd}]}`,
			live: `
keys: [{name: ci}, {name: cd}]`,
			want: []string{`delete key/ci`},
		},
		{
			name: "one goes and another gets its name",
			desired: `
spec: {keys: [{name: ci, id: ` + id2 + `}, {name: tmp, id: ` + id1 + `, previously: [old], ensure: absent}]}`,
			live: `
keys: [{name: old, id: ` + id1 + `}, {name: cd, id: ` + id2 + `}]`,
			want: []string{`update key/ci: name "cd" -> "ci"`, `delete key/old`},
		},
		{
			name: "a namesake of what is protected",
			desired: `
spec: {services: [{name: orders, id: ` + id1 + `, protect: true}]}
policy: {prune: [services]}`,
			live: `
services: [{name: orders, id: ` + id1 + `}, {name: orders, id: ` + id2 + `}]`,
			want: []string{
				`delete service/orders#` + id2 + ` pruned`,
				`OC311 blocked service/orders#` + id2 + `: would be deleted or stopped, and service/orders is protected`,
				`OC330 needs deleteLeave service/orders#` + id2,
			},
		},
		{
			name: "a stop that is not selected by its own name",
			desired: `
spec: {services: [{name: new, previously: [orders], state: stopped}]}`,
			live: `
services: [{name: orders, state: running}]`,
			sel: diff.Selection{Only: []string{"service/new"}},
			want: []string{
				`OC304 error service/new: would take service/orders out of use, which is not selected by that name`,
			},
		},
		{
			name: "of an endpoint the last part of its name is enough",
			desired: `
spec: {privateEndpoints: [{id: a, cloudProvider: aws, region: us-east-1, ensure: absent}, {id: b, cloudProvider: aws, region: us-east-1, ensure: absent}]}`,
			live: `
privateEndpoints: [{id: a}, {id: b}]`,
			sel:  diff.Selection{Only: []string{"privateEndpoint/a"}},
			want: []string{`delete privateEndpoint/aws/us-east-1/a`},
		},
	})
}
