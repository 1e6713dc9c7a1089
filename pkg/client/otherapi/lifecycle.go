package otherapi

import (
	"net/http"
	"slices"
	"time"
)

// stage is a state that lasts until a moment; the last one has no end.
type stage struct {
	state string
	until time.Time
}

// State is the service's present state.
func (s *Service) State() string { return s.stages[0].state }

// SetState puts it into a state for good.
func (s *Service) SetState(state string) { s.stages = []stage{{state: state}} }

// SetStages takes it through states that last so long each, and leaves it in the last one.
func (s *Service) SetStages(from time.Time, each time.Duration, states ...string) {
	s.stages = nil
	for i, state := range states {
		s.stages = append(s.stages, stage{state, from.Add(each * time.Duration(i+1))})
	}
}

func (s *Service) gone() bool { return s.State() == "terminated" }

func (s *Service) up() bool {
	return slices.Contains([]string{"running", "idle", "stopped"}, s.State())
}

// settle lets the time that has passed have its effect.
func (s *Server) settle() {
	now := s.now()
	for _, service := range s.org.Services {
		for len(service.stages) > 1 && !now.Before(service.stages[0].until) {
			if service.stages[0].state == "stopping" {
				service.stoppedAt = service.stages[0].until
			}
			service.stages = service.stages[1:]
		}
	}
	s.org.Services = slices.DeleteFunc(s.org.Services, func(service *Service) bool {
		return service.State() == "gone"
	})
}

func (s *Server) upState() string {
	if s.choices.IdlesAtOnce {
		return "idle"
	}
	return "running"
}

// command starts, stops or wakes.
func (c *call) command(service *Service) error {
	if err := c.only("command"); err != nil {
		return err
	}
	through := func(passing, final string) {
		service.stages = []stage{{passing, c.now.Add(c.choices.CommandTime)}, {state: final}}
	}
	state := service.State()
	switch command := text(c.body["command"]); {
	case command == "start" && state == "stopped":
		through("starting", c.upState())
	case command == "awake" && state == "idle":
		through("awaking", "running")
	case command == "start" && (state == "idle" || state == "running"), command == "awake" && (state == "running" || state == "awaking"):
		return nil
	case command == "stop" && slices.Contains([]string{"running", "idle", "partially_running"}, state):
		if c.org.secondaries(service) > 0 {
			return refuse(http.StatusBadRequest, "Others of the warehouse depend on this instance.")
		}
		if c.choices.StopsInIdle {
			through("stopping", "idle")
		} else {
			through("stopping", "stopped")
		}
	default:
		return refuse(http.StatusBadRequest, "Command %q means nothing to an instance that is %s.", command, state)
	}
	c.log("service_"+text(c.body["command"]), Object{"serviceId": service.ID})
	return nil
}

func (c *call) deleteService(service *Service) error {
	const conflict = "CONFLICT: Only instance in one of the following states: 'provisioning','starting','awaking','idle'," +
		"'stopped','degraded','failed' can be terminated. Current state: '%s'"
	if !slices.Contains([]string{"provisioning", "starting", "awaking", "idle", "stopped", "degraded", "failed"}, service.State()) {
		return refuse(http.StatusConflict, conflict, service.State())
	}
	if !service.stoppedAt.IsZero() && c.now.Before(service.stoppedAt.Add(c.choices.DeleteConflict)) {
		return refuse(http.StatusConflict, conflict, "stopping")
	}
	if c.org.secondaries(service) > 0 {
		return refuse(http.StatusBadRequest, "Others of the warehouse depend on this instance.")
	}
	done := c.now.Add(c.choices.CommandTime)
	service.stages = []stage{{"terminating", done}, {"terminated", done.Add(c.choices.Lingers)}, {state: "gone"}}
	c.log("service_delete", Object{"serviceId": service.ID})
	return nil
}
