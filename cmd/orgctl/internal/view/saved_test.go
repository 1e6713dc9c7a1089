package view_test

import (
	"bytes"
	"testing"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// What a view escapes for terminals and runners is still the same plan: a saved one reads back whatever names hold.
func TestSavedPlanReadsBack(t *testing.T) {
	for _, name := range []string{"plain", "a\u200db", "\u2764\ufe0f", "##[error]x", "::warning::x", "del\u007f", `quo"te\`, "<&>"} {
		desired := &spec.Organization{
			Name: "acme", Declared: map[string]spec.Pos{},
			Resources: []spec.Resource{{Address: spec.Address{Kind: "organization", Name: "acme"}, Spec: spec.Tree{"name": name}}},
		}
		live := &spec.Live{OrganizationID: "1", OrganizationName: name, Resources: []spec.Resource{
			{Address: spec.Address{Kind: "organization", Name: "1"}, ID: "1", Spec: spec.Tree{"name": "before"}},
		}}
		p, err := diff.Compute(desired, live, diff.Selection{})
		if err != nil {
			t.Fatal(err)
		}
		var saved bytes.Buffer
		if err := view.PlanJSON(&saved, p); err != nil {
			t.Fatal(err)
		}
		if _, err := diff.ReadPlan(&saved); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}
