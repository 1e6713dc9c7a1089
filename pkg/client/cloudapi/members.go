package cloudapi

import "context"

// Member is a person in an organization. Members appear by accepting an invitation or through single sign-on; no call
// makes one.
type Member struct {
	UserID        string         `json:"userId"` // a UUID, or for SAML a composite with | and @
	Name          string         `json:"name"`
	Email         string         `json:"email"` // not sent by old servers
	Role          string         `json:"role"`  // frozen where there are AssignedRoles
	JoinedAt      string         `json:"joinedAt"`
	AssignedRoles []AssignedRole `json:"assignedRoles"` // nil in organizations that have not migrated to custom roles
}

// MemberPatch changes the roles of a member: Role in organizations that have not migrated to custom roles, otherwise
// AssignedRoleIDs, which replaces all.
type MemberPatch struct {
	Role            string   `json:"role,omitempty"`
	AssignedRoleIDs []string `json:"assignedRoleIds,omitzero"`
}

func (m Member) missing() string { return missing("id", m.UserID) } // old servers show no e-mail

// ListMembers returns all members.
// API: GET /v1/organizations/{organizationId}/members
func (a *API) ListMembers(ctx context.Context, orgID string) ([]Member, error) {
	return list[Member](ctx, a, organizationPath(orgID, "members"), nil)
}

// PatchMember changes the roles of a member. The reply and reads for some seconds after may show the old ones.
// API: PATCH /v1/organizations/{organizationId}/members/{userId}
func (a *API) PatchMember(ctx context.Context, orgID, userID string, p MemberPatch) (Member, error) {
	return patch[Member](ctx, a, organizationPath(orgID, "members", userID), p)
}

// DeleteMember removes a member. The API refuses to remove the last admin.
// API: DELETE /v1/organizations/{organizationId}/members/{userId}
func (a *API) DeleteMember(ctx context.Context, orgID, userID string) error {
	return a.remove(ctx, organizationPath(orgID, "members", userID))
}
