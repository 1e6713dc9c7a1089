package diff_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

func references(p *diff.Plan) map[string][]diff.Reference {
	out := map[string][]diff.Reference{}
	for _, c := range p.Changes {
		if len(c.References) > 0 {
			out[c.Address.String()] = c.References
		}
	}
	return out
}

func refersTo(path, kind, name, id string) diff.Reference {
	return diff.Reference{Path: path, Address: spec.Address{Kind: kind, Name: name}, ID: id}
}

// pinnedTo is a reference to an object of which an id says that it is the one.
func pinnedTo(path, kind, name, id string) diff.Reference {
	r := refersTo(path, kind, name, id)
	r.Pinned = true
	return r
}

func TestReferences(t *testing.T) {
	tests := []struct {
		name, desired, live string
		sel                 diff.Selection
		want                map[string][]diff.Reference
	}{
		{
			name: "one of two twins, by its id",
			desired: `
spec: {services: [{name: reports, id: ` + id1 + `}, {name: etl, warehouse: reports, ipAccessList: []}]}`,
			live: `
services: [{name: reports, id: ` + id1 + `}, {name: reports, id: ` + id2 + `}]`,
			want: map[string][]diff.Reference{"service/etl": {pinnedTo("warehouse", "service", "reports", id1)}},
		},
		{
			name: "names that change places",
			desired: `
spec:
  services:
    - {name: blue, id: ` + id2 + `}
    - {name: green, id: ` + id1 + `}
    - {name: etl, warehouse: blue, ipAccessList: []}`,
			live: `
services: [{name: blue, id: ` + id1 + `}, {name: green, id: ` + id2 + `}]`,
			want: map[string][]diff.Reference{"service/etl": {pinnedTo("warehouse", "service", "green", id2)}},
		},
		{
			name: "what is created, what is renamed, and where a list goes as a whole",
			desired: `
spec:
  privateEndpoints:
    - {id: new, cloudProvider: aws, region: us-east-1}
    - {id: old, cloudProvider: aws, region: us-east-1}
  services:
    - {name: p, provider: aws, region: us-east-1, ipAccessList: [], privateEndpointIds: [old, new]}
    - {name: s, warehouse: p, ipAccessList: []}
    - {name: orders, previously: [shop]}
    - {name: etl, warehouse: orders, ipAccessList: []}
    - {name: kept, warehouse: orders, releaseChannel: fast}
  keys: [{name: ci, roles: [developer, admin]}, {name: cd, roles: [developer], state: disabled}]`,
			live: `
privateEndpoints: [{id: old}, {id: old, region: eu-west-1}]
services: [{name: shop, id: s1}, {name: kept, warehouse: shop, releaseChannel: slow}]
keys: [{name: ci, roles: [Admin]}, {name: cd, roles: [Developer], state: enabled}]`,
			want: map[string][]diff.Reference{
				"service/p": {
					refersTo("privateEndpointIds", "privateEndpoint", "aws/us-east-1/new", ""),
					refersTo("privateEndpointIds", "privateEndpoint", "aws/us-east-1/old", "aws/us-east-1/old"),
				},
				"service/s":    {refersTo("warehouse", "service", "p", "")},
				"service/etl":  {refersTo("warehouse", "service", "shop", "s1")},
				"service/kept": {refersTo("warehouse", "service", "shop", "s1")},
				"key/ci":       {refersTo("roles", "role", "Admin", "role-admin"), refersTo("roles", "role", "Developer", "role-developer")},
			},
		},
		{
			name: "a target that is left out of the selection",
			desired: `
spec: {services: [{name: orders, previously: [shop]}, {name: etl, warehouse: orders, ipAccessList: []}]}`,
			live: `
services: [{name: shop, id: s1}]`,
			sel:  diff.Selection{Only: []string{"service/etl"}},
			want: map[string][]diff.Reference{"service/etl": {refersTo("warehouse", "service", "shop", "s1")}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := plan(t, test.desired, test.live, test.sel)
			if d := cmp.Diff(test.want, references(p)); d != "" {
				t.Errorf("references (-want +got):\n%s", d)
			}
			if worst := p.Worst(); worst != "" {
				t.Errorf("%s: %v", worst, p.Findings)
			}
			saved, err := diff.ReadPlan(bytes.NewReader(encode(t, p)))
			if err != nil {
				t.Fatal(err)
			}
			again := anew(t, saved, observed(t, test.live))
			if again.Digest != p.Digest {
				t.Errorf("a saved plan refers to something else:\n%s\n%s", encode(t, p), encode(t, again))
			}
		})
	}
}

