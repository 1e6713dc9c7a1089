package apply

import (
	"context"
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

// poller is the only poll loop. It says when to look, to all who wait at once, so that k waiting services cost one request a
// round, not k. Looking is their own business: whoever waits long for an answer makes nobody else wait.
type poller struct {
	rounds Rounds // nil when the backend has none
	joins  chan waiter
}

// waiter is a wait between two rounds. The next round is due for it at the latest.
type waiter struct {
	due  time.Time
	wake chan struct{}
}

const maxBackoff = 10 // ticks

func newPoller(backend Stepper) *poller {
	rounds, _ := backend.(Rounds)
	return &poller{rounds: rounds, joins: make(chan waiter)}
}

// next waits for the next round, and reports whether there is one before nothing more may begin.
func (p *poller) next(begin context.Context, due time.Time) bool {
	w := waiter{due: due, wake: make(chan struct{})}
	select {
	case p.joins <- w:
	case <-begin.Done():
		return false
	}
	select {
	case <-w.wake:
		return begin.Err() == nil
	case <-begin.Done():
		return false
	}
}

// loop begins rounds until the run has ended. Who has given up waiting is woken all the same, and is not listening.
func (p *poller) loop(ended <-chan struct{}) {
	var all []waiter
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if len(all) > 0 {
			next := slices.MinFunc(all, func(a, b waiter) int { return a.due.Compare(b.due) })
			timer.Reset(time.Until(next.due))
		}
		select {
		case <-ended:
			return
		case w := <-p.joins:
			all = append(all, w)
		case <-timer.C:
			if p.rounds != nil {
				p.rounds.NextRound()
			}
			for _, w := range all {
				close(w.wake)
			}
			all = nil
		}
	}
}
