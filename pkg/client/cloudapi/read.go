package cloudapi

import (
	"context"
	"encoding/json"
	"net/url"
)

// Read gives the result of a GET below an organization as the API spelt it, with the order of its fields and with those that this
// package does not know: for whoever shows it rather than decides on it.
// API: GET /v1/organizations/{organizationId}/...
func (a *API) Read(ctx context.Context, orgID string, query url.Values, below ...string) (json.RawMessage, error) {
	return get[json.RawMessage](ctx, a, organizationPath(orgID, below...), query)
}
