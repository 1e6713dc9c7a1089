package diff_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// TestClaims is about what may be said of a plan. Converged is the one claim that all is well.
func TestClaims(t *testing.T) {
	type claims struct {
		Converged, Empty, Drifted, Blocked, Refused bool
		Worst                                       diff.Severity
	}
	tests := []struct {
		name, desired, live string
		want                claims
	}{
		{
			name: "converged", desired: "spec: {keys: [{name: ci}]}", live: "keys: [{name: ci}]",
			want: claims{Converged: true, Empty: true},
		},
		{
			name: "a change", desired: "spec: {keys: [{name: ci, state: disabled}]}", live: "keys: [{name: ci, state: enabled}]",
			want: claims{Drifted: true},
		},
		{
			name: "an interrupted creation", desired: "spec: {services: [{name: a}]}",
			live: "services: [{name: a, tags: [], status: {unfinished: n0nce}}]",
		},
		{name: "unmanaged", desired: "spec: {keys: []}", live: "keys: [{name: ci}]", want: claims{Converged: true, Empty: true}},
		{
			name: "exclusive", desired: "spec: {keys: []}\npolicy: {exclusive: [keys]}", live: "keys: [{name: ci}]",
			want: claims{Empty: true, Drifted: true},
		},
		{
			name: "a list that nobody needs", desired: "spec: {keys: [{name: ci}]}", live: "keys: [{name: ci}]\nnotChecked: [members]",
			want: claims{Converged: true, Empty: true},
		},
		{
			name: "a warning", desired: "spec: {services: [{name: a}]}", live: "services: [{name: a, status: {health: failed}}]",
			want: claims{Converged: true, Empty: true, Worst: diff.SeverityWarning},
		},
		{
			name: "a warning and a block", desired: "spec: {services: [{name: a, provider: gcp}]}",
			live: "services: [{name: a, provider: aws, status: {health: failed}}]",
			want: claims{Empty: true, Drifted: true, Blocked: true, Worst: diff.SeverityBlocked},
		},
		{
			name: "a block and an error", desired: "spec: {services: [{name: a, provider: gcp}, {name: b}]}",
			live: "services: [{name: a, provider: aws}]",
			want: claims{Drifted: true, Blocked: true, Worst: diff.SeverityError},
		},
		{
			name: "a field that the key may not read", desired: "spec: {services: [{name: a, backupConfiguration: {backupPeriodInHours: 24}}]}",
			live: "services: [{name: a, status: {refused: no}}]",
			want: claims{Empty: true, Blocked: true, Refused: true, Worst: diff.SeverityBlocked},
		},
		{
			name: "a field that nobody reads", desired: "spec: {services: [{name: a, backupConfiguration: {backupPeriodInHours: 24}}]}",
			live: "services: [{name: a, status: {unreadable: no}}]",
			want: claims{Empty: true, Drifted: true, Worst: diff.SeverityBlocked},
		},
		{
			name: "a name that fits two", desired: "spec: {keys: [{name: ci}]}", live: "keys: [{name: ci, id: k1}, {name: ci, id: k2}]",
			want: claims{Empty: true, Drifted: true, Worst: diff.SeverityBlocked},
		},
		{
			name: "settings that do not go together", desired: "spec: {services: [{name: a, minReplicaMemoryGb: 64}]}",
			live: "services: [{name: a, minReplicaMemoryGb: 16, maxReplicaMemoryGb: 32}]",
			want: claims{Empty: true, Drifted: true, Worst: diff.SeverityBlocked},
		},
		{
			name:    "an endpoint in use with another description",
			desired: "spec: {privateEndpoints: [{id: e1, cloudProvider: aws, region: us-east-1, description: new}]}",
			live:    "privateEndpoints: [{id: e1, description: old}]\nservices: [{name: a, privateEndpointIds: [e1]}]",
			want:    claims{Empty: true, Drifted: true, Worst: diff.SeverityBlocked},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := plan(t, test.desired, test.live, diff.Selection{})
			got := claims{p.Converged(), p.Empty(), p.Drifted(), p.Blocked(), p.Refused(), p.Worst()}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("claims (-want +got):\n%s\n%v", d, told(p))
			}
		})
	}
}

