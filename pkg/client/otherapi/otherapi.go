// Package otherapi is the ClickHouse Cloud API as somebody else would have written it. Tests import it, nothing else does.
//
// It shares no code with orgctl's own simulator and makes other choices wherever FACTS (docs/api-facts.md) leaves one, so
// that what orgctl takes for granted about the one shows on the other. It serves organizations, services with their
// backup configuration, keys, members, invitations, roles, activities and quotas; every other route gives 404.
//
// Some choices are made for good, because every client must cope with them:
//   - No error begins with a code word, but for texts that somebody has seen (FACTS 2).
//   - A secondary service answers 400 about its backup configuration, a primary on its way 404 (FACTS 5.10).
//   - currentScaling and the idle timeout of a service that does not idle are never what was configured (FACTS 5.7.4).
//   - An access list entry or tag without its optional part shows an empty one (FACTS 5.4, 5.5).
//   - The creation of a secondary shows no password, and a secondary's cannot be set (FACTS 5.9).
//   - Anything may have the name or address of anything else (FACTS 6.1, 6.3, 10).
//   - An invitation that has expired stays in the list (FACTS 6.3).
//   - A command in a state that it is not meant for is refused with 400, but start on idle and awake on running (FACTS 8.2).
//   - A key whose access list is empty or misses the caller gets 403 (FACTS 6.1).
//
// The rest is in Choices.
package otherapi

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Object is a JSON object by its wire names. Times are time.Time and numbers float64 until they are written.
type Object = map[string]any

// Server is one organization behind the API. It is safe for concurrent use; its clock is that of the process (simulated
// in a synctest bubble) plus Choices.Skew plus what Advance added.
type Server struct {
	choices Choices

	// Watch, where set, sees every request before it is answered; Denied says which get 403. They are called one at a time
	// and may not call the server. Set them before the first request.
	Watch  func(method, path string, body []byte)
	Denied func(method, path string) bool

	mu       sync.Mutex
	random   *rand.Rand
	advanced time.Duration
	admitted []time.Time // requests in the last window
	refused  int
	faulty   func(method, path string) Fault
	org      Org
}

// Org is the organization's state, which Edit changes as a console user would.
type Org struct {
	ID          string
	Fields      Object // name, createdAt, enableCoreDumps
	Endpoints   []Object
	Services    []*Service
	Keys        []*Key
	Members     []*Person
	Invitations []*Person
	Roles       []Role
	activities  []Object
	lastNumber  int
}

// Caller are the credentials of the key that a new server holds: an administrator's, for every address.
const (
	CallerID     = "QhBcJ2oXGm5VtZr8KwPd"
	CallerSecret = "4b1dR7mYpLx2NsTq9VcWfKg3HjBz5DeUa8XwGtQyMr" //nolint:gosec // opens this server and nothing else
)

// New makes an organization with one administrator, ops@example.com, and one key, the caller's.
func New(choices Choices) *Server {
	s := &Server{choices: choices, random: rand.New(rand.NewPCG(7, 11))} //nolint:gosec // a repeatable order is wanted, not a secret one
	if s.choices.SuffixLength == 0 {
		s.choices.SuffixLength = 4
	}
	o := &s.org
	o.ID = o.newID()
	o.Fields = Object{"name": "Elsewhere", "createdAt": s.now(), "enableCoreDumps": true}
	names := []string{"Admin", "Billing", "Member", "Org API reader"}
	if !choices.Roles.migrated() {
		names = []string{"Admin", "Developer", "Billing", "Member"}
	}
	for _, name := range names {
		o.Roles = append(o.Roles, Role{ID: o.newID(), Name: name, Type: "system"})
	}
	o.Members = []*Person{o.NewPerson("ops@example.com", "Admin")}
	o.Keys = []*Key{{
		ID: o.newID(), IDHash: hashed(CallerID), SecretHash: hashed(CallerSecret), Roles: []string{"Admin"},
		Fields: Object{
			"name": "orgctl", "state": "enabled", "createdAt": s.now(), "keySuffix": s.suffix(CallerID),
			"ipAccessList": []any{Object{"source": "0.0.0.0/0"}},
		},
	}}
	s.keepVersions()
	return s
}

// Edit changes the organization past the API.
func (s *Server) Edit(edit func(*Org)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	edit(&s.org)
	s.keepVersions()
}

// OrgID is the id of the organization.
func (s *Server) OrgID() string { return s.org.ID }

// Advance moves the server's clock alone.
func (s *Server) Advance(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advanced += by
}

// Break lets requests go wrong from now on, as the function says of each; nil ends that. It is called for one request at a
// time and may not call the server.
func (s *Server) Break(faulty func(method, path string) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faulty = faulty
}

// Refused counts the requests that were over the limit.
func (s *Server) Refused() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

func (s *Server) now() time.Time {
	t := time.Now().Add(s.choices.Skew + s.advanced).UTC()
	if s.choices.WholeSeconds {
		return t.Truncate(time.Second)
	}
	return t
}

// newID is a UUID that no earlier one resembles at its beginning.
func (o *Org) newID() string {
	o.lastNumber++
	return fmt.Sprintf("%08x-0a1b-4c2d-8e3f-%012x", o.lastNumber*0x9e3779b1&0xffffffff, o.lastNumber)
}

func (s *Server) letters(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[s.random.IntN(len(alphabet))]
	}
	return string(out)
}

// problem is a refusal: its status, and the text for a reader.
type problem struct {
	status int
	text   string
}

func (p *problem) Error() string { return p.text }

func refuse(status int, format string, args ...any) error {
	return &problem{status, fmt.Sprintf(format, args...)}
}

func unknown(what string) error { return refuse(http.StatusNotFound, "There is no such %s.", what) }

// call is one request on its way to an answer.
type call struct {
	*Server
	method string
	path   []string // below the organization
	query  map[string][]string
	body   Object
	key    *Key
	agent  string
	from   string
	now    time.Time
}

// deleted is the result of a deletion.
type deleted struct{}

// answer carries the request out. The result is an Object, a []Object or deleted.
func (c *call) answer() (any, error) {
	if len(c.path) == 0 {
		return c.organization()
	}
	if c.method != http.MethodGet && slices.Contains([]string{"keys", "members", "invitations"}, c.path[0]) {
		if err := c.needAdmin(); err != nil {
			return nil, err
		}
	}
	switch c.path[0] {
	case "services":
		return c.services()
	case "keys":
		return c.keys()
	case "members":
		return c.members()
	case "invitations":
		return c.invitations()
	case "roles":
		return c.roles()
	case "activities":
		return c.activities()
	case "quotas":
		return c.quotas()
	}
	return nil, unknown("route")
}

func (c *call) needAdmin() error {
	if !slices.Contains(c.key.Roles, "Admin") {
		return refuse(http.StatusForbidden, "You are not allowed to do this.")
	}
	return nil
}

// only refuses a body with other fields than these, on a strict server.
func (c *call) only(allowed ...string) error {
	if !c.choices.Strict {
		return nil
	}
	for name := range c.body {
		if !slices.Contains(allowed, name) {
			return refuse(http.StatusBadRequest, "Property %s is not expected.", name)
		}
	}
	return nil
}
