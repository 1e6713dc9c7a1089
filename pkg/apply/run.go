package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// Options are the settings of a Run. The zero value is not useful: start from Defaults.
type Options struct {
	// Tick is what one second of every interval lasts. Tests shorten it; nothing else should.
	Tick time.Duration
	// Parallel bounds how many changes have a call under way. Waiting for a slow object does not count.
	Parallel int64
	// Settle is how long, in ticks, to wait for the API to show what it has accepted.
	Settle int
	// Notify receives progress. It is called from several goroutines and must not block for long.
	Notify func(Event)
	// Stop, once closed, lets the calls under way finish and begins nothing more.
	Stop <-chan struct{}
}

// Defaults are the settings of production.
func Defaults() Options {
	return Options{Tick: time.Second, Parallel: 8, Settle: 30, Notify: func(Event) {}}
}

// ErrBusy marks an error of Step.Do that time heals: the object is not yet in a state that allows the call. The step is
// done again by the poll loop until its limit.
var ErrBusy = errors.New("not possible yet")

// Run applies a plan. A failure stops what depends on it and nothing else; every change ends with one status. The error of
// a change is in its result: Run itself always returns a report, not yet verified.
func Run(ctx context.Context, plan *diff.Plan, backend Backend, opts Options) *Report {
	r := &run{
		backend: backend,
		opts:    opts,
		slots:   semaphore.NewWeighted(opts.Parallel),
		polls:   newPoller(backend, opts),
		report:  &Report{Results: make([]Result, len(plan.Changes))},
		done:    map[spec.Address]chan struct{}{},
		index:   map[spec.Address]int{},
	}
	for i, c := range plan.Changes {
		r.done[c.Address] = make(chan struct{})
		r.index[c.Address] = i
	}
	finished := make(chan int)
	for i := range plan.Changes {
		go func() {
			r.report.Results[i] = r.change(ctx, plan.Changes[i])
			close(r.done[plan.Changes[i].Address])
			finished <- i
		}()
	}
	ended, loopEnded := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(loopEnded)
		r.polls.loop(ctx, ended)
	}()
	for n := range plan.Changes {
		res := r.report.Results[<-finished]
		opts.Notify(Event{
			Kind: Finished, Address: res.Address, Action: res.Action, Title: res.Step, Status: res.Status,
			Err: res.Error, Elapsed: res.Elapsed, Done: n + 1, Total: len(plan.Changes),
		})
	}
	close(ended)
	<-loopEnded
	return r.report
}

type run struct {
	backend Backend
	opts    Options
	slots   *semaphore.Weighted
	polls   *poller
	report  *Report
	done    map[spec.Address]chan struct{} // closed once the result of an address is in the report
	index   map[spec.Address]int
}

// change carries out one change after everything that it depends on.
func (r *run) change(ctx context.Context, c diff.Change) Result {
	res := Result{Address: c.Address, Action: c.Action, Status: Skipped}
	for _, a := range c.DependsOn {
		ready, ok := r.done[a]
		if !ok {
			continue
		}
		<-ready // never blocks for good: dependencies come earlier in the plan, so there is no circle
		if status := r.report.Results[r.index[a]].Status; status != Applied {
			res.Error = fmt.Sprintf("depends on %s, which was not applied", a)
			return res
		}
	}
	steps, err := r.backend.Steps(c)
	if err != nil {
		res.Status, res.Error = Failed, err.Error()
		return res
	}
	start := time.Now()
	res.Status, res.Step, err = r.steps(ctx, c, steps)
	if err != nil {
		res.Error = err.Error()
	}
	res.Elapsed = time.Since(start)
	return res
}

// steps does the steps of a change until one does not succeed, whose title it gives.
func (r *run) steps(ctx context.Context, c diff.Change, steps []Step) (status Status, title string, err error) {
	for i, step := range steps {
		if err := r.acquire(ctx); err != nil {
			if i > 0 {
				return Unknown, step.Title, err // half done: the next run picks it up from what is live
			}
			return Skipped, step.Title, err
		}
		if i == 0 {
			r.opts.Notify(Event{Kind: Started, Address: c.Address, Action: c.Action})
		}
		switch err := r.step(ctx, c, step); {
		case err == nil:
		case uncertain(err):
			return Unknown, step.Title, err
		default:
			return Failed, step.Title, err
		}
	}
	return Applied, "", nil
}

var errInterrupted = errors.New("not begun: the run was stopped")

// acquire takes a slot for one call, unless the run was told to begin nothing more.
func (r *run) acquire(ctx context.Context) error {
	if err := r.slots.Acquire(ctx, 1); err != nil {
		return errInterrupted
	}
	select {
	case <-r.opts.Stop:
		r.slots.Release(1)
		return errInterrupted
	default:
		return nil
	}
}

// step does one step; it holds a slot on entry and gives it back before any wait.
func (r *run) step(ctx context.Context, c diff.Change, step Step) error {
	r.opts.Notify(Event{Kind: Stepped, Address: c.Address, Action: c.Action, Title: step.Title})
	begin := time.Now()
	progress := func(state string) {
		r.opts.Notify(Event{
			Kind: Waiting, Address: c.Address, Action: c.Action, Title: step.Title, State: state, Elapsed: time.Since(begin),
		})
	}
	limit := time.Duration(float64(step.Limit) / float64(time.Second) * float64(r.opts.Tick))
	err := func() error {
		defer r.slots.Release(1)
		if step.Do == nil {
			return nil
		}
		return step.Do(ctx)
	}()
	if errors.Is(err, ErrBusy) {
		progress(err.Error())
		err = r.polls.wait(ctx, limit, progress, func(ctx context.Context) (Readiness, error) {
			switch err := step.Do(ctx); {
			case errors.Is(err, ErrBusy):
				return Readiness{State: err.Error()}, nil
			default:
				return Readiness{Done: err == nil}, err
			}
		})
	}
	if err != nil || step.Until == nil {
		return err
	}
	// What Do was told by the API may already be the state that is waited for.
	if ready, err := step.Until(ctx); err != nil && !uncertain(err) || ready.Done {
		return err
	} else if err == nil {
		progress(ready.State)
	}
	return r.polls.wait(ctx, limit, progress, step.Until)
}

// uncertain reports whether an error leaves open what the API has done or is doing.
func uncertain(err error) bool {
	var ambiguous interface{ Ambiguous() bool }
	var late *TimeoutError
	return errors.As(err, &ambiguous) && ambiguous.Ambiguous() || errors.As(err, &late) || errors.Is(err, errAbandoned) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
