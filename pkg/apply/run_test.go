package apply_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// fake is a backend whose steps a test writes down per address.
type fake struct {
	steps  map[string][]apply.Step
	rounds int
}

func (f *fake) Observe(context.Context, apply.ObserveOptions) (*spec.Live, error) {
	return &spec.Live{}, nil
}
func (f *fake) NextRound() { f.rounds++ }
func (f *fake) Steps(c diff.Change) ([]apply.Step, error) {
	steps, ok := f.steps[c.Address.Name]
	if !ok {
		return nil, errors.New("no steps")
	}
	return steps, nil
}

func change(name string, dependsOn ...string) diff.Change {
	c := diff.Change{Address: spec.Address{Kind: "service", Name: name}, Action: diff.Create, After: spec.Tree{}}
	for _, d := range dependsOn {
		c.DependsOn = append(c.DependsOn, spec.Address{Kind: "service", Name: d})
	}
	return c
}

// lost is an error that leaves the outcome open.
type lost struct{}

func (lost) Error() string   { return "connection lost" }
func (lost) Ambiguous() bool { return true }

func does(err error) []apply.Step {
	return []apply.Step{{Title: "call", Do: func(context.Context) error { return err }}}
}

// waits is done at the nth look.
func waits(n int, limit time.Duration) []apply.Step {
	looks := 0
	return []apply.Step{{Title: "wait", Limit: limit, Until: func(context.Context) (apply.Readiness, error) {
		looks++
		return apply.Readiness{Done: looks >= n, State: "busy"}, nil
	}}}
}

func options() apply.Options {
	o := apply.Defaults()
	o.Notify = func(apply.Event) {}
	return o
}

func statuses(r *apply.Report) map[string]apply.Status {
	out := map[string]apply.Status{}
	for _, res := range r.Results {
		out[res.Address.Name] = res.Status
	}
	return out
}

func TestRunOutcomes(t *testing.T) {
	refusal := errors.New("refused")
	for name, tc := range map[string]struct {
		steps   map[string][]apply.Step
		changes []diff.Change
		want    map[string]apply.Status
	}{
		"all applied": {
			steps:   map[string][]apply.Step{"a": does(nil), "b": does(nil)},
			changes: []diff.Change{change("a"), change("b", "a")},
			want:    map[string]apply.Status{"a": apply.Applied, "b": apply.Applied},
		},
		"a failure skips its dependents, theirs too, and nothing else": {
			steps:   map[string][]apply.Step{"a": does(refusal), "b": does(nil), "c": does(nil), "d": does(nil)},
			changes: []diff.Change{change("a"), change("b", "a"), change("c", "b"), change("d")},
			want:    map[string]apply.Status{"a": apply.Failed, "b": apply.Skipped, "c": apply.Skipped, "d": apply.Applied},
		},
		"an answer that never came is unknown": {
			steps:   map[string][]apply.Step{"a": does(lost{}), "b": does(nil)},
			changes: []diff.Change{change("a"), change("b", "a")},
			want:    map[string]apply.Status{"a": apply.Unknown, "b": apply.Skipped},
		},
		"a change without steps fails": {
			steps:   map[string][]apply.Step{},
			changes: []diff.Change{change("a")},
			want:    map[string]apply.Status{"a": apply.Failed},
		},
		"a wait that ends": {
			steps:   map[string][]apply.Step{"a": waits(4, time.Minute)},
			changes: []diff.Change{change("a")},
			want:    map[string]apply.Status{"a": apply.Applied},
		},
		"a wait beyond its limit is unknown": {
			steps:   map[string][]apply.Step{"a": waits(1000, time.Minute)},
			changes: []diff.Change{change("a")},
			want:    map[string]apply.Status{"a": apply.Unknown},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := apply.Run(t.Context(), &diff.Plan{Changes: tc.changes}, &fake{steps: tc.steps}, options())
				if d := cmp.Diff(tc.want, statuses(r)); d != "" {
					t.Error(d)
				}
				for i, c := range tc.changes {
					if r.Results[i].Address != c.Address {
						t.Errorf("result %d is of %s, the plan has %s there", i, r.Results[i].Address, c.Address)
					}
				}
			})
		})
	}
}

func TestBusyStepIsDoneAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		f := &fake{steps: map[string][]apply.Step{"a": {{Title: "delete", Limit: time.Minute, Do: func(context.Context) error {
			if calls++; calls < 3 {
				return errors.Join(apply.ErrBusy, errors.New("409"))
			}
			return nil
		}}}}}
		r := apply.Run(t.Context(), &diff.Plan{Changes: []diff.Change{change("a")}}, f, options())
		if r.Results[0].Status != apply.Applied || calls != 3 {
			t.Errorf("status %s after %d calls: %s", r.Results[0].Status, calls, r.Results[0].Error)
		}
	})
}

// Waits that begin together share every round, and rounds come 1, 2, 4, ... 10 s apart.
func TestWaitsShareRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{steps: map[string][]apply.Step{}}
		p := &diff.Plan{}
		var looked []time.Duration
		begin := time.Now()
		for _, name := range []string{"a", "b", "c"} {
			f.steps[name] = waits(7, time.Hour)
			p.Changes = append(p.Changes, change(name))
		}
		until := f.steps["a"][0].Until
		f.steps["a"][0].Until = func(ctx context.Context) (apply.Readiness, error) {
			looked = append(looked, time.Since(begin))
			return until(ctx)
		}
		apply.Run(t.Context(), p, f, options())
		second := time.Second
		want := []time.Duration{0, second, 3 * second, 7 * second, 15 * second, 25 * second, 35 * second}
		if d := cmp.Diff(want, looked); d != "" {
			t.Error(d)
		}
		if f.rounds != len(want)-1 {
			t.Errorf("%d rounds for three waits, want %d", f.rounds, len(want)-1)
		}
	})
}

// A call that is repeated while its object is busy may take its time: it makes no other wait late.
func TestSlowRepeatedCallDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		slow := apply.Step{Title: "delete", Limit: time.Hour, Do: func(context.Context) error {
			if calls++; calls == 1 {
				return apply.ErrBusy
			}
			<-time.After(5 * time.Minute)
			return nil
		}}
		f := &fake{steps: map[string][]apply.Step{"slow": {slow}, "quick": waits(3, time.Hour)}}
		r := apply.Run(t.Context(), &diff.Plan{Changes: []diff.Change{change("slow"), change("quick")}}, f, options())
		if got := r.Results[1].Elapsed; got != 3*time.Second {
			t.Errorf("what was ready after 3 s was waited for %s", got)
		}
		if got := r.Results[0].Elapsed; got != 5*time.Minute+time.Second {
			t.Errorf("the slow call took %s", got)
		}
	})
}

// The limit of a wait holds although a look takes longer than it.
func TestSlowLookKeepsTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		f := &fake{steps: map[string][]apply.Step{"a": {{Title: "wait", Limit: time.Minute, Until: func(ctx context.Context) (apply.Readiness, error) {
			if looks++; looks == 1 {
				return apply.Readiness{State: "busy"}, nil
			}
			<-ctx.Done() // an API that does not answer
			return apply.Readiness{}, ctx.Err()
		}}}}}
		r := apply.Run(t.Context(), &diff.Plan{Changes: []diff.Change{change("a")}}, f, options())
		if got := r.Results[0]; got.Status != apply.Unknown || got.Elapsed > 70*time.Second {
			t.Errorf("%s after %s: %s", got.Status, got.Elapsed, got.Error)
		}
	})
}

// Whatever becomes of a change, it gives its slot back: with a single one, another change still gets its turn. A slot that is
// kept is a deadlock here.
func TestSlotsComeBack(t *testing.T) {
	refusal := errors.New("refused")
	once := func(do func(context.Context) error) func() apply.Step {
		return func() apply.Step { return apply.Step{Title: "call", Do: do} }
	}
	repeated := func(then error) func() apply.Step {
		return func() apply.Step {
			calls := 0
			return apply.Step{Title: "call", Limit: 20 * time.Second, Do: func(context.Context) error {
				if calls++; calls < 3 {
					return apply.ErrBusy
				}
				return then
			}}
		}
	}
	for name, step := range map[string]func() apply.Step{
		"a call that succeeds":                 once(func(context.Context) error { return nil }),
		"a call that fails":                    once(func(context.Context) error { return refusal }),
		"a call without an answer":             once(func(context.Context) error { return lost{} }),
		"a repeated call that succeeds":        repeated(nil),
		"a repeated call that fails":           repeated(refusal),
		"a repeated call without an answer":    repeated(lost{}),
		"a call that is repeated to its limit": repeated(apply.ErrBusy),
		"a wait":                               func() apply.Step { return waits(3, time.Minute)[0] },
		"a wait to its limit":                  func() apply.Step { return waits(1000, time.Minute)[0] },
		"a pause within a call": once(func(ctx context.Context) error {
			return apply.Sleep(ctx, time.Minute)
		}),
		"a pause that ends with its context": once(func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			return apply.Sleep(ctx, time.Minute)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{steps: map[string][]apply.Step{"a": {step(), step()}, "b": {step()}, "last": does(nil)}}
				o := options()
				o.Parallel = 1
				r := apply.Run(t.Context(), &diff.Plan{Changes: []diff.Change{change("a"), change("b"), change("last")}}, f, o)
				if got := statuses(r)["last"]; got != apply.Applied {
					t.Errorf("got %s", got)
				}
			})
		})
	}
}

