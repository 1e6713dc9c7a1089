package diff_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// A plan that would pass through a bad state if its changes were done in an order that its dependencies allow is blocked,
// whatever the listed order is.
func TestGuardsLookAtTheWay(t *testing.T) {
	tests := []struct{ name, desired, live, want string }{
		{
			name: "an administrator is dismissed before the next is appointed",
			desired: `
spec: {members: [{email: ana@example.com, role: developer}, {email: bo@example.com, role: admin}]}`,
			live: `
members: [{email: ana@example.com, roles: [Admin]}, {email: bo@example.com, roles: [Developer]}]`,
			want: "OC340 blocked organization/acme: administrators would fall from 1 to 0 on the way, the least is 1: member/ana@example.com; " + anotherAdmin,
		},
		{
			name: "an endpoint goes before the service has an entry",
			desired: `
spec:
  privateEndpoints: [{id: vpce-1, cloudProvider: aws, region: us-east-1, ensure: absent}]
  services: [{name: orders, ipAccessList: [{source: 192.0.2.1}]}]`,
			live: `
privateEndpoints: [{id: vpce-1}]
services: [{name: orders, ipAccessList: [], privateEndpointIds: [vpce-1]}]`,
			want: "OC344 blocked service/orders: would have no way in for a while: no IP entry that admits anybody and no private endpoint that is registered; " + keepWayIn,
		},
		{
			name: "a primary goes before its secondary",
			desired: `
spec: {services: [{name: p, ensure: absent}, {name: s, ensure: absent}]}`,
			live: `
services: [{name: p}, {name: s, warehouse: p}]`,
			want: "OC348 blocked service/p: would be deleted while it is the primary of service/s; " + noPrimary,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			live := observed(t, test.live)
			p, err := diff.Compute(manifest(t, test.desired), live, diff.Selection{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]string{}, judged(diff.Check(p, live, diff.Caller{}))); d != "" {
				t.Fatalf("in order (-want +got):\n%s", d)
			}
			for i := range p.Changes {
				p.Changes[i].DependsOn = nil
			}
			if d := cmp.Diff([]string{test.want}, judged(diff.Check(p, live, diff.Caller{}))); d != "" {
				t.Errorf("in any order (-want +got):\n%s", d)
			}
		})
	}
}

// access: closed is said of one object, not of all that have its name.
func TestClosedIsOneOfTwins(t *testing.T) {
	p := plan(t, `
spec:
  privateEndpoints: [{id: vpce-1, cloudProvider: aws, region: us-east-1, ensure: absent}]
  services: [{name: p, id: `+id1+`, access: closed}]`, `
privateEndpoints: [{id: vpce-1}]
services:
  - {name: p, id: `+id1+`, ipAccessList: [], privateEndpointIds: [vpce-1]}
  - {name: p, id: `+id2+`, ipAccessList: [], privateEndpointIds: [vpce-1]}`, diff.Selection{})
	var got []string
	for _, f := range p.Findings {
		got = append(got, f.Code+" "+f.Address.String())
	}
	if d := cmp.Diff([]string{"OC312 privateEndpoint/aws/us-east-1/vpce-1", "OC344 service/p#" + id2}, got); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
}

// A dismissal may wait for several appointments, and an appointment be waited for by several dismissals: what counts is whether
// there is one for each.
func TestGuardsPairDismissalsWithAppointments(t *testing.T) {
	const desired = `
spec:
  members:
    - {email: a@example.com, role: developer}
    - {email: b@example.com, role: developer}
    - {email: x@example.com, role: admin}
    - {email: y@example.com, role: admin}
policy: {minAdmins: 2}`
	const objects = `
members:
  - {email: a@example.com, roles: [Admin]}
  - {email: b@example.com, roles: [Admin]}
  - {email: x@example.com, roles: [Developer]}
  - {email: y@example.com, roles: [Developer]}`
	tests := []struct {
		name, a, b string // whom the dismissals of a and b wait for
		blocked    bool
	}{
		{"each for its own", "x", "y", false},
		{"both for the same", "x", "x", true},
		{"one for both, the other for the one that comes first", "xy", "x", false},
		{"one for nobody", "", "xy", true},
	}
	for _, test := range tests {
		p := plan(t, desired, objects, diff.Selection{})
		for i := range p.Changes {
			c := &p.Changes[i]
			waits := map[string]string{"a@example.com": test.a, "b@example.com": test.b}[c.Address.Name]
			c.DependsOn = nil
			for _, who := range waits {
				c.DependsOn = append(c.DependsOn, spec.Address{Kind: "member", Name: string(who) + "@example.com"})
			}
		}
		if got := len(diff.Check(p, observed(t, objects), diff.Caller{}).Findings) > 0; got != test.blocked {
			t.Errorf("%s: blocked %v", test.name, got)
		}
	}
}

