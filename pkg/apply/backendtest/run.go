package backendtest

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// Run is what a run of the command does with a backend.
type Run struct {
	T       T
	Context context.Context
	Backend apply.Backend
	// Applied, unless nil, is told of every plan that Apply has carried out.
	Applied func(*diff.Plan)
}

// Manifest loads one organization from YAML from spec: on, with every collection that it names.
func Manifest(t T, body string) *spec.Organization {
	t.Helper()
	text := "apiVersion: orgctl/v1\nkind: Organization\nmetadata: {name: acme}\n" + body
	all, diagnostics := spec.Load([]spec.File{{Name: "acme.yaml", Data: []byte(text)}})
	if diagnostics.HasErrors() || len(all) != 1 {
		t.Fatalf("manifest: %v\n%s", diagnostics, text)
	}
	return all[0]
}

// Plan observes and plans.
func (r Run) Plan(desired *spec.Organization) *diff.Plan {
	r.T.Helper()
	p, err := r.TryPlan(desired, nil)
	if err != nil {
		r.T.Fatal(err)
	}
	return p
}

// TryPlan is a Plan that may fail. After changes it looks at what they may have touched.
func (r Run) TryPlan(desired *spec.Organization, applied []diff.Change) (*diff.Plan, error) {
	opts := apply.ToPlan(desired)
	opts.Applied = applied
	live, err := r.Backend.Observe(r.Context, opts)
	if err != nil {
		return nil, err
	}
	return diff.Compute(desired, live, diff.Selection{})
}

// Apply plans, carries out and verifies.
func (r Run) Apply(desired *spec.Organization) (*diff.Plan, *apply.Report) {
	r.T.Helper()
	p, report := r.apply(desired, r.Plan(desired))
	return p, report
}

func (r Run) apply(desired *spec.Organization, p *diff.Plan) (*diff.Plan, *apply.Report) {
	opts := apply.Defaults()
	report := apply.Run(r.Context, p, r.Backend, opts)
	if r.Applied != nil {
		r.Applied(p)
	}
	apply.Verify(r.Context, report, p, r.Replan(desired, p), opts)
	return p, report
}

// TryApply is an Apply of which nothing is demanded, with something that happens between its plan and its first call. It gives
// nil when not even the plan could be made.
func (r Run) TryApply(desired *spec.Organization, meanwhile ...func()) *apply.Report {
	p, err := r.TryPlan(desired, nil)
	if err != nil {
		return nil
	}
	for _, happens := range meanwhile {
		happens()
	}
	r.Applied = nil // what a call sends of which no answer came is not known
	_, report := r.apply(desired, p)
	return report
}

// Replan looks first at what a plan has changed, then at everything.
func (r Run) Replan(desired *spec.Organization, p *diff.Plan) func(context.Context) (*diff.Plan, error) {
	applied := p.Changes
	return func(context.Context) (*diff.Plan, error) {
		left, err := r.TryPlan(desired, applied)
		if err == nil {
			applied = nil
		}
		return left, err
	}
}

// Converge is an Apply that must succeed.
func (r Run) Converge(desired *spec.Organization) *diff.Plan {
	r.T.Helper()
	p, report := r.Apply(desired)
	if !report.Converged {
		r.T.Fatalf("not converged: %s", Encode(r.T, report))
	}
	return p
}

// Exported is what an export of everything reads back as.
func (r Run) Exported() *spec.Organization {
	r.T.Helper()
	live, err := r.Backend.Observe(r.Context, apply.ObserveOptions{Detail: func(spec.Resource) bool { return true }})
	if err != nil {
		r.T.Fatal(err)
	}
	text, _, err := spec.Export(live)
	if err != nil {
		r.T.Fatal(err)
	}
	all, diagnostics := spec.Load([]spec.File{{Name: "exported.yaml", Data: text}})
	if diagnostics.HasErrors() || len(all) != 1 {
		r.T.Fatalf("the export is not valid: %v\n%s", diagnostics, text)
	}
	return all[0]
}

// CheckOnce fails when anything is there twice.
func (r Run) CheckOnce() {
	r.T.Helper()
	live, err := r.Backend.Observe(r.Context, apply.ObserveOptions{})
	if err != nil {
		r.T.Fatal(err)
	}
	seen := map[spec.Address]bool{}
	for _, found := range live.Resources {
		if seen[found.Address] {
			r.T.Fatalf("%s is there twice", found.Address)
		}
		seen[found.Address] = true
	}
}

// CheckTruth holds a report against what is left to do.
func (r Run) CheckTruth(report *apply.Report, desired *spec.Organization) {
	r.T.Helper()
	left := map[spec.Address]bool{}
	for _, c := range r.Plan(desired).Changes {
		left[c.Address] = true
	}
	if report.Converged && len(left) > 0 {
		r.T.Fatalf("said to be converged, and left over: %v", left)
	}
	for _, result := range report.Results {
		if result.Status == apply.Applied && left[result.Address] {
			r.T.Fatalf("%s is said to be applied, and is left over", result.Address)
		}
	}
}

// Encode shows a value in a failure.
func Encode(t T, v any) string {
	t.Helper()
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
