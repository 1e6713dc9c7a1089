package locktera

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// pageKey and specKey are an API key in the two documented shapes.
type pageKey struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	CreatedAt   time.Time `json:"created_at"`
	Permissions []string  `json:"permissions"`
}

type specKey struct {
	KeyID       string    `json:"key_id"`
	OrgID       string    `json:"org_id"`
	CreatedAt   time.Time `json:"created_at"`
	Permissions []string  `json:"permissions"`
}

func (c *call) viewKey(k *apiKey) any {
	if c.cfg.shape(c.cfg.Shapes.APIKeys) == spec {
		return specKey{k.ID, k.OrgID, k.CreatedAt.Truncate(time.Second), k.Permissions}
	}
	return pageKey{k.ID, k.Name, k.CreatedAt.Truncate(time.Second), k.Permissions}
}

func listKeys(c *call) (any, error) {
	views := []any{}
	for _, k := range c.st.Keys {
		if k.OrgID == c.org.ID {
			views = append(views, c.viewKey(k))
		}
	}
	return views, nil
}

// createKey makes a key with the rights of the caller's user. Its secret is in the reply and nowhere else.
func createKey(c *call) (any, error) {
	b := c.readBody()
	k := &apiKey{ID: stage.NewID(), OrgID: c.org.ID, UserID: c.user.ID, CreatedAt: c.now}
	if name := b.text("name"); name != nil {
		k.Name = *name
	} else {
		b.fail(badField("name", "is required"))
	}
	raw, ok := b.take("permissions")
	if !ok || json.Unmarshal(raw, &k.Permissions) != nil || len(k.Permissions) == 0 {
		b.fail(badField("permissions", "must be a list of permissions"))
	}
	for _, p := range k.Permissions {
		if p != permitRead && p != permitWrite {
			b.fail(badField("permissions", "must be read or write, not %q", p))
		}
	}
	if err := b.done(c.cfg); err != nil {
		return nil, err
	}
	if c.cfg.ignores("permissions") {
		k.Permissions = []string{permitRead}
	}
	secret := newSecret()
	k.SecretHash = stage.SHA256Base64(secret)
	c.st.Keys = append(c.st.Keys, k)
	text, err := json.Marshal(c.viewKey(k))
	if err != nil {
		return nil, err
	}
	var reply map[string]any
	if err := json.Unmarshal(text, &reply); err != nil {
		return nil, err
	}
	reply[cmp.Or(c.cfg.SecretField, "api_key")] = secret
	return outcome{object: reply, created: true}, nil
}

// deleteKey deletes any key of the organization, be it the one in use.
func deleteKey(c *call) (any, error) {
	count := len(c.st.Keys)
	c.st.Keys = slices.DeleteFunc(c.st.Keys, func(k *apiKey) bool { return k.OrgID == c.org.ID && k.ID == c.params["{key}"] })
	if len(c.st.Keys) == count {
		return nil, errNotFound
	}
	return outcome{message: "API key deleted successfully"}, nil
}
