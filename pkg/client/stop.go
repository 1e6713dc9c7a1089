package client

import (
	"context"
	"errors"
)

// ErrStopped is matched by the error of a call that was not sent, or not sent again, because it was told to begin nothing
// more (WithBegin). Such a call has had no effect.
var ErrStopped = errors.New("the run was stopped")

type beginKey struct{}

// WithBegin returns a context under which nothing more is sent once begin has ended: a try that waits for its turn, for the
// pause that the API asks for, or after a failure, ends with ErrStopped. One that has been sent is waited for, as long as the
// context itself lasts.
func WithBegin(ctx, begin context.Context) context.Context {
	return context.WithValue(ctx, beginKey{}, begin)
}

// hold waits until a try may be sent: for what the retry policy demands, and for its turn at the limiter.
func (x *exchange) hold(ctx context.Context) error {
	begin, ok := ctx.Value(beginKey{}).(context.Context) //nolint:contextcheck // carried along, not inherited
	if !ok {
		begin = ctx
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(begin, cancel)()
	err := begin.Err()
	if err == nil && x.wait > instant {
		err = sleep(waiting, x.wait-instant)
	}
	if err == nil {
		err = x.turn(ctx, waiting)
	}
	if err != nil && ctx.Err() == nil {
		return ErrStopped
	}
	return err
}

// turn waits at the limiter, and says so to whoever watches.
func (x *exchange) turn(ctx, waiting context.Context) error {
	held := false
	defer func() {
		if held {
			x.client.options.held(ctx, false)
		}
	}()
	return x.client.limiter.wait(waiting, func() {
		held = true
		x.client.options.held(ctx, true)
	})
}
