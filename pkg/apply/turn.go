package apply

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"
)

// turn is a change's share in a run: one of the slots for calls, taken while it has a call under way, and the word that
// nothing more is to begin. The context of every step carries it.
type turn struct {
	slots *semaphore.Weighted
	begin context.Context // ends when nothing more may begin: the run is stopped, or the time of the step is over
	held  bool
}

type turnKey struct{}

func turnOf(ctx context.Context) *turn {
	t, _ := ctx.Value(turnKey{}).(*turn)
	return t
}

// take gets the slot, unless nothing more may begin.
func (t *turn) take() error {
	if t.slots.Acquire(t.begin, 1) != nil {
		return errInterrupted
	}
	t.held = true
	return nil
}

// give gives the slot back, if it is held.
func (t *turn) give() {
	if t.held {
		t.held = false
		t.slots.Release(1)
	}
}

// Sleep lets a step pause: its slot is given back for the time, so that a change that only waits keeps no other from its
// call. It fails when its context ends, and when the run is told to begin nothing more. Outside of a run it just sleeps.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	return pause(ctx, timer.C)
}

// Await is a Sleep until something has happened elsewhere: a channel is closed.
func Await(ctx context.Context, happened <-chan struct{}) error { return pause(ctx, happened) }

func pause[T any](ctx context.Context, until <-chan T) error {
	t := turnOf(ctx)
	if t == nil {
		t = &turn{slots: semaphore.NewWeighted(1), begin: context.Background()}
	}
	t.give()
	select {
	case <-until:
		return t.take()
	case <-ctx.Done():
		return ctx.Err()
	case <-t.begin.Done():
		return errInterrupted
	}
}

// Begin gives, for the context of a step, the one that ends when nothing more may be begun, for a transport that would
// otherwise wait to send something. Outside of a run it never ends.
func Begin(ctx context.Context) context.Context {
	if t := turnOf(ctx); t != nil {
		return t.begin
	}
	return context.Background()
}

// Finish gives, for the context of a step, the one of what has to follow a write that was sent: it goes on, pauses and all, when the
// run is told to begin nothing more, since nobody else will know what the write has done. It keeps its slot meanwhile.
func Finish(ctx context.Context) context.Context {
	return context.WithValue(ctx, turnKey{}, &turn{slots: semaphore.NewWeighted(1), begin: ctx})
}

// stopError is a call that was not made, or a wait that was given up, since the run was told to begin nothing more.
type stopError string

func (e stopError) Error() string { return string(e) }

// Stopped tells it from errors of the API.
func (stopError) Stopped() bool { return true }

const (
	errInterrupted = stopError("not begun: the run was stopped")
	errAbandoned   = stopError("the run was stopped while waiting; it may still complete: run again to see")
)

// stopped reports that something was not done since the run was told to begin nothing more. Transports have errors of their
// own for that.
func stopped(err error) bool {
	var s interface{ Stopped() bool }
	return errors.As(err, &s) && s.Stopped()
}

// ambiguous reports that the API may have carried out a call that failed.
func ambiguous(err error) bool {
	var a interface{ Ambiguous() bool }
	return errors.As(err, &a) && a.Ambiguous()
}

// uncertain reports whether an error leaves open what the API has done or is doing.
func uncertain(err error) bool {
	var late *TimeoutError
	return ambiguous(err) || errors.As(err, &late) || stopped(err) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
