package cloud

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
)

// watch shows services to all waits of one poll round out of one list request.
type watch struct {
	list func(context.Context) ([]cloudapi.Service, error)

	mu    sync.Mutex
	round map[string]cloudapi.Service // by id; nil until read in this round
	told  map[string]cloudapi.Service // replies of our own calls since the round began, newer than the list
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
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.told[id]; ok {
		return s, true, nil
	}
	if err := w.read(ctx); err != nil {
		return cloudapi.Service{}, false, err
	}
	s, ok = w.round[id]
	return s, ok, nil
}

// all gives every service as of this round, by id.
func (w *watch) all(ctx context.Context) (map[string]cloudapi.Service, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.read(ctx); err != nil {
		return nil, err
	}
	return maps.Clone(w.round), nil
}

func (w *watch) read(ctx context.Context) error {
	if w.round != nil {
		return nil
	}
	list, err := w.list(ctx)
	if err != nil {
		return err
	}
	w.round = make(map[string]cloudapi.Service, len(list))
	for _, s := range list {
		w.round[s.ID] = s
	}
	return nil
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
