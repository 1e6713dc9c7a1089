package cloudapi

import (
	"context"
	"net/http"
	"net/url"

	"github.com/orgctl/orgctl/pkg/client"
)

// MetricsFilter selects metrics.
type MetricsFilter bool

// All metrics, or the selection that the API makes for dashboards and alerts.
const (
	AllMetrics      MetricsFilter = false
	SelectedMetrics MetricsFilter = true
)

// OrganizationMetrics returns the metrics of all services in the Prometheus text format; there may be none.
// API: GET /v1/organizations/{organizationId}/prometheus
func (a *API) OrganizationMetrics(ctx context.Context, orgID string, f MetricsFilter) (string, error) {
	return a.metrics(ctx, organizationPath(orgID, "prometheus"), f)
}

// ServiceMetrics returns the metrics of a service in the Prometheus text format.
// API: GET /v1/organizations/{organizationId}/services/{serviceId}/prometheus
func (a *API) ServiceMetrics(ctx context.Context, orgID, serviceID string, f MetricsFilter) (string, error) {
	return a.metrics(ctx, servicePath(orgID, serviceID, "prometheus"), f)
}

func (a *API) metrics(ctx context.Context, path string, f MetricsFilter) (string, error) {
	r := client.Request{Method: http.MethodGet, Path: path, Text: true}
	if f == SelectedMetrics {
		r.Query = url.Values{"filtered_metrics": {"true"}}
	}
	resp, err := a.client.Do(ctx, r)
	if err != nil {
		return "", err
	}
	return resp.Text, nil
}
