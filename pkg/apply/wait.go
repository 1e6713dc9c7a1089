package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Rounds is implemented by backends that read one list for all waiting objects: every poll round begins with NextRound,
// after which the list is read anew, once, by whichever Until comes first.
type Rounds interface{ NextRound() }

// TimeoutError says that a wait reached its limit; the object may still get there.
type TimeoutError struct {
	State   string        // the last one seen
	Elapsed time.Duration // how long it was waited for
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("gave up after %s, last state %q; it may still complete: run again to see", e.Elapsed.Round(time.Second), e.State)
}

// poller is the only poll loop. All waits share its rounds, so that k waiting services cost one request a round, not k.
type poller struct {
	rounds Rounds // nil when the backend has none
	tick   time.Duration
	stop   <-chan struct{} // closed: wait for nothing any more
	joins  chan *waiting
}

// waiting is one wait: its own backoff of 1, 2, 4, ... 10 ticks decides when the next round is due at the latest.
type waiting struct {
	until    func(context.Context) (Readiness, error)
	progress func(state string)
	result   chan error
	begun    time.Time
	limit    time.Duration
	due      time.Time
	backoff  time.Duration
	state    string
}

const maxBackoff = 10 // ticks

func newPoller(backend Backend, opts Options) *poller {
	rounds, _ := backend.(Rounds)
	return &poller{rounds: rounds, tick: opts.Tick, stop: opts.Stop, joins: make(chan *waiting)}
}

// errAbandoned ends a wait on an interrupt: what was asked for goes on without us.
var errAbandoned = errors.New("the run was stopped while waiting; it may still complete: run again to see")

// wait blocks until the condition holds, fails for good, or the limit is reached.
func (p *poller) wait(ctx context.Context, limit time.Duration, progress func(string), until func(context.Context) (Readiness, error)) error {
	now := time.Now()
	w := &waiting{
		until: until, progress: progress, result: make(chan error, 1),
		begun: now, limit: limit, due: now.Add(p.tick), backoff: p.tick,
	}
	select {
	case p.joins <- w:
	case <-p.stop:
		return errAbandoned
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-w.result:
		return err
	case <-p.stop:
		return errAbandoned
	case <-ctx.Done():
		return ctx.Err()
	}
}

// loop serves waits until the run has ended or is told to stop.
func (p *poller) loop(ctx context.Context, ended <-chan struct{}) {
	var all []*waiting
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if len(all) > 0 {
			next := slices.MinFunc(all, func(a, b *waiting) int { return a.due.Compare(b.due) })
			timer.Reset(time.Until(next.due))
		}
		select {
		case <-ended:
			return
		case <-p.stop:
			return
		case <-ctx.Done():
			return
		case w := <-p.joins:
			all = append(all, w)
		case <-timer.C:
			if p.rounds != nil {
				p.rounds.NextRound()
			}
			all = slices.DeleteFunc(all, func(w *waiting) bool { return w.poll(ctx, p.tick) })
		}
	}
}

// poll asks one wait's condition and reports whether the wait is over. Reads that fail for a passing reason are asked again
// in the next round.
func (w *waiting) poll(ctx context.Context, tick time.Duration) (over bool) {
	ready, err := w.until(ctx)
	elapsed := time.Since(w.begun)
	switch {
	case err != nil && !uncertain(err), err == nil && ready.Done:
		w.result <- err
		return true
	case err == nil:
		w.state = ready.State
	}
	if elapsed >= w.limit {
		w.result <- &TimeoutError{State: w.state, Elapsed: elapsed}
		return true
	}
	w.progress(w.state)
	w.backoff = min(2*w.backoff, maxBackoff*tick)
	w.due = time.Now().Add(w.backoff)
	return false
}