// What a name means is known before anything is sent, or the plan says that it is not.
func TestReferencesToNothingAndToSeveral(t *testing.T) {
	runStates(t, []state{
		{
			name: "several services of the name",
			desired: `
spec: {services: [{name: reports}, {name: etl, warehouse: reports, ipAccessList: []}]}`,
			live: `
services: [{name: reports, id: a}, {name: reports, id: b}]`,
			want: []string{
				`unmanaged service/reports#a`, `unmanaged service/reports#b`,
				`OC302 blocked service/etl: warehouse: it is not known which live object is service/reports`,
				`OC302 blocked service/reports: 2 live objects are named reports: a, b`,
			},
		},
		{
			name: "a secondary has no warehouse of its own",
			desired: `
spec: {services: [{name: reports}, {name: etl, warehouse: reports, ipAccessList: []}]}`,
			live: `
services: [{name: orders, id: p}, {name: reports, warehouse: orders}]`,
			want: []string{
				`unmanaged service/orders`,
				`OC306 blocked service/etl: warehouse: service/reports has the warehouse of another one itself`,
			},
		},
		{
			name: "an endpoint that is registered elsewhere only; one that is attached already says nothing",
			desired: `
spec: {services: [{name: a, privateEndpointIds: [far]}, {name: b, privateEndpointIds: [odd]}]}`,
			live: `
privateEndpoints: [{id: far, region: eu-west-1}]
services: [{name: a, privateEndpointIds: []}, {name: b, privateEndpointIds: [odd]}]`,
			want: []string{
				`OC307 blocked service/a: privateEndpointIds: there is no privateEndpoint/aws/us-east-1/far`,
			},
		},
		{
			name: "a secondary in another place than its primary",
			desired: `
spec: {services: [{name: p}, {name: s, warehouse: p, region: eu-west-1, ipAccessList: []}]}`,
			live: `
services: [{name: p}]`,
			want: []string{
				`OC306 blocked service/s: region is "eu-west-1", that of its warehouse is "us-east-1"`,
			},
		},
		{
			name: "a live secondary of the wrong twin, and one of the right",
			desired: `
spec:
  services:
    - {name: p, id: ` + id1 + `}
    - {name: s, warehouse: p}
    - {name: t, warehouse: p}`,
			live: `
services:
  - {name: p, id: ` + id1 + `}
  - {name: p, id: ` + id2 + `}
  - {name: s, warehouse: p, refs: {warehouse: ` + id1 + `}}
  - {name: t, warehouse: p, refs: {warehouse: ` + id2 + `}}`,
			want: []string{
				`unmanaged service/p#` + id2,
				`OC310 blocked service/t: warehouse is "p" (` + id2 + `) and cannot become "p" (` + id1 + `): it is set at creation only`,
			},
		},
	})
}

// A role is who has it by id: two of one name cannot be told apart, even by somebody who has one of them.
func TestRolesThatShareAName(t *testing.T) {
	live := observed(t, "keys: [{name: a, roles: [Deployer]}, {name: b, roles: []}]")
	live.Roles = []spec.Role{{ID: "r1", Name: "Deployer"}, {ID: "r2", Name: "deployer"}}
	p, err := diff.Compute(manifest(t, "spec: {keys: [{name: a, roles: [deployer]}, {name: b, roles: [deployer]}]}"), live, diff.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`OC302 blocked key/a: roles: 2 roles are named deployer: r1, r2`,
		`OC302 blocked key/b: roles: 2 roles are named deployer: r1, r2`,
	}
	if d := cmp.Diff(want, told(p)); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
}

