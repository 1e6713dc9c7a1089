package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// serviceView is a service as replies show it. Which scaling fields appear depends on the autoscaling mode.
type serviceView struct {
	ID                string         `json:"id"`
	Name              string         `json:"name"`
	Provider          string         `json:"provider"`
	Region            string         `json:"region"`
	State             string         `json:"state"`
	ClickHouseVersion string         `json:"clickhouseVersion"`
	Endpoints         []endpointView `json:"endpoints"`

	MinTotalMemoryGB   *int               `json:"minTotalMemoryGb,omitempty"`
	MaxTotalMemoryGB   *int               `json:"maxTotalMemoryGb,omitempty"`
	MinReplicaMemoryGB int                `json:"minReplicaMemoryGb"`
	MaxReplicaMemoryGB int                `json:"maxReplicaMemoryGb"`
	NumReplicas        *int               `json:"numReplicas,omitempty"`
	MinReplicas        *int               `json:"minReplicas,omitempty"`
	MaxReplicas        *int               `json:"maxReplicas,omitempty"`
	AutoscalingMode    string             `json:"autoscalingMode"`
	ReplicaMemoryGB    *int               `json:"replicaMemoryGb,omitempty"`
	IdleScaling        bool               `json:"idleScaling"`
	IdleTimeoutMinutes int                `json:"idleTimeoutMinutes"`
	CurrentScaling     currentScalingView `json:"currentScaling"`

	IPAccessList                    []ipEntry `json:"ipAccessList"`
	CreatedAt                       time.Time `json:"createdAt"`
	EncryptionKey                   string    `json:"encryptionKey,omitempty"`
	EncryptionAssumedRoleIdentifier string    `json:"encryptionAssumedRoleIdentifier,omitempty"`
	IAMRole                         string    `json:"iamRole,omitempty"`
	PrivateEndpointIDs              []string  `json:"privateEndpointIds"`
	AvailablePrivateEndpointIDs     []string  `json:"availablePrivateEndpointIds"`
	DataWarehouseID                 string    `json:"dataWarehouseId"`
	IsPrimary                       bool      `json:"isPrimary"`
	IsReadonly                      bool      `json:"isReadonly"`
	ReleaseChannel                  string    `json:"releaseChannel"`
	BYOCID                          string    `json:"byocId,omitempty"`
	HasTransparentDataEncryption    bool      `json:"hasTransparentDataEncryption"`
	Profile                         string    `json:"profile,omitempty"`
	TransparentDataEncryptionKeyID  string    `json:"transparentDataEncryptionKeyId,omitempty"`
	EncryptionRoleID                string    `json:"encryptionRoleId,omitempty"`
	ComplianceType                  string    `json:"complianceType,omitempty"`
	Tags                            []tag     `json:"tags"`
	EnableCoreDumps                 bool      `json:"enableCoreDumps"`
}

type endpointView struct {
	Protocol string  `json:"protocol"`
	Host     string  `json:"host"`
	Port     int     `json:"port"`
	Username *string `json:"username,omitempty"`
}

// host is the public name of the service.
func (s *service) host() string {
	return fmt.Sprintf("%s.%s.%s.clickhouse.cloud", s.HostPrefix, s.Region, s.Provider)
}

func (s *service) mysql() bool {
	return slices.Contains(s.Endpoints, endpointSwitch{Protocol: protocolMySQL, Enabled: true})
}

const protocolMySQL = "mysql"

func (s *service) endpointViews() []endpointView {
	views := []endpointView{
		{Protocol: "nativesecure", Host: s.host(), Port: 9440},
		{Protocol: "https", Host: s.host(), Port: 8443},
	}
	if s.mysql() {
		views = append(views, endpointView{Protocol: protocolMySQL, Host: s.host(), Port: 3306, Username: ptr("mysql4" + s.HostPrefix)})
	}
	return views
}