// While an entry is in error, nothing of its collection is pruned, even if a selection leaves that entry out.
func TestNothingIsPrunedInDoubt(t *testing.T) {
	const live = `
keys: [{name: stray}, {name: known}]
services: [{name: other}]`
	for name, desired := range map[string]string{
		"an id that nothing has":        "{name: ci, id: " + id1 + "}",
		"a creation that is incomplete": "{name: ci}",
		"a role that does not exist":    "{name: known, roles: [deployer]}",
	} {
		t.Run(name, func(t *testing.T) {
			keys := desired + ", {name: known}"
			if strings.Contains(desired, "known") {
				keys = desired
			}
			p := plan(t, "spec: {keys: ["+keys+"], services: []}\npolicy: {prune: [keys]}", "roles: [Developer]"+live,
				diff.Selection{Only: []string{"key/stray"}})
			if len(p.Changes) > 0 || len(p.Findings) != 1 || p.Findings[0].Code != diff.CodeNotPruned || !p.Drifted() || p.Blocked() {
				t.Errorf("drifted %v, blocked %v, %v", p.Drifted(), p.Blocked(), told(p))
			}
		})
	}
}

// A selection narrows what was not checked, too, but for whole collections.
func TestNotCheckedIsNarrowed(t *testing.T) {
	p := plan(t, `
spec: {services: [{name: a, backupConfiguration: {backupPeriodInHours: 12}}, {name: b, backupConfiguration: {backupPeriodInHours: 12}}]}`, `
services: [{name: a, status: {unreadable: no}}, {name: b, status: {unreadable: no}}]
notChecked: [keys]`, diff.Selection{Only: []string{"service/a"}})
	var got []string
	for _, n := range p.NotChecked {
		got = append(got, n.Collection+" "+n.Address.Name)
	}
	if d := cmp.Diff([]string{"services a", "keys "}, got); d != "" || len(p.Findings) != 1 {
		t.Errorf("not checked (-want +got):\n%s\n%v", d, told(p))
	}
}

// What could not be read travels: it is named, and the value that is wanted stays in the change.
func TestUnreadTravels(t *testing.T) {
	p := plan(t, `
spec: {services: [{name: orders, releaseChannel: fast, backupConfiguration: {backupPeriodInHours: 12}}]}`, `
services: [{name: orders, releaseChannel: slow, status: {unreadable: it answers 404}}]`, diff.Selection{})
	want := []diff.NotChecked{{
		Collection: "services", Address: spec.Address{Kind: "service", Name: "orders"},
		Field: "backupConfiguration.backupPeriodInHours", Reason: "it answers 404",
	}}
	if d := cmp.Diff(want, p.NotChecked); d != "" {
		t.Errorf("not checked (-want +got):\n%s", d)
	}
	again := anew(t, p, observed(t, "services: [{name: orders, releaseChannel: fast, backupConfiguration: {backupPeriodInHours: 24}}]"))
	if d := cmp.Diff([]string{`update service/orders: backupConfiguration.backupPeriodInHours 24 -> 12`}, told(again)); d != "" {
		t.Errorf("computed anew (-want +got):\n%s", d)
	}
}

