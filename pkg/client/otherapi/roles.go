package otherapi

import (
	"net/http"
	"slices"
	"strings"
)

// Role is a role of the organization.
type Role struct{ ID, Name, Type string }

// AddRole adds a custom role, unless there is one of the name.
func (o *Org) AddRole(name string) {
	if _, known := o.role(func(r Role) bool { return r.Name == name }); !known {
		o.Roles = append(o.Roles, Role{ID: o.newID(), Name: name, Type: "custom"})
	}
}

func (o *Org) role(is func(Role) bool) (Role, bool) {
	at := slices.IndexFunc(o.Roles, is)
	if at < 0 {
		return Role{}, false
	}
	return o.Roles[at], true
}

// roleFields show what somebody may do: in one field for people, in another for keys.
func (s *Server) roleFields(names []string, legacyField string) Object {
	legacy, assigned := []any{}, []any{}
	for _, name := range names {
		legacy = append(legacy, strings.ToLower(name))
		if role, ok := s.org.role(func(r Role) bool { return r.Name == name }); ok {
			kind := role.Type
			if s.choices.Future {
				kind = "inherited"
			}
			assigned = append(assigned, Object{"roleId": role.ID, "roleName": role.Name, "roleType": kind})
		}
	}
	fields := Object{legacyField: nil, "assignedRoles": nil}
	switch s.choices.Roles {
	case Migrated:
		legacy = []any{"developer"}
		fields["assignedRoles"] = assigned
	case MigratedBare:
		fields["assignedRoles"] = assigned
		return fields
	default:
	}
	if legacyField == "roles" {
		fields["roles"] = legacy
	} else if len(legacy) > 0 {
		fields["role"] = legacy[0]
	}
	return fields
}

// rolesAsked are the names of the roles that a body gives; given says whether it speaks of roles at all.
func (c *call) rolesAsked(legacyField string) (names []string, given bool, err error) {
	_, legacy := c.body[legacyField]
	_, assigned := c.body["assignedRoleIds"]
	switch {
	case legacy && c.choices.Roles.migrated():
		return nil, true, refuse(http.StatusBadRequest, "Organization has migrated to Custom Roles. Use 'assignedRoleIds' instead of '%s'.", legacyField)
	case assigned && !c.choices.Roles.migrated():
		return nil, true, refuse(http.StatusBadRequest, "Custom Roles are not available here.")
	case legacy:
		asked := texts(c.body[legacyField])
		if legacyField == "role" {
			asked = []string{text(c.body["role"])}
		}
		for _, one := range asked {
			known := map[string]string{"admin": "Admin", "developer": "Developer"}
			if legacyField == "roles" {
				known["query_endpoints"] = "query_endpoints"
			}
			if known[one] == "" {
				return nil, true, refuse(http.StatusBadRequest, "%q is no role.", one)
			}
			names = append(names, known[one])
		}
	case assigned:
		for _, id := range texts(c.body["assignedRoleIds"]) {
			role, ok := c.org.role(func(r Role) bool { return r.ID == id })
			if !ok {
				return nil, true, refuse(http.StatusBadRequest, "%q is no role.", id)
			}
			names = append(names, role.Name)
		}
	}
	return names, legacy || assigned, nil
}

// roles lists the roles, or shows one.
func (c *call) roles() (any, error) {
	if c.method != http.MethodGet || c.choices.Roles == LegacyUnlisted || len(c.path) > 2 {
		return nil, unknown("route")
	}
	shown := []Object{}
	for _, role := range c.org.Roles {
		object := Object{
			"id": role.ID, "name": role.Name, "type": role.Type, "tenantId": "organization/" + c.org.ID, "ownerId": nil,
			"actors": []any{}, "policies": []any{}, "createdAt": c.org.Fields["createdAt"], "updatedAt": nil,
		}
		if len(c.path) == 2 && role.ID == c.path[1] {
			return object, nil
		}
		shown = append(shown, object)
	}
	if len(c.path) == 2 {
		return nil, unknown("role")
	}
	return shown, nil
}

// Migrate takes a legacy organization to custom roles, which keep the names of the legacy ones.
func (s *Server) Migrate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.choices.Roles = Migrated
}
