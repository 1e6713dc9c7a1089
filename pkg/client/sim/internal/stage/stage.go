// Package stage is what the simulators stand on: whatever of them knows no API. It carries a request through its life (fault
// chosen, latency, execution, fault realised, log), answers over HTTP and in process, and keeps the clock, the rate-limit
// windows, the request log and the state file. What a request means, and how the API words a refusal, is the API's.
package stage

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// API is what a simulator, whose configuration is a C, brings to its stage. None of its functions is called under a lock of the
// stage.
type API[C any] struct {
	// Serves tells whether a path belongs to the API; Elsewhere answers for the rest of the host.
	Serves    func(path string) bool
	Elsewhere func() Reply
	// Execute carries out one request, whose body is read already, or could not be.
	Execute func(r *http.Request, body []byte, bodyErr error, ip netip.Addr) Reply
	// Refusal is a refusal in the words of the API. Where wait is not 0, it says after which time to come again.
	Refusal func(status int, text string, wait time.Duration) Reply
	// Hollow is a reply whose list has objects without fields.
	Hollow func(Reply) Reply
	// Caller is what the log shows of the credentials of a request.
	Caller func(*http.Request) string
	// Secret tells whether a field of a request body is kept out of the log.
	Secret func(name string) bool
	// Control finds an operation of the control API that is this simulator's own.
	Control func(method, path string) (Control, bool)
	// Configure puts a configuration into force, and gives the part of it that the stage carries out.
	Configure func(C) Settings
	// Faults is where a configuration has its fault rules.
	Faults func(*C) *[]Fault
	// Save writes the state file, so that it learns of the time.
	Save func() error

	Clock func() time.Time // the host's, if nil
	Hook  Hook             // may be nil
}

// Settings are the part of a simulator's configuration that the stage carries out.
type Settings struct {
	Faults  []Fault
	Seed    int64
	Latency time.Duration
}

// Hook is called for every request of the API, counted from 1: with phase "before" ahead of its execution, and "after" once its
// effect is kept and before it is answered. It runs outside every lock.
type Hook func(phase string, n int, r *http.Request)

// Stage is what simulators embed: its methods are theirs. It is safe for concurrent use.
type Stage[C Configuration] struct {
	api API[C]

	configuring sync.Mutex // so that simulator and stage have the same configuration in force

	mu       sync.Mutex
	cfg      C
	settings Settings
	offset   time.Duration // of the simulated clock before the host's
	faults   []faultRule
	log      []Request
	count    int // requests of the API so far
}

// Configuration is all that can be bent of a simulator.
type Configuration interface{ Validate() error }

// New makes a stage for an API.
func New[C Configuration](api API[C]) *Stage[C] {
	if api.Clock == nil {
		api.Clock = time.Now
	}
	return &Stage[C]{api: api}
}

// Config is the configuration in force.
func (s *Stage[C]) Config() C {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg
}

// SetConfig replaces the configuration; whatever counts requests starts anew: faults, rate-limit windows. A configuration that
// Validate refuses must not be given.
func (s *Stage[C]) SetConfig(cfg C) {
	s.configuring.Lock()
	defer s.configuring.Unlock()
	settings := s.api.Configure(cfg)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg, s.settings = cfg, settings
	s.faults = make([]faultRule, len(settings.Faults))
	for i, f := range settings.Faults {
		s.faults[i] = faultRule{Fault: f, path: Glob(f.Path)}
	}
}

// Advance moves the simulated clock forward. Time never moves back: a negative d does nothing. The state file learns of it with
// the next write.
func (s *Stage[C]) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += max(d, 0)
}

// Offset is by how much the simulated clock is ahead; a state file keeps it.
func (s *Stage[C]) Offset() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offset
}

// Now is the simulated time, in the precision that APIs show.
func (s *Stage[C]) Now() time.Time {
	return s.api.Clock().Add(s.Offset()).UTC().Truncate(time.Millisecond)
}

// serveAPI carries one request through its life.
func (s *Stage[C]) serveAPI(r *http.Request, ip netip.Addr) Reply {
	ctx := r.Context()
	body, bodyErr := ReadBody(r)
	entry := Request{
		At: s.Now(), Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, KeySuffix: s.api.Caller(r),
		UserAgent: r.UserAgent(), Body: s.redacted(body),
	}

	s.mu.Lock()
	s.count++
	entry.N = s.count
	fault := s.chooseFault(r.Method, entry.Path)
	latency := s.settings.Latency
	s.mu.Unlock()

	if fault != nil {
		entry.Fault = fault.Kind
	}
	if s.api.Hook != nil {
		s.api.Hook("before", entry.N, r)
	}
	rep := s.executed(ctx, r, body, bodyErr, ip, fault, latency)
	if s.api.Hook != nil {
		s.api.Hook("after", entry.N, r)
	}
	if !rep.Cut {
		entry.Status = rep.Status
		rep.Header.Set("Date", s.Now().Format(http.TimeFormat))
	}
	s.record(entry)
	return rep
}

// executed answers the request as the fault, if any, would have it.
func (s *Stage[C]) executed(ctx context.Context, r *http.Request, body []byte, bodyErr error, ip netip.Addr, fault *Fault, latency time.Duration) Reply {
	if err := pause(ctx, latency); err != nil {
		return Reply{Cut: true} // the client has gone; nothing was executed
	}
	if fault != nil {
		if rep, instead := s.before(fault); instead {
			return rep
		}
	}
	rep := s.api.Execute(r, body, bodyErr, ip)
	if fault == nil {
		return rep
	}
	if fault.Kind == FaultSlow {
		if err := pause(ctx, fault.Delay); err != nil {
			return Reply{Cut: true} // executed, and the client did not wait for the answer
		}
	}
	return s.after(fault, rep)
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
