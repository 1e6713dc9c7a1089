package cloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
)

// watch shows services to all waits of one poll round out of one list request.
type watch struct {
	list func(context.Context) ([]cloudapi.Service, error)
	tick time.Duration
	lag  time.Duration // how late a read may show what was written

	turn  chan struct{}               // holds the one turn to read; a channel and not a mutex, since waiting for it must end with a context
	mu    sync.Mutex                  // of what follows; never held during a request
	begun int                         // rounds so far
	round *listing                    // nil until read in this round
	last  map[string]cloudapi.Service // the last list, of whatever round
	told  map[string]cloudapi.Service // replies of our own calls since the round began, newer than the list
}

func newWatch(tick, lag time.Duration, list func(context.Context) ([]cloudapi.Service, error)) *watch {
	w := &watch{list: list, tick: tick, lag: lag, turn: make(chan struct{}, 1)}
	w.turn <- struct{}{}
	return w
}

// next begins a round, in which the list is read anew. A list that is known already is that of the round.
func (w *watch) next(known []cloudapi.Service) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun++
	w.round, w.told = nil, nil
	if known != nil {
		w.round = &listing{services: byID(known)}
		w.last = w.round.services
	}
}

// listing is a list of services and the last moment at which it was not asked for yet; the zero Time for one of long ago.
type listing struct {
	services map[string]cloudapi.Service // by id; shared and not to be changed
	asked    time.Time
}

func byID(all []cloudapi.Service) map[string]cloudapi.Service {
	out := make(map[string]cloudapi.Service, len(all))
	for _, s := range all {
		out[s.ID] = s
	}
	return out
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
	s, ok = all.services[id]
	return s, ok, err
}

// seen gives a service as a reply or a list has shown it last. It asks nobody.
func (w *watch) seen(id string) (cloudapi.Service, bool) {
	if s, ok := w.reply(id); ok {
		return s, true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.last[id]
	return s, ok
}

func (w *watch) reply(id string) (cloudapi.Service, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.told[id]
	return s, ok
}

// all gives every service as of this round.
func (w *watch) all(ctx context.Context) (listing, error) {
	select {
	case <-w.turn:
		defer func() { w.turn <- struct{}{} }()
	case <-ctx.Done():
		return listing{}, ctx.Err()
	}
	round, begun := w.current()
	if round != nil {
		return *round, nil
	}
	asked := time.Now()
	list, err := w.list(ctx)
	if err != nil {
		return listing{}, err
	}
	round = &listing{byID(list), asked}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = round.services
	if w.begun == begun { // else it is older than the round, and good for whoever has asked before that began
		w.round = round
	}
	return *round, nil
}

// observed reports whether the last list shows a service in one of some states. It asks nobody.
func (w *watch) observed(id string, states []cloudapi.State) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.last[id]
	return ok && slices.Contains(states, s.State)
}

func (w *watch) current() (round *listing, begun int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.round, w.begun
}

// ends are the states in which a wait for a service ends. In any other it is still on its way, except for those of absent,
// which are the end of everything.
type ends struct {
	good []cloudapi.State
	// bad are those from which it will not get to a good one by itself, with the ticks for which it has to be seen in one of
	// them without a break: at once where nothing else can show it, as long as reads may lag where it was in that state
	// before, and longer where it may pass through.
	bad map[cloudapi.State]int
	// gone says that absence is a good end.
	gone bool
}

// passing is how many ticks a service may be in a state that it should only pass through. A whole creation takes one to six
// minutes (FACTS 8.4).
const passing = 5 * 60

// leastLooks is how many lists in a row have to leave a service out before it counts as gone. In the settling time there are more,
// unless this machine has no time to look.
const leastLooks = 5

// until is a wait for a service to come to an end. That the list does not hold it means that reads lag behind (FACTS 11), and
// once that was so for the settling time, that it is gone.
func (w *watch) until(id func() string, e ends) func(context.Context) (apply.Readiness, error) {
	var last cloudapi.State
	var since time.Time // when it was first seen in the last state
	looks := 0          // since then
	return func(ctx context.Context) (apply.Readiness, error) {
		s, ok, err := w.get(ctx, id())
		if refused(err) {
			return apply.Readiness{}, err
		}
		if err != nil {
			return apply.Readiness{State: "not readable at the moment"}, nil //nolint:nilerr // the next round asks again
		}
		state := s.State
		if !ok {
			state = "not listed"
		}
		if state != last {
			last, since, looks = state, time.Now(), 0
		}
		looks++
		patience, bad := e.bad[state]
		stands := time.Since(since)
		switch {
		case ok && slices.Contains(e.good, state), !ok && e.gone:
			return apply.Readiness{Done: true, State: string(state)}, nil
		case !ok && stands >= w.lag && looks >= leastLooks:
			return apply.Readiness{}, errors.New("the service is gone: somebody else has deleted it")
		case bad && stands >= time.Duration(patience)*w.tick, !e.gone && slices.Contains(absent, state):
			return apply.Readiness{}, e.missed(state)
		}
		return apply.Readiness{State: string(state)}, nil
	}
}

// missed is the error of a wait that can no longer end well.
func (e ends) missed(state cloudapi.State) error {
	wanted := "gone"
	if !e.gone {
		wanted = string(e.good[0])
	}
	hint := "somebody else may have changed it; run again to see what is left"
	if slices.Contains(unhealthy, state) {
		hint = "see the console, then delete it or ask the vendor's support"
	}
	return fmt.Errorf("the service is %s, and %s was waited for: %s", state, wanted, hint)
}

// refused reports that the API will not answer however often it is asked.
func refused(err error) bool {
	return errors.Is(err, client.ErrUnauthorized) || errors.Is(err, client.ErrForbidden)
}
