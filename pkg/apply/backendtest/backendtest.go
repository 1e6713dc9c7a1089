// Package backendtest holds an apply.Backend to what any of them must do, whatever its API: a manifest is reached from any other
// and then plans empty; an export reads back as what is live; whatever somebody changes is seen and put right; and no request
// that gets lost makes anything twice.
//
// A Suite says what is to be tried, and a Fixture is one organization behind the API to try it on. All of it runs in bubbles
// (testing/synctest), so that waiting costs nothing.
package backendtest

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// Fixture is a fresh organization behind an API, for one test.
type Fixture interface {
	// Connect makes the backend of one more run. What outlasts a run (its journal, the secrets that it has stored) is that of
	// the fixture. Requests go through what wrap makes of the way to the server. Of every plan that was carried out without a
	// fault sent is told, which may hold what the run has written to it.
	Connect(wrap func(http.RoundTripper) http.RoundTripper) (b apply.Backend, sent func(*diff.Plan))
	// Edit changes the organization behind the API's back, as somebody at its console would.
	Edit(Edit)
	// CatchUp lets time pass until everything that was written shows.
	CatchUp()
	// Heed does what the notes of apply.Backend.Recover ask of somebody, if anything.
	Heed(notes []string)
	// Problems are those that only the server can tell: what was made twice, what opens with no stored secret.
	Problems() []string
}

// Edit is a change of one object out of band.
type Edit struct {
	Kind string
	Name string // as an address has it; "" for the organization itself
	Set  map[string]any
	// Create makes a new object, Delete removes the one there is.
	Create, Delete bool
}

// FieldEdit is how somebody changes a field of an object that has a value for it.
type FieldEdit struct {
	Name string
	Set  map[string]any
	// Shows are the paths that a plan answers with where it is not that of the field alone.
	Shows []string
	// Never says why a field cannot be changed so.
	Never string
}

// Suite is what an API needs to be told apart by: all else is the same for every backend. Manifests are YAML from spec: on.
type Suite struct {
	API   *spec.API
	Fresh func(ctx context.Context, t T) Fixture

	// States are manifests by name, each of which is reached from every other.
	States map[string]string
	// Draw writes a valid manifest over few names, so that two of them overlap; Edits are what somebody may do in between.
	Draw  func(*rapid.T) string
	Edits []Edit

	// Before and After are manifests so far apart that the way from one to the other makes, changes and removes one of everything.
	Before, After string

	// Bare declares one object of each kind, with everything as the API makes it; Everything has a value for each field that can
	// have one. Both are made of an organization after the edits of Prepare.
	Bare, Everything string
	Prepare          []Edit
	// Changed are edits of everything, by KIND.FIELD. First are edits that give a field a value that it does not have in bare,
	// and Unmanaged the fields that an export leaves alone where they have none, with the reason. A field of a kind that is in
	// none of them fails.
	Changed   map[string]FieldEdit
	First     map[string]Edit
	Unmanaged map[string]string
	// There are objects of bare by the kind, Stray the name of one that may come.
	There map[string]string
	Stray string
}

// Run tries everything.
func (s Suite) Run(t *testing.T) {
	if len(s.States) < 2 || len(s.Edits) == 0 {
		t.Fatal("nothing is there to be reached")
	}
	t.Run("transitions", s.Transitions)
	t.Run("law", s.Law)
	t.Run("fields", s.Fields)
	t.Run("export", s.Export)
	t.Run("faults", s.Faults)
}

// T is what testing.T and a property have in common.
type T interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

var _ T = (*testing.T)(nil)

// InBubble does something within a bubble for a property, and gives what it failed with, or "": a property must not be told from
// inside a bubble.
func InBubble(t *testing.T, r *rapid.T, do func(context.Context, T)) (failure string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		defer func() {
			if p := recover(); p != nil && p != (failed{}) {
				panic(p)
			}
		}()
		do(t.Context(), noting{r, &failure})
	})
	return failure
}

// noting keeps a failure until the bubble has ended.
type noting struct {
	*rapid.T
	failure *string
}

type failed struct{}

func (n noting) Fatal(args ...any) { n.Fatalf("%s", fmt.Sprint(args...)) }

func (n noting) Fatalf(format string, args ...any) {
	*n.failure = fmt.Sprintf(format, args...)
	panic(failed{})
}
