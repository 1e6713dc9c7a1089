package sim

import (
	"net/http"
	"sync"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// Server is one simulated organization. It is an http.Handler and, through Transport, an http.RoundTripper. It starts no
// goroutines: whatever happens over time is worked out from the clock when a request comes in. It is safe for concurrent use.
type Server struct {
	stage  *stage.Stage
	file   stage.File
	routes []route

	mu      sync.Mutex
	cfg     Config
	caller  Credentials
	current *state
	past    []version // the versions stale reads may still ask for, oldest first
}

// Option adjusts a Server under construction.
type Option func(*Server)

// WithClock replaces time.Now as the source of the simulated time, to which Advance still adds.
func WithClock(now func() time.Time) Option {
	return func(s *Server) { s.stage.Clock = now }
}

// WithHook has fn called for every request under /v1, counted from 1: with phase "before" ahead of its execution, and "after"
// once its effect is kept and before it is answered. fn runs outside every lock and may use the Server; a test that wants to
// know what survives a crash at request n stops its program there.
func WithHook(fn func(phase string, n int, r *http.Request)) Option {
	return func(s *Server) { s.stage.Hook = fn }
}

// Credentials are the API key a Server is born with: enabled, admin, open to every address.
type Credentials struct {
	KeyID          string `json:"keyId"`
	KeySecret      string `json:"keySecret"`
	OrganizationID string `json:"organizationId"`
}

// New makes a fresh organization that is kept nowhere. It has one accepted admin member and one admin key, the caller's.
func New(cfg Config, opts ...Option) *Server {
	s := &Server{routes: routes()}
	s.stage = stage.New(s.api())
	for _, opt := range opts {
		opt(s)
	}
	s.setConfig(cfg)
	s.found()
	return s
}

// found fills the Server with a fresh organization.
func (s *Server) found() {
	now := s.now()
	st := &state{
		Organization: organization{ID: stage.NewID(), Name: "Sandbox", CreatedAt: now, PrivateEndpoints: []*privateEndpoint{}, EnableCoreDumps: true},
		Roles:        newRoles(now),
		Services:     []*service{},
		Invitations:  []*invitation{},
	}
	s.caller = Credentials{KeyID: newKeyID(), KeySecret: newKeySecret(), OrganizationID: st.Organization.ID}
	st.Members = []*member{{
		UserID: stage.NewID(), Name: "Sandbox Admin", Email: "admin@example.com", JoinedAt: now, grants: st.legacyGrants([]string{legacyAdmin}),
	}}
	st.Keys = []*key{{
		ID: stage.NewID(), Name: "sandbox", State: keyEnabled, CreatedAt: now, IPAccessList: []ipEntry{{Source: "0.0.0.0/0"}},
		KeySuffix: suffix(s.caller.KeyID), KeyIDHash: stage.SHA256Base64(s.caller.KeyID), KeySecretHash: stage.SHA256Base64(s.caller.KeySecret),
		grants: st.legacyGrants([]string{legacyAdmin}),
	}}
	st.Activities = []*activity{{
		ID: stage.NewID(), CreatedAt: now, Type: "create_organization", ActorType: actorUser, ActorID: st.Members[0].UserID,
		ActorDetails: st.Members[0].Email, OrganizationID: st.Organization.ID,
	}}
	s.current = st
	s.past = []version{{at: now, st: st}}
}

// Credentials are those of the caller's admin key.
func (s *Server) Credentials() Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.caller
}

// Config is the configuration in force.
func (s *Server) Config() Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg
}

// SetConfig replaces the configuration; fault counters and rate-limit windows start anew. A Config that Validate refuses must
// not be given.
func (s *Server) SetConfig(cfg Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setConfig(cfg)
}

func (s *Server) setConfig(cfg Config) {
	s.cfg = cfg
	s.stage.Configure(stage.Settings{Faults: cfg.Faults, Seed: cfg.Seed, Latency: cfg.Delays.Latency})
}

// Advance moves the simulated clock forward. Time never moves back: a negative d does nothing. The state file learns of it with
// the next write.
func (s *Server) Advance(d time.Duration) { s.stage.Advance(d) }

// now is the simulated time, in the precision the API shows.
func (s *Server) now() time.Time { return s.stage.Now() }

// Requests are the requests under /v1 since the last reset, in the order they were answered; the latest 20,000 are kept.
func (s *Server) Requests() []Request { return s.stage.Requests() }

// ResetRequests empties the request log. The numbering goes on.
func (s *Server) ResetRequests() { s.stage.ResetRequests() }
