package sim

import (
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
	// endpoints has the form of requests, backupConfiguration is a field of its service. Roles are names or ids, under any of
	// the names role, roles, assignedRoles and assignedRoleIds.
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
	now := s.now()
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
	switch e.Kind {
	case "organization":
		return c.editOrganization(e)
	case "service":
		return c.editService(e)
	case "key":
		return c.editKey(e)
	case "member":
		return c.editMember(e)
	case "invitation":
		return c.editInvitation(e)
	case "privateEndpoint":
		return c.editEndpoint(e)
	default:
		return Edited{}, errors.New("unknown kind")
	}
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

func (c *call) editOrganization(e Edit) (Edited, error) {
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

func (c *call) editEndpoint(e Edit) (Edited, error) {
	o := &c.st.Organization
	o.PrivateEndpoints = slices.Clone(o.PrivateEndpoints)
	if e.Create {
		entry, err := stage.Merged(&privateEndpoint{ID: e.ID + e.Name, CloudProvider: "aws", Region: "us-east-1"}, e.Set)
		if err != nil {
			return Edited{}, err
		}
		o.PrivateEndpoints = append(o.PrivateEndpoints, *entry)
		return Edited{ID: entry.ID}, nil
	}
	list := make([]*privateEndpoint, len(o.PrivateEndpoints))
	for i := range o.PrivateEndpoints {
		list[i] = &o.PrivateEndpoints[i]
	}
	id := func(p *privateEndpoint) string { return p.ID }
	found, err := pick(list, e, id, id)
	if err != nil {
		return Edited{}, err
	}
	if e.Delete {
		gone := *found
		o.PrivateEndpoints = slices.DeleteFunc(o.PrivateEndpoints, gone.same)
		return Edited{ID: gone.ID}, nil
	}
	next, err := stage.Merged(found, e.Set)
	if err != nil {
		return Edited{}, err
	}
	*found = *next
	return Edited{ID: next.ID}, nil
}

func (c *call) editService(e Edit) (Edited, error) {
	if e.Create {
		svc := c.cfg.newService()
		svc.Name, svc.Provider, svc.Region = e.Name, "aws", "us-east-1"
		svc, err := stage.Merged(svc, e.Set)
		if err != nil {
			return Edited{}, err
		}
		asked := svc.State
		c.admit(svc)
		if asked != "" {
			svc.enter(c.now, asked)
		}
		return Edited{ID: svc.ID}, nil
	}
	svc, err := pick(c.st.Services, e, func(s *service) string { return s.ID }, func(s *service) string { return s.Name })
	if err != nil {
		return Edited{}, err
	}
	if e.Delete {
		c.st.Services = remove(c.st.Services, svc)
		c.did(doneTo(svc, "service_delete")...)
		return Edited{ID: svc.ID}, nil
	}
	next, err := stage.Merged(svc, e.Set)
	if err != nil {
		return Edited{}, err
	}
	if _, ok := e.Set["state"]; ok {
		next.enter(c.now, next.State)
		next.DeleteFrom = c.now
	}
	replace(c.st.Services, svc, next)
	c.did(doneTo(svc, editActivities(e.Set)...)...)
	return Edited{ID: svc.ID}, nil
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

func (c *call) editKey(e Edit) (Edited, error) {
	k := &key{
		ID: stage.NewID(), Name: e.Name, State: keyEnabled, CreatedAt: c.now,
		IPAccessList: []ipEntry{{Source: "0.0.0.0/0"}}, grants: grants{RoleIDs: []string{}},
	}
	if !e.Create {
		var err error
		if k, err = pick(c.st.Keys, e, func(k *key) string { return k.ID }, func(k *key) string { return k.Name }); err != nil {
			return Edited{}, err
		}
	}
	if e.Delete {
		c.st.Keys = remove(c.st.Keys, k)
		c.did(activity{Type: "key_delete", TargetKeyID: k.ID, KeyUpdateType: "deleted"})
		return Edited{ID: k.ID}, nil
	}
	set, granted, err := c.takeRoles(e.Set, k.grants)
	if err != nil {
		return Edited{}, err
	}
	next, err := stage.Merged(k, set)
	if err != nil {
		return Edited{}, err
	}
	if granted != nil {
		next.grants = *granted
	}
	if e.Create {
		keyID, secret := next.generate()
		c.st.Keys = append(c.st.Keys, next)
		c.did(activity{Type: "key_create", TargetKeyID: k.ID, KeyUpdateType: "created"})
		return Edited{ID: next.ID, KeyID: keyID, KeySecret: secret}, nil
	}
	replace(c.st.Keys, k, next)
	for _, field := range slices.Sorted(maps.Keys(e.Set)) {
		update := map[string]string{
			"name": "name-changed", "state": "state-changed", "expireAt": "date-changed", "ipAccessList": "ip-access-list-changed",
		}[field]
		if update == "" {
			update = "role-changed"
		}
		c.did(activity{Type: "openapi_key_update", TargetKeyID: k.ID, KeyUpdateType: update})
	}
	return Edited{ID: k.ID}, nil
}

func (c *call) editMember(e Edit) (Edited, error) {
	m := &member{UserID: stage.NewID(), Name: e.Name, Email: e.Name, JoinedAt: c.now, grants: grants{RoleIDs: []string{}}}
	if !e.Create {
		var err error
		if m, err = pick(c.st.Members, e, func(m *member) string { return m.UserID }, func(m *member) string { return m.Email }); err != nil {
			return Edited{}, err
		}
	}
	if e.Delete {
		c.st.Members = remove(c.st.Members, m)
		c.did(activity{Type: "organization_member_delete"})
		return Edited{ID: m.UserID}, nil
	}
	set, granted, err := c.takeRoles(e.Set, m.grants)
	if err != nil {
		return Edited{}, err
	}
	next, err := stage.Merged(m, set)
	if err != nil {
		return Edited{}, err
	}
	if granted != nil {
		next.grants = *granted
	}
	if e.Create {
		c.st.Members = append(c.st.Members, next)
		c.did(activity{Type: "organization_member_add"})
		return Edited{ID: next.UserID}, nil
	}
	replace(c.st.Members, m, next)
	c.did(activity{Type: "organization_member_update_roles"})
	return Edited{ID: next.UserID}, nil
}

func (c *call) editInvitation(e Edit) (Edited, error) {
	i := &invitation{
		ID: stage.NewID(), Email: strings.ToLower(e.Name), CreatedAt: c.now, ExpireAt: c.now.Add(c.cfg.Delays.invitationTTL()),
		grants: grants{RoleIDs: []string{}},
	}
	if !e.Create {
		var err error
		if i, err = pick(c.st.Invitations, e, func(i *invitation) string { return i.ID }, func(i *invitation) string { return i.Email }); err != nil {
			return Edited{}, err
		}
	}
	if e.Delete {
		c.st.Invitations = remove(c.st.Invitations, i)
		c.did(activity{Type: "organization_invite_delete"})
		return Edited{ID: i.ID}, nil
	}
	set, granted, err := c.takeRoles(e.Set, i.grants)
	if err != nil {
		return Edited{}, err
	}
	next, err := stage.Merged(i, set)
	if err != nil {
		return Edited{}, err
	}
	if granted != nil {
		next.grants = *granted
	}
	if e.Create {
		c.st.Invitations = append(c.st.Invitations, next)
		c.did(activity{Type: "organization_invite_create"})
	} else {
		replace(c.st.Invitations, i, next)
	}
	return Edited{ID: next.ID}, nil
}
