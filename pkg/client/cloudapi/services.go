package cloudapi

import (
	"context"
	"net/http"

	"github.com/orgctl/orgctl/pkg/client/secret"
)

// Service is a service as the API shows it.
type Service struct {
	ID                string            `json:"id"`
	Name              string            `json:"name"`
	Provider          string            `json:"provider"` // aws, gcp or azure
	Region            string            `json:"region"`
	State             State             `json:"state"`
	ClickHouseVersion string            `json:"clickhouseVersion"`
	CreatedAt         string            `json:"createdAt"`
	Endpoints         []ServiceEndpoint `json:"endpoints"`
	Tags              []Tag             `json:"tags"` // in no particular order
	ReleaseChannel    string            `json:"releaseChannel"`
	EnableCoreDumps   *bool             `json:"enableCoreDumps"`

	IPAccessList                []IPAccessEntry `json:"ipAccessList"` // in the order in which they were added
	PrivateEndpointIDs          []string        `json:"privateEndpointIds"`
	AvailablePrivateEndpointIDs []string        `json:"availablePrivateEndpointIds"` // attachable ones of the organization

	// The configured scaling. A vertical service has NumReplicas, a horizontal one MinReplicas, MaxReplicas and
	// ReplicaMemoryGB. Older servers send no AutoscalingMode.
	AutoscalingMode    string   `json:"autoscalingMode"` // vertical or horizontal
	MinReplicaMemoryGB *float64 `json:"minReplicaMemoryGb"`
	MaxReplicaMemoryGB *float64 `json:"maxReplicaMemoryGb"`
	ReplicaMemoryGB    *float64 `json:"replicaMemoryGb"`
	NumReplicas        *float64 `json:"numReplicas"`
	MinReplicas        *float64 `json:"minReplicas"`
	MaxReplicas        *float64 `json:"maxReplicas"`
	IdleScaling        *bool    `json:"idleScaling"`
	IdleTimeoutMinutes *float64 `json:"idleTimeoutMinutes"` // without meaning while IdleScaling is off

	// Deprecated by the API: memory of three replicas, whatever their number. The oldest servers send nothing else.
	MinTotalMemoryGB *float64 `json:"minTotalMemoryGb"`
	MaxTotalMemoryGB *float64 `json:"maxTotalMemoryGb"`

	// What runs at the moment, which differs from the above while a scaling schedule is active.
	CurrentScaling *CurrentScaling `json:"currentScaling"`

	// Every service has a warehouse; a service of its own is the primary of one.
	DataWarehouseID string `json:"dataWarehouseId"`
	IsPrimary       *Bool  `json:"isPrimary"`
	IsReadonly      *bool  `json:"isReadonly"`

	Tier                            string `json:"tier"` // only in organizations with the old pricing
	BYOCID                          string `json:"byocId"`
	Profile                         string `json:"profile"`
	ComplianceType                  string `json:"complianceType"`
	IAMRole                         string `json:"iamRole"`
	EncryptionKey                   string `json:"encryptionKey"`
	EncryptionAssumedRoleIdentifier string `json:"encryptionAssumedRoleIdentifier"`
	EncryptionRoleID                string `json:"encryptionRoleId"`
	HasTransparentDataEncryption    *bool  `json:"hasTransparentDataEncryption"`
	TransparentDataEncryptionKeyID  string `json:"transparentDataEncryptionKeyId"`
}

// ServiceEndpoint is an address of a service. The mysql endpoint is listed only while it is enabled.
type ServiceEndpoint struct {
	Protocol string   `json:"protocol"` // https, nativesecure or mysql
	Host     string   `json:"host"`
	Port     *float64 `json:"port"`
	Username string   `json:"username"`
}

// ServiceEndpointChange switches an endpoint on or off. The API knows only mysql here.
type ServiceEndpointChange struct {
	Protocol string `json:"protocol"`
	Enabled  bool   `json:"enabled"`
}

// IPAccessEntry lets an address or CIDR in. Source is its identity, kept by the API exactly as it was sent; removing an
// entry needs nothing else.
type IPAccessEntry struct {
	Source      string `json:"source"`
	Description string `json:"description,omitempty"`
}

// Tag is a label of a service. Key is its identity; removing a tag needs nothing else.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

