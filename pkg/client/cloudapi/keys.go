package cloudapi

import (
	"context"

	"github.com/orgctl/orgctl/pkg/client/secret"
)

// The states of an API key.
const (
	KeyEnabled  = "enabled"
	KeyDisabled = "disabled"
)

// keySuffixLength is how much of a key id the API shows.
const keySuffixLength = 4

// APIKey is an API key. ID is its handle in paths and bindings, and not the key id it authenticates with, of which the API
// shows only the suffix. Names are not unique.
type APIKey struct {
	ID            string          `json:"id"`
	Name          string          `json:"name"`
	State         string          `json:"state"`         // enabled or disabled
	Roles         []string        `json:"roles"`         // frozen where there are AssignedRoles
	AssignedRoles []AssignedRole  `json:"assignedRoles"` // nil in organizations that have not migrated to custom roles
	KeySuffix     string          `json:"keySuffix"`
	IPAccessList  []IPAccessEntry `json:"ipAccessList"` // empty lets nobody in
	CreatedAt     string          `json:"createdAt"`
	ExpireAt      string          `json:"expireAt"` // "" for never
	UsedAt        string          `json:"usedAt"`   // to the minute, "" for never
}

// KeyCreate is a new API key. Roles is for organizations that have not migrated to custom roles, AssignedRoleIDs for the
// others.
type KeyCreate struct {
	Name            string          `json:"name"`
	State           string          `json:"state,omitempty"`
	ExpireAt        string          `json:"expireAt,omitempty"`
	Roles           []string        `json:"roles,omitzero"`
	AssignedRoleIDs []string        `json:"assignedRoleIds,omitzero"`
	IPAccessList    []IPAccessEntry `json:"ipAccessList,omitzero"` // left out or empty lets nobody in
	HashData        *HashData       `json:"hashData,omitempty"`
}

// HashData makes the API take over a key id and secret that its caller generated.
type HashData struct {
	KeyIDHash     string `json:"keyIdHash"`
	KeyIDSuffix   string `json:"keyIdSuffix"` // in plain
	KeySecretHash string `json:"keySecretHash"`
}

// HashKey returns the hashes of a key id and secret.
func HashKey(keyID, keySecret secret.Value) HashData {
	return HashData{
		KeyIDHash:     secret.SHA256Base64(keyID),
		KeyIDSuffix:   KeySuffix(keyID.Reveal()),
		KeySecretHash: secret.SHA256Base64(keySecret),
	}
}

// KeySuffix returns the part of a key id by which the API shows the key. It is how a caller finds its own key, unless
// another one has the same suffix.
func KeySuffix(keyID string) string {
	return keyID[max(0, len(keyID)-keySuffixLength):]
}

// KeyCreated is the answer to a create. KeyID and KeySecret are empty when HashData was sent, and are never shown again
// otherwise.
type KeyCreated struct {
	Key       APIKey       `json:"key"`
	KeyID     secret.Value `json:"keyId"`
	KeySecret secret.Value `json:"keySecret"`
}

// KeyPatch changes an API key. Lists replace the ones before as a whole.
type KeyPatch struct {
	Name            *string          `json:"name,omitempty"`
	State           *string          `json:"state,omitempty"`
	ExpireAt        Nullable[string] `json:"expireAt,omitzero"` // Null for never
	Roles           []string         `json:"roles,omitzero"`
	AssignedRoleIDs []string         `json:"assignedRoleIds,omitzero"`
	IPAccessList    []IPAccessEntry  `json:"ipAccessList,omitzero"`
}

func (k APIKey) missing() string { return missing("id", k.ID, "name", k.Name) }

// ListKeys returns all API keys.
// API: GET /v1/organizations/{organizationId}/keys
func (a *API) ListKeys(ctx context.Context, orgID string) ([]APIKey, error) {
	return list[APIKey](ctx, a, organizationPath(orgID, "keys"), nil)
}

// CreateKey creates an API key. Sending it twice makes two keys.
// API: POST /v1/organizations/{organizationId}/keys
func (a *API) CreateKey(ctx context.Context, orgID string, k KeyCreate) (KeyCreated, error) {
	return create(ctx, a, organizationPath(orgID, "keys"), k, func(made KeyCreated) string { return made.Key.ID })
}

// PatchKey changes an API key.
// API: PATCH /v1/organizations/{organizationId}/keys/{keyId}
func (a *API) PatchKey(ctx context.Context, orgID, keyID string, p KeyPatch) (APIKey, error) {
	return patch[APIKey](ctx, a, organizationPath(orgID, "keys", keyID), p)
}

// DeleteKey deletes an API key. The API refuses to delete the key that authenticates the request.
// API: DELETE /v1/organizations/{organizationId}/keys/{keyId}
func (a *API) DeleteKey(ctx context.Context, orgID, keyID string) error {
	return a.remove(ctx, organizationPath(orgID, "keys", keyID))
}
