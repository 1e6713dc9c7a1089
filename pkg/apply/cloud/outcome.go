package cloud

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/orgctl/orgctl/pkg/client"
)

const (
	resends    = 4  // of a call that may be sent again, after its first sending
	maxBackoff = 10 // ticks
)

// resend carries out a call that may safely be sent again while its outcome is unknown: an absolute patch, a deletion, an
// add/remove patch built for that (again). What the API refuses is not sent again.
func (b *Backend) resend(ctx context.Context, send func(ctx context.Context, again bool) error) error {
	backoff := b.opts.Tick
	for try := 0; ; try++ {
		err := send(ctx, try > 0)
		if !client.Ambiguous(err) || try == resends {
			return err
		}
		if b.sleep(ctx, backoff) != nil {
			return err
		}
		backoff = min(2*backoff, maxBackoff*b.opts.Tick)
	}
}

// once carries out a creation exactly once, whatever becomes of its answer. There is no idempotency key (FACTS 10), so after
// an unknown outcome the object is looked for; only when it has stayed absent for the whole settling time is the creation
// sent again. find must read the unfiltered list: a filter that the API does not understand returns everything, and one it
// does may lag.
func once[T any](ctx context.Context, b *Backend, create func(ctx context.Context) (T, error), find func(ctx context.Context) (T, bool, error)) (T, error) {
	for try := 0; ; try++ {
		made, err := create(ctx)
		if !client.Ambiguous(err) {
			return made, err
		}
		found, ok, lookErr := b.look(ctx, func(ctx context.Context) (bool, error) {
			var present bool
			var err error
			made, present, err = find(ctx)
			return present, err
		})
		switch {
		case found:
			return made, nil
		case lookErr != nil || !ok:
			return made, fmt.Errorf("whether it was created could not be learned: %w", errors.Join(err, lookErr))
		case try == resends:
			return made, err
		}
	}
}

// look asks find until it says yes or the settling time has passed. proven is true when every look succeeded at the end of
// that time: only then is absence a fact.
func (b *Backend) look(ctx context.Context, find func(context.Context) (bool, error)) (found, proven bool, err error) {
	deadline := time.Now().Add(time.Duration(b.opts.Settle) * b.opts.Tick)
	for backoff := b.opts.Tick; ; backoff = min(2*backoff, maxBackoff*b.opts.Tick) {
		found, err = find(ctx)
		if found || ctx.Err() != nil {
			return found, false, ctx.Err()
		}
		now := time.Now()
		if !now.Before(deadline) {
			return false, err == nil, err
		}
		if err := b.sleep(ctx, min(backoff, deadline.Sub(now))); err != nil {
			return false, false, err
		}
	}
}

func (b *Backend) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// gone takes the absence of what was to be deleted as success.
func gone(err error) error {
	if errors.Is(err, client.ErrNotFound) {
		return nil
	}
	return err
}