// A saved plan knows nothing of the objects that it does not change, so what it left open stays open.
func TestInherit(t *testing.T) {
	const desired = `
spec:
  services: [{name: orders, state: stopped}, {name: silent, backupConfiguration: {backupPeriodInHours: 12}}]
  keys: [{name: ci}]
policy: {exclusive: [services, keys]}`
	const live = `
services:
  - {name: silent, status: {unreadable: it answers 404}}
  - {name: stray}
  - {name: orders, state: %s}
keys: [{name: ci, id: k1}, {name: ci, id: k2}]`
	p := plan(t, desired, strings.Replace(live, "%s", "running", 1), diff.Selection{})
	again := anew(t, p, observed(t, strings.Replace(live, "%s", "stopped", 1)))
	want := []string{
		`drift service/stray`, `drift key/ci#k1`, `drift key/ci#k2`,
		`OC321 blocked service/silent: backupConfiguration.backupPeriodInHours is not checked: it answers 404`,
		`OC302 blocked key/ci: 2 live objects are named ci: k1, k2`,
	}
	if d := cmp.Diff(want, told(again)); d != "" {
		t.Errorf("left open (-want +got):\n%s", d)
	}
	if again.Converged() || again.Summary.Drift != 3 {
		t.Errorf("converged %v, %+v", again.Converged(), again.Summary)
	}
}

// Whoever has a narrowed plan, saved or not, can say so: the digest does not.
func TestNarrowedPlanSaysSo(t *testing.T) {
	const desired = `
spec:
  services: [{name: orders, releaseChannel: fast}, {name: events, releaseChannel: fast}, {name: same, releaseChannel: slow}]
  keys: [{name: ci, state: disabled}]`
	const live = `
services: [{name: orders, releaseChannel: slow}, {name: events, releaseChannel: slow}, {name: same, releaseChannel: slow}]
keys: [{name: ci, state: enabled}]`
	if whole := plan(t, desired, live, diff.Selection{}); whole.Narrowed != nil {
		t.Errorf("a whole plan is said to be narrowed: %+v", whole.Narrowed)
	}
	sel := diff.Selection{Only: []string{"service/*"}, Except: []string{"service/e*"}}
	p := plan(t, desired, live, sel)
	want := &diff.Narrowed{Selection: sel, LeftOut: 2}
	if d := cmp.Diff(want, p.Narrowed); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if again := anew(t, p, observed(t, live)); !cmp.Equal(want, again.Narrowed) || again.Digest != p.Digest {
		t.Errorf("computed anew from the saved plan: %+v", again.Narrowed)
	}
	p.Narrowed = nil
	p.Keep(p.Changes) // derives the digest anew
	if alone := plan(t, desired, live, sel); alone.Digest != p.Digest {
		t.Error("the selection enters the digest")
	}
}

// What has been applied is not what has moved.
func TestFulfilled(t *testing.T) {
	const desired = `
spec: {keys: [{name: a, state: disabled}, {name: b, previously: [c], state: disabled}, {name: d, ensure: absent}]}`
	const before = `
keys: [{name: a, id: ` + id1 + `, state: enabled}, {name: c, state: enabled}, {name: d}]`
	for then, want := range map[string]int{
		`keys: [{name: a, id: ` + id1 + `, state: disabled}, {name: b, id: key-c, state: disabled}]`:            3,
		`keys: [{name: a, id: ` + id1 + `, state: disabled}, {name: b, id: key-c, state: enabled}]`:             2,
		`keys: [{name: a, id: ` + id2 + `, state: disabled}, {name: b, id: key-c, state: disabled}]`:            2, // another one
		`keys: [{name: b, id: key-c, state: disabled}]`:                                                         2, // it is gone
		`keys: [{name: a, id: ` + id1 + `, state: disabled}, {name: b, id: key-c, state: disabled}, {name: d}]`: 2,
		before: 0,
	} {
		reviewed := plan(t, desired, before, diff.Selection{})
		if got := diff.Fulfilled(reviewed, anew(t, reviewed, observed(t, then))); got != want {
			t.Errorf("fulfilled by %s: %d, want %d", then, got, want)
		}
	}
	nothing := plan(t, desired, `keys: [{name: a, state: disabled}, {name: b, state: disabled}]`, diff.Selection{})
	if n := diff.Fulfilled(nothing, nothing); n != 0 {
		t.Errorf("of a plan of nothing %d changes are said to be made", n)
	}
}

