package apply

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	// Settle is how long, in ticks, to wait for the API to show what it has accepted: a list may lack a service that was created
	// five seconds ago.
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
// done again, a round later each time, until its limit.
var ErrBusy = errors.New("not possible yet")

// Run applies a plan. A failure stops what depends on it and nothing else; every change ends with one status. The error of
// a change is in its result: Run itself always returns a report, not yet verified.
func Run(ctx context.Context, plan *diff.Plan, backend Stepper, opts Options) *Report {
	begin, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-opts.Stop:
			cancel()
		case <-begin.Done():
		}
	}()
	r := &run{
		backend: backend,
		opts:    opts,
		begin:   begin,
		slots:   semaphore.NewWeighted(opts.Parallel),
		polls:   newPoller(backend),
		report:  &Report{Results: make([]Result, len(plan.Changes)), Narrowed: plan.Narrowed},
		done:    map[spec.Address]chan struct{}{},
		index:   map[spec.Address]int{},
		calls:   make([]int, len(plan.Changes)),
	}
	for i, c := range plan.Changes {
		r.done[c.Address] = make(chan struct{})
		r.index[c.Address] = i
		steps, _ := backend.Steps(c) // a change that cannot be carried out takes none
		r.expect(i, callsOf(steps))
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
		r.polls.loop(ended)
	}()
	for n := range plan.Changes {
		res := r.report.Results[<-finished]
		opts.Notify(Event{
			Kind: Finished, Address: res.Address, Action: res.Action, Title: res.Step, Status: res.Status,
			Err: res.Error, Elapsed: res.Elapsed, Done: n + 1, Total: len(plan.Changes), Calls: r.expected(),
		})
	}
	close(ended)
	<-loopEnded
	return r.report
}

type run struct {
	backend Stepper
	opts    Options
	begin   context.Context // ends with opts.Stop, and with the run's own context
	slots   *semaphore.Weighted
	polls   *poller
	report  *Report
	done    map[spec.Address]chan struct{} // closed once the result of an address is in the report
	index   map[spec.Address]int

	mu    sync.Mutex
	calls []int // by change, those that it still takes
	left  int   // of all changes
}

// callsOf is how many calls some steps take, polls and calls that are made again not counted.
func callsOf(steps []Step) int {
	n := 0
	for _, s := range steps {
		if s.Do != nil {
			n++
		}
	}
	return n
}

// expect notes how many calls a change still takes.
func (r *run) expect(change, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left += n - r.calls[change]
	r.calls[change] = n
}

func (r *run) expected() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.left
}

// change carries out one change after everything that it depends on.
func (r *run) change(ctx context.Context, c diff.Change) Result {
	defer r.expect(r.index[c.Address], 0)
	res := Result{Address: c.Address, Action: c.Action, Status: Skipped, Pos: c.Pos}
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
	w := &work{run: r, change: c, turn: &turn{slots: r.slots, begin: r.begin}}
	ctx = context.WithValue(ctx, turnKey{}, w.turn)
	for i, step := range steps {
		r.expect(r.index[c.Address], callsOf(steps[i:]))
		switch err := w.do(ctx, step); {
		case err == nil:
		case stopped(err) && !ambiguous(err) && !w.begun:
			return Skipped, step.Title, err
		case uncertain(err):
			return Unknown, step.Title, err // half done: the next run picks it up from what is live
		default:
			return Failed, step.Title, err
		}
	}
	return Applied, "", nil
}

// work is one change under way.
type work struct {
	*run
	change    diff.Change
	turn      *turn
	started   bool      // its first step has begun
	announced bool      // its present step has begun
	since     time.Time // when that was
	begun     bool      // a call of it may have changed something
}

