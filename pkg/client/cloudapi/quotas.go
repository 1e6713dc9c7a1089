package cloudapi

import "context"

// Quota is a limit of an organization. Usage may exceed Value.
type Quota struct {
	QuotaCode   string   `json:"quotaCode"` // such as services-per-organization
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Scope       string   `json:"scope"` // organization or warehouse
	Value       *float64 `json:"value"`
	Usage       *float64 `json:"usage"` // may be missing
	Adjustable  *bool    `json:"adjustable"`
}

// ListQuotas returns the quotas that apply to the organization.
// API: GET /v1/organizations/{organizationId}/quotas
func (a *API) ListQuotas(ctx context.Context, orgID string) ([]Quota, error) {
	return get[[]Quota](ctx, a, organizationPath(orgID, "quotas"), nil)
}
