package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/journal"
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
	var last error
	for try := 0; ; try++ {
		err := send(ctx, try > 0)
		if try > 0 && errors.Is(err, client.ErrStopped) {
			return last // this sending did not happen, the one before may have
		}
		if !client.Ambiguous(err) || try == resends {
			return err
		}
		apply.Trouble(ctx, client.Cause(err), fmt.Sprintf("trying again in %s", backoff))
		if apply.Sleep(ctx, backoff) != nil {
			return err
		}
		last = err
		backoff = min(2*backoff, maxBackoff*b.opts.Tick)
	}
}

// creation is a call that must have its effect exactly once, whatever becomes of its answer.
type creation[T any] struct {
	intent journal.Intent
	create func(context.Context) (T, error)
	// find looks for what the call has made. It must read the unfiltered list: a filter that the API does not understand
	// returns everything, and one that it does may lag.
	find func(context.Context) (T, bool, error)
	// unfinished leaves the intent open after the object was made: more is to be done before its creation is complete.
	unfinished bool
	// confirm completes what was stored for the object, while the journal still knows of it. Nil when nothing was stored.
	confirm func(context.Context, T) error
}

// once carries out a creation exactly once. There is no idempotency key (FACTS 10), so the intent is journalled first, and
// after an unknown outcome the object is looked for; only when it has stayed absent for the whole settling time is the
// creation sent again.
func once[T any](ctx context.Context, b *Backend, c creation[T]) (T, error) {
	number, err := b.opts.Journal.Begin(c.intent)
	if err != nil {
		var none T
		return none, err
	}
	made, err := createOrFind(ctx, b, c)
	if err == nil && c.confirm != nil {
		if err := c.confirm(ctx, made); err != nil {
			return made, err // left open: the next run finds the object and confirms it
		}
	}
	switch {
	case err == nil && c.unfinished:
		return made, nil
	case err == nil:
		return made, b.opts.Journal.End(number, journal.Done)
	case client.Ambiguous(err) || ctx.Err() != nil:
		return made, err // left open: the next run looks for it before it plans
	default:
		return made, errors.Join(err, b.opts.Journal.End(number, journal.Failed))
	}
}

func createOrFind[T any](ctx context.Context, b *Backend, c creation[T]) (T, error) {
	for try := 0; ; try++ {
		made, err := c.create(ctx)
		if !client.Ambiguous(err) {
			return made, err
		}
		apply.Trouble(ctx, client.Cause(err), "looking whether it was created")
		found, proven, lookErr := b.look(ctx, func(ctx context.Context) (bool, error) {
			object, present, err := c.find(ctx)
			if present {
				made = object
			}
			return present, err
		})
		switch {
		case found:
			return made, nil
		case !proven:
			return made, fmt.Errorf("whether it was created could not be learned: %w", errors.Join(err, lookErr))
		case try == resends:
			return made, fmt.Errorf("was not created, looked for and not found: %s", err.Error())
		}
	}
}

// look asks find until it says yes or the settling time has passed. proven is true when every look succeeded at the end of
// that time: only then is absence a fact.
func (b *Backend) look(ctx context.Context, find func(context.Context) (bool, error)) (found, proven bool, err error) {
	deadline := time.Now().Add(time.Duration(b.opts.Settle) * b.opts.Tick)
	for backoff := b.opts.Tick; ; backoff = min(2*backoff, maxBackoff*b.opts.Tick) {
		found, err = find(ctx)
		if found || ctx.Err() != nil || errors.Is(err, client.ErrStopped) {
			return found, false, cmp.Or(ctx.Err(), err)
		}
		now := time.Now()
		if !now.Before(deadline) {
			return false, err == nil, err
		}
		if err := apply.Sleep(ctx, min(backoff, deadline.Sub(now))); err != nil {
			return false, false, err
		}
	}
}

// gone takes the absence of what was to be deleted as success.
func gone(err error) error {
	if errors.Is(err, client.ErrNotFound) {
		return nil
	}
	return err
}

// birth is what the order of twins is decided by. Twins are of one name, since two runs created it at once: each had listed no
// service orders, and now there are two.
type birth struct{ id, createdAt string }

// elderThan orders twins: by creation, as moments, since the API trims fractions of a second and texts do not compare; then
// by id, so that of two made in the same second exactly one is the elder. Whoever asks must have waited a second after its
// own creation: only then has every twin that could be the elder been made.
func (a birth) elderThan(b birth) bool {
	s, errS := time.Parse(time.RFC3339Nano, a.createdAt)
	t, errT := time.Parse(time.RFC3339Nano, b.createdAt)
	if errS != nil || errT != nil || s.Equal(t) {
		return a.id < b.id
	}
	return s.Before(t)
}