func TestReadPlanRefuses(t *testing.T) {
	const desired = `
spec: {keys: [{name: a, state: disabled}, {name: b, state: disabled}, {name: c, ensure: absent}]}`
	const live = `
keys: [{name: a, state: enabled}, {name: b, state: enabled}, {name: c}]`
	tests := []struct {
		name   string
		change func(*diff.Plan)
		derive bool // what Keep derives from a change of the content
		want   string
	}{
		{"a later format", func(p *diff.Plan) { p.FormatVersion = "2.0" }, true, `format version "2.0", this orgctl reads 1.x`},
		{"an edited change", func(p *diff.Plan) { p.Changes[0].Fields[0].After = "enabled" }, false, "changed after it was made"},
		{"an edited finding", func(p *diff.Plan) { p.Findings = append(p.Findings, diff.Finding{Code: "OC399"}) }, false, "changed after it was made"},
		{"an edited policy", func(p *diff.Plan) { p.Policy.MinAdmins = 0 }, false, "changed after it was made"},
		{"a digest of something else", func(p *diff.Plan) { p.Digest = "sha256:00" }, false, "changed after it was made"},
		{"a change twice", func(p *diff.Plan) { p.Changes[1].Address = p.Changes[0].Address }, true, "key/a: changed twice"},
		{
			"a dependency that comes later", func(p *diff.Plan) { p.Changes[0].DependsOn = []spec.Address{p.Changes[1].Address} }, true,
			"key/a: depends on key/b, which does not come before it",
		},
		{"no such kind", func(p *diff.Plan) { p.Changes[2].Address.Kind = "thing" }, true, "thing/c: no such kind"},
		{"an update of nothing", func(p *diff.Plan) { p.Changes[0].Fields = nil }, true, "key/a: not a well-formed update"},
		{"a list where there is none", func(p *diff.Plan) { p.Changes[0].Fields[0].List = true }, true, "key/a: not a well-formed update"},
		{"a delete of something new", func(p *diff.Plan) { p.Changes[2].ID = "" }, true, "key/c: not a well-formed delete"},
		{"no such action", func(p *diff.Plan) { p.Changes[2].Action = "replace" }, true, "key/c: not a well-formed replace"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			// What a file says, and what whoever edits it makes it say: plans themselves are written with a checksum that fits.
			type file diff.Plan
			var edited file
			if err := json.Unmarshal(encode(t, plan(t, desired, live, diff.Selection{})), &edited); err != nil {
				t.Fatal(err)
			}
			p := (*diff.Plan)(&edited)
			test.change(p)
			data, err := json.Marshal(edited)
			if err != nil {
				t.Fatal(err)
			}
			if test.derive {
				p.Keep(p.Changes) // digest and checksum fit again
				data = encode(t, p)
			}
			_, err = diff.ReadPlan(bytes.NewReader(data))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v", err)
			}
			if errors.Is(err, diff.ErrTampered) == test.derive {
				t.Errorf("tampered: %v", err)
			}
		})
	}
	if _, err := diff.ReadPlan(strings.NewReader("apiVersion: orgctl/v1")); err == nil || !strings.Contains(err.Error(), "not a plan file") {
		t.Errorf("a manifest: %v", err)
	}
}

func TestMoved(t *testing.T) {
	const desired = `
spec: {keys: [{name: a, state: disabled}, {name: b, state: disabled}, {name: c, ensure: absent}, {name: d, state: disabled}]}`
	reviewed := plan(t, desired, `
keys: [{name: a, state: enabled}, {name: b, state: enabled}, {name: c}, {name: d, state: disabled}]`, diff.Selection{})
	now := plan(t, desired, `
keys: [{name: a, state: enabled}, {name: b, state: enabled, id: another}, {name: d, state: enabled}]`, diff.Selection{})
	want := []spec.Address{{Kind: "key", Name: "b"}, {Kind: "key", Name: "c"}, {Kind: "key", Name: "d"}}
	if d := cmp.Diff(want, diff.Moved(reviewed, now)); d != "" {
		t.Errorf("moved (-want +got):\n%s", d)
	}
	if moved := diff.Moved(now, now); len(moved) > 0 {
		t.Errorf("moved against itself: %v", moved)
	}
}

