package cloudapi

import (
	"context"
	"net/http"

	"github.com/orgctl/orgctl/pkg/client"
)

// OrganizationMetrics returns the metrics of all services in the Prometheus text format; there may be none.
// API: GET /v1/organizations/{organizationId}/prometheus
func (a *API) OrganizationMetrics(ctx context.Context, orgID string) (string, error) {
	return a.metrics(ctx, organizationPath(orgID, "prometheus"))
}

// ServiceMetrics returns the metrics of a service in the Prometheus text format.
// API: GET /v1/organizations/{organizationId}/services/{serviceId}/prometheus
func (a *API) ServiceMetrics(ctx context.Context, orgID, serviceID string) (string, error) {
	return a.metrics(ctx, servicePath(orgID, serviceID, "prometheus"))
}

func (a *API) metrics(ctx context.Context, path string) (string, error) {
	resp, err := a.client.Do(ctx, client.Request{Method: http.MethodGet, Path: path, Text: true})
	if err != nil {
		return "", err
	}
	return resp.Text, nil
}
