package locktera

import (
	"cmp"
	"errors"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// route is one operation. Its pattern has {} for the organization and {key} for an API key.
type route struct {
	method, pattern string
	handle          func(*call) (any, error)
	right           right
	mediaType       string // of the body, if there is one
}

// right says who may do something: see call.may.
type right int

const (
	toRead right = iota
	toWrite
	toManageUsers
)

func routes() []route {
	const asJSON = "application/json"
	return []route{
		{http.MethodGet, "me", getOrganization, toRead, ""},
		{http.MethodGet, "org", getOrganization, toRead, ""},
		{http.MethodPost, "orgs/import_orgs", importChildren, toManageUsers, "text/csv"},
		{http.MethodGet, "orgs/{}", getOrganization, toRead, ""},
		{http.MethodPatch, "orgs/{}", patchOrganization, toWrite, asJSON},
		{http.MethodDelete, "orgs/{}", deleteOrganization, toWrite, ""},
		{http.MethodPost, "orgs/{}/children", addChild, toManageUsers, asJSON},
		{http.MethodGet, "orgs/{}/customizations", getCustomizations, toRead, ""},
		{http.MethodPut, "orgs/{}/customizations", putCustomizations, toWrite, asJSON},
		{http.MethodGet, "orgs/{}/api_keys", listKeys, toRead, ""},
		{http.MethodPost, "orgs/{}/api_keys", createKey, toWrite, asJSON},
		{http.MethodDelete, "orgs/{}/api_keys/{key}", deleteKey, toWrite, ""},
		{http.MethodGet, "orgs/{}/tags", listTags, toRead, ""},
		{http.MethodGet, "orgs/{}/access_log", listAccesses, toRead, ""},
		{http.MethodGet, "orgs/{}/children_audit", listAudit, toRead, ""},
		{http.MethodGet, "orgs/{}/consumption", getConsumption, toRead, ""},
	}
}

// match compares a path, cut at its slashes, and gives the values of its parameters.
func (rt route) match(segments []string) (params map[string]string, ok bool) {
	parts := strings.Split(rt.pattern, "/")
	if len(parts) != len(segments) {
		return nil, false
	}
	params = map[string]string{}
	for i, part := range parts {
		if !strings.HasPrefix(part, "{") {
			if part != segments[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(segments[i])
		if err != nil || value == "" {
			return nil, false
		}
		params[part] = value
	}
	return params, true
}

// call is one request on its way through a handler. A write has a state of its own, which it may change.
type call struct {
	cfg    Config
	st     *state
	now    time.Time
	ip     string
	params map[string]string
	query  url.Values
	body   []byte
	key    *apiKey
	user   *node // whose key it is
	org    *node // of the path; the user for /me, and their organization for other paths without one
}

// execute handles one request under the lock, so requests take effect one after the other.
func (s *Server) execute(r *http.Request, body []byte, bodyErr error, ip netip.Addr) stage.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	rep := s.answer(r, body, bodyErr, ip)
	if err := s.happen(r); err != nil {
		return s.cfg.failure(err)
	}
	return rep
}

func (s *Server) answer(r *http.Request, body []byte, bodyErr error, ip netip.Addr) stage.Reply {
	if s.cfg.RedirectTo != "" {
		return redirect(http.StatusTemporaryRedirect, strings.TrimSuffix(s.cfg.RedirectTo, "/")+r.URL.RequestURI())
	}
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.EscapedPath(), s.cfg.prefix()), "/")
	if bare, slash := strings.CutSuffix(path, "/"); slash {
		switch cmp.Or(s.cfg.TrailingSlash, refuseIt) {
		case acceptIt:
			path = bare
		case redirectIt:
			return redirect(http.StatusMovedPermanently, s.cfg.prefix()+"/"+bare)
		}
	}
	c, rt, err := s.admit(r, path, ip)
	if err == nil {
		c.body = body
		err = checkBody(r, rt, body, bodyErr)
	}
	if err != nil {
		return s.cfg.failure(err)
	}
	if r.Method == http.MethodGet {
		result, err := rt.handle(c)
		if err != nil {
			return s.cfg.failure(err)
		}
		return c.reply(http.StatusOK, result)
	}
	rep, err := s.write(c, rt)
	if err != nil {
		return s.cfg.failure(err)
	}
	return rep
}

func redirect(status int, to string) stage.Reply {
	rep := stage.NewReply(status, "text/html; charset=utf-8", nil)
	rep.Header.Set("Location", to)
	return rep
}