// A name that was of one object when the plan was made says nothing once it is of two. An id does.
func TestSavedPlanOfTwins(t *testing.T) {
	for name, tt := range map[string]struct {
		desired, live, then string
		gone                []string // changes that a plan of then lacks
	}{
		"a change":   {"{name: orders, numReplicas: 2}", "{name: orders, id: " + id1 + "}", "{name: orders, id: " + id1 + "}, {name: orders, id: " + id2 + "}", []string{"service/orders"}},
		"a deletion": {"{name: orders, ensure: absent}", "{name: orders, id: " + id1 + "}", "{name: orders, id: " + id1 + "}, {name: orders, id: " + id2 + "}", []string{"service/orders"}},
		"a name to come": {
			"{name: orders, previously: [shop]}", "{name: shop, id: " + id1 + "}", "{name: shop, id: " + id1 + "}, {name: orders, id: " + id2 + "}", []string{"service/orders"},
		},
		"a former name": {
			"{name: orders, previously: [shop]}", "{name: shop, id: " + id1 + "}", "{name: shop, id: " + id1 + "}, {name: shop, id: " + id2 + "}", []string{"service/orders"},
		},
		"an object made again": {"{name: orders, ensure: absent}", "{name: orders, id: " + id1 + "}", "{name: orders, id: " + id2 + "}", []string{"service/orders"}},
		"a primary": {
			"{name: orders}, {name: etl, warehouse: orders, ipAccessList: []}", "{name: orders, id: " + id1 + "}", "{name: orders, id: " + id1 + "}, {name: orders, id: " + id2 + "}", []string{"service/etl"},
		},
		"a pinned primary": {
			"{name: orders, id: " + id1 + "}, {name: etl, warehouse: orders, ipAccessList: []}", "{name: orders, id: " + id1 + "}", "{name: orders, id: " + id1 + "}, {name: orders, id: " + id2 + "}", nil,
		},
		"pinned":               {"{name: orders, id: " + id1 + ", numReplicas: 2}", "{name: orders, id: " + id1 + "}", "{name: orders, id: " + id1 + "}, {name: orders, id: " + id2 + "}", nil},
		"the other one pinned": {"{name: orders, numReplicas: 2}, {name: shop, id: " + id2 + "}", "{name: orders, id: " + id1 + "}, {name: orders, id: " + id2 + "}", "{name: orders, id: " + id1 + "}, {name: orders, id: " + id2 + "}", nil},
		"another name":         {"{name: orders, numReplicas: 2}", "{name: orders, id: " + id1 + "}", "{name: orders, id: " + id1 + "}, {name: shop, id: " + id2 + "}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			of := func(services string) *spec.Live { return observed(t, "services: ["+services+"]") }
			wanted := "spec: {services: [" + tt.desired + "]}"
			for _, sel := range []diff.Selection{{}, {Only: []string{"service/orders", "service/etl"}}} {
				saved, err := diff.Compute(manifest(t, wanted), of(tt.live), sel)
				if err != nil {
					t.Fatal(err)
				}
				now := anew(t, saved, of(tt.then))
				if stale := now.Digest != saved.Digest; stale != (tt.gone != nil) || now.Converged() {
					t.Errorf("stale %v, converged %v: %+v", stale, now.Converged(), now.Findings)
				}
				for _, address := range tt.gone {
					if slices.ContainsFunc(now.Changes, func(c diff.Change) bool { return c.Address.String() == address }) {
						t.Errorf("%s is still to be changed", address)
					}
				}
			}
		})
	}
}
