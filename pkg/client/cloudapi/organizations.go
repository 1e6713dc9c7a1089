package cloudapi

import "context"

// Organization is an organization. An API key belongs to exactly one.
type Organization struct {
	ID               string            `json:"id"`
	CreatedAt        string            `json:"createdAt"`
	Name             string            `json:"name"`
	PrivateEndpoints []PrivateEndpoint `json:"privateEndpoints"`
	BYOCConfig       []BYOCConfig      `json:"byocConfig"`
	EnableCoreDumps  *bool             `json:"enableCoreDumps"` // false forbids core dumps in every service
}

// BYOCConfig is infrastructure in the customer's own cloud account. It is not written by orgctl.
type BYOCConfig struct {
	ID            string `json:"id"`
	State         string `json:"state"` // infra-ready, infra-provisioning or infra-terminated
	AccountName   string `json:"accountName"`
	RegionID      string `json:"regionId"`
	CloudProvider string `json:"cloudProvider"`
	DisplayName   string `json:"displayName"`
}

// OrganizationPatch changes an organization.
type OrganizationPatch struct {
	Name             *string                 `json:"name,omitempty"`
	EnableCoreDumps  *bool                   `json:"enableCoreDumps,omitempty"`
	PrivateEndpoints *Patch[PrivateEndpoint] `json:"privateEndpoints,omitempty"`
}

func (o Organization) missing() string {
	for _, e := range o.PrivateEndpoints {
		if e.ID == "" {
			return "id in one of its private endpoints"
		}
	}
	return missing("id", o.ID)
}

// ListOrganizations returns the organization of the API key, as a list of one.
// API: GET /v1/organizations
func (a *API) ListOrganizations(ctx context.Context) ([]Organization, error) {
	return list[Organization](ctx, a, path("organizations"), nil)
}

// GetOrganization returns one organization.
// API: GET /v1/organizations/{organizationId}
func (a *API) GetOrganization(ctx context.Context, orgID string) (Organization, error) {
	return get[Organization](ctx, a, organizationPath(orgID), nil)
}

// PatchOrganization changes an organization; it needs an admin key.
// API: PATCH /v1/organizations/{organizationId}
func (a *API) PatchOrganization(ctx context.Context, orgID string, p OrganizationPatch) (Organization, error) {
	return patch[Organization](ctx, a, organizationPath(orgID), p)
}
