package sim

import (
	"net/http"
	"sync"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// Server is one simulated organization. It is an http.Handler and, through Transport, an http.RoundTripper. It starts no
// goroutines: whatever happens over time is worked out from the clock when a request comes in. It is safe for concurrent use.
//
// What every simulator can is the embedded Stage's: ServeHTTP, Transport, Config, SetConfig, Advance, Now, Requests, ResetRequests.
type Server struct {
	*stage.Stage[Config]
	file   stage.File
	routes []route

	mu      sync.Mutex
	cfg     Config
	limiter stage.Limiter
	caller  Credentials
	current *state
	past    []version // the versions stale reads may still ask for, oldest first
}

// Option adjusts a Server under construction.
type Option func(*stage.API[Config])

// WithClock replaces time.Now as the source of the simulated time, to which Advance still adds.
func WithClock(now func() time.Time) Option {
	return func(api *stage.API[Config]) { api.Clock = now }
}

// WithHook has fn called for every request under /v1, counted from 1: with phase "before" ahead of its execution, and "after"
// once its effect is kept and before it is answered. fn runs outside every lock and may use the Server; a test that wants to
// know what survives a crash at request n stops its program there.
func WithHook(fn func(phase string, n int, r *http.Request)) Option {
	return func(api *stage.API[Config]) { api.Hook = fn }
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
	api := s.api()
	for _, opt := range opts {
		opt(&api)
	}
	s.Stage = stage.New(api)
	s.SetConfig(cfg)
	s.found()
	return s
}

// found fills the Server with a fresh organization.
func (s *Server) found() {
	now := s.Now()
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
