package sim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Server is one simulated organization. It is an http.Handler and, through Transport, an http.RoundTripper. It starts no
// goroutines: whatever happens over time is worked out from the clock when a request comes in. It is safe for concurrent use.
type Server struct {
	clock func() time.Time
	hook  func(phase string, n int, r *http.Request)
	file  string // empty: nothing is kept

	routes []route

	mu      sync.Mutex
	cfg     Config
	offset  time.Duration // of the simulated clock before clock
	caller  Credentials
	current *state
	past    []version // the versions stale reads may still ask for, oldest first
	windows map[string]window
	faults  []faultRule
	log     []Request
	count   int // requests under /v1 so far
}

// Option adjusts a Server under construction.
type Option func(*Server)

// WithClock replaces time.Now as the source of the simulated time, to which Advance still adds.
func WithClock(now func() time.Time) Option {
	return func(s *Server) { s.clock = now }
}

// WithHook has fn called for every request under /v1, counted from 1: with phase "before" ahead of its execution, and "after"
// once its effect is kept and before it is answered. fn runs outside every lock and may use the Server; a test that wants to
// know what survives a crash at request n stops its program there.
func WithHook(fn func(phase string, n int, r *http.Request)) Option {
	return func(s *Server) { s.hook = fn }
}

// Credentials are the API key a Server is born with: enabled, admin, open to every address.
type Credentials struct {
	KeyID          string `json:"keyId"`
	KeySecret      string `json:"keySecret"`
	OrganizationID string `json:"organizationId"`
}

// New makes a fresh organization that is kept nowhere. It has one accepted admin member and one admin key, the caller's.
func New(cfg Config, opts ...Option) *Server {
	s := &Server{clock: time.Now, routes: routes()}
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
		Organization: organization{ID: newID(), Name: "Sandbox", CreatedAt: now, PrivateEndpoints: []privateEndpoint{}, EnableCoreDumps: true},
		Roles:        newRoles(now),
		Services:     []*service{},
		Invitations:  []*invitation{},
	}
	s.caller = Credentials{KeyID: newKeyID(), KeySecret: newKeySecret(), OrganizationID: st.Organization.ID}
	st.Members = []*member{{
		UserID: newID(), Name: "Sandbox Admin", Email: "admin@example.com", JoinedAt: now, grants: st.legacyGrants([]string{legacyAdmin}),
	}}
	st.Keys = []*key{{
		ID: newID(), Name: "sandbox", State: keyEnabled, CreatedAt: now, IPAccessList: []ipEntry{{Source: "0.0.0.0/0"}},
		KeySuffix: suffix(s.caller.KeyID), KeyIDHash: sha256Base64(s.caller.KeyID), KeySecretHash: sha256Base64(s.caller.KeySecret),
		grants: st.legacyGrants([]string{legacyAdmin}),
	}}
	st.Activities = []*activity{{
		ID: newID(), CreatedAt: now, Type: "create_organization", ActorType: actorUser, ActorID: st.Members[0].UserID,
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
	s.windows = map[string]window{}
	s.faults = make([]faultRule, len(cfg.Faults))
	for i, f := range cfg.Faults {
		s.faults[i] = newFaultRule(f)
	}
}

// Advance moves the simulated clock forward. Time never moves back: a negative d does nothing. The state file learns of it with
// the next write.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += max(d, 0)
}

// time is now for whoever does not hold the lock.
func (s *Server) time() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// now is the simulated time, in the precision the API shows.
func (s *Server) now() time.Time {
	return s.clock().Add(s.offset).UTC().Truncate(time.Millisecond)
}

// Request is one entry of the request log.
type Request struct {
	N         int       `json:"n"` // counted from 1 over the life of the Server
	At        time.Time `json:"at"`
	Method    string    `json:"method"`
	Path      string    `json:"path"` // as sent, escapes included
	Query     string    `json:"query,omitempty"`
	Status    int       `json:"status,omitempty"` // 0 when the connection was cut before a reply
	KeySuffix string    `json:"keySuffix,omitempty"`
	UserAgent string    `json:"userAgent,omitempty"`
	Fault     FaultKind `json:"fault,omitempty"`
	// Body is the JSON body of the request with its secrets replaced by "[redacted]".
	Body json.RawMessage `json:"body,omitempty"`
}

// maxLog bounds the memory a long-lived sandbox spends on its request log.
const maxLog = 20_000

// Requests are the requests under /v1 since the last reset, in the order they were answered; the latest 20,000 are kept.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// ResetRequests empties the request log. The numbering goes on.
func (s *Server) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}

func (s *Server) record(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.log) >= maxLog {
		s.log = slices.Delete(s.log, 0, maxLog/10)
	}
	s.log = append(s.log, r)
}

// redacted is a body fit for the log: hashes of secrets are as good as secrets to somebody with time.
func redacted(body []byte) json.RawMessage {
	if len(body) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return json.RawMessage(`"<not JSON>"`)
	}
	redact(value)
	text, err := json.Marshal(value)
	if err != nil {
		return json.RawMessage(`"<not JSON>"`)
	}
	return text
}

func redact(value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			switch name {
			case "newPasswordHash", "newDoubleSha1Hash", "keyIdHash", "keySecretHash", "password", "keySecret":
				v[name] = "[redacted]"
			default:
				redact(inner)
			}
		}
	case []any:
		for _, inner := range v {
			redact(inner)
		}
	}
}
