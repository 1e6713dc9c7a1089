package cloudapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/orgctl/orgctl/pkg/client"
)

// Read gives the result of a GET below an organization as the API spelt it, with the order of its fields and with those that this
// package does not know: for whoever shows it rather than decides on it.
// API: GET /v1/organizations/{organizationId}/...
func (a *API) Read(ctx context.Context, orgID string, query url.Values, below ...string) (json.RawMessage, error) {
	return get[json.RawMessage](ctx, a, organizationPath(orgID, below...), query)
}

// ReadText is Read for what is text for programs, and no JSON.
// API: GET /v1/organizations/{organizationId}/...
func (a *API) ReadText(ctx context.Context, orgID string, query url.Values, below ...string) (string, error) {
	resp, err := a.client.Do(ctx, client.Request{
		Method: http.MethodGet, Path: organizationPath(orgID, below...), Query: query, Answer: client.Text,
	})
	if err != nil {
		return "", err
	}
	return resp.Text, nil
}
