package sim

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// VerifyPassword tells whether a password opens the service of the given id or name, and whether it does so over the MySQL
// protocol, which keeps a hash of its own.
func (s *Server) VerifyPassword(idOrName, password string) (ok, mysql bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	svc := find(s.current.Services, func(svc *service) bool { return svc.ID == idOrName || svc.Name == idOrName })
	if svc == nil {
		return false, false, fmt.Errorf("verify password: no service %q", idOrName)
	}
	if primary := s.current.primaryOf(svc.DataWarehouseID); primary != nil {
		svc = primary // the services of a warehouse share their users
	}
	return svc.PasswordHash == sha256Base64(password), svc.DoubleSHA1Hash == doubleSHA1Hex(password), nil
}

// VerifyKey tells whether some key of the organization, in whatever state, has this id and secret.
func (s *Server) VerifyKey(keyID, keySecret string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return verifyKey(s.current, keyID, keySecret) != nil
}

// serveControl answers the control API; see the package documentation. It has no authentication, so over HTTP it answers only
// what cannot come from a foreign web page: a loopback Host, and no Origin but a loopback one.
func (s *Server) serveControl(r *http.Request, inProcess bool) reply {
	if !inProcess && (!isLoopbackHost(r.Host) || !isLoopbackOrigin(r.Header.Get("Origin"))) {
		return controlError(http.StatusForbidden, "the control API answers on loopback only")
	}
	body, err := readBody(r)
	if err != nil {
		return controlError(http.StatusBadRequest, err.Error())
	}
	path := strings.TrimPrefix(r.URL.EscapedPath(), controlPrefix)
	handle, ok := s.controls()[r.Method+" "+path]
	if subject, verb, isInvitation := invitationControl(path); isInvitation && r.Method == http.MethodPost {
		handle, ok = func([]byte) (any, error) { return s.controlInvitation(subject, verb) }, true
	}
	if !ok {
		return controlError(http.StatusNotFound, "no such control: "+r.Method+" "+path)
	}
	result, err := handle(body)
	if err != nil {
		return controlError(http.StatusBadRequest, err.Error())
	}
	return jsonReply(http.StatusOK, result)
}

func controlError(status int, text string) reply {
	return jsonReply(status, map[string]string{"error": text})
}

func isLoopbackHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func isLoopbackOrigin(origin string) bool {
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && isLoopbackHost(u.Host)
}

// invitationControl takes /invitations/{id or email}/{verb} apart.
func invitationControl(path string) (subject, verb string, ok bool) {
	parts := strings.Split(path, "/")
	if len(parts) != 4 || parts[1] != "invitations" {
		return "", "", false
	}
	subject, err := url.PathUnescape(parts[2])
	return subject, parts[3], err == nil
}

func (s *Server) controlInvitation(subject, verb string) (any, error) {
	switch verb {
	case "accept":
		userID, err := s.AcceptInvitation(subject)
		return map[string]string{"userId": userID}, err
	case "expire":
		return struct{}{}, s.ExpireInvitation(subject)
	default:
		return nil, fmt.Errorf("an invitation can be accepted or expire, not %q", verb)
	}
}

// controls are the operations of the control API without a variable part.
func (s *Server) controls() map[string]func(body []byte) (any, error) {
	return map[string]func(body []byte) (any, error){
		"GET /state":    func([]byte) (any, error) { return s.snapshot(), nil },
		"GET /requests": func([]byte) (any, error) { return orEmpty(s.Requests()), nil },
		"DELETE /requests": func([]byte) (any, error) {
			s.ResetRequests()
			return struct{}{}, nil
		},
		"GET /config":           func([]byte) (any, error) { return s.Config(), nil },
		"PUT /config":           s.controlConfig,
		"POST /faults":          s.controlFaults,
		"POST /clock":           s.controlClock,
		"POST /edit":            s.controlEdit,
		"POST /verify-password": s.controlPassword,
		"POST /verify-key":      s.controlKey,
	}
}

func (s *Server) controlConfig(body []byte) (any, error) {
	var cfg Config
	if err := decodeStrict(body, &cfg); err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s.SetConfig(cfg)
	return cfg, nil
}

func (s *Server) controlFaults(body []byte) (any, error) {
	var faults []Fault
	if err := decodeStrict(body, &faults); err != nil {
		return nil, err
	}
	cfg := s.Config()
	cfg.Faults = faults
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s.SetConfig(cfg)
	return faults, nil
}

func (s *Server) controlClock(body []byte) (any, error) {
	var request struct {
		Advance jsonDuration `json:"advance"`
	}
	if err := decodeStrict(body, &request); err != nil {
		return nil, err
	}
	s.Advance(time.Duration(request.Advance))
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]time.Time{"now": s.now()}, s.save(s.current)
}

func (s *Server) controlEdit(body []byte) (any, error) {
	var e Edit
	if err := decodeStrict(body, &e); err != nil {
		return nil, err
	}
	return s.Edit(e)
}

func (s *Server) controlPassword(body []byte) (any, error) {
	var request struct {
		ServiceID string `json:"serviceId"`
		Name      string `json:"name"`
		Password  string `json:"password"`
	}
	if err := decodeStrict(body, &request); err != nil {
		return nil, err
	}
	ok, mysql, err := s.VerifyPassword(request.ServiceID+request.Name, request.Password)
	return map[string]bool{"ok": ok, "mysql": mysql}, err
}

func (s *Server) controlKey(body []byte) (any, error) {
	var request struct {
		KeyID     string `json:"keyId"`
		KeySecret string `json:"keySecret"`
	}
	if err := decodeStrict(body, &request); err != nil {
		return nil, err
	}
	return map[string]bool{"ok": s.VerifyKey(request.KeyID, request.KeySecret)}, nil
}

// snapshot is the organization as the API would show it now, without delays, limits or secrets.
type snapshot struct {
	Now          time.Time         `json:"now"`
	Organization organizationView  `json:"organization"`
	Services     []serviceSnapshot `json:"services"`
	Keys         []keyView         `json:"keys"`
	Members      []memberView      `json:"members"`
	Invitations  []invitationView  `json:"invitations"`
	Roles        []roleView        `json:"roles"`
}

type serviceSnapshot struct {
	serviceView
	BackupConfiguration *backupConfigView `json:"backupConfiguration,omitempty"`
}

func (s *Server) snapshot() snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.settle(now)
	c := &call{cfg: s.cfg, st: s.current, current: s.current, at: now, now: now}
	shot := snapshot{
		Now: now, Organization: c.viewOrganization(), Services: []serviceSnapshot{}, Keys: []keyView{},
		Members: []memberView{}, Invitations: []invitationView{}, Roles: []roleView{},
	}
	for _, svc := range c.st.Services {
		view := serviceSnapshot{serviceView: c.viewService(svc)}
		if svc.IsPrimary {
			view.BackupConfiguration = ptr(viewBackupConfig(svc.BackupConfig))
		}
		shot.Services = append(shot.Services, view)
	}
	for _, k := range c.st.Keys {
		shot.Keys = append(shot.Keys, c.viewKey(k))
	}
	for _, m := range c.st.Members {
		shot.Members = append(shot.Members, c.viewMember(m))
	}
	for _, i := range c.shownInvitations() {
		shot.Invitations = append(shot.Invitations, c.viewInvitation(i))
	}
	for _, r := range c.st.Roles {
		shot.Roles = append(shot.Roles, c.viewRole(r))
	}
	return shot
}
