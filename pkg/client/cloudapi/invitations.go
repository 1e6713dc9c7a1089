package cloudapi

import "context"

// Invitation is an invitation nobody has accepted yet. It disappears when it is accepted or expires.
type Invitation struct {
	ID            string         `json:"id"`
	Email         string         `json:"email"` // in lower case
	Role          string         `json:"role"`  // frozen where there are AssignedRoles
	CreatedAt     string         `json:"createdAt"`
	ExpireAt      string         `json:"expireAt"`
	AssignedRoles []AssignedRole `json:"assignedRoles"` // nil in organizations that have not migrated to custom roles
}

// InvitationCreate invites a person: with Role in organizations that have not migrated to custom roles, otherwise with
// AssignedRoleIDs.
type InvitationCreate struct {
	Email           string   `json:"email"`
	Role            string   `json:"role,omitempty"`
	AssignedRoleIDs []string `json:"assignedRoleIds,omitzero"`
}

func (i Invitation) missing() string { return missing("id", i.ID, "email", i.Email) }

// ListInvitations returns all invitations.
// API: GET /v1/organizations/{organizationId}/invitations
func (a *API) ListInvitations(ctx context.Context, orgID string) ([]Invitation, error) {
	return list[Invitation](ctx, a, organizationPath(orgID, "invitations"), nil)
}

// CreateInvitation invites a person by mail. There is no call to change an invitation or to send its mail again.
// API: POST /v1/organizations/{organizationId}/invitations
func (a *API) CreateInvitation(ctx context.Context, orgID string, i InvitationCreate) (Invitation, error) {
	return create(ctx, a, organizationPath(orgID, "invitations"), i, func(made Invitation) string { return made.ID })
}

// DeleteInvitation withdraws an invitation.
// API: DELETE /v1/organizations/{organizationId}/invitations/{invitationId}
func (a *API) DeleteInvitation(ctx context.Context, orgID, invitationID string) error {
	return a.remove(ctx, organizationPath(orgID, "invitations", invitationID))
}
