package sim

import "time"

// version is a state and the simulated time at which it became the current one.
type version struct {
	at time.Time
	st *state
}

// commit makes st the current version.
func (s *Server) commit(st *state, now time.Time) {
	s.current = st
	s.past = append(s.past, version{at: now, st: st})
	// Keep the newest version that a read with the longest lag can ask for, and everything after it.
	keep := 0
	for i, v := range s.past {
		if !v.at.After(now.Add(-s.cfg.Delays.Lag)) {
			keep = i
		}
	}
	s.past = append([]version(nil), s.past[keep:]...)
}

// asOf is the version that was current at a time.
func (s *Server) asOf(at time.Time) *state {
	found := s.past[0].st
	for _, v := range s.past {
		if !v.at.After(at) {
			found = v.st
		}
	}
	return found
}

// settle lets happen what time has brought about since the last request.
func (s *Server) settle(now time.Time) {
	var next *state
	for _, svc := range s.current.Services {
		changed, entered := svc.settle(now, s.cfg)
		if len(entered) == 0 {
			continue
		}
		if next == nil {
			next = s.current.clone()
		}
		if changed == nil {
			next.Services = remove(next.Services, svc)
		} else {
			replace(next.Services, svc, changed)
		}
		for _, t := range entered {
			if kind, ok := stateActivities[t.State]; ok {
				next.record(activity{Type: kind, CreatedAt: t.At, ActorType: actorSystem, ActorID: "system", ServiceID: svc.ID})
			}
		}
	}
	if next != nil {
		s.commit(next, now)
	}
}