// The place of a secondary stands in the plan, from the primary that is live or from the one that is created.
func TestSecondaryIsWhereItsPrimaryIs(t *testing.T) {
	p := plan(t, `
spec:
  serviceDefaults: {provider: gcp, region: us-central1}
  services:
    - {name: live, provider: aws, region: eu-west-1}
    - {name: new, provider: aws, region: us-west-2, ipAccessList: []}
    - {name: a, warehouse: live, ipAccessList: []}
    - {name: b, warehouse: new, ipAccessList: []}`, `
services: [{name: live, region: eu-west-1}]`, diff.Selection{})
	got := map[string]string{}
	for _, c := range p.Changes {
		got[c.Address.Name] = c.After["provider"].(string) + " " + c.After["region"].(string)
	}
	if d := cmp.Diff(map[string]string{"new": "aws us-west-2", "a": "aws eu-west-1", "b": "aws us-west-2"}, got); d != "" {
		t.Errorf("places (-want +got):\n%s", d)
	}
}

// A digest covers what is done, in which order and to what: each part of a change alone makes another one.
func TestDigestCoversEveryPart(t *testing.T) {
	const desired = `
spec:
  privateEndpoints: [{id: old, cloudProvider: aws, region: us-east-1, ensure: absent}]
  services: [{name: orders, privateEndpointIds: []}, {name: etl, warehouse: orders, ipAccessList: []}]`
	const live = `
privateEndpoints: [{id: old}]
services: [{name: orders, ipAccessList: [{source: 0.0.0.0/0}], privateEndpointIds: [old]}]`
	change := func(p *diff.Plan, address string) *diff.Change {
		for i := range p.Changes {
			if p.Changes[i].Address.String() == address {
				return &p.Changes[i]
			}
		}
		t.Fatalf("no change of %s", address)
		return nil
	}
	parts := map[string]func(*diff.Plan){
		"address":      func(p *diff.Plan) { change(p, "service/etl").Address.Name = "elt" },
		"action":       func(p *diff.Plan) { change(p, "service/etl").Action = diff.Update },
		"id":           func(p *diff.Plan) { change(p, "service/orders").ID = "another" },
		"field":        func(p *diff.Plan) { change(p, "service/orders").Fields[0].Remove = nil },
		"after":        func(p *diff.Plan) { change(p, "service/etl").After["name"] = "elt" },
		"reference":    func(p *diff.Plan) { change(p, "service/etl").References[0].ID = "another" },
		"dependency":   func(p *diff.Plan) { change(p, "privateEndpoint/aws/us-east-1/old").DependsOn = nil },
		"precondition": func(p *diff.Plan) { change(p, "service/orders").Precondition = "sha256:00" },
	}
	whole := plan(t, desired, live, diff.Selection{}).Digest
	for name, part := range parts {
		p := plan(t, desired, live, diff.Selection{})
		part(p)
		p.Keep(p.Changes) // derives the digest anew
		if p.Digest == whole {
			t.Errorf("the digest does not cover the %s", name)
		}
	}
}

// A plan that says less of its references than it sends, or something that it cannot have found, is not read.
func TestReadPlanChecksReferences(t *testing.T) {
	const desired = `
spec: {services: [{name: p, provider: aws, region: us-east-1, ipAccessList: []}, {name: s, warehouse: p, ipAccessList: []}]}`
	tests := []struct {
		name   string
		change func(*diff.Change)
		want   string
	}{
		{"none", func(c *diff.Change) { c.References = nil }, "service/s: the plan does not say which objects its warehouse are"},
		{"too many", func(c *diff.Change) { c.References = append(c.References, c.References[0]) }, "service/s: the plan does not say"},
		{"of another kind", func(c *diff.Change) { c.References[0].Address.Kind = "key" }, "service/s: warehouse refers to no key"},
		{"of a field that refers to nothing", func(c *diff.Change) { c.References[0].Path = "name" }, "service/s: name refers to no service"},
		{
			"to what is not created before", func(c *diff.Change) { c.DependsOn = nil },
			"service/s: warehouse refers to service/p, which the plan does not create before it",
		},
	}
	for _, test := range tests {
		p := plan(t, desired, "", diff.Selection{})
		test.change(&p.Changes[1])
		p.Keep(p.Changes)
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := diff.ReadPlan(bytes.NewReader(data)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: the error is %v", test.name, err)
		}
	}
	// One that says why a change cannot be applied is read, to be refused for that.
	p := plan(t, desired, "", diff.Selection{Only: []string{"service/s"}})
	if _, err := diff.ReadPlan(bytes.NewReader(encode(t, p))); err != nil {
		t.Errorf("a plan with a finding: %v", err)
	}
}

