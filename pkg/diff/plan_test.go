package diff_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

func TestDriftedAndWorst(t *testing.T) {
	tests := []struct {
		name, desired, live string
		drifted             bool
		worst               diff.Severity
	}{
		{name: "converged", desired: "spec: {keys: [{name: ci}]}", live: "keys: [{name: ci}]"},
		{name: "a change", desired: "spec: {keys: [{name: ci, state: disabled}]}", live: "keys: [{name: ci, state: enabled}]", drifted: true},
		{name: "unmanaged", desired: "spec: {keys: []}", live: "keys: [{name: ci}]"},
		{name: "exclusive", desired: "spec: {keys: []}\npolicy: {exclusive: [keys]}", live: "keys: [{name: ci}]", drifted: true},
		{
			name: "a warning", desired: "spec: {services: [{name: a}]}", live: "services: [{name: a, status: {health: failed}}]",
			worst: diff.SeverityWarning,
		},
		{
			name: "a warning and a block", desired: "spec: {services: [{name: a, provider: gcp}]}",
			live: "services: [{name: a, provider: aws, status: {health: failed}}]", drifted: true, worst: diff.SeverityBlocked,
		},
		{
			name: "a block and an error", desired: "spec: {services: [{name: a, provider: gcp}, {name: b}]}",
			live: "services: [{name: a, provider: aws}]", drifted: true, worst: diff.SeverityError,
		},
	}
	for _, test := range tests {
		p := plan(t, test.desired, test.live, diff.Selection{})
		if p.Drifted() != test.drifted || p.Worst() != test.worst {
			t.Errorf("%s: drifted %v, worst %q", test.name, p.Drifted(), p.Worst())
		}
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
		seal   bool
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
			p := plan(t, desired, live, diff.Selection{})
			test.change(p)
			if test.seal {
				p.Guard(observed(t, live), diff.Caller{}) // digest and checksum fit again
			}
			data, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			_, err = diff.ReadPlan(bytes.NewReader(data))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v", err)
			}
			if errors.Is(err, diff.ErrTampered) == test.seal {
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
