package backendtest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// fresh is a run on an organization of its own.
func (s Suite) fresh(ctx context.Context, t T) (Fixture, Run) {
	t.Helper()
	f := s.Fresh(ctx, t)
	return f, s.run(ctx, t, f, &wire{})
}

// run is one more run on an organization.
func (s Suite) run(ctx context.Context, t T, f Fixture, w *wire) Run {
	backend, sent := f.Connect(w.through)
	return Run{T: t, Context: ctx, Backend: backend, Applied: sent}
}

// Transitions reaches every state from every other in one apply.
func (s Suite) Transitions(t *testing.T) {
	names := slices.Sorted(maps.Keys(s.States))
	for _, from := range names {
		for _, to := range names {
			t.Run(from+" to "+to, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { s.reach(t.Context(), t, s.States[from], nil, s.States[to]) })
			})
		}
	}
}

// Law reaches any manifest from any other, whatever somebody changes in between.
func (s Suite) Law(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) { s.Case(t, r) })
}

// Case is one case of Law.
func (s Suite) Case(t *testing.T, r *rapid.T) {
	t.Helper()
	first, second := s.Draw(r), s.Draw(r)
	edit := rapid.SampledFrom(s.Edits).Draw(r, "edit")
	failure := InBubble(t, r, func(ctx context.Context, t T) { s.reach(ctx, t, first, []Edit{edit}, second) })
	if failure != "" {
		r.Fatalf("%s\nfirst:\n%s\nedit: %+v\nsecond:\n%s", failure, first, edit, second)
	}
}

// reach makes an organization by one manifest, lets somebody edit it, and demands of another one that it is reached in one apply:
// nothing is left to do after that, a second run writes nothing, every run plans the same, what is there reads back from an export,
// and the server knows of no problem.
func (s Suite) reach(ctx context.Context, t T, first string, edits []Edit, second string) {
	t.Helper()
	f, run := s.fresh(ctx, t)
	run.Converge(Manifest(t, first))
	for _, e := range edits {
		f.Edit(e)
	}
	f.CatchUp()
	desired := Manifest(t, second)
	samePlan(t, run.Plan(desired), s.run(ctx, t, f, &wire{}).Plan(Manifest(t, second)))
	run.Converge(desired)
	if p := run.Plan(desired); !p.Empty() {
		t.Fatalf("not empty after an apply: %s", Encode(t, p.Changes))
	}
	w := &wire{}
	again := s.run(ctx, t, f, w)
	if again.Converge(Manifest(t, second)); w.written() > 0 {
		t.Fatalf("a second run writes %d times", w.written())
	}
	if p := again.Plan(again.Exported()); !p.Converged() {
		t.Fatalf("the export is not as the organization is: %s", Encode(t, p))
	}
	s.check(t, f)
}

// samePlan demands that two runs which see the same plan the same, to the byte.
func samePlan(t T, a, b *diff.Plan) {
	t.Helper()
	if x, y := Encode(t, a), Encode(t, b); x != y {
		t.Fatalf("two runs plan differently:\n%s\n%s", x, y)
	}
}

func (s Suite) check(t T, f Fixture) {
	t.Helper()
	if problems := f.Problems(); len(problems) > 0 {
		t.Fatal(strings.Join(problems, "; "))
	}
}

// prepared is an organization made by a manifest after the edits of Prepare.
func (s Suite) prepared(ctx context.Context, t T, made string) (Fixture, Run, *spec.Organization) {
	t.Helper()
	f, run := s.fresh(ctx, t)
	for _, e := range s.Prepare {
		f.Edit(e)
	}
	desired := Manifest(t, made)
	run.Converge(desired)
	return f, run, desired
}
