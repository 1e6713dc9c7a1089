package sim

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// States of a service.
const (
	stateProvisioning     = "provisioning"
	stateStarting         = "starting"
	stateStopping         = "stopping"
	stateTerminating      = "terminating"
	stateAwaking          = "awaking"
	statePartiallyRunning = "partially_running"
	stateRunning          = "running"
	stateStopped          = "stopped"
	stateTerminated       = "terminated" // never shown: the service is gone
	stateDegraded         = "degraded"
	stateFailed           = "failed"
	stateIdle             = "idle"
	stateSoftdeleting     = "softdeleting"
)

// deletable are the states in which DELETE is accepted, in the order of the API's error text.
var deletable = []string{stateProvisioning, stateStarting, stateAwaking, stateIdle, stateStopped, stateDegraded, stateFailed}

// stateActivities are the activities of states that services enter by themselves.
var stateActivities = map[string]string{
	stateRunning:          "service_running",
	statePartiallyRunning: "service_partially_running",
	stateIdle:             "service_idle",
}

// stateAt is the state of the service at a time, whether or not settle has seen it yet.
func (s *service) stateAt(at time.Time) string {
	state := s.State
	for _, t := range s.Pending {
		if !t.At.After(at) {
			state = t.State
		}
	}
	return state
}

// settle enters the states that are due. It gives the service as it is then, nil if it is gone, and what was entered.
func (s *service) settle(now time.Time, cfg Config) (*service, []transition) {
	due := 0
	for due < len(s.Pending) && !s.Pending[due].At.After(now) {
		due++
	}
	if due == 0 && !s.idles(now, cfg) {
		return s, nil
	}
	changed := *s
	entered := s.Pending[:due:due]
	if due > 0 {
		changed.Pending = s.Pending[due:]
		changed.State, changed.Since = entered[due-1].State, entered[due-1].At
	}
	if changed.idles(now, cfg) {
		changed.State, changed.Since = stateIdle, changed.idleAt()
		entered = append(entered, transition{At: changed.Since, State: stateIdle})
	}
	if changed.State == stateTerminated {
		return nil, entered
	}
	return &changed, entered
}

// idles tells whether a running service has been left alone for its idle timeout.
func (s *service) idles(now time.Time, cfg Config) bool {
	return cfg.AutoIdle && s.State == stateRunning && len(s.Pending) == 0 && s.IdleScaling && !s.idleAt().After(now)
}

func (s *service) idleAt() time.Time {
	return s.Since.Add(time.Duration(s.IdleTimeoutMinutes) * time.Minute)
}

// enter puts the service into a state now, to be followed by others after the given delays. Steps without delay are taken at
// once, so that an API without delays never shows a transitional state.
func (s *service) enter(now time.Time, first string, steps ...step) {
	s.State, s.Since, s.Pending = first, now, nil
	at := now
	for _, next := range steps {
		at = at.Add(next.after)
		if at.Equal(now) {
			s.State = next.state
			continue
		}
		s.Pending = append(s.Pending, transition{At: at, State: next.state})
	}
}

// step is a state entered some time after the one before.
type step struct {
	after time.Duration
	state string
}

// upAfter are the steps from a state that lasts for a while to running.
func (d Delays) upAfter(first time.Duration) []step {
	if d.Warmup == 0 {
		return []step{{first, stateRunning}}
	}
	return []step{{first, statePartiallyRunning}, {d.Warmup, stateRunning}}
}

// commandService handles PATCH state.
func commandService(c *call) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	f, err := parseBody(c.body)
	if err != nil {
		return nil, err
	}
	commands := []string{"start", "stop", "awake"}
	if c.cfg.OldAPI {
		commands = commands[:2]
	}
	f.require("command")
	command := f.enum("command", commands...)
	if err := f.done(c.cfg.Lenient); err != nil {
		return nil, err
	}
	changed := *svc
	activity, err := c.command(&changed, *command)
	if err != nil {
		return nil, err
	}
	if activity != "" {
		replace(c.st.Services, svc, &changed)
		c.did(doneTo(svc, activity)...)
	}
	return c.viewService(&changed), nil
}

// command carries out a state command and gives the activity it is logged as; none when it has nothing to do.
func (c *call) command(svc *service, command string) (activity string, err error) {
	state := svc.stateAt(c.now)
	delays := c.cfg.Delays
	switch {
	case command == "start" && state == stateStopped:
		svc.enter(c.now, stateStarting, delays.upAfter(delays.Start)...)
		return "service_start", nil
	case command == "start" && state == stateIdle:
		return "", nil // start does not wake
	case command == "stop" && slices.Contains([]string{stateRunning, stateIdle, statePartiallyRunning}, state):
		if svc.IsPrimary && c.secondaries(svc) > 0 {
			return "", refuse(cmp.Or(c.cfg.Statuses.PrimaryInUse, http.StatusBadRequest),
				"a primary service cannot be stopped while its warehouse has other services")
		}
		svc.enter(c.now, stateStopping, step{delays.Stop, stateStopped})
		svc.DeleteFrom = c.now.Add(delays.Stop + delays.DeleteRefusal)
		return "service_stop", nil
	case command == "awake" && state == stateIdle:
		svc.enter(c.now, stateAwaking, step{delays.Awake, stateRunning})
		return "service_awaken", nil
	case command == "awake" && (state == stateRunning || state == stateAwaking):
		return "", nil
	}
	return "", refuse(cmp.Or(c.cfg.Statuses.StateCommand, http.StatusConflict), "cannot %s a service in state '%s'", command, state)
}

// secondaries counts the other services of the warehouse, those on their way out included.
func (c *call) secondaries(primary *service) int {
	n := 0
	for _, s := range c.st.Services {
		if s.ID != primary.ID && s.DataWarehouseID == primary.DataWarehouseID && s.stateAt(c.now) != stateTerminated {
			n++
		}
	}
	return n
}

// deleteService handles DELETE: only in some states, not for a while after a stop, and secondaries first.
func deleteService(c *call) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	state := svc.stateAt(c.now)
	if state == stateStopped && c.now.Before(svc.DeleteFrom) {
		// The service shows stopped already, the part of the platform that deletes does not know it yet.
		state = stateStopping
	}
	if !slices.Contains(deletable, state) {
		return nil, conflict("Only instance in one of the following states: '%s' can be terminated. Current state: '%s'",
			strings.Join(deletable, "','"), state)
	}
	if svc.IsPrimary && c.secondaries(svc) > 0 {
		return nil, refuse(cmp.Or(c.cfg.Statuses.PrimaryInUse, http.StatusBadRequest),
			"a primary service cannot be deleted while its warehouse has other services")
	}
	changed := *svc
	changed.enter(c.now, stateTerminating, step{c.cfg.Delays.Delete, stateTerminated})
	c.did(doneTo(svc, "service_delete")...)
	if changed.State == stateTerminated {
		c.st.Services = remove(c.st.Services, svc)
	} else {
		replace(c.st.Services, svc, &changed)
	}
	return nil, nil
}

// provisioned refuses requests that need a service past its creation, or not on its way out.
func (c *call) provisioned(svc *service) error {
	if svc.stateAt(c.now) == stateProvisioning {
		return unless(c.cfg.Statuses.Provisioning, http.StatusConflict, "not possible while the service is '%s'", stateProvisioning)
	}
	return c.present(svc)
}

// present refuses writes to a service that is on its way out.
func (c *call) present(svc *service) error {
	switch state := svc.stateAt(c.now); state {
	case stateTerminating, stateSoftdeleting:
		return conflict("not possible while the service is '%s'", state)
	default:
		return nil
	}
}
