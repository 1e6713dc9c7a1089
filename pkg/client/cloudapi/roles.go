package cloudapi

import "context"

// AssignedRole is a role as held by a key, a member or an invitation.
type AssignedRole struct {
	RoleID   string `json:"roleId"`
	RoleName string `json:"roleName"`
	RoleType string `json:"roleType"` // system or custom
}

// Role is a role of an organization that has migrated to custom roles.
type Role struct {
	ID        string       `json:"id"`
	TenantID  string       `json:"tenantId"` // "organization/" and the organization's id
	OwnerID   string       `json:"ownerId"`
	Name      string       `json:"name"`
	Type      string       `json:"type"`   // system or custom
	Actors    []string     `json:"actors"` // "user/" and a user id, or "apiKey/" and a key's ID
	Policies  []RolePolicy `json:"policies"`
	CreatedAt string       `json:"createdAt"`
	UpdatedAt string       `json:"updatedAt"`
}

// RolePolicy is a grant of a role. Its ID changes with every update of the role, and the API adds permissions that others
// imply.
type RolePolicy struct {
	ID          string          `json:"id"`
	RoleID      string          `json:"roleId"`
	TenantID    string          `json:"tenantId"`
	AllowDeny   string          `json:"allowDeny"` // ALLOW or DENY
	Permissions []string        `json:"permissions"`
	Resources   []string        `json:"resources"` // "organization/" or "instance/" and an id, or "instance/*"
	Tags        *RolePolicyTags `json:"tags"`
}

// RolePolicyTags is the database side of a policy.
type RolePolicyTags struct {
	Grants []string `json:"grants"`
	RoleV2 string   `json:"roleV2"`
}

func (r Role) missing() string { return missing("id", r.ID, "name", r.Name) }

// ListRoles returns all roles, system and custom.
// API: GET /v1/organizations/{organizationId}/roles
func (a *API) ListRoles(ctx context.Context, orgID string) ([]Role, error) {
	return list[Role](ctx, a, organizationPath(orgID, "roles"), nil)
}