// While a call pauses, others use its slot.
func TestPauseLendsTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		paused := make(chan struct{})
		f := &fake{steps: map[string][]apply.Step{
			"looks": {{Title: "look", Do: func(ctx context.Context) error {
				close(paused)
				return apply.Sleep(ctx, time.Minute)
			}}},
			"other": {{Title: "wait", Limit: time.Hour, Until: func(context.Context) (apply.Readiness, error) {
				<-paused
				return apply.Readiness{Done: true}, nil
			}}, {Title: "call", Do: func(context.Context) error { return nil }}},
		}}
		o := options()
		o.Parallel = 1
		r := apply.Run(t.Context(), &diff.Plan{Changes: []diff.Change{change("looks"), change("other")}}, f, o)
		if got := r.Results[1].Elapsed; got != 0 {
			t.Errorf("the other change took %s", got)
		}
	})
}

// notSent is the error of a call that was not made because the run was stopped.
type notSent struct{}

func (notSent) Error() string { return "not sent" }
func (notSent) Stopped() bool { return true }

// What was not begun is skipped; what was, is unknown.
func TestStopIsHonestAboutWhatWasBegun(t *testing.T) {
	called := apply.Step{Title: "create", Do: func(context.Context) error { return nil }}
	for name, tc := range map[string]struct {
		steps []apply.Step
		want  apply.Status
	}{
		"the first call was not sent":          {does(notSent{}), apply.Skipped},
		"a call went before":                   {append([]apply.Step{called}, does(notSent{})...), apply.Unknown},
		"one sending has an unknown outcome":   {does(errors.Join(lost{}, notSent{})), apply.Unknown},
		"it was waited for before the first":   {append(waits(1000, time.Hour), called), apply.Skipped},
		"what a call has begun is waited for":  {append([]apply.Step{called}, waits(1000, time.Hour)...), apply.Unknown},
		"a busy object was never changed":      {does(apply.ErrBusy), apply.Skipped},
		"a step that calls and waits has sent": {[]apply.Step{{Title: "stop", Do: called.Do, Until: waits(1000, time.Hour)[0].Until, Limit: time.Hour}}, apply.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for i := range tc.steps {
					tc.steps[i].Limit = time.Hour
				}
				stop := make(chan struct{})
				time.AfterFunc(time.Minute, func() { close(stop) })
				o := options()
				o.Stop = stop
				r := apply.Run(t.Context(), &diff.Plan{Changes: []diff.Change{change("a")}}, &fake{steps: map[string][]apply.Step{"a": tc.steps}}, o)
				if got := r.Results[0]; got.Status != tc.want {
					t.Errorf("got %s: %s", got.Status, got.Error)
				}
			})
		})
	}
}

func TestStopBeginsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		f := &fake{steps: map[string][]apply.Step{
			"a": {
				{Title: "first", Do: func(context.Context) error { close(stop); return nil }},
				{Title: "second", Do: func(context.Context) error { t.Error("a step began after the interrupt"); return nil }},
			},
			"b": {{Title: "never", Do: func(context.Context) error { t.Error("a change began after the interrupt"); return nil }}},
			"w": waits(1000, time.Hour),
		}}
		o := options()
		o.Stop = stop
		r := apply.Run(t.Context(), &diff.Plan{Changes: []diff.Change{change("a"), change("b", "a"), change("w")}}, f, o)
		want := map[string]apply.Status{"a": apply.Unknown, "b": apply.Skipped, "w": apply.Skipped}
		if d := cmp.Diff(want, statuses(r)); d != "" {
			t.Error(d)
		}
	})
}

func TestEventsTellTheStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var events []apply.Event
		o := options()
		o.Notify = func(e apply.Event) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, e)
		}
		apply.Run(t.Context(), &diff.Plan{Changes: []diff.Change{change("a")}}, &fake{steps: map[string][]apply.Step{"a": waits(2, time.Minute)}}, o)
		want := []apply.Event{
			{Kind: apply.Started},
			{Kind: apply.Stepped, Title: "wait"},
			{Kind: apply.Waiting, Title: "wait", State: "busy"},
			{Kind: apply.Finished, Status: apply.Applied, Done: 1, Elapsed: time.Second},
		}
		for i := range want {
			want[i].Address, want[i].Action, want[i].Total = change("a").Address, diff.Create, 1
		}
		if d := cmp.Diff(want, events); d != "" {
			t.Error(d)
		}
	})
}

func TestVerify(t *testing.T) {
	left := []diff.Change{change("x")}
	reset := diff.Change{
		Address: change("s").Address, Action: diff.Update, ID: "1", Before: spec.Tree{}, After: spec.Tree{},
		Fields: []diff.FieldChange{{Path: "backupConfiguration.backupPeriodInHours", Before: int64(12), Reset: true}},
	}
	for name, tc := range map[string]struct {
		applied []diff.Change
		status  apply.Status
		replans [][]diff.Change // the last one repeats
		want    apply.Report
		looks   int
	}{
		"converged at once":                     {status: apply.Applied, replans: [][]diff.Change{nil}, want: apply.Report{Converged: true}, looks: 1},
		"converged when the API has caught up":  {status: apply.Applied, replans: [][]diff.Change{left, left, nil}, want: apply.Report{Converged: true}, looks: 3},
		"never":                                 {status: apply.Applied, replans: [][]diff.Change{left}, want: apply.Report{Remaining: planOf(left)}, looks: 6},
		"not waited for when something failed":  {status: apply.Failed, replans: [][]diff.Change{left}, want: apply.Report{Remaining: planOf(left)}, looks: 1},
		"a reset that was sent is the default":  {applied: []diff.Change{reset}, status: apply.Applied, replans: [][]diff.Change{{reset}}, want: apply.Report{Converged: true}, looks: 1},
		"a reset that was never sent is a rest": {applied: left, status: apply.Applied, replans: [][]diff.Change{{reset}}, want: apply.Report{Remaining: planOf([]diff.Change{reset})}, looks: 6},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				report := &apply.Report{Results: []apply.Result{{Status: tc.status}}}
				looks := 0
				apply.Verify(t.Context(), report, &diff.Plan{Changes: tc.applied}, func(context.Context) (*diff.Plan, error) {
					changes := tc.replans[min(looks, len(tc.replans)-1)]
					looks++
					return &diff.Plan{Changes: slices.Clone(changes)}, nil
				}, options())
				if !report.Converged {
					report.Results = nil
				} else {
					report.Remaining, report.Results = nil, nil
				}
				if d := cmp.Diff(&tc.want, report, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(diff.Plan{})); d != "" {
					t.Error(d)
				}
				if looks != tc.looks {
					t.Errorf("looked %d times, want %d", looks, tc.looks)
				}
			})
		})
	}
}