func (c *call) viewService(s *service) serviceView {
	state := s.stateAt(c.at)
	v := serviceView{
		ID: s.ID, Name: s.Name, Provider: s.Provider, Region: s.Region, State: state,
		ClickHouseVersion: s.ClickHouseVersion, Endpoints: []endpointView{},
		MinReplicaMemoryGB: s.MinReplicaMemoryGB, MaxReplicaMemoryGB: s.MaxReplicaMemoryGB,
		AutoscalingMode: s.AutoscalingMode, IdleScaling: s.IdleScaling, IdleTimeoutMinutes: s.IdleTimeoutMinutes,
		CurrentScaling: viewCurrentScaling(s.effective(c.at)),
		IPAccessList:   orEmpty(s.IPAccessList), CreatedAt: s.CreatedAt,
		EncryptionKey: s.EncryptionKey, EncryptionAssumedRoleIdentifier: s.EncryptionAssumedRoleIdentifier,
		PrivateEndpointIDs: orEmpty(s.PrivateEndpointIDs), AvailablePrivateEndpointIDs: c.st.attachable(s),
		DataWarehouseID: s.DataWarehouseID, IsPrimary: s.IsPrimary, IsReadonly: s.IsReadonly,
		ReleaseChannel: s.ReleaseChannel, BYOCID: s.BYOCID, HasTransparentDataEncryption: s.HasTransparentDataEncryption,
		Profile: s.Profile, TransparentDataEncryptionKeyID: s.TransparentDataEncryptionKeyID,
		ComplianceType: s.ComplianceType, Tags: orEmpty(s.Tags), EnableCoreDumps: s.EnableCoreDumps,
	}
	if state != stateProvisioning {
		// Hosts and the service's own role exist once it is provisioned.
		v.Endpoints = s.endpointViews()
		v.IAMRole = "arn:aws:iam::000000000000:role/" + s.HostPrefix
	}
	if s.HasTransparentDataEncryption {
		v.EncryptionRoleID = "arn:aws:iam::000000000000:role/tde-" + s.HostPrefix
	}
	if s.AutoscalingMode == horizontal {
		v.MinReplicas, v.MaxReplicas, v.ReplicaMemoryGB = &s.MinReplicas, &s.MaxReplicas, &s.MaxReplicaMemoryGB
	} else {
		v.NumReplicas = &s.NumReplicas
		v.MinTotalMemoryGB, v.MaxTotalMemoryGB = ptr(workers*s.MinReplicaMemoryGB), ptr(workers*s.MaxReplicaMemoryGB)
	}
	return v
}

// orEmpty keeps an empty list from showing as null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// listServices handles GET services. Every well-formed tag filter has to match; a filter of any other form is silently
// ignored, as the real API does.
func listServices(c *call) (any, error) {
	views := make([]serviceView, 0, len(c.st.Services))
	for _, s := range c.st.Services {
		if c.visible(s) && matchesFilters(s, c.query["filter"]) {
			views = append(views, c.viewService(s))
		}
	}
	return views, nil
}

func matchesFilters(s *service, filters []string) bool {
	for _, filter := range filters {
		expr, ok := strings.CutPrefix(filter, "tag:")
		if !ok {
			continue
		}
		name, value, withValue := strings.Cut(expr, "=")
		if !slices.ContainsFunc(s.Tags, func(t tag) bool { return t.Key == name && (!withValue || t.Value == value) }) {
			return false
		}
	}
	return true
}

func getService(c *call) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	return c.viewService(svc), nil
}

// patchService handles PATCH of a service. Within each list, removals happen before additions.
func patchService(c *call) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	f, err := parseBody(c.body)
	if err != nil {
		return nil, err
	}
	changed := *svc
	var kinds []string
	if name := readServiceName(f); name != nil {
		changed.Name = *name
		kinds = append(kinds, "service_update_name")
	}
	if p := f.patch("ipAccessList"); p != nil {
		changed.IPAccessList = c.patchIPs(p, svc.IPAccessList)
		kinds = append(kinds, "service_update_ip_access_list")
	}
	if p := f.patch("privateEndpointIds"); p != nil {
		changed.PrivateEndpointIDs = c.patchAttached(p, svc)
		kinds = append(kinds, "service_update_private_endpoints")
	}
	if !c.cfg.OldAPI {
		kinds = append(kinds, c.patchModern(f, svc, &changed)...)
	}
	if err := f.done(c.cfg.Lenient); err != nil {
		return nil, err
	}
	if err := c.present(svc); err != nil {
		return nil, err
	}
	replace(c.st.Services, svc, &changed)
	c.did(doneTo(svc, kinds...)...)
	return c.viewService(&changed), nil
}

// patchModern reads the fields that the old API document does not have.
func (c *call) patchModern(f *fields, svc, changed *service) (kinds []string) {
	if p := f.patch("tags"); p != nil {
		changed.Tags = c.patchTags(p, svc.Tags)
	}
	if channel := readReleaseChannel(f); channel != nil {
		changed.ReleaseChannel = *channel
		kinds = append(kinds, "service_update_release_channel")
	}
	if list, ok := readEndpointSwitches(f); ok {
		changed.Endpoints = mergeSwitches(svc.Endpoints, list)
	}
	if keyID := f.str("transparentDataEncryptionKeyId"); keyID != nil {
		if !svc.HasTransparentDataEncryption {
			f.fail(badRequest("transparent data encryption is not enabled for this service"))
		}
		changed.TransparentDataEncryptionKeyID = *keyID
	}
	if dumps := c.coreDumps(f); dumps != nil {
		changed.EnableCoreDumps = *dumps
		kinds = append(kinds, "service_update_core_dump")
	}
	return kinds
}

func mergeSwitches(current, changes []endpointSwitch) []endpointSwitch {
	merged := slices.Clone(current)
	for _, change := range changes {
		merged = slices.DeleteFunc(merged, func(e endpointSwitch) bool { return e.Protocol == change.Protocol })
		merged = append(merged, change)
	}
	return merged
}
