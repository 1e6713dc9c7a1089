package locktera

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// Edit is a change made behind the API's back, as somebody in the application would make it. Nothing is validated beyond its
// JSON shape: an out-of-band edit may bring about what the API refuses.
type Edit struct {
	// Kind is organization or key. Groups and persons are organizations, too.
	Kind string `json:"kind"`
	// ID or Name says which one; Name may be the e-mail of a person, and must not be ambiguous. Without either, it is the
	// caller's organization.
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	// Parent is the organization in which one is created, or whose key is created; the default is the caller's. A tree of its
	// own, out of the caller's reach, has "parent_org_id": "" in Set.
	Parent string `json:"parent,omitempty"`
	// Set is merged into the object (RFC 7386: null removes a field). An organization has name, role, first_name, last_name,
	// email, mobile_phone, customizations, tags, access_log and storage_used; a key has name, user_id and permissions.
	Set map[string]any `json:"set,omitempty"`
	// Create makes a new object out of Set; Delete removes it, with all that is below it.
	Create bool `json:"create,omitempty"`
	Delete bool `json:"delete,omitempty"`
}

// Edited is what an Edit has touched, and the secret of a key that it created.
type Edited struct {
	ID  string `json:"id"`
	Key string `json:"key,omitempty"`
}

// Edit changes the organization out of band.
func (s *Server) Edit(e Edit) (Edited, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.edit(e)
}

// editors carry out edits, by kind.
var editors = map[string]func(*call, Edit) (Edited, error){"organization": editOrganization, "key": editKey}

func (s *Server) edit(e Edit) (Edited, error) {
	done, err := s.edited(e)
	if err != nil {
		return Edited{}, fmt.Errorf("edit %s: %w", strings.TrimSpace(e.Kind+" "+e.ID+e.Name), err)
	}
	return done, nil
}

func (s *Server) edited(e Edit) (Edited, error) {
	edit, ok := editors[e.Kind]
	if !ok {
		return Edited{}, fmt.Errorf("unknown kind; there are %s", strings.Join(slices.Sorted(maps.Keys(editors)), ", "))
	}
	next, err := s.current.clone()
	if err != nil {
		return Edited{}, err
	}
	c := &call{cfg: s.cfg, st: next, now: s.Now(), ip: stage.Loopback.String()}
	if e.Parent == "" {
		e.Parent = s.caller.OrganizationID
	}
	if !e.Create && e.Kind == "organization" && e.ID == "" && e.Name == "" {
		e.ID = s.caller.OrganizationID
	}
	// The changes of the application are an admin's, as far as there is one.
	if i := slices.IndexFunc(next.Nodes, func(n *node) bool { return n.Role == roleOrgAdmin }); i >= 0 {
		c.user = next.Nodes[i]
	} else {
		c.user = &node{}
	}
	done, err := edit(c, e)
	if err != nil {
		return Edited{}, err
	}
	if err := s.save(next); err != nil {
		return Edited{}, err
	}
	s.current = next
	return done, nil
}

func editOrganization(c *call, e Edit) (Edited, error) {
	if e.Create {
		n, err := stage.Merged(&node{ID: stage.NewID(), ParentID: e.Parent, Name: e.Name, Role: roleGroup}, e.Set)
		if err != nil {
			return Edited{}, err
		}
		if n.ParentID != "" && c.st.node(n.ParentID) == nil {
			return Edited{}, fmt.Errorf("there is no parent %q", n.ParentID)
		}
		c.st.addNode(n, c.now)
		return Edited{ID: n.ID}, c.st.record(c.user.ID, c.ip, c.now, nil, n, "insert")
	}
	at, err := pick(c.st.Nodes, e, func(n *node) []string { return []string{n.ID, n.Name, n.Email} })
	if err != nil {
		return Edited{}, err
	}
	n := c.st.Nodes[at]
	if e.Delete {
		if err := c.st.record(c.user.ID, c.ip, c.now, n, nil, "delete"); err != nil {
			return Edited{}, err
		}
		c.st.remove(n.ID)
		return Edited{ID: n.ID}, nil
	}
	next, err := stage.Merged(n, e.Set)
	if err != nil {
		return Edited{}, err
	}
	c.st.Nodes[at] = next
	return Edited{ID: n.ID}, c.st.record(c.user.ID, c.ip, c.now, n, next, "update")
}

func editKey(c *call, e Edit) (Edited, error) {
	if e.Create {
		k, err := stage.Merged(&apiKey{
			ID: stage.NewID(), OrgID: e.Parent, UserID: c.user.ID, Name: e.Name, CreatedAt: c.now, Permissions: []string{permitRead, permitWrite},
		}, e.Set)
		if err != nil {
			return Edited{}, err
		}
		if c.st.node(k.OrgID) == nil || c.st.node(k.UserID) == nil {
			return Edited{}, errors.New("there is no such organization or user")
		}
		secret := newSecret()
		k.SecretHash = stage.SHA256Base64(secret)
		c.st.Keys = append(c.st.Keys, k)
		return Edited{ID: k.ID, Key: secret}, nil
	}
	at, err := pick(c.st.Keys, e, func(k *apiKey) []string { return []string{k.ID, k.Name} })
	if err != nil {
		return Edited{}, err
	}
	k := c.st.Keys[at]
	if e.Delete {
		c.st.Keys = slices.Delete(c.st.Keys, at, at+1)
		return Edited{ID: k.ID}, nil
	}
	next, err := stage.Merged(k, e.Set)
	if err != nil {
		return Edited{}, err
	}
	c.st.Keys[at] = next
	return Edited{ID: k.ID}, nil
}

// pick finds the place of the one object that an Edit means. The first of its names is its id.
func pick[T any](list []T, e Edit, names func(T) []string) (int, error) {
	found := -1
	for i, object := range list {
		known := names(object)
		if e.ID != "" && known[0] != e.ID || e.ID == "" && (e.Name == "" || !slices.Contains(known[1:], e.Name)) {
			continue
		}
		if found >= 0 {
			return 0, errors.New("more than one has this name")
		}
		found = i
	}
	if found < 0 {
		return 0, errors.New("not found")
	}
	return found, nil
}
