package locktera

import (
	"slices"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// control finds the operations of the control API that are this simulator's; see the package documentation.
func (s *Server) control(method, path string) (stage.Control, bool) {
	switch method + " " + path {
	case "GET /state":
		return func([]byte) (any, error) { return s.snapshot(), nil }, true
	case "POST /edit":
		return func(body []byte) (any, error) {
			var e Edit
			if err := stage.DecodeStrict(body, &e); err != nil {
				return nil, err
			}
			return s.Edit(e)
		}, true
	case "POST /verify-key":
		return func(body []byte) (any, error) {
			var request struct {
				Key string `json:"key"`
			}
			if err := stage.DecodeStrict(body, &request); err != nil {
				return nil, err
			}
			return map[string]bool{"ok": s.VerifyKey(request.Key)}, nil
		}, true
	default:
		return stage.Configurable[Config]{
			Get: s.Config, Set: s.SetConfig, Advance: s.advanced,
			WithFaults: func(cfg Config, faults []Fault) Config {
				cfg.Faults = faults
				return cfg
			},
		}.Control(method, path)
	}
}

// advanced is Advance for the control API: the state file learns of it at once.
func (s *Server) advanced(d time.Duration) (time.Time, error) {
	s.Advance(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stage.Now(), s.save(s.current)
}

// VerifyKey tells whether a text is the secret of some key.
func (s *Server) VerifyKey(secret string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	hash := stage.SHA256Base64(secret)
	return slices.ContainsFunc(s.current.Keys, func(k *apiKey) bool { return k.SecretHash == hash })
}

// snapshot is the tree and its keys as they are now, without secrets.
type snapshot struct {
	Now           time.Time     `json:"now"`
	Organizations []*node       `json:"organizations"`
	Keys          []keySnapshot `json:"keys"`
}

type keySnapshot struct {
	ID          string    `json:"id"`
	OrgID       string    `json:"org_id"`
	UserID      string    `json:"user_id"`
	Name        string    `json:"name"`
	CreatedAt   time.Time `json:"created_at"`
	Permissions []string  `json:"permissions"`
}

func (s *Server) snapshot() snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The states that have been are never changed again, but for their counts of calls, which are not shown.
	shot := snapshot{Now: s.stage.Now(), Organizations: append([]*node{}, s.current.Nodes...), Keys: []keySnapshot{}}
	for _, k := range s.current.Keys {
		shot.Keys = append(shot.Keys, keySnapshot{k.ID, k.OrgID, k.UserID, k.Name, k.CreatedAt, k.Permissions})
	}
	return shot
}
