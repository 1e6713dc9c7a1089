package locktera

import (
	"bytes"
	"context"
	"encoding/json"
)

// Tag is a tag, which this API only shows.
type Tag struct {
	ID        string // "" in the shape that has only names
	Name      string
	CreatedAt string
	Raw       json.RawMessage
}

func (Tag) fields() []string { return []string{"id", "name", "created_at"} }

// UnmarshalJSON reads both documented shapes: an object, and its name.
func (t *Tag) UnmarshalJSON(data []byte) error {
	*t = Tag{Raw: bytes.Clone(data)}
	if bytes.HasPrefix(data, []byte(`"`)) {
		return json.Unmarshal(data, &t.Name)
	}
	f, err := newObject(data)
	t.ID, t.Name, t.CreatedAt = f.text("id"), f.text("name"), f.text("created_at")
	return err
}

// ListTags returns the tags of an organization.
// API: GET /orgs/{org_id}/tags
func (a *API) ListTags(ctx context.Context, orgID string) ([]Tag, error) {
	return get[list[Tag]](ctx, a, organizationPath(orgID, "tags"))
}
