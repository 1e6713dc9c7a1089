package locktera

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// Memory is the file name that keeps no state.
const Memory = stage.Memory

// Server is one simulated tree of organizations. It is an http.Handler and, through Transport, an http.RoundTripper, and safe
// for concurrent use.
//
// What every simulator can is the embedded Stage's: ServeHTTP, Transport, Config, SetConfig, Advance, Now, Requests, ResetRequests.
type Server struct {
	*stage.Stage[Config]
	file stage.File

	mu        sync.Mutex
	cfg       Config
	limiter   stage.Limiter
	caller    Credentials
	current   *state
	meanwhile []int // how many requests each Config.Meanwhile has met
}

// Option adjusts a Server under construction.
type Option func(*stage.API[Config])

// WithClock replaces time.Now as the source of the simulated time, to which Advance still adds.
func WithClock(now func() time.Time) Option {
	return func(api *stage.API[Config]) { api.Clock = now }
}

// WithHook has fn called for every request of the API, counted from 1: with phase "before" ahead of its execution, and "after"
// once its effect is kept and before it is answered. fn runs outside every lock and may use the Server.
func WithHook(fn func(phase string, n int, r *http.Request)) Option {
	return func(api *stage.API[Config]) { api.Hook = fn }
}

// Credentials are the API key a Server is born with, which has the rights of its one person, an org_admin.
type Credentials struct {
	Key            string `json:"key"`
	OrganizationID string `json:"organizationId"`
}

// New makes a fresh organization that is kept nowhere. It has one admin, and one key of theirs, the caller's.
func New(cfg Config, opts ...Option) *Server {
	s := &Server{}
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
	st := &state{Calls: map[string]map[string]int{}}
	root := st.addNode(&node{ID: stage.NewID(), Name: "Sandbox", Role: roleOrg}, now)
	admin := st.addNode(&node{
		ID: stage.NewID(), ParentID: root.ID, Name: "Sandbox Admin", Role: roleOrgAdmin, FirstName: "Sandbox", LastName: "Admin",
		Email: "admin@example.com",
	}, now)
	root.AccessLog = []access{{Timestamp: now, UserID: admin.ID, Action: "LOGIN", Status: "SUCCESS", IP: stage.Loopback.String()}}
	secret := newSecret()
	st.Keys = []*apiKey{{
		ID: stage.NewID(), OrgID: root.ID, UserID: admin.ID, Name: "sandbox", CreatedAt: now,
		Permissions: []string{permitRead, permitWrite}, SecretHash: stage.SHA256Base64(secret),
	}}
	s.caller = Credentials{Key: secret, OrganizationID: root.ID}
	s.current = st
}

func newSecret() string { return stage.RandomText(48) }

// Credentials are those of the caller's key.
func (s *Server) Credentials() Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.caller
}

// Prefix is what stands before every path of the API.
func (s *Server) Prefix() string { return s.Config().prefix() }

// api is what the stage has to know of this API.
func (s *Server) api() stage.API[Config] {
	return stage.API[Config]{
		Serves: func(path string) bool { return serves(s.Config().prefix(), path) },
		Elsewhere: func() stage.Reply {
			return stage.NewReply(http.StatusOK, "text/html; charset=utf-8", []byte("<!DOCTYPE html>\n<title>Sign in</title>\n<div id=\"app\"></div>\n"))
		},
		Execute: s.execute,
		Refusal: func(status int, text string, wait time.Duration) stage.Reply {
			return s.Config().failure(&apiError{status: status, message: text, wait: wait})
		},
		Hollow:    hollow,
		Caller:    func(r *http.Request) string { return suffix(bearer(r)) },
		Secret:    func(string) bool { return false }, // the API takes none in bodies
		Control:   s.control,
		Configure: s.configure,
		Faults:    func(cfg *Config) *[]Fault { return &cfg.Faults },
		Save: func() error {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.save(s.current)
		},
	}
}

// configure puts a configuration into force. What is to happen meanwhile starts anew.
func (s *Server) configure(cfg Config) stage.Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg, s.limiter, s.meanwhile = cfg, stage.Limiter{}, make([]int, len(cfg.Meanwhile))
	return stage.Settings{Faults: cfg.Faults, Seed: cfg.Seed, Latency: cfg.latency()}
}

// serves tells whether a path belongs to the API. Without a prefix, the API and the web application share the root.
func serves(prefix, path string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	if !ok {
		return false
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	switch {
	case prefix != "":
		return rest == "" || strings.HasPrefix(rest, "/")
	default:
		return first == "orgs" || first == "org" || first == "me"
	}
}

func suffix(secret string) string { return secret[max(len(secret)-4, 0):] }

// apiName tells the state files of this simulator from those of others.
const apiName = "locktera"

// stateFile is what a sandbox keeps, the caller's key in plain text included.
type stateFile struct {
	stage.Head
	Credentials Credentials    `json:"credentials"`
	ClockOffset stage.Duration `json:"clockOffset"`
	State       *state         `json:"state"`
}

// Open is New with the state kept in a file, which is written atomically, with mode 0600, after each request that changes
// something. A file that does not exist begins as a fresh organization and is written at once; Memory keeps nothing. One
// process at a time may have a file open: of two, the later to write wins.
func Open(file string, cfg Config, opts ...Option) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("open sandbox: %w", err)
	}
	s := New(cfg, opts...)
	if file == Memory {
		return s, nil
	}
	s.file = stage.FileAt(file)
	var kept stateFile
	switch err := stage.ReadState(file, apiName, &kept); {
	case errors.Is(err, fs.ErrNotExist):
		if err := s.save(s.current); err != nil {
			return nil, fmt.Errorf("open sandbox: %w", err)
		}
		return s, nil
	case err != nil:
		return nil, fmt.Errorf("open sandbox: %w", err)
	case kept.State == nil || kept.State.Calls == nil || kept.Credentials.Key == "":
		return nil, fmt.Errorf("open sandbox: %s is a damaged sandbox state file: it holds no organization", file)
	}
	s.Advance(time.Duration(kept.ClockOffset))
	s.caller, s.current = kept.Credentials, kept.State
	return s, nil
}

// save writes a state to the file, if there is one, before it becomes the current one.
func (s *Server) save(st *state) error {
	return s.file.Write(stateFile{
		stage.Head{Format: stage.Format, API: apiName}, s.caller, stage.Duration(s.Offset()), st,
	})
}
