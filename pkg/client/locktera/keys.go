package locktera

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/secret"
)

// APIKey is an API key, which has the rights of the user who made it.
type APIKey struct {
	ID          string // id, or else key_id; "" where an answer has neither, so that the key cannot be told from others
	OrgID       string
	Name        string // "" in the shape that has none
	CreatedAt   string
	Permissions []string        // nil where they are not shown
	Raw         json.RawMessage // without the values of what may be secret, should there be anything; see withoutSecrets
}

func (APIKey) fields() []string {
	return []string{"id", "key_id", "org_id", "name", "created_at", "permissions"}
}

// UnmarshalJSON reads both documented shapes.
func (k *APIKey) UnmarshalJSON(data []byte) error {
	f, err := newKnown(data, k.fields())
	if err != nil {
		return err
	}
	*k = APIKey{
		ID: f.keyID(), OrgID: f.text("org_id"), Name: f.text("name"), CreatedAt: f.text("created_at"),
		Permissions: f.texts("permissions"), Raw: f.withoutSecrets(data, k.fields()),
	}
	return nil
}

func (o object) keyID() string { return o.text("id", "key_id") }

// KeyCreate is a new API key.
type KeyCreate struct {
	Name        string   `json:"name"`
	Permissions []string `json:"permissions"` // read and write are the documented ones
}

// CreatedKey is the answer to a creation. No document names the field that holds the secret, so that all of it is one: it prints
// nowhere, and is never shown again.
type CreatedKey struct {
	Answer secret.Value
}

// Is reports whether the answer has the id of a key that a list shows. Its own id is not shown: it may be what is secret.
func (c CreatedKey) Is(k APIKey) bool {
	o, err := newObject([]byte(c.Answer.Reveal()))
	return err == nil && k.ID != "" && o.keyID() == k.ID
}

// HasID reports whether the answer has an id, which may be that of the key.
func (c CreatedKey) HasID() bool {
	o, err := newObject([]byte(c.Answer.Reveal()))
	return err == nil && o.keyID() != ""
}

// HasSecret reports whether anything in the answer may be the secret of the key, the documented fields aside. Where nothing is, it is
// one of these, or the key has none.
func (c CreatedKey) HasSecret() bool {
	answer := []byte(c.Answer.Reveal())
	o, err := newObject(answer)
	if err != nil {
		var v any
		if json.Unmarshal(answer, &v) != nil {
			v = string(answer) // plain text
		}
		return mayOpen(v)
	}
	for _, name := range (APIKey{}).fields() {
		delete(o, name)
	}
	for _, raw := range o {
		var v any
		_ = json.Unmarshal(raw, &v) // what came as JSON can be read
		if mayOpen(v) {
			return true
		}
	}
	return false
}

// shortestSecret is what a text has at least that could open anything: "OK" and "created" do not.
const shortestSecret = 8

// mayOpen reports whether there is a text anywhere in a value that could be a secret.
func mayOpen(v any) bool {
	switch v := v.(type) {
	case string:
		return len(strings.TrimSpace(v)) >= shortestSecret && hasText(v)
	case []any:
		return slices.ContainsFunc(v, mayOpen)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), mayOpen)
	default:
		return false
	}
}

// ListKeys returns the API keys of an organization.
// API: GET /orgs/{org_id}/api_keys
func (a *API) ListKeys(ctx context.Context, orgID string) ([]APIKey, error) {
	return get[list[APIKey]](ctx, a, organizationPath(orgID, "api_keys"))
}

// CreateKey creates an API key. Sending it twice makes two keys.
// API: POST /orgs/{org_id}/api_keys
func (a *API) CreateKey(ctx context.Context, orgID string, k KeyCreate) (CreatedKey, error) {
	path := organizationPath(orgID, "api_keys")
	resp, err := a.client.Do(ctx, client.Request{Method: http.MethodPost, Path: path, Body: k, Answer: client.Secret})
	if err != nil {
		return CreatedKey{}, err
	}
	if len(bytes.TrimSpace([]byte(resp.Secret.Reveal()))) == 0 {
		return CreatedKey{}, &client.ReplyError{Method: http.MethodPost, Path: path, URL: path, Status: resp.Status, Reason: "the answer is empty"}
	}
	return CreatedKey{resp.Secret}, nil
}

// DeleteKey deletes an API key, be it the one that authenticates the request.
// API: DELETE /orgs/{org_id}/api_keys/{key_id}
func (a *API) DeleteKey(ctx context.Context, orgID, keyID string) error {
	return a.remove(ctx, organizationPath(orgID, "api_keys", keyID))
}
