package cloudapi

import (
	"context"
	"net/url"
)

// PrivateEndpoint is a private endpoint registered in an organization. ID, CloudProvider and Region together are its
// identity.
type PrivateEndpoint struct {
	ID            string `json:"id"`
	Description   string `json:"description,omitempty"`
	CloudProvider string `json:"cloudProvider"` // aws, gcp or azure
	Region        string `json:"region"`
}

// PrivateEndpointConfig is what the customer's side of a private endpoint is set up with.
type PrivateEndpointConfig struct {
	EndpointServiceID  string `json:"endpointServiceId"`
	PrivateDNSHostname string `json:"privateDnsHostname"` // only for a service
}

// PrivateEndpointCreate registers an endpoint.
type PrivateEndpointCreate struct {
	ID          string `json:"id"`
	Description string `json:"description,omitempty"`
}

// GetPrivateEndpointConfig returns the set-up data of a service.
// API: GET /v1/organizations/{organizationId}/services/{serviceId}/privateEndpointConfig
func (a *API) GetPrivateEndpointConfig(ctx context.Context, orgID, serviceID string) (PrivateEndpointConfig, error) {
	return get[PrivateEndpointConfig](ctx, a, servicePath(orgID, serviceID, "privateEndpointConfig"), nil)
}

// CreatePrivateEndpoint registers an endpoint in the organization, with the provider and region of the service, and
// attaches it to the service. The registration outlives the service; PatchOrganization removes it.
// API: POST /v1/organizations/{organizationId}/services/{serviceId}/privateEndpoint
func (a *API) CreatePrivateEndpoint(ctx context.Context, orgID, serviceID string, e PrivateEndpointCreate) (PrivateEndpoint, error) {
	return post[PrivateEndpoint](ctx, a, servicePath(orgID, serviceID, "privateEndpoint"), e)
}

// GetOrganizationPrivateEndpointConfig returns the set-up data of a region, in which the organization must have a service
// already. The API deprecates it in favour of GetPrivateEndpointConfig.
// API: GET /v1/organizations/{organizationId}/privateEndpointConfig
func (a *API) GetOrganizationPrivateEndpointConfig(ctx context.Context, orgID, cloudProvider, region string) (PrivateEndpointConfig, error) {
	query := url.Values{"cloud_provider": {cloudProvider}, "region_id": {region}}
	return get[PrivateEndpointConfig](ctx, a, organizationPath(orgID, "privateEndpointConfig"), query)
}
