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
		return stage.Takes(func(e Edit) (any, error) { return s.Edit(e) }), true
	case "POST /verify-key":
		return stage.Takes(s.controlKey), true
	default:
		return nil, false
	}
}

type keyQuestion struct {
	Key string `json:"key"`
}

func (s *Server) controlKey(q keyQuestion) (any, error) {
	return map[string]bool{"ok": s.VerifyKey(q.Key)}, nil
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
	shot := snapshot{Now: s.Now(), Organizations: append([]*node{}, s.current.Nodes...), Keys: []keySnapshot{}}
	for _, k := range s.current.Keys {
		shot.Keys = append(shot.Keys, keySnapshot{k.ID, k.OrgID, k.UserID, k.Name, k.CreatedAt, k.Permissions})
	}
	return shot
}
