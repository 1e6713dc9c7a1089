package backendtest

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/orgctl/orgctl/pkg/apply"
)

// Faults goes from Before to After once for every request that this takes, which goes wrong in each way. What the run reports
// is true, and the next run converges with nothing there twice.
func (s Suite) Faults(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 7
	}
	for name, how := range faults {
		t.Run(name, func(t *testing.T) {
			hit := 0
			for at, reached := 1, true; reached && !t.Failed(); at += step {
				synctest.Test(t, func(t *testing.T) { reached = s.fault(t, &wire{how: how, at: at}) })
				hit++
			}
			if hit < 2 {
				t.Error("no request was there to go wrong")
			}
		})
	}
}

// fault is one such way with one fault; it reports whether there was a request for it.
func (s Suite) fault(t *testing.T, w *wire) bool {
	t.Helper()
	f, run := s.fresh(t.Context(), t)
	run.Converge(Manifest(t, s.Before))
	f.CatchUp()
	desired := Manifest(t, s.After)
	report := s.run(t.Context(), t, f, w).TryApply(desired)
	f.CatchUp()

	next := s.run(t.Context(), t, f, &wire{})
	if report != nil {
		next.CheckTruth(report, desired)
	}
	notes, err := next.Backend.Recover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.Heed(notes)
	next.Converge(desired)
	f.CatchUp()
	if p := next.Plan(desired); !p.Empty() {
		t.Errorf("not empty after the second run: %s", Encode(t, p.Changes))
	}
	next.CheckOnce()
	s.check(t, f)
	if t.Failed() {
		t.Fatalf("request %d: %s", w.at, describe(t, report))
	}
	return w.reached()
}

func describe(t *testing.T, report *apply.Report) string {
	t.Helper()
	if report == nil {
		return "no plan was made"
	}
	return fmt.Sprintf("the run reported %s", Encode(t, report))
}
