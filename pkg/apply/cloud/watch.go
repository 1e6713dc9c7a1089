package cloud

import (
	"context"
	"errors"
	"sync"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
)

// watch shows services to all waits of one poll round out of one list request.
type watch struct {
	list func(context.Context) ([]cloudapi.Service, error)

	turn  chan struct{}               // holds the one turn to read; a channel and not a mutex, since waiting for it must end with a context
	mu    sync.Mutex                  // of what follows; never held during a request
	round map[string]cloudapi.Service // by id; nil until read in this round
	told  map[string]cloudapi.Service // replies of our own calls since the round began, newer than the list
}

func newWatch(list func(context.Context) ([]cloudapi.Service, error)) *watch {
	w := &watch{list: list, turn: make(chan struct{}, 1)}
	w.turn <- struct{}{}
	return w
}

func (w *watch) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.round, w.told = nil, nil
}

// tell makes the reply of a call known to the wait that follows it.
func (w *watch) tell(s cloudapi.Service) {
	if s.ID == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told == nil {
		w.told = map[string]cloudapi.Service{}
	}
	w.told[s.ID] = s
}

// get gives a service as of this round; ok is false when the list does not hold it.
func (w *watch) get(ctx context.Context, id string) (s cloudapi.Service, ok bool, err error) {
	if s, ok := w.reply(id); ok {
		return s, true, nil
	}
	all, err := w.all(ctx)
	s, ok = all[id]
	return s, ok, err
}

func (w *watch) reply(id string) (cloudapi.Service, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.told[id]
	return s, ok
}

// all gives every service as of this round, by id. The map is shared and not to be changed.
func (w *watch) all(ctx context.Context) (map[string]cloudapi.Service, error) {
	select {
	case <-w.turn:
		defer func() { w.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if round := w.current(); round != nil {
		return round, nil
	}
	list, err := w.list(ctx)
	if err != nil {
		return nil, err
	}
	round := make(map[string]cloudapi.Service, len(list))
	for _, s := range list {
		round[s.ID] = s
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.round = round
	return round, nil
}

func (w *watch) current() map[string]cloudapi.Service {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.round
}

// until is a wait for a service to satisfy a condition. A service that the list does not hold counts as lagging behind
// (FACTS 11: a read right after a creation may miss it), unless absence is what is waited for.
func (w *watch) until(id func() string, done func(s cloudapi.Service, present bool) bool) func(context.Context) (apply.Readiness, error) {
	return func(ctx context.Context) (apply.Readiness, error) {
		s, ok, err := w.get(ctx, id())
		if refused(err) {
			return apply.Readiness{}, err
		}
		if err != nil {
			return apply.Readiness{State: "not readable at the moment"}, nil //nolint:nilerr // the next round asks again
		}
		state := string(s.State)
		if !ok {
			state = "not listed"
		}
		return apply.Readiness{Done: done(s, ok), State: state}, nil
	}
}

// refused reports that the API will not answer however often it is asked.
func refused(err error) bool {
	return errors.Is(err, client.ErrUnauthorized) || errors.Is(err, client.ErrForbidden)
}
