package sim

import (
	"slices"
	"strings"
	"time"
)

// state is one version of the whole organization.
//
// Its objects are never changed in place: a write clones the state (which copies the lists, not the objects), puts changed
// copies of objects into the lists, and becomes the current version only when it has succeeded. That makes each request atomic
// and lets old versions answer stale reads at no cost.
//
// The JSON names of stored objects are the API's own wherever the API has the field, so that an out-of-band edit is a JSON
// merge patch over the stored object.
type state struct {
	Organization organization  `json:"organization"`
	Roles        []*role       `json:"roles"`
	Services     []*service    `json:"services"`
	Keys         []*key        `json:"keys"`
	Members      []*member     `json:"members"`
	Invitations  []*invitation `json:"invitations"`
	Activities   []*activity   `json:"activities"`
}

func (st *state) clone() *state {
	next := *st
	next.Organization.PrivateEndpoints = slices.Clone(st.Organization.PrivateEndpoints)
	next.Roles = slices.Clone(st.Roles)
	next.Services = slices.Clone(st.Services)
	next.Keys = slices.Clone(st.Keys)
	next.Members = slices.Clone(st.Members)
	next.Invitations = slices.Clone(st.Invitations)
	// Activities are only ever appended, so versions may share the array; Clip keeps one from writing into another's.
	next.Activities = slices.Clip(st.Activities)
	return &next
}

type organization struct {
	ID               string             `json:"id"`
	Name             string             `json:"name"`
	CreatedAt        time.Time          `json:"createdAt"`
	PrivateEndpoints []*privateEndpoint `json:"privateEndpoints"`
	BYOCConfig       []byocConfig       `json:"byocConfig,omitempty"`
	EnableCoreDumps  bool               `json:"enableCoreDumps"`
}

type privateEndpoint struct {
	ID            string `json:"id"`
	Description   string `json:"description,omitempty"`
	CloudProvider string `json:"cloudProvider"`
	Region        string `json:"region"`
}

// same tells whether two entries are the same registration: the description does not count.
func (e *privateEndpoint) same(o *privateEndpoint) bool {
	return e.ID == o.ID && e.CloudProvider == o.CloudProvider && e.Region == o.Region
}

type byocConfig struct {
	ID            string `json:"id"`
	State         string `json:"state"`
	AccountName   string `json:"accountName"`
	RegionID      string `json:"regionId"`
	CloudProvider string `json:"cloudProvider"`
	DisplayName   string `json:"displayName"`
}

type ipEntry struct {
	Source      string `json:"source"`
	Description string `json:"description,omitempty"`
}

type tag struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

type service struct {
	ID                string    `json:"id"`
	Name              string    `json:"name"`
	Provider          string    `json:"provider"`
	Region            string    `json:"region"`
	CreatedAt         time.Time `json:"createdAt"`
	VisibleFrom       time.Time `json:"visibleFrom,omitzero"`
	ClickHouseVersion string    `json:"clickhouseVersion"`
	HostPrefix        string    `json:"hostPrefix"`

	State string `json:"state"`
	// Pending are the states the service will enter by itself, in order.
	Pending []transition `json:"pending,omitempty"`
	// Since is when State was entered.
	Since time.Time `json:"since"`
	// DeleteFrom is when DELETE stops answering 409 to a stopped service.
	DeleteFrom time.Time `json:"deleteFrom,omitzero"`

	scaling
	// Effective is what runs until EffectiveUntil; afterwards the configured scaling does.
	Effective      *scaling  `json:"effective,omitempty"`
	EffectiveUntil time.Time `json:"effectiveUntil,omitzero"`

	IPAccessList       []ipEntry        `json:"ipAccessList"`
	Tags               []tag            `json:"tags"`
	PrivateEndpointIDs []string         `json:"privateEndpointIds"`
	Endpoints          []endpointSwitch `json:"endpoints"`
	ReleaseChannel     string           `json:"releaseChannel"`
	EnableCoreDumps    bool             `json:"enableCoreDumps"`
	BackupConfig       backupConfig     `json:"backupConfiguration"`

	DataWarehouseID                 string `json:"dataWarehouseId"`
	IsPrimary                       bool   `json:"isPrimary"`
	IsReadonly                      bool   `json:"isReadonly"`
	BYOCID                          string `json:"byocId,omitempty"`
	Profile                         string `json:"profile,omitempty"`
	ComplianceType                  string `json:"complianceType,omitempty"`
	EncryptionKey                   string `json:"encryptionKey,omitempty"`
	EncryptionAssumedRoleIdentifier string `json:"encryptionAssumedRoleIdentifier,omitempty"`
	HasTransparentDataEncryption    bool   `json:"hasTransparentDataEncryption"`
	TransparentDataEncryptionKeyID  string `json:"transparentDataEncryptionKeyId,omitempty"`

	// Set by the console alone.
	QueryEndpoint      *queryEndpoint    `json:"serviceQueryEndpoint,omitempty"`
	UpgradeWindow      *upgradeWindow    `json:"upgradeWindow,omitempty"`
	BackupBucket       *backupBucket     `json:"backupBucket,omitempty"`
	ClickHouseSettings map[string]string `json:"clickhouseSettings,omitempty"`

	PasswordHash   string `json:"passwordHash,omitempty"`
	DoubleSHA1Hash string `json:"doubleSha1Hash,omitempty"`
}

