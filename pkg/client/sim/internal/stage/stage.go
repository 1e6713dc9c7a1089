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

// API is what a simulator brings to its stage. None of its functions is called under a lock of the stage.
type API struct {
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

// Stage is safe for concurrent use. Clock and Hook are set before the first request, if at all.
type Stage struct {
	Clock func() time.Time
	Hook  Hook

	api API

	mu       sync.Mutex
	settings Settings
	offset   time.Duration // of the simulated clock before Clock
	windows  map[string]window
	faults   []faultRule
	log      []Request
	count    int // requests of the API so far
}

// New makes a stage for an API, on the clock of the host.
func New(api API) *Stage { return &Stage{Clock: time.Now, api: api} }

// Configure replaces the settings; fault counters and rate-limit windows start anew.
func (s *Stage) Configure(settings Settings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings = settings
	s.windows = map[string]window{}
	s.faults = make([]faultRule, len(settings.Faults))
	for i, f := range settings.Faults {
		s.faults[i] = faultRule{Fault: f, path: Glob(f.Path)}
	}
}

// Advance moves the simulated clock forward. Time never moves back: a negative d does nothing.
func (s *Stage) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += max(d, 0)
}

// Offset is by how much the simulated clock is ahead; a state file keeps it.
func (s *Stage) Offset() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offset
}

// Now is the simulated time, in the precision that APIs show.
func (s *Stage) Now() time.Time {
	return s.Clock().Add(s.Offset()).UTC().Truncate(time.Millisecond)
}

// serveAPI carries one request through its life.
func (s *Stage) serveAPI(r *http.Request, ip netip.Addr) Reply {
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
	if s.Hook != nil {
		s.Hook("before", entry.N, r)
	}
	rep := s.executed(ctx, r, body, bodyErr, ip, fault, latency)
	if s.Hook != nil {
		s.Hook("after", entry.N, r)
	}
	if !rep.Cut {
		entry.Status = rep.Status
		rep.Header.Set("Date", s.Now().Format(http.TimeFormat))
	}
	s.record(entry)
	return rep
}

// executed answers the request as the fault, if any, would have it.
func (s *Stage) executed(ctx context.Context, r *http.Request, body []byte, bodyErr error, ip netip.Addr, fault *Fault, latency time.Duration) Reply {
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