// What is left without anything to apply is not converged either. It is looked at again unless the applied plan said it already.
func TestVerifyClaims(t *testing.T) {
	blocked := diff.Finding{Code: diff.CodeAmbiguous, Severity: diff.SeverityBlocked, Address: change("x").Address}
	stray := diff.Unmanaged{Address: change("stray").Address, Exclusive: true}
	for name, tc := range map[string]struct {
		applied, left diff.Plan
		looks         int
	}{
		"a finding that came up":        {left: diff.Plan{Findings: []diff.Finding{blocked}}, looks: 6},
		"a finding that was foreseen":   {applied: diff.Plan{Findings: []diff.Finding{blocked}}, left: diff.Plan{Findings: []diff.Finding{blocked}}, looks: 1},
		"drift that came up":            {left: diff.Plan{Unmanaged: []diff.Unmanaged{stray}}, looks: 6},
		"drift that was foreseen":       {applied: diff.Plan{Unmanaged: []diff.Unmanaged{stray}}, left: diff.Plan{Unmanaged: []diff.Unmanaged{stray}}, looks: 1},
		"a change besides what was not": {applied: diff.Plan{Findings: []diff.Finding{blocked}}, left: diff.Plan{Changes: []diff.Change{change("x")}, Findings: []diff.Finding{blocked}}, looks: 6},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tc.applied.Keep(tc.applied.Changes)
				report := &apply.Report{Results: []apply.Result{{Status: apply.Applied}}}
				looks := 0
				apply.Verify(t.Context(), report, &tc.applied, func(context.Context) (*diff.Plan, error) {
					looks++
					left := tc.left
					left.Changes = slices.Clone(left.Changes)
					return &left, nil
				}, options())
				if report.Converged || report.Remaining == nil || looks != tc.looks {
					t.Errorf("converged %v after %d looks, want %d", report.Converged, looks, tc.looks)
				}
			})
		})
	}
}

// planOf is a plan of some changes, with all that follows from them.
func planOf(changes []diff.Change) *diff.Plan {
	p := &diff.Plan{}
	p.Keep(changes)
	return p
}

func TestVerifyThatCannotLook(t *testing.T) {
	report := &apply.Report{Results: []apply.Result{{Status: apply.Applied}}}
	apply.Verify(t.Context(), report, &diff.Plan{}, func(context.Context) (*diff.Plan, error) { return nil, errors.New("offline") }, options())
	if report.Converged || report.Error != "offline" {
		t.Errorf("got %+v", report)
	}
}

// TestEventsCountCalls: every event says how many calls the steps of the plan still take, those that only wait left out. What
// will not be done is not counted.
func TestEventsCountCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []int
		o := options()
		o.Parallel = 1
		last := -1
		o.Notify = func(e apply.Event) {
			if e.Kind == apply.Finished { // told while the next change is under way
				last = e.Calls
			} else {
				got = append(got, e.Calls)
			}
		}
		nothing := func(context.Context) error { return nil }
		f := &fake{steps: map[string][]apply.Step{
			"a": append([]apply.Step{{Title: "create", Do: nothing}, {Title: "patch", Do: nothing}}, waits(2, time.Minute)...),
			"b": append(does(errors.New("refused")), does(nil)...),
			"c": does(nil),
		}}
		plan := &diff.Plan{Changes: []diff.Change{change("a"), change("b", "a"), change("c", "b")}}
		apply.Run(t.Context(), plan, f, o)
		want := []int{
			5, 5, 4, 3, 3, // a: started, create, patch, wait, waiting
			3, 3, // b: started, call
		}
		if d := cmp.Diff(want, got); d != "" || last != 0 {
			t.Errorf("%s\nat the end %d are left", d, last)
		}
	})
}

// TestTrouble: a call can say that it has failed and is made again, and whoever carries it can learn whose it is. What only looks
// is of no change.
func TestTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []apply.Event
		o := options()
		o.Notify = func(e apply.Event) {
			if e.Kind == apply.Troubled {
				events = append(events, e)
			}
		}
		look := func(ctx context.Context) (apply.Readiness, error) {
			if _, ok := apply.Calling(ctx); ok || apply.Trouble(ctx, errors.New("late"), "never mind") {
				t.Error("a look passes for a call")
			}
			return apply.Readiness{Done: true}, nil
		}
		apply.Run(t.Context(), &diff.Plan{Changes: []diff.Change{change("a")}}, &fake{steps: map[string][]apply.Step{"a": {{
			Title: "create", Until: look, Do: func(ctx context.Context) error {
				if whose, ok := apply.Calling(ctx); !ok || whose != change("a").Address {
					t.Errorf("the call is of %s, %t", whose, ok)
				}
				apply.Trouble(ctx, errors.New("connection cut"), "trying again in 1s")
				return nil
			},
		}}}}, o)
		want := []apply.Event{{
			Kind: apply.Troubled, Address: change("a").Address, Action: diff.Create, Title: "create",
			Err: "connection cut", State: "trying again in 1s", Total: 1, Calls: 1,
		}}
		if d := cmp.Diff(want, events); d != "" {
			t.Error(d)
		}
	})
}