// endpointSwitch turns a protocol on or off; only mysql can be.
type endpointSwitch struct {
	Protocol string `json:"protocol"`
	Enabled  bool   `json:"enabled"`
}

type transition struct {
	At    time.Time `json:"at"`
	State string    `json:"state"`
}

type key struct {
	ID            string     `json:"id"`
	Name          string     `json:"name"`
	State         string     `json:"state"`
	CreatedAt     time.Time  `json:"createdAt"`
	ExpireAt      *time.Time `json:"expireAt,omitempty"`
	UsedAt        *time.Time `json:"usedAt,omitempty"`
	IPAccessList  []ipEntry  `json:"ipAccessList"`
	KeySuffix     string     `json:"keySuffix"`
	KeyIDHash     string     `json:"keyIdHash"`
	KeySecretHash string     `json:"keySecretHash"`
	grants
}

type member struct {
	UserID   string    `json:"userId"`
	Name     string    `json:"name"`
	Email    string    `json:"email"`
	JoinedAt time.Time `json:"joinedAt"`
	grants
}

type invitation struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	CreatedAt time.Time `json:"createdAt"`
	ExpireAt  time.Time `json:"expireAt"`
	grants
}

// grants are the roles of somebody. RoleIDs decide what is allowed; Legacy is what an organization shows before its migration
// to custom roles, frozen afterwards.
type grants struct {
	RoleIDs []string `json:"assignedRoleIds"`
	Legacy  []string `json:"roles,omitempty"`
}

type role struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
}

type activity struct {
	ID             string    `json:"id"`
	CreatedAt      time.Time `json:"createdAt"`
	Type           string    `json:"type"`
	ActorType      string    `json:"actorType"`
	ActorID        string    `json:"actorId"`
	ActorDetails   string    `json:"actorDetails,omitempty"`
	ActorIPAddress string    `json:"actorIpAddress,omitempty"`
	OrganizationID string    `json:"organizationId"`
	ServiceID      string    `json:"serviceId,omitempty"`
	UserAgent      string    `json:"userAgent,omitempty"`
	TargetKeyID    string    `json:"targetKeyId,omitempty"`
	KeyUpdateType  string    `json:"keyUpdateType,omitempty"`
}

// replace puts a changed copy of an object in the place of the original.
func replace[T any](list []*T, old, changed *T) {
	if i := slices.Index(list, old); i >= 0 {
		list[i] = changed
	}
}

func remove[T any](list []*T, old *T) []*T {
	return slices.DeleteFunc(list, func(x *T) bool { return x == old })
}

func find[T any](list []*T, match func(*T) bool) *T {
	if i := slices.IndexFunc(list, match); i >= 0 {
		return list[i]
	}
	return nil
}

func (st *state) service(id string) *service {
	return find(st.Services, func(s *service) bool { return strings.EqualFold(s.ID, id) })
}

func (st *state) role(id string) *role {
	return find(st.Roles, func(r *role) bool { return strings.EqualFold(r.ID, id) })
}

func (st *state) roleNamed(name string) *role {
	return find(st.Roles, func(r *role) bool { return strings.EqualFold(r.Name, name) })
}