// A saved plan is of the objects that its names meant: when they have changed places, it is another plan.
func TestSwappedNamesMakeAPlanStale(t *testing.T) {
	const desired = `
spec: {services: [{name: blue}, {name: etl, warehouse: blue, ipAccessList: []}]}`
	p := plan(t, desired, "services: [{name: blue, id: a}, {name: green, id: b}]", diff.Selection{})
	swapped := observed(t, "services: [{name: blue, id: b}, {name: green, id: a}]")
	for name, wanted := range map[string]*spec.Organization{"manifest": manifest(t, desired), "saved plan": p.Desired()} {
		now, err := diff.Compute(wanted, swapped, diff.Selection{})
		if err != nil {
			t.Fatal(err)
		}
		if now.Digest == p.Digest {
			t.Errorf("%s: nothing has moved: %s", name, encode(t, now))
		}
	}
}

// A precondition is about the object that a field refers to, not about what it is called: renaming a primary in the console
// does not make a plan of its secondary stale, and a namesake in its place does.
func TestPreconditionsCompareObjects(t *testing.T) {
	precondition := func(desired, live string) string {
		t.Helper()
		p := plan(t, desired, live, diff.Selection{Only: []string{"service/s"}})
		if len(p.Changes) != 1 || p.Changes[0].Precondition == "" {
			t.Fatalf("changes: %v", told(p))
		}
		return p.Changes[0].Precondition
	}
	const live = `
services:
  - {name: p, id: ` + id1 + `}
  - {name: other, id: ` + id2 + `}
  - {name: s, warehouse: p, releaseChannel: slow, refs: {warehouse: ` + id1 + `}}`
	for name, desired := range map[string]string{
		"update":   "spec: {services: [{name: p, id: " + id1 + "}, {name: s, warehouse: p, releaseChannel: fast}]}",
		"deletion": "spec: {services: [{name: s, ensure: absent}]}",
	} {
		before := precondition(desired, live)
		if after := precondition(desired, strings.NewReplacer("name: p,", "name: q,", "warehouse: p,", "warehouse: q,").Replace(live)); after != before {
			t.Errorf("%s: another name of the primary makes another precondition", name)
		}
	}
	deletion := "spec: {services: [{name: s, ensure: absent}]}"
	if precondition(deletion, live) == precondition(deletion, strings.Replace(live, "refs: {warehouse: "+id1, "refs: {warehouse: "+id2, 1)) {
		t.Error("another primary of the same name makes the same precondition")
	}
}

// TestReadPlanOfAFixedReference: a plan that blocks a reference, which cannot be changed, to something that it makes is a plan all the
// same, and is read back.
func TestReadPlanOfAFixedReference(t *testing.T) {
	live := observed(t, "services: [{name: old, id: a1, provider: aws, region: us-east-1, ipAccessList: []}]")
	desired := manifest(t, `spec:
  services:
    - {name: primary, provider: aws, region: us-east-1, ipAccessList: []}
    - {name: new, previously: [old], warehouse: primary}
`)
	p, err := diff.Compute(desired, live, diff.Selection{})
	if err != nil || len(p.Findings) != 1 || p.Findings[0].Code != diff.CodeImmutable || len(p.Changes) != 2 {
		t.Fatalf("%v %+v", err, p)
	}
	read, err := diff.ReadPlan(bytes.NewReader(encode(t, p)))
	if err != nil || read.Digest != p.Digest {
		t.Error(err)
	}
}

