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
	"strings"
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

// organization answers for the organization itself.
func (c *call) organization() (any, error) {
	switch c.method {
	case http.MethodGet:
		return c.org.object(), nil
	case http.MethodPatch:
		before := c.org.object()
		if err := c.patchOrganization(); err != nil {
			return nil, err
		}
		if c.choices.StaleReplies {
			return before, nil
		}
		return c.org.object(), nil
	}
	return nil, unknown("route")
}

func (o *Org) object() Object {
	return Object{
		"id": o.ID, "name": o.Fields["name"], "createdAt": o.Fields["createdAt"], "enableCoreDumps": o.Fields["enableCoreDumps"],
		"privateEndpoints": list(o.Endpoints), "byocConfig": nil,
	}
}

func (c *call) patchOrganization() error {
	if err := c.needAdmin(); err != nil {
		return err
	}
	if err := c.only("name", "privateEndpoints", "enableCoreDumps"); err != nil {
		return err
	}
	name, hasName := c.body["name"].(string)
	if hasName && strings.TrimSpace(name) == "" {
		return refuse(http.StatusBadRequest, "An organization needs a name.")
	}
	remove, add := patchLists(c.body["privateEndpoints"])
	endpoints := slices.Clone(c.org.Endpoints)
	for _, gone := range remove {
		endpoints = slices.DeleteFunc(endpoints, func(have Object) bool { return sameEndpoint(have, gone) })
	}
	for _, fresh := range add {
		if text(fresh["id"]) == "" || text(fresh["cloudProvider"]) == "" || text(fresh["region"]) == "" {
			return refuse(http.StatusBadRequest, "An endpoint has id, cloudProvider and region.")
		}
		if slices.ContainsFunc(endpoints, func(have Object) bool { return sameEndpoint(have, fresh) }) {
			if c.choices.RefusesAgain {
				return refuse(http.StatusBadRequest, "Endpoint %s is registered.", fresh["id"])
			}
			continue
		}
		endpoints = append(endpoints, Object{
			"id": fresh["id"], "cloudProvider": fresh["cloudProvider"], "region": fresh["region"], "description": text(fresh["description"]),
		})
	}
	for _, have := range c.org.Endpoints {
		if slices.ContainsFunc(endpoints, func(e Object) bool { return sameEndpoint(e, have) }) {
			continue
		}
		for _, service := range c.org.Services {
			if service.in(have) && slices.Contains(service.PrivateEndpoints, text(have["id"])) && !service.gone() {
				return refuse(http.StatusBadRequest, "Endpoint %s is in use.", have["id"])
			}
		}
	}
	c.org.Endpoints = endpoints
	if hasName {
		c.org.Fields["name"] = name
		c.log("organization_update_name", nil)
	}
	if dumps, ok := c.body["enableCoreDumps"].(bool); ok {
		c.org.Fields["enableCoreDumps"] = dumps
	}
	return nil
}

func sameEndpoint(a, b Object) bool {
	return a["id"] == b["id"] && a["cloudProvider"] == b["cloudProvider"] && a["region"] == b["region"]
}

// log writes one line of the activity log about what a call changed.
func (c *call) log(kind string, more Object) {
	activity := Object{
		"id": "activity-" + c.org.newID(), "createdAt": c.now, "type": kind, "actorType": "api", "actorId": c.key.ID,
		"actorDetails": c.key.Fields["name"], "actorIpAddress": c.from, "organizationId": c.org.ID, "userAgent": c.agent,
	}
	if c.choices.NoUserAgent {
		activity["userAgent"] = nil
	}
	for name, value := range more {
		activity[name] = value
	}
	c.org.activities = append(c.org.activities, activity)
}

// activities answers for the log, which it shows late, oldest first.
func (c *call) activities() (any, error) {
	visible := []Object{}
	for _, activity := range c.org.activities {
		at := activity["createdAt"].(time.Time)
		if at.After(c.now.Add(-c.choices.ActivityLag)) || outside(at, c.query["from_date"], c.query["to_date"]) {
			continue
		}
		visible = append(visible, activity)
	}
	if c.choices.Future {
		visible = append(visible, Object{
			"id": "activity-of-a-kind-to-come", "createdAt": c.now, "type": "service_levitate", "actorType": "agent", "organizationId": c.org.ID,
		})
	}
	switch {
	case c.method != http.MethodGet || len(c.path) > 2:
		return nil, unknown("route")
	case len(c.path) == 1:
		return visible, nil
	case len(c.path[1]) < 20:
		return nil, refuse(http.StatusBadRequest, "BAD_REQUEST length is too small: %d < 20", len(c.path[1]))
	}
	for _, activity := range visible {
		if activity["id"] == c.path[1] {
			return activity, nil
		}
	}
	return nil, unknown("activity")
}

func outside(at time.Time, from, to []string) bool {
	bound := func(values []string) (time.Time, bool) {
		if len(values) == 0 {
			return time.Time{}, false
		}
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if t, err := time.Parse(layout, values[0]); err == nil {
				return t, true
			}
		}
		return time.Time{}, false
	}
	first, bounded := bound(from)
	if bounded && at.Before(first) {
		return true
	}
	last, bounded := bound(to)
	return bounded && at.After(last)
}

// quotas answers for the limits of the organization.
func (c *call) quotas() (any, error) {
	if c.choices.NoQuotas {
		return nil, unknown("route")
	}
	quotas := []Object{{
		"quotaCode": "services-per-organization", "name": "Services", "description": "", "scope": "organization",
		"value": 40.0, "usage": float64(len(c.org.Services)), "adjustable": true,
	}}
	if c.choices.Future {
		quotas = append(quotas, Object{
			"quotaCode": "parrots-per-ship", "name": "Parrots", "description": "", "scope": "ship", "value": 0.0, "usage": 3.0, "adjustable": false,
		})
	}
	switch {
	case c.method != http.MethodGet || len(c.path) > 2:
		return nil, unknown("route")
	case len(c.path) == 1:
		return quotas, nil
	}
	for _, quota := range quotas {
		if quota["quotaCode"] == c.path[1] {
			return quota, nil
		}
	}
	return nil, unknown("quota")
}
