package sim

import (
	"errors"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// route is one operation of the API.
type route struct {
	method, pattern string
	permission      string
	handle          func(*call) (any, error)
	object          string // what the result holds, for the shapes of OldAPI and FutureFields
	modern          bool   // unknown to the old API document
}

// routes is the whole API. {name} in a pattern stands for one path segment.
func routes() []route {
	const (
		org        = "/v1/organizations/{organizationId}"
		services   = org + "/services"
		svc        = services + "/{serviceId}"
		keys       = org + "/keys"
		key        = keys + "/{keyId}"
		member     = org + "/members/{userId}"
		invites    = org + "/invitations"
		invite     = invites + "/{invitationId}"
		get        = http.MethodGet
		post       = http.MethodPost
		patch      = http.MethodPatch
		del        = http.MethodDelete
		objService = "service"
		objKey     = "key"
	)
	return []route{
		{get, "/v1/organizations", permAny, listOrganizations, "organization", false},
		{get, org, permAny, getOrganization, "organization", false},
		{patch, org, permOrgManage, patchOrganization, "organization", false},
		{get, org + "/prometheus", permOrgView, organizationMetrics, "", false},
		{get, org + "/privateEndpointConfig", permOrgView, organizationEndpointConfig, "", false},
		{get, org + "/activities", permOrgView, listActivities, "activity", false},
		{get, org + "/activities/{activityId}", permOrgView, getActivity, "activity", false},
		{get, org + "/quotas", permOrgView, listQuotas, "quota", true},
		{get, org + "/quotas/{quotaCode}", permOrgView, getQuota, "quota", true},
		{get, org + "/usageCost", permBillingView, usageCost, "usage", true},
		{get, org + "/roles", permOrgView, listRoles, "role", true},
		{get, org + "/roles/{roleId}", permOrgView, getRole, "role", true},

		{get, services, permServiceView, listServices, objService, false},
		{post, services, permServiceManage, createService, objService, false},
		{get, svc, permServiceView, getService, objService, false},
		{patch, svc, permServiceManage, patchService, objService, false},
		{del, svc, permServiceDelete, deleteService, "", false},
		{patch, svc + "/state", permServiceManage, commandService, objService, false},
		{patch, svc + "/scaling", permServiceManage, patchTotalScaling, objService, false},
		{patch, svc + "/replicaScaling", permServiceManage, patchReplicaScaling, "scaledService", false},
		{patch, svc + "/password", permServiceManage, patchPassword, "", false},
		{get, svc + "/privateEndpointConfig", permEndpointsView, serviceEndpointConfig, "", false},
		{post, svc + "/privateEndpoint", permServiceManage, createServiceEndpoint, "", true},
		{get, svc + "/prometheus", permServiceView, serviceMetrics, "", false},
		{get, svc + "/backups", permBackupsView, listBackups, "backup", false},
		{get, svc + "/backups/{backupId}", permBackupsView, getBackup, "backup", false},
		{get, svc + "/backupConfiguration", permBackupsView, getBackupConfiguration, "backupConfiguration", false},
		{patch, svc + "/backupConfiguration", permBackupsManage, patchBackupConfiguration, "backupConfiguration", false},
		{get, svc + "/backupBucket", permBackupsView, getBackupBucket, "", true},
		{get, svc + "/serviceQueryEndpoint", permQueryView, getQueryEndpoint, "", true},
		{get, svc + "/upgradeWindow", permServiceView, getUpgradeWindow, "", true},
		{get, svc + "/clickhouseSettings", permServiceView, listSettings, "", true},
		{get, svc + "/clickhouseSettings/{settingName}", permServiceView, getSetting, "", true},

		{get, keys, permOrgView, listKeys, objKey, false},
		{post, keys, permKeyCreate, createKey, objKey, false},
		{get, key, permOrgView, getKey, objKey, false},
		{patch, key, permKeyCreate, patchKey, objKey, false},
		{del, key, permKeyDelete, deleteKey, "", false},

		{get, org + "/members", permOrgView, listMembers, "member", false},
		{get, member, permOrgView, getMember, "member", false},
		{patch, member, permOrgManage, patchMember, "member", false},
		{del, member, permOrgManage, deleteMember, "", false},

		{get, invites, permOrgView, listInvitations, "invitation", false},
		{post, invites, permOrgManage, createInvitation, "invitation", false},
		{get, invite, permOrgView, getInvitation, "invitation", false},
		{del, invite, permOrgManage, deleteInvitation, "", false},
	}
}

// match compares the pattern with the segments of an escaped path and gives the values of the pattern's names.
func (rt route) match(segments []string) (map[string]string, bool) {
	if strings.Count(rt.pattern, "/")+1 != len(segments) {
		return nil, false
	}
	var params map[string]string
	i := -1
	for part := range strings.SplitSeq(rt.pattern, "/") {
		i++
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
		if params == nil {
			params = map[string]string{}
		}
		params[strings.Trim(part, "{}")] = value
	}
	return params, true
}

func (s *Server) route(method, escapedPath string) (route, map[string]string, bool) {
	segments := strings.Split(escapedPath, "/")
	for _, rt := range s.routes {
		if rt.method != method || rt.modern && s.cfg.OldAPI {
			continue
		}
		if params, ok := rt.match(segments); ok {
			return rt, params, true
		}
	}
	return route{}, nil, false
}

// call is one request on its way through a handler.
type call struct {
	cfg Config
	// st is what the handler sees: for a write a copy of the current state that it may change, for a read the current state or,
	// with Config.Delays.Lag, an older one. at is the time at which st is looked at.
	st      *state
	at      time.Time
	current *state
	now     time.Time

	params map[string]string
	query  url.Values
	body   []byte
	key    *key
	// actor is who makes the call, as activities show it.
	actor activity
}

// dispatch finds the operation, checks everything about the caller, runs the handler and keeps what it wrote.
func (s *Server) dispatch(r *http.Request, body []byte, bodyErr error, ip netip.Addr) (any, route, error) {
	rt, params, ok := s.route(r.Method, r.URL.EscapedPath())
	if !ok {
		return nil, rt, refuse(http.StatusNotFound, "no such operation: %s %s", r.Method, r.URL.Path)
	}
	now := s.Now()
	s.settle(now)
	if s.cfg.CallerIP != "" {
		if addr, err := netip.ParseAddr(s.cfg.CallerIP); err == nil {
			ip = addr
		}
	}
	caller, err := s.authenticate(r, ip, now)
	if err != nil {
		return nil, rt, err
	}
	if wait, exceeded := s.limiter.Take(caller.KeyIDHash, s.cfg.RateLimit, now); exceeded {
		return nil, rt, &apiError{http.StatusTooManyRequests, "TOO_MANY_REQUESTS: rate limit exceeded", wait}
	}
	if errors.Is(bodyErr, stage.ErrBodyTooLarge) {
		return nil, rt, refuse(http.StatusRequestEntityTooLarge, "%v", bodyErr)
	} else if bodyErr != nil {
		return nil, rt, bodyErr
	}
	if err := checkContentType(r, body); err != nil {
		return nil, rt, err
	}
	c := &call{
		cfg: s.cfg, current: s.current, now: now, params: params, query: r.URL.Query(),
		body: body, key: caller,
		actor: activity{
			ActorType: actorAPI, ActorID: caller.ID, ActorDetails: caller.Name, ActorIPAddress: ip.String(), UserAgent: r.UserAgent(),
		},
	}
	if err := c.authorize(rt, r); err != nil {
		return nil, rt, err
	}
	if r.Method == http.MethodGet {
		c.at = now.Add(-s.cfg.Delays.Lag)
		c.st = s.asOf(c.at)
		result, err := rt.handle(c)
		return result, rt, err
	}
	c.at, c.st = now, s.current.clone()
	result, err := rt.handle(c)
	if err != nil {
		return nil, rt, err
	}
	if err := s.save(c.st); err != nil {
		return nil, rt, err
	}
	s.commit(c.st, now)
	return result, rt, nil
}

// checkContentType wants to be told that a body is JSON.
func checkContentType(r *http.Request, body []byte) error {
	if len(body) == 0 {
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return badRequest("content-type must be application/json, not %q", r.Header.Get("Content-Type"))
	}
	return nil
}

// id reads a path parameter that has to be a UUID.
func (c *call) id(param string) (string, error) {
	id := c.params[param]
	if !uuidPattern.MatchString(id) || id == nilUUID {
		return "", badRequest("Invalid %s id", strings.TrimSuffix(param, "Id"))
	}
	return strings.ToLower(id), nil
}

// service finds the service of the path, which may be too young to be visible or gone already.
func (c *call) service() (*service, error) {
	id, err := c.id("serviceId")
	if err != nil {
		return nil, err
	}
	svc := c.st.service(id)
	if svc == nil || !c.visible(svc) {
		return nil, notFound(id)
	}
	return svc, nil
}

func (c *call) visible(svc *service) bool {
	return !c.now.Before(svc.VisibleFrom) && svc.stateAt(c.at) != stateTerminated
}