// warehouses draws services that share names, take over names, and belong to each other.
func warehouses(t *rapid.T) (*spec.Organization, *spec.Live) {
	live := &spec.Live{OrganizationID: "org-1", OrganizationName: "Acme", Resources: []spec.Resource{{
		Address: address("organization", "org-1"), ID: "org-1", Spec: spec.Tree{}, Status: spec.Tree{},
	}}}
	desired := &spec.Organization{Name: "acme", Declared: map[string]spec.Pos{"services": {}}, Policy: spec.Policy{MinAdmins: 1}}
	name := func(label string) string { return rapid.SampledFrom([]string{"p", "q", "r"}).Draw(t, label) }
	region := func() string { return rapid.SampledFrom([]string{"us-east-1", "eu-west-1"}).Draw(t, "region") }
	ids := []string{"id-1", "id-2", "id-3"}[:rapid.IntRange(0, 3).Draw(t, "primaries")]
	for _, id := range ids {
		n := name("live name")
		live.Resources = append(live.Resources, spec.Resource{
			Address: address("service", n), ID: id, Status: spec.Tree{},
			Spec: spec.Tree{"name": n, "provider": "aws", "region": region(), "ipAccessList": []any{}, "autoscalingMode": "vertical"},
		})
	}
	if len(ids) > 0 && rapid.Bool().Draw(t, "live secondary") {
		primary := live.Resources[rapid.IntRange(1, len(ids)).Draw(t, "of")]
		tree := spec.Clone(primary.Spec)
		tree["name"], tree["warehouse"] = "s", primary.Address.Name
		live.Resources = append(live.Resources, spec.Resource{
			Address: address("service", "s"), ID: "id-s", Spec: tree, Status: spec.Tree{}, Refs: map[string]string{"warehouse": primary.ID},
		})
	}
	declared, former := []string{}, map[string]bool{}
	for _, n := range []string{"p", "q", "r", "new"} {
		d := spec.Resource{Address: address("service", n), Spec: spec.Tree{
			"name": n, "provider": "aws", "region": region(), "ipAccessList": []any{},
		}}
		switch rapid.IntRange(0, 3).Draw(t, "how "+n) {
		case 0:
			continue
		case 1:
			if i := rapid.IntRange(0, len(ids)).Draw(t, "pin"); i < len(ids) {
				pinned := ids[i]
				ids = append(append([]string{}, ids[:i]...), ids[i+1:]...) // an id pins one object
				d.ID = pinned
			}
		case 2:
			if old := name("previously"); !former[old] { // nobody else may claim it (OC244)
				d.Intent.Previously, former[old] = []string{old}, true
			}
		}
		desired.Resources, declared = append(desired.Resources, d), append(declared, n)
	}
	for _, n := range []string{"s", "t"} {
		if len(declared) > 0 && rapid.Bool().Draw(t, "secondary "+n) {
			desired.Resources = append(desired.Resources, spec.Resource{Address: address("service", n), Spec: spec.Tree{
				"name": n, "ipAccessList": []any{}, "warehouse": rapid.SampledFrom(declared).Draw(t, "warehouse of "+n),
			}})
		}
	}
	sortWorld(desired, live)
	return desired, live
}

// Whatever happens to names: once a plan without findings has been carried out, every secondary is one of the object that the
// manifest declares as its primary, a second plan is empty, and so is what is left of the plan as it was saved.
func TestLawReferencesMeanObjects(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live := warehouses(t)
		p := compute(t, desired, live)
		if again := anew(t, p, live); again.Digest != p.Digest {
			t.Fatalf("moved %v:\n%s\n%s", diff.Moved(p, again), encode(t, p), encode(t, again))
		}
		if p.Worst() != "" {
			return
		}
		after := carryOut(t, live, p)
		is := map[string]spec.Resource{}
		for _, r := range after.Resources {
			is[r.ID] = r
		}
		for _, d := range desired.Resources {
			primary, ok := d.Spec["warehouse"].(string)
			if !ok {
				continue
			}
			s := find(after, "service", after.Resources[indexOf(after, d.Address)].ID)
			of := is[s.Refs["warehouse"]]
			want := desired.Resources[indexOf(&spec.Live{Resources: desired.Resources}, address("service", primary))]
			if of.Address != want.Address || want.ID != "" && want.ID != of.ID {
				t.Fatalf("%s is a secondary of %s (%s), not of %s (%s):\n%s", d.Address, of.Address, of.ID, want.Address, want.ID, encode(t, p))
			}
			if s.Spec["region"] != of.Spec["region"] {
				t.Fatalf("%s is in %s, its primary in %s", d.Address, s.Spec["region"], of.Spec["region"])
			}
		}
		for name, wanted := range map[string]*spec.Organization{"manifest": desired, "saved plan": p.Desired()} {
			if left := compute(t, wanted, after); !left.Empty() || left.Worst() != "" {
				t.Fatalf("left of the %s: %s\nafter %s", name, encode(t, left), encode(t, p))
			}
		}
	})
}

func indexOf(live *spec.Live, a spec.Address) int {
	for i, r := range live.Resources {
		if r.Address == a {
			return i
		}
	}
	return -1
}