// admit finds the operation and checks everything about the caller.
func (s *Server) admit(r *http.Request, path string, ip netip.Addr) (*call, route, error) {
	key, user, err := s.authenticate(r)
	if err != nil {
		return nil, route{}, err
	}
	if wait, exceeded := s.limiter.Take(key.SecretHash, s.cfg.rateLimit(user.Role), s.Now()); exceeded {
		return nil, route{}, &apiError{status: http.StatusTooManyRequests, message: "Too many requests", wait: wait}
	}
	rt, params, ok := s.route(r.Method, path)
	if !ok {
		return nil, route{}, errNotFound
	}
	c := &call{
		cfg: s.cfg, st: s.current, now: s.Now(), ip: ip.Unmap().String(), params: params, query: r.URL.Query(), key: key, user: user,
	}
	id, named := params["{}"]
	switch {
	case rt.pattern == "me":
		id = user.ID
	case !named:
		id = cmp.Or(user.ParentID, user.ID)
	}
	if c.org = c.st.node(id); c.org == nil {
		return nil, route{}, errNotFound
	}
	if err := c.may(rt, r); err != nil {
		return nil, route{}, err
	}
	month := c.now.Format("2006-01")
	if s.current.Calls[id] == nil {
		s.current.Calls[id] = map[string]int{}
	}
	s.current.Calls[id][month]++
	return c, rt, nil
}

func (s *Server) route(method, path string) (route, map[string]string, bool) {
	segments := strings.Split(path, "/")
	for _, rt := range routes() {
		if rt.method != method || s.cfg.Superseded && rt.pattern != "me" {
			continue
		}
		if params, ok := rt.match(segments); ok {
			return rt, params, true
		}
	}
	return route{}, nil, false
}

func bearer(r *http.Request) string {
	scheme, secret, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(secret)
}

func (s *Server) authenticate(r *http.Request) (*apiKey, *node, error) {
	secret := bearer(r)
	if secret == "" {
		return nil, nil, refuse(http.StatusUnauthorized, "Missing authentication headers")
	}
	hash := stage.SHA256Base64(secret)
	i := slices.IndexFunc(s.current.Keys, func(k *apiKey) bool { return k.SecretHash == hash })
	if i < 0 {
		return nil, nil, refuse(http.StatusUnauthorized, "Invalid API key")
	}
	key := s.current.Keys[i]
	user := s.current.node(key.UserID)
	if user == nil {
		return nil, nil, refuse(http.StatusUnauthorized, "Invalid API key")
	}
	return key, user, nil
}

// may checks what the key and its user are allowed. Documents say that a key inherits the rights of its user, and name roles;
// which right belongs to which role is this simulator's reading: an org_admin may do everything in their organization and below
// it, a user_admin read there and manage people, a user read what is their own.
func (c *call) may(rt route, r *http.Request) error {
	refused := refuse(http.StatusForbidden, "Forbidden")
	if c.cfg.NoRight == http.StatusNotFound {
		refused = errNotFound
	}
	own := c.org.ID == c.user.ID
	reach := own || c.user.ParentID != "" && c.st.within(c.org, c.user.ParentID)
	var allowed bool
	switch c.user.Role {
	case roleOrgAdmin:
		allowed = reach
	case roleUserAdmin:
		allowed = reach && (rt.right != toWrite || c.org.isPerson())
	default:
		allowed = rt.right == toRead && (own || rt.pattern == "org")
	}
	permit := permitWrite
	if rt.right == toRead {
		permit = permitRead
	}
	if !allowed || !slices.Contains(c.key.Permissions, permit) {
		return refused
	}
	for _, d := range c.cfg.Denied {
		if (d.Key == "" || d.Key == c.key.Name) && (d.Method == "" || d.Method == r.Method) && stage.Glob(d.Path).MatchString(r.URL.EscapedPath()) {
			return refused
		}
	}
	return nil
}

// checkBody wants to be told what a body is.
func checkBody(r *http.Request, rt route, body []byte, bodyErr error) error {
	switch {
	case errors.Is(bodyErr, stage.ErrBodyTooLarge):
		return refuse(http.StatusRequestEntityTooLarge, "%v", bodyErr)
	case bodyErr != nil:
		return badRequest("%v", bodyErr)
	case rt.mediaType == "" || len(body) == 0: // what needs none ignores it, and what needs one misses it
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != rt.mediaType {
		return badRequest("Content-Type must be %s", rt.mediaType)
	}
	return nil
}

// write runs a handler on a copy of the state, and keeps the copy if it succeeds.
func (s *Server) write(c *call, rt route) (stage.Reply, error) {
	next, err := s.current.clone()
	if err != nil {
		return stage.Reply{}, err
	}
	c.st, c.org, c.user = next, next.node(c.org.ID), next.node(c.user.ID)
	result, err := rt.handle(c)
	if err != nil {
		return stage.Reply{}, err
	}
	if err := s.save(next); err != nil {
		return stage.Reply{}, err
	}
	s.current = next
	return c.written(result.(outcome)), nil
}

// happen lets the edits come about that wait for a request like this one.
func (s *Server) happen(r *http.Request) error {
	for i, m := range s.cfg.Meanwhile {
		if m.Method != "" && m.Method != r.Method || !stage.Glob(m.Path).MatchString(r.URL.EscapedPath()) {
			continue
		}
		s.meanwhile[i]++
		if s.meanwhile[i] != max(m.Nth, 1) {
			continue
		}
		if _, err := s.edit(m.Edit); err != nil {
			return err
		}
	}
	return nil
}