// ServiceCreate is a new service. The API wants name, provider, region and the IP access list, and refuses explicit
// defaults of other fields in some organizations.
type ServiceCreate struct {
	Name         string          `json:"name"`
	Provider     string          `json:"provider"`
	Region       string          `json:"region"`
	IPAccessList []IPAccessEntry `json:"ipAccessList"` // always sent; nil as []

	Tags               []Tag                   `json:"tags,omitzero"`
	ReleaseChannel     string                  `json:"releaseChannel,omitempty"`
	Endpoints          []ServiceEndpointChange `json:"endpoints,omitzero"`
	EnableCoreDumps    *bool                   `json:"enableCoreDumps,omitempty"`
	PrivateEndpointIDs []string                `json:"privateEndpointIds,omitzero"` // deprecated by the API

	AutoscalingMode    string   `json:"autoscalingMode,omitempty"`
	MinReplicaMemoryGB *float64 `json:"minReplicaMemoryGb,omitempty"`
	MaxReplicaMemoryGB *float64 `json:"maxReplicaMemoryGb,omitempty"`
	NumReplicas        *float64 `json:"numReplicas,omitempty"`
	MinReplicas        *float64 `json:"minReplicas,omitempty"`
	MaxReplicas        *float64 `json:"maxReplicas,omitempty"`
	MinTotalMemoryGB   *float64 `json:"minTotalMemoryGb,omitempty"` // deprecated by the API
	MaxTotalMemoryGB   *float64 `json:"maxTotalMemoryGb,omitempty"` // deprecated by the API
	IdleScaling        *bool    `json:"idleScaling,omitempty"`
	IdleTimeoutMinutes *float64 `json:"idleTimeoutMinutes,omitempty"`

	// None of these can be changed later.
	DataWarehouseID                 string `json:"dataWarehouseId,omitempty"` // makes a secondary
	IsReadonly                      *bool  `json:"isReadonly,omitempty"`      // only with DataWarehouseID
	BackupID                        string `json:"backupId,omitempty"`        // restores into the new service; never shown again
	Tier                            string `json:"tier,omitempty"`            // refused by organizations with the new pricing
	BYOCID                          string `json:"byocId,omitempty"`
	Profile                         string `json:"profile,omitempty"`
	ComplianceType                  string `json:"complianceType,omitempty"`
	EncryptionKey                   string `json:"encryptionKey,omitempty"`
	EncryptionAssumedRoleIdentifier string `json:"encryptionAssumedRoleIdentifier,omitempty"`
	HasTransparentDataEncryption    *bool  `json:"hasTransparentDataEncryption,omitempty"`

	PrivatePreviewTermsChecked *bool `json:"privatePreviewTermsChecked,omitempty"`
}

// ServiceCreated is the answer to a create: the service, usually still provisioning, and the password of its user default,
// which the API never shows again.
type ServiceCreated struct {
	Service  Service      `json:"service"`
	Password secret.Value `json:"password"`
}

// ServicePatch changes what is neither scaling, state, password nor backups.
type ServicePatch struct {
	Name                           *string                 `json:"name,omitempty"`
	IPAccessList                   *Patch[IPAccessEntry]   `json:"ipAccessList,omitempty"`
	Tags                           *Patch[Tag]             `json:"tags,omitempty"`
	PrivateEndpointIDs             *Patch[string]          `json:"privateEndpointIds,omitempty"`
	ReleaseChannel                 *string                 `json:"releaseChannel,omitempty"`
	Endpoints                      []ServiceEndpointChange `json:"endpoints,omitzero"`
	TransparentDataEncryptionKeyID *string                 `json:"transparentDataEncryptionKeyId,omitempty"` // rotates the key
	EnableCoreDumps                *bool                   `json:"enableCoreDumps,omitempty"`
}

func (s Service) missing() string { return missing("id", s.ID, "name", s.Name) }

// ListServices returns all services in full. It is not filtered: the API ignores a filter it does not understand and
// returns everything, so none can be relied on.
// API: GET /v1/organizations/{organizationId}/services
func (a *API) ListServices(ctx context.Context, orgID string) ([]Service, error) {
	return list[Service](ctx, a, organizationPath(orgID, "services"), nil)
}

// GetService returns one service. For some seconds after a create it may not be found yet.
// API: GET /v1/organizations/{organizationId}/services/{serviceId}
func (a *API) GetService(ctx context.Context, orgID, serviceID string) (Service, error) {
	path := servicePath(orgID, serviceID)
	s, err := get[Service](ctx, a, path, nil)
	if err == nil && s.ID == "" {
		err = withoutID(http.MethodGet, path) // taken for a service, it would have neither state nor tags
	}
	return s, err
}

// CreateService starts the creation of a service. Names are not unique: sending it twice makes two services.
// API: POST /v1/organizations/{organizationId}/services
func (a *API) CreateService(ctx context.Context, orgID string, s ServiceCreate) (ServiceCreated, error) {
	if s.IPAccessList == nil {
		s.IPAccessList = []IPAccessEntry{}
	}
	return create(ctx, a, organizationPath(orgID, "services"), s, func(made ServiceCreated) string { return made.Service.ID })
}

// PatchService changes a service. Its effect on the IP access list and on lists of services may show with a delay.
// API: PATCH /v1/organizations/{organizationId}/services/{serviceId}
func (a *API) PatchService(ctx context.Context, orgID, serviceID string, p ServicePatch) (Service, error) {
	return patch[Service](ctx, a, servicePath(orgID, serviceID), p)
}

// DeleteService starts the deletion of a service. It matches client.ErrConflict in a state that does not allow it, which
// can last a while after the service shows as stopped.
// API: DELETE /v1/organizations/{organizationId}/services/{serviceId}
func (a *API) DeleteService(ctx context.Context, orgID, serviceID string) error {
	return a.remove(ctx, servicePath(orgID, serviceID))
}
