package locktera

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"

	"github.com/orgctl/orgctl/pkg/client"
)

// Organization is a node of one tree of organizations, groups and people: its id may be a person's, and Role then says so.
type Organization struct {
	ID             string
	Name           string // name, or else org_name
	NameKey        string // which of them
	CreatedAt      string
	RootID         string
	ParentID       string
	Role           string // org, group, org_admin, user_admin or user; "" in the shape that has none; JSON where it is no text, or an empty one
	FirstName      string
	LastName       string
	Email          string
	MobilePhone    string
	Customizations map[string]json.RawMessage // nil where they are not shown
	Raw            json.RawMessage
}

// UnmarshalJSON reads both documented shapes, and any mixture of them.
func (o *Organization) UnmarshalJSON(data []byte) error {
	f, err := newKnown(data, []string{
		"id", "name", "org_name", "created_at", "customizations", "root_org_id", "parent_org_id", "role", "first_name", "last_name",
		"email", "mobile_phone",
	})
	if err != nil {
		return err
	}
	*o = Organization{
		ID: f.text("id"), Name: f.text("name", "org_name"), CreatedAt: f.text("created_at"), RootID: f.text("root_org_id"),
		ParentID: f.text("parent_org_id"), Role: f.text("role"), FirstName: f.text("first_name"), LastName: f.text("last_name"),
		Email: f.text("email"), MobilePhone: f.text("mobile_phone"), Raw: bytes.Clone(data),
	}
	for _, key := range []string{"name", "org_name"} {
		if o.NameKey == "" && f.text(key) != "" {
			o.NameKey = key
		}
	}
	if raw := f["role"]; o.Role == "" && raw != nil && string(raw) != "null" {
		o.Role = string(raw)
	}
	if custom, err := newObject(f["customizations"]); err == nil {
		o.Customizations = custom
	}
	return nil
}

// OrganizationUpdate changes an organization.
type OrganizationUpdate struct {
	Name    *string
	NameKey string // the field that takes it, such as that in which the server shows it; "" is name, and org_name the other documented one
}

// GetOrganization returns an organization, a group or a person.
// API: GET /orgs/{org_id}
func (a *API) GetOrganization(ctx context.Context, orgID string) (Organization, error) {
	return get[Organization](ctx, a, organizationPath(orgID))
}

// UpdateOrganization sends the fields that are set, once: before another time, read. That it succeeds does not say that anything has
// changed: read again.
// API: PATCH /orgs/{org_id}
func (a *API) UpdateOrganization(ctx context.Context, orgID string, u OrganizationUpdate) error {
	body := map[string]string{}
	if u.Name != nil {
		body[cmp.Or(a.options.NameKey, u.NameKey, "name")] = *u.Name
	}
	_, err := a.client.Do(ctx, client.Request{
		Method: http.MethodPatch, Path: organizationPath(orgID), Body: body, Answer: client.Ignored, Once: true,
	})
	return err
}

// DeleteOrganization deletes an organization with all that is below it. Nothing brings it back, and nothing creates one.
// API: DELETE /orgs/{org_id}
func (a *API) DeleteOrganization(ctx context.Context, orgID string) error {
	return a.remove(ctx, organizationPath(orgID))
}
