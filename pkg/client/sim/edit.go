package sim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// Edit is a change made behind the API's back, as a console user would make it. Nothing is validated beyond its JSON shape: an
// out-of-band edit may bring about what the API refuses.
type Edit struct {
	// Kind is organization, service, key, member, invitation or privateEndpoint.
	Kind string `json:"kind"`
	// ID or Name says which one; an organization needs neither. Name is the name of services and keys, the email of members
	// and invitations, and the id of private endpoints, and must not be ambiguous.
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	// Set is merged into the object (RFC 7386: null removes a field). Fields are the API's own; lists are whole lists,
	// endpoints has the form of requests; backupConfiguration, backupBucket, serviceQueryEndpoint, upgradeWindow and
	// clickhouseSettings (names with texts as their values) are fields of their service. Roles are names or ids, under any of the
	// names role, roles, assignedRoles and assignedRoleIds.
	Set map[string]any `json:"set,omitempty"`
	// Create makes a new object out of Set; Delete removes the object at once, whatever its state.
	Create bool `json:"create,omitempty"`
	Delete bool `json:"delete,omitempty"`
	// Actor is the email of the member who does it, for the activity log; empty means the first admin.
	Actor string `json:"actor,omitempty"`
}

// Edited is what an Edit has touched, and the secrets of what it created.
type Edited struct {
	ID        string `json:"id"`
	KeyID     string `json:"keyId,omitempty"`
	KeySecret string `json:"keySecret,omitempty"`
}

// Edit changes the organization out of band.
func (s *Server) Edit(e Edit) (Edited, error) {
	var done Edited
	err := s.outOfBand(e.Actor, func(c *call) error {
		var err error
		done, err = c.edit(e)
		return err
	})
	if err != nil {
		return Edited{}, fmt.Errorf("edit %s: %w", strings.TrimSpace(e.Kind+" "+e.ID+e.Name), err)
	}
	return done, nil
}

// outOfBand runs a change on behalf of a member and keeps it if it succeeds.
func (s *Server) outOfBand(actor string, change func(*call) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	s.settle(now)
	c := &call{cfg: s.cfg, st: s.current.clone(), current: s.current, at: now, now: now}
	c.actor = activity{ActorType: actorUser, ActorIPAddress: stage.Loopback.String(), UserAgent: "Mozilla/5.0 (sandbox console)"}
	m := find(c.st.Members, func(m *member) bool {
		return actor == "" && c.st.isAdmin(m.grants) || actor != "" && strings.EqualFold(m.Email, actor)
	})
	switch {
	case m != nil:
		c.actor.ActorID, c.actor.ActorDetails = m.UserID, m.Email
	case actor != "":
		return fmt.Errorf("no member %q", actor)
	}
	if err := change(c); err != nil {
		return err
	}
	if err := s.save(c.st); err != nil {
		return err
	}
	s.commit(c.st, now)
	return nil
}

func (c *call) edit(e Edit) (Edited, error) {
	edit, ok := editors[e.Kind]
	if !ok {
		return Edited{}, errors.New("unknown kind")
	}
	return edit(c, e)
}

// editors carry out edits, by kind.
var editors = map[string]func(*call, Edit) (Edited, error){
	"organization":    editOrganization,
	"service":         editableServices.edit,
	"key":             editableKeys.edit,
	"member":          editableMembers.edit,
	"invitation":      editableInvitations.edit,
	"privateEndpoint": editableEndpoints.edit,
}

// editable is what is special about the objects of a kind. An edit itself is the same for all.
type editable[T any] struct {
	list     func(*state) *[]*T
	id, name func(*T) string
	roles    func(*T) *grants              // nil where it has none
	fresh    func(c *call, e Edit) *T      // what a creation merges into
	created  func(c *call, made *T) Edited // adds it to the list
	changed  func(c *call, next *T, set map[string]any)
	deleted  func(c *call, gone *T)
}

func (k editable[T]) edit(c *call, e Edit) (Edited, error) {
	list := k.list(c.st)
	object, err := k.fresh(c, e), error(nil)
	if !e.Create {
		object, err = pick(*list, e, k.id, k.name)
	}
	if err != nil {
		return Edited{}, err
	}
	if e.Delete && !e.Create {
		*list = remove(*list, object)
		k.deleted(c, object)
		return Edited{ID: k.id(object)}, nil
	}
	next, err := k.merged(c, object, e.Set)
	if err != nil {
		return Edited{}, err
	}
	if e.Create {
		return k.created(c, next), nil
	}
	replace(*list, object, next)
	k.changed(c, next, e.Set)
	return Edited{ID: k.id(next)}, nil
}

