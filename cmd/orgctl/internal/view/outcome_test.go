package view_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

func partial() *apply.Report {
	return &apply.Report{
		Results: []apply.Result{
			{Address: addr("privateEndpoint", "aws/us-east-1/vpce-0a1b"), Action: diff.Create, Status: apply.Applied, Elapsed: 300 * time.Millisecond},
			{
				Address: addr("service", "orders"), Action: diff.Create, Status: apply.Failed, Step: "create service",
				Error: "400 BAD_REQUEST: quota exceeded (POST /v1/organizations/acme/services, request 7f3c)", Elapsed: 2 * time.Second,
				Pos: at("services.yaml", 14, 7),
			},
			{Address: addr("service", "orders-replica"), Action: diff.Create, Status: apply.Skipped, Error: "depends on service/orders, which was not applied"},
			{Address: addr("key", "ci"), Action: diff.Create, Status: apply.Skipped, Error: "interrupted"},
			{
				Address: addr("service", "analytics"), Action: diff.Update, Status: apply.Unknown, Step: "wait until running",
				Error: "still starting after 30m0s", Elapsed: 30*time.Minute + 4500*time.Millisecond,
			},
		},
		Remaining: planOf(diff.Plan{
			Changes: []diff.Change{createService(), updates()[1]},
			Findings: []diff.Finding{{
				Code: "OC322", Severity: diff.SeverityWarning, Address: addr("service", "analytics"), Message: "the service is degraded",
			}},
		}),
	}
}

func hostileReport(s string) *apply.Report {
	r := &apply.Report{Remaining: hostile(s), Narrowed: hostile(s).Narrowed}
	for _, status := range []apply.Status{apply.Applied, apply.Failed, apply.Skipped, apply.Unknown} {
		r.Results = append(r.Results, apply.Result{Address: addr("key", s), Action: diff.Create, Status: status, Step: s, Error: s})
	}
	return r
}

func TestReportGolden(t *testing.T) {
	done := []apply.Result{{Address: addr("key", "ci"), Action: diff.Create, Status: apply.Applied}}
	for name, r := range map[string]*apply.Report{
		"report.converged":  {Results: done, Converged: true},
		"report.partial":    partial(),
		"report.narrowed":   {Results: done, Converged: true, Narrowed: narrowed().Narrowed},
		"report.unverified": {Results: done, Error: "observe services: 503 after 5 tries"},
		"report.unobserved": {Results: done},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".txt", render(t, func(w io.Writer) error { return view.Report(w, r, view.Options{}) }))
			golden(t, name+".json", render(t, func(w io.Writer) error { return view.ReportJSON(w, r) }))
		})
	}
	golden(t, "report.partial.color.txt", render(t, func(w io.Writer) error { return view.Report(w, partial(), view.Options{Color: true}) }))
}

// Pipelines grep the last line.
func TestReportVerdict(t *testing.T) {
	for name, tc := range map[string]struct {
		report apply.Report
		want   string
	}{
		"converged":  {apply.Report{Converged: true}, "converged"},
		"narrowed":   {apply.Report{Converged: true, Narrowed: narrowed().Narrowed}, "converged for what is selected; 3 other changes were left out"},
		"remaining":  {*partial(), "not converged: still 1 to create, 1 to update, 0 to delete"},
		"unverified": {apply.Report{Error: "no answer"}, "not converged: no answer"},
		"unobserved": {apply.Report{}, "not converged: the organization was not observed again"},
	} {
		t.Run(name, func(t *testing.T) {
			out := string(render(t, func(w io.Writer) error { return view.Report(w, &tc.report, view.Options{Color: true}) }))
			lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			if got := lines[len(lines)-1]; got != tc.want {
				t.Errorf("last line is %q, want %q", got, tc.want)
			}
		})
	}
}

// What is left of a narrowed plan is not all that is left.
func TestReportOfANarrowedPlan(t *testing.T) {
	r := partial()
	r.Narrowed = narrowed().Narrowed
	out := string(render(t, func(w io.Writer) error { return view.Report(w, r, view.Options{}) }))
	if want := "\nThis is about what is selected; 3 other changes were left out.\nnot converged: still "; !strings.Contains(out, want) {
		t.Errorf("lacks %q:\n%s", want, out)
	}
}

func diagnostics() spec.Diagnostics {
	return spec.Diagnostics{
		{
			Severity: spec.SeverityError, Code: "OC210", Message: `unknown key "numReplica"`, Hint: "did you mean numReplicas?",
			Pos: at("services.yaml", 16, 7),
		},
		{
			Severity: spec.SeverityError, Code: "OC231", Message: `service "orders" is declared twice`,
			Pos: at("team/orders.yaml", 4, 7), Related: []spec.Related{{Message: "first declared here", Pos: at("services.yaml", 14, 7)}},
		},
		{Severity: spec.SeverityWarning, Code: "OC250", Message: "ipSets.old is not used", Pos: at("acme.yaml", 9, 5)},
		{Severity: spec.SeverityError, Code: "OC201", Message: "no manifest found"},
	}
}

func hostileDiagnostics(s string) spec.Diagnostics {
	return spec.Diagnostics{{
		Severity: spec.SeverityError, Code: s, Message: s, Hint: s, Pos: at(s, 1, 1),
		Related: []spec.Related{{Message: s, Pos: at(s, 2, 1)}},
	}}
}

func TestDiagnosticsGolden(t *testing.T) {
	for name, ds := range map[string]spec.Diagnostics{
		"diagnostics.invalid": diagnostics(),
		"diagnostics.warning": diagnostics()[2:3],
		"diagnostics.none":    nil,
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".txt", render(t, func(w io.Writer) error { return view.Diagnostics(w, ds, view.Options{}) }))
			golden(t, name+".json", render(t, func(w io.Writer) error { return view.DiagnosticsJSON(w, ds) }))
		})
	}
	golden(t, "diagnostics.color.txt", render(t, func(w io.Writer) error {
		return view.Diagnostics(w, diagnostics(), view.Options{Color: true})
	}))
}