// A selection that leaves out what would make a plan safe is judged for what is left of it.
func TestGuardsJudgeTheSelection(t *testing.T) {
	const desired = `
spec: {members: [{email: ana@example.com, role: developer}, {email: bo@example.com, role: admin}]}`
	const live = `
members: [{email: ana@example.com, roles: [Admin]}, {email: bo@example.com, roles: [Developer]}]`
	p := plan(t, desired, live, diff.Selection{Only: []string{"member/ana*"}})
	if d := cmp.Diff([]string{diff.CodeAdmins}, codes(p)); d != "" {
		t.Errorf("only the dismissal (-want +got):\n%s", d)
	}
	p = plan(t, desired, live, diff.Selection{Only: []string{"member/bo*"}})
	if len(codes(p)) > 0 {
		t.Errorf("only the appointment: %v", codes(p))
	}
}

// A plan without a policy, which no manifest gives, may not dismiss the last administrator either.
func TestGuardsWithoutPolicy(t *testing.T) {
	const live = "members: [{email: ana@example.com, roles: [Admin]}]"
	p := plan(t, "spec: {members: [{email: ana@example.com, ensure: absent}]}", live, diff.Selection{})
	p.Policy = diff.Policy{}
	want := []string{"OC340 blocked organization/acme: administrators would fall from 1 to 0, the least is 1: member/ana@example.com; " + anotherAdmin}
	if d := cmp.Diff(want, judged(diff.Check(p, observed(t, live), diff.Caller{}))); d != "" {
		t.Errorf("verdict (-want +got):\n%s", d)
	}
}

// The manifest places a guard's finding where the deed is written.
func TestGuardPositions(t *testing.T) {
	p := plan(t, `
spec:
  services:
    - name: orders
      ipAccessList: []
  members:
    - email: ana@example.com
      role: developer
`, `
services: [{name: orders, ipAccessList: [{source: 0.0.0.0/0}]}]
members: [{email: ana@example.com, roles: [Admin]}]`, diff.Selection{})
	got := map[string]string{}
	for _, f := range p.Findings {
		got[f.Code] = f.Pos.String()
	}
	want := map[string]string{diff.CodeWayIn: "m.yaml:8:7", diff.CodeAdmins: "m.yaml:10:7"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("positions (-want +got):\n%s", d)
	}
}

// Guard puts a judgement in the place of an earlier one and leaves everything else as it is, above all the digest.
func TestGuardAgain(t *testing.T) {
	const desired = `
spec:
  services: [{name: gone, ensure: absent}]
  keys: [{name: ci, state: disabled}, {name: boss, state: disabled}]
  members: [{email: ana@example.com, role: developer}, {email: bo@example.com, role: admin}]`
	const objects = `
services: [{name: gone}]
keys:
  - {name: ci, state: enabled, roles: [Developer], status: {keySuffix: aaaa}}
  - {name: boss, state: enabled, roles: [Admin], status: {keySuffix: bbbb}}
members: [{email: ana@example.com, roles: [Admin]}, {email: bo@example.com, roles: [Developer]}]`
	view := observed(t, "caller: aaaa"+objects)
	p, err := diff.Compute(manifest(t, desired), view, diff.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	digest := p.Digest
	told := func() []string {
		var out []string
		for _, c := range p.Changes {
			out = append(out, fmt.Sprintf("%s %s", c.Address, c.Risk))
		}
		for _, f := range p.Findings {
			out = append(out, fmt.Sprintf("%s %s", f.Code, f.Address))
		}
		for _, r := range p.Requirements {
			out = append(out, fmt.Sprintf("%s %s", r.Code, r.Address))
		}
		slices.Sort(out)
		return out
	}
	always := []string{
		"OC330 service/gone", "member/ana@example.com lockout", "member/bo@example.com lockout", "service/gone destructive",
	}
	steps := []struct {
		name string
		live *spec.Live
		want []string
	}{
		{"as planned", nil, []string{"OC341 key/ci", "key/boss none", "key/ci lockout"}},
		{"with another key", observed(t, "caller: bbbb"+objects), []string{"OC341 key/boss", "key/boss lockout", "key/ci none"}},
		{"with a key of elsewhere", observed(t, "caller: cccc"+objects), []string{"key/boss none", "key/ci none"}},
		{
			"after an appointment was undone elsewhere", observed(t, "caller: cccc"+strings.ReplaceAll(objects, "bo@", "cy@")),
			[]string{"OC340 organization/acme", "key/boss none", "key/ci none"},
		},
	}
	for _, step := range steps {
		if step.live != nil {
			p.Guard(step.live, diff.Caller{})
		}
		want := slices.Sorted(slices.Values(slices.Concat(always, step.want)))
		if d := cmp.Diff(want, told()); d != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, d)
		}
		if p.Digest != digest {
			t.Errorf("%s: the digest has changed", step.name)
		}
		if blocked := step.name == "after an appointment was undone elsewhere"; (p.Summary.Blocked == 1) != blocked {
			t.Errorf("%s: the summary counts %d", step.name, p.Summary.Blocked)
		}
	}
}