func (w *work) do(ctx context.Context, step Step) error {
	if w.over() {
		return errInterrupted
	}
	w.announced = false
	limit := time.Duration(float64(step.Limit) / float64(time.Second) * float64(w.opts.Tick))
	progress := func(state string) {
		w.tell(Event{Kind: Waiting, Title: step.Title, State: state, Elapsed: time.Since(w.since)})
	}
	err := w.call(ctx, step)
	if errors.Is(err, ErrBusy) {
		progress(err.Error())
		err = w.wait(ctx, limit, progress, func(ctx context.Context) (Readiness, error) {
			err := w.call(ctx, step)
			if errors.Is(err, ErrBusy) {
				return Readiness{State: err.Error()}, nil
			}
			return Readiness{Done: err == nil}, err
		})
	}
	if err != nil || step.Until == nil {
		return err
	}
	// What Do was told by the API may already be the state that is waited for.
	look := w.looking(step)
	if ready, err := look(ctx); err != nil && !uncertain(err) || ready.Done {
		return err
	} else if err == nil {
		progress(ready.State)
	}
	return w.wait(ctx, limit, progress, look)
}

// looking is what a step waits for. Unlike a call, a look is given up when nothing more may begin.
func (w *work) looking(step Step) func(context.Context) (Readiness, error) {
	return func(ctx context.Context) (Readiness, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(w.turn.begin, cancel)() //nolint:contextcheck // a second end for the same look
		return step.Until(ctx)
	}
}

// call does what a step does, with a slot held.
func (w *work) call(ctx context.Context, step Step) error {
	if step.Do == nil {
		w.announce(step)
		return nil
	}
	if err := w.turn.take(); err != nil {
		return err
	}
	defer w.turn.give()
	w.announce(step)
	err := step.Do(context.WithValue(ctx, callKey{}, call{w, step.Title}))
	w.begun = w.begun || err == nil || ambiguous(err)
	return err
}

// wait asks in every round until the answer is yes, is an error that will not pass, or the limit is reached. An answer is
// waited for up to a round beyond the limit, and no longer, unless a call is under way.
func (w *work) wait(ctx context.Context, limit time.Duration, progress func(string), ask func(context.Context) (Readiness, error)) error {
	begun := time.Now()
	deadline := begun.Add(limit)
	last, cancel := context.WithDeadline(w.begin, deadline.Add(maxBackoff*w.opts.Tick))
	defer cancel()
	w.turn.begin = last
	defer func() { w.turn.begin = w.begin }()
	state := ""
	for backoff := w.opts.Tick; ; backoff = min(2*backoff, maxBackoff*w.opts.Tick) {
		due := time.Now().Add(backoff)
		if due.After(deadline) {
			due = deadline
		}
		if !w.polls.next(w.begin, due) { //nolint:contextcheck // bounds what may begin, not what is under way
			if w.begun {
				return errAbandoned
			}
			return errInterrupted
		}
		ready, err := ask(ctx)
		switch {
		case err != nil && !uncertain(err), err == nil && ready.Done:
			return err
		case err == nil:
			state = ready.State
		}
		if elapsed := time.Since(begun); elapsed >= limit {
			return &TimeoutError{State: state, Elapsed: elapsed}
		}
		progress(state)
	}
}

// over reports that nothing more may begin.
func (w *work) over() bool {
	select {
	case <-w.opts.Stop:
		return true
	default:
		return w.begin.Err() != nil
	}
}

// announce says once that a step has begun.
func (w *work) announce(step Step) {
	if w.announced {
		return
	}
	if !w.started {
		w.tell(Event{Kind: Started})
	}
	w.tell(Event{Kind: Stepped, Title: step.Title})
	w.started, w.announced, w.since = true, true, time.Now()
}

func (w *work) tell(e Event) {
	e.Address, e.Action = w.change.Address, w.change.Action
	e.Total, e.Calls = len(w.calls), w.expected()
	w.opts.Notify(e)
}

// call is what the context of a call of a step knows of it.
type call struct {
	of    *work
	title string
}

type callKey struct{}

// Calling gives, for the context of a call, the change that makes it.
func Calling(ctx context.Context) (_ spec.Address, ok bool) {
	c, ok := ctx.Value(callKey{}).(call)
	if !ok {
		return spec.Address{}, false
	}
	return c.of.change.Address, true
}

// Trouble tells, for the context of a call, that it has failed and what is done about that: "trying again in 2s". It reports
// whether the context is one.
func Trouble(ctx context.Context, cause error, remedy string) bool {
	c, ok := ctx.Value(callKey{}).(call)
	if ok {
		c.of.tell(Event{Kind: Troubled, Title: c.title, Err: cause.Error(), State: remedy})
	}
	return ok
}