// merged is a copy of an object with a patch applied, roles included.
func (k editable[T]) merged(c *call, object *T, set map[string]any) (*T, error) {
	if k.roles == nil {
		return stage.Merged(object, set)
	}
	rest, granted, err := c.takeRoles(set, *k.roles(object))
	if err != nil {
		return nil, err
	}
	next, err := stage.Merged(object, rest)
	if err == nil && granted != nil {
		*k.roles(next) = *granted
	}
	return next, err
}

// pick finds the one object of a list that an Edit names.
func pick[T any](list []*T, e Edit, id, name func(*T) string) (*T, error) {
	var found []*T
	for _, object := range list {
		if e.ID != "" && id(object) == e.ID || e.ID == "" && e.Name != "" && strings.EqualFold(name(object), e.Name) {
			found = append(found, object)
		}
	}
	switch len(found) {
	case 0:
		return nil, errors.New("not found")
	case 1:
		return found[0], nil
	default:
		return nil, fmt.Errorf("%d objects have this name", len(found))
	}
}

// takeRoles takes the roles out of a patch and gives the grants they make; nil if it has none.
func (c *call) takeRoles(set map[string]any, current grants) (map[string]any, *grants, error) {
	rest := maps.Clone(set)
	var granted *grants
	for _, field := range []string{"role", "roles", "assignedRoles", "assignedRoleIds"} {
		value, ok := set[field]
		if !ok {
			continue
		}
		delete(rest, field)
		text, err := json.Marshal(value)
		if err != nil {
			return nil, nil, err
		}
		var names []string
		var single string
		if json.Unmarshal(text, &single) == nil {
			names = []string{single}
		} else if err := json.Unmarshal(text, &names); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", field, err)
		}
		g, err := c.grant(names, current)
		if err != nil {
			return nil, nil, err
		}
		granted = &g
	}
	return rest, granted, nil
}

func (c *call) grant(names []string, current grants) (grants, error) {
	g := grants{RoleIDs: []string{}, Legacy: current.Legacy}
	if c.cfg.legacyRoles() {
		g.Legacy = []string{}
	}
	for _, name := range names {
		r := c.st.role(name)
		if r == nil {
			r = c.st.roleNamed(name)
		}
		legacy := strings.ToLower(name)
		if r == nil && legacy != legacyQueryEndpoints {
			return g, fmt.Errorf("no role %q", name)
		}
		if r != nil {
			g.RoleIDs = append(g.RoleIDs, r.ID)
		}
		if c.cfg.legacyRoles() {
			g.Legacy = append(g.Legacy, legacy)
		}
	}
	return g, nil
}

func editOrganization(c *call, e Edit) (Edited, error) {
	if e.Create || e.Delete {
		return Edited{}, errors.New("it can only be changed")
	}
	next, err := stage.Merged(&c.st.Organization, e.Set)
	if err != nil {
		return Edited{}, err
	}
	c.st.Organization = *next
	if _, ok := e.Set["name"]; ok {
		c.did(activity{Type: "organization_update_name"})
	}
	return Edited{ID: next.ID}, nil
}

var editableEndpoints = editable[privateEndpoint]{
	list: func(st *state) *[]*privateEndpoint { return &st.Organization.PrivateEndpoints },
	id:   func(p *privateEndpoint) string { return p.ID },
	name: func(p *privateEndpoint) string { return p.ID },
	fresh: func(_ *call, e Edit) *privateEndpoint {
		return &privateEndpoint{ID: e.ID + e.Name, CloudProvider: "aws", Region: "us-east-1"}
	},
	created: func(c *call, made *privateEndpoint) Edited {
		c.register(made)
		return Edited{ID: made.ID}
	},
	changed: func(*call, *privateEndpoint, map[string]any) {},
	deleted: func(*call, *privateEndpoint) {},
}

var editableServices = editable[service]{
	list: func(st *state) *[]*service { return &st.Services },
	id:   func(s *service) string { return s.ID },
	name: func(s *service) string { return s.Name },
	fresh: func(c *call, e Edit) *service {
		svc := c.cfg.newService()
		svc.Name, svc.Provider, svc.Region = e.Name, "aws", "us-east-1"
		return svc
	},
	created: func(c *call, made *service) Edited {
		asked := made.State
		c.admit(made)
		if asked != "" {
			made.enter(c.now, asked)
		}
		return Edited{ID: made.ID}
	},
	changed: func(c *call, next *service, set map[string]any) {
		if _, ok := set["state"]; ok {
			next.enter(c.now, next.State)
			next.DeleteFrom = c.now
		}
		c.did(doneTo(next, editActivities(set)...)...)
	},
	deleted: func(c *call, gone *service) { c.did(doneTo(gone, "service_delete")...) },
}

