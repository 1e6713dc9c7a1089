package apply_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

func TestToPlan(t *testing.T) {
	desired := &spec.Organization{
		Declared: map[string]spec.Pos{"services": {}},
		Policy:   spec.Policy{Exclusive: []string{"members"}},
		Resources: []spec.Resource{
			{
				Address: spec.Address{Kind: "service", Name: "new"}, ID: "pinned", Intent: spec.Intent{Previously: []string{"old"}},
				Spec: spec.Tree{"backupConfiguration": spec.Tree{"backupPeriodInHours": int64(24)}},
			},
			{Address: spec.Address{Kind: "service", Name: "plain"}, Spec: spec.Tree{"tags": []any{}}},
		},
	}
	opts := apply.ToPlan(desired)
	slices.Sort(opts.Needed)
	if want := []string{"invitations", "members", "members", "services"}; !slices.Equal(opts.Needed, want) || opts.Enough != nil || opts.Roles {
		t.Errorf("got %+v, want %v to be needed, and nothing to be enough", opts, want)
	}
	for live, want := range map[spec.Address]bool{
		{Kind: "service", Name: "new"}:   true,
		{Kind: "service", Name: "old"}:   true,
		{Kind: "service", Name: "plain"}: false,
		{Kind: "key", Name: "new"}:       false,
	} {
		if got := opts.Detail(spec.Resource{Address: live, ID: "other"}); got != want {
			t.Errorf("details of %s: %t, want %t", live, got, want)
		}
	}
	if !opts.Detail(spec.Resource{Address: spec.Address{Kind: "service", Name: "renamed"}, ID: "pinned"}) {
		t.Error("no details of the pinned service")
	}
	desired.Resources = append(desired.Resources, spec.Resource{Address: spec.Address{Kind: "key", Name: "ci"}, Spec: spec.Tree{"roles": []any{"admin"}}})
	if !apply.ToPlan(desired).Roles {
		t.Error("roles are named, and not asked for")
	}
}

func TestToApply(t *testing.T) {
	desired := &spec.Organization{Declared: map[string]spec.Pos{"privateEndpoints": {}}}
	for name, test := range map[string]struct {
		sel      diff.Selection
		reviewed *diff.Plan
		want     []string
	}{
		"what is declared, what refers to it, and keys":          {want: []string{"keys", "privateEndpoints", "services"}},
		"what a selection names":                                 {sel: diff.Selection{Only: []string{"member/*"}}, want: []string{"keys", "members", "privateEndpoints", "services"}},
		"what was undeclared when the plan was made":             {reviewed: &diff.Plan{Unmanaged: []diff.Unmanaged{{Collection: "invitations"}}}, want: []string{"invitations", "keys", "privateEndpoints", "services"}},
		"a pattern of the organization, which has no collection": {sel: diff.Selection{Except: []string{"organization/*"}}, want: []string{"", "keys", "privateEndpoints", "services"}},
	} {
		got := apply.ToApply(desired, test.sel, test.reviewed).Enough
		slices.Sort(got)
		if d := cmp.Diff(test.want, slices.Compact(got)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
