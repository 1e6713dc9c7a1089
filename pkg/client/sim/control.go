package sim

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
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
	return svc.PasswordHash == stage.SHA256Base64(password), svc.DoubleSHA1Hash == doubleSHA1Hex(password), nil
}

// VerifyKey tells whether some key of the organization, in whatever state, has this id and secret.
func (s *Server) VerifyKey(keyID, keySecret string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return verifyKey(s.current, keyID, keySecret) != nil
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

// control finds the operations of the control API that are this simulator's; see the package documentation.
func (s *Server) control(method, path string) (stage.Control, bool) {
	if subject, verb, ok := invitationControl(path); ok && method == http.MethodPost {
		return func([]byte) (any, error) { return s.controlInvitation(subject, verb) }, true
	}
	switch method + " " + path {
	case "GET /state":
		return func([]byte) (any, error) { return s.snapshot(), nil }, true
	case "POST /edit":
		return stage.Takes(func(e Edit) (any, error) { return s.Edit(e) }), true
	case "POST /verify-password":
		return stage.Takes(s.controlPassword), true
	case "POST /verify-key":
		return stage.Takes(s.controlKey), true
	default:
		return nil, false
	}
}

type passwordQuestion struct {
	ServiceID string `json:"serviceId"`
	Name      string `json:"name"`
	Password  string `json:"password"`
}

func (s *Server) controlPassword(q passwordQuestion) (any, error) {
	ok, mysql, err := s.VerifyPassword(q.ServiceID+q.Name, q.Password)
	return map[string]bool{"ok": ok, "mysql": mysql}, err
}

type keyQuestion struct {
	KeyID     string `json:"keyId"`
	KeySecret string `json:"keySecret"`
}

func (s *Server) controlKey(q keyQuestion) (any, error) {
	return map[string]bool{"ok": s.VerifyKey(q.KeyID, q.KeySecret)}, nil
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
	now := s.Now()
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