// editActivities are the types under which the console's edits of a service are logged.
func editActivities(set map[string]any) []string {
	var kinds []string
	for _, field := range slices.Sorted(maps.Keys(set)) {
		kind := map[string]string{
			"name":                "service_update_name",
			"ipAccessList":        "service_update_ip_access_list",
			"privateEndpointIds":  "service_update_private_endpoints",
			"releaseChannel":      "service_update_release_channel",
			"enableCoreDumps":     "service_update_core_dump",
			"backupConfiguration": "service_update_backup_configuration",
			"minReplicaMemoryGb":  "service_update_autoscaling_memory",
			"maxReplicaMemoryGb":  "service_update_autoscaling_memory",
			"autoscalingMode":     "service_update_autoscaling_replicas",
			"numReplicas":         "service_update_autoscaling_replicas",
			"minReplicas":         "service_update_autoscaling_replicas",
			"maxReplicas":         "service_update_autoscaling_replicas",
			"idleScaling":         "service_update_autoscaling_idling",
			"idleTimeoutMinutes":  "service_update_autoscaling_idling",
		}[field]
		if field == "state" {
			kind = map[any]string{stateStopped: "service_stop", stateStopping: "service_stop", stateRunning: "service_start"}[set[field]]
		}
		if kind != "" && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

var editableKeys = editable[key]{
	list:  func(st *state) *[]*key { return &st.Keys },
	id:    func(k *key) string { return k.ID },
	name:  func(k *key) string { return k.Name },
	roles: func(k *key) *grants { return &k.grants },
	fresh: func(c *call, e Edit) *key {
		return &key{
			ID: stage.NewID(), Name: e.Name, State: keyEnabled, CreatedAt: c.now,
			IPAccessList: []ipEntry{{Source: "0.0.0.0/0"}}, grants: grants{RoleIDs: []string{}},
		}
	},
	created: func(c *call, made *key) Edited {
		keyID, secret := made.generate()
		c.st.Keys = append(c.st.Keys, made)
		c.did(activity{Type: "key_create", TargetKeyID: made.ID, KeyUpdateType: "created"})
		return Edited{ID: made.ID, KeyID: keyID, KeySecret: secret}
	},
	changed: func(c *call, next *key, set map[string]any) {
		for _, field := range slices.Sorted(maps.Keys(set)) {
			update := map[string]string{
				"name": "name-changed", "state": "state-changed", "expireAt": "date-changed", "ipAccessList": "ip-access-list-changed",
			}[field]
			c.did(activity{Type: "openapi_key_update", TargetKeyID: next.ID, KeyUpdateType: cmp.Or(update, "role-changed")})
		}
	},
	deleted: func(c *call, gone *key) {
		c.did(activity{Type: "key_delete", TargetKeyID: gone.ID, KeyUpdateType: "deleted"})
	},
}

var editableMembers = editable[member]{
	list:  func(st *state) *[]*member { return &st.Members },
	id:    func(m *member) string { return m.UserID },
	name:  func(m *member) string { return m.Email },
	roles: func(m *member) *grants { return &m.grants },
	fresh: func(c *call, e Edit) *member {
		return &member{UserID: stage.NewID(), Name: e.Name, Email: e.Name, JoinedAt: c.now, grants: grants{RoleIDs: []string{}}}
	},
	created: func(c *call, made *member) Edited {
		c.st.Members = append(c.st.Members, made)
		c.did(activity{Type: "organization_member_add"})
		return Edited{ID: made.UserID}
	},
	changed: func(c *call, _ *member, _ map[string]any) { c.did(activity{Type: "organization_member_update_roles"}) },
	deleted: func(c *call, _ *member) { c.did(activity{Type: "organization_member_delete"}) },
}

var editableInvitations = editable[invitation]{
	list:  func(st *state) *[]*invitation { return &st.Invitations },
	id:    func(i *invitation) string { return i.ID },
	name:  func(i *invitation) string { return i.Email },
	roles: func(i *invitation) *grants { return &i.grants },
	fresh: func(c *call, e Edit) *invitation {
		return &invitation{
			ID: stage.NewID(), Email: strings.ToLower(e.Name), CreatedAt: c.now, ExpireAt: c.now.Add(c.cfg.Delays.invitationTTL()),
			grants: grants{RoleIDs: []string{}},
		}
	},
	created: func(c *call, made *invitation) Edited {
		c.st.Invitations = append(c.st.Invitations, made)
		c.did(activity{Type: "organization_invite_create"})
		return Edited{ID: made.ID}
	},
	changed: func(*call, *invitation, map[string]any) {},
	deleted: func(c *call, _ *invitation) { c.did(activity{Type: "organization_invite_delete"}) },
}
