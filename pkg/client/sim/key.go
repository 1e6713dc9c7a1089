package sim

import (
	"cmp"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

const (
	keyEnabled  = "enabled"
	keyDisabled = "disabled"
)

func (k *key) expired(at time.Time) bool { return k.ExpireAt != nil && !at.Before(*k.ExpireAt) }

// suffix is the part of a key id that replies show.
func suffix(keyID string) string {
	if len(keyID) <= 4 {
		return keyID
	}
	return keyID[len(keyID)-4:]
}

type keyView struct {
	ID            string              `json:"id"`
	Name          string              `json:"name"`
	State         string              `json:"state"`
	Roles         []string            `json:"roles,omitempty"`
	AssignedRoles *[]assignedRoleView `json:"assignedRoles,omitempty"`
	KeySuffix     string              `json:"keySuffix"`
	CreatedAt     time.Time           `json:"createdAt"`
	ExpireAt      *time.Time          `json:"expireAt,omitempty"`
	UsedAt        *time.Time          `json:"usedAt,omitempty"`
	IPAccessList  []ipEntry           `json:"ipAccessList"`
}

// viewKey shows a key. Its state never lags: it is the current one even if the rest is not.
func (c *call) viewKey(k *key) keyView {
	v := keyView{
		ID: k.ID, Name: k.Name, State: k.State, Roles: k.Legacy, AssignedRoles: c.assignedRoles(k.grants),
		KeySuffix: k.KeySuffix, CreatedAt: k.CreatedAt, ExpireAt: k.ExpireAt, UsedAt: k.UsedAt, IPAccessList: orEmpty(k.IPAccessList),
	}
	if c.at.Before(c.now) {
		if now := c.current.keyByID(k.ID); now != nil {
			v.State = now.State
		}
	}
	return v
}

func (st *state) keyByID(id string) *key {
	return find(st.Keys, func(k *key) bool { return strings.EqualFold(k.ID, id) })
}

// pathKey finds the key of the path.
func (c *call) pathKey() (*key, error) {
	id, err := c.id("keyId")
	if err != nil {
		return nil, err
	}
	k := c.st.keyByID(id)
	if k == nil {
		return nil, notFound(id)
	}
	return k, nil
}

func listKeys(c *call) (any, error) {
	views := make([]keyView, 0, len(c.st.Keys))
	for _, k := range c.st.Keys {
		views = append(views, c.viewKey(k))
	}
	return views, nil
}

func getKey(c *call) (any, error) {
	k, err := c.pathKey()
	if err != nil {
		return nil, err
	}
	return c.viewKey(k), nil
}

// createKey handles POST keys. A key without an IP list denies every source. With hashData the caller knows id and secret
// already, and the reply shows neither.
func createKey(c *call) (any, error) {
	f, err := parseBody(c.body)
	if err != nil {
		return nil, err
	}
	k := &key{ID: stage.NewID(), State: keyEnabled, CreatedAt: c.now, IPAccessList: []ipEntry{}, grants: grants{RoleIDs: []string{}}}
	f.require("name")
	c.readKey(f, k)
	if c.cfg.legacyRoles() && len(k.Legacy) == 0 {
		f.fail(badRequest("request body.roles: at least one role is required"))
	}
	hashed := f.object("hashData")
	if hashed != nil {
		readHashData(hashed, k)
	}
	if k.expired(c.now) {
		if err := unless(c.cfg.Statuses.PastExpiry, http.StatusBadRequest, "request body.expireAt has passed: %s", k.ExpireAt.Format(time.RFC3339)); err != nil {
			f.fail(err)
		}
	}
	if err := f.done(c.cfg.Lenient); err != nil {
		return nil, err
	}
	if len(c.st.Keys) >= c.cfg.keyLimit() {
		return nil, refuse(cmp.Or(c.cfg.Statuses.KeyLimit, http.StatusBadRequest), "the organization has reached its limit of %d API keys", c.cfg.keyLimit())
	}
	var reply struct {
		Key       keyView `json:"key"`
		KeyID     string  `json:"keyId,omitempty"`
		KeySecret string  `json:"keySecret,omitempty"`
	}
	if hashed == nil {
		reply.KeyID, reply.KeySecret = k.generate()
	}
	if find(c.st.Keys, func(o *key) bool { return o.KeyIDHash == k.KeyIDHash }) != nil {
		return nil, conflict("a key with this key id exists already")
	}
	c.st.Keys = append(c.st.Keys, k)
	c.did(activity{Type: "key_create", TargetKeyID: k.ID, KeyUpdateType: "created"})
	reply.Key = c.viewKey(k)
	return reply, nil
}

// generate gives the key a new id and secret, of which only hashes are kept.
func (k *key) generate() (keyID, keySecret string) {
	keyID, keySecret = newKeyID(), newKeySecret()
	k.KeySuffix, k.KeyIDHash, k.KeySecretHash = suffix(keyID), stage.SHA256Base64(keyID), stage.SHA256Base64(keySecret)
	return keyID, keySecret
}

func readHashData(f *fields, k *key) {
	f.require("keyIdHash", "keyIdSuffix", "keySecretHash")
	k.KeyIDHash, k.KeySecretHash = deref(f.str("keyIdHash")), deref(f.str("keySecretHash"))
	k.KeySuffix = deref(f.str("keyIdSuffix"))
	for name, hash := range map[string]string{"keyIdHash": k.KeyIDHash, "keySecretHash": k.KeySecretHash} {
		if !isSHA256Base64(hash) {
			f.fail(badRequest("%s.%s is not the base64 of a SHA-256 hash", f.path, name))
		}
	}
	if utf8.RuneCountInString(k.KeySuffix) != 4 {
		f.fail(badRequest("%s.keyIdSuffix must be the last 4 characters of the key id: %s", f.path, shown(k.KeySuffix)))
	}
}

// readKey reads the fields that create and patch share into k and gives the key_update types of those that are there.
func (c *call) readKey(f *fields, k *key) (updates []string) {
	if name := f.line("name"); name != nil {
		k.Name = *name
		updates = append(updates, "name-changed")
	}
	if granted := c.readGrants(f, "roles", k.grants); granted != nil {
		k.grants = *granted
		updates = append(updates, "role-changed")
	}
	if f.has("expireAt") {
		if k.ExpireAt, _ = f.instant("expireAt"); k.ExpireAt != nil {
			k.ExpireAt = ptr(k.ExpireAt.Truncate(c.cfg.precision()))
		}
		updates = append(updates, "date-changed")
	}
	if state := f.enum("state", keyEnabled, keyDisabled); state != nil {
		k.State = *state
		updates = append(updates, "state-changed")
	}
	if c.cfg.OldAPI {
		return updates
	}
	list := []ipEntry{}
	if f.each("ipAccessList", func(e *fields) { list = c.addIP(e, list) }) {
		k.IPAccessList = list
		updates = append(updates, "ip-access-list-changed")
	}
	return updates
}

func patchKey(c *call) (any, error) {
	k, err := c.pathKey()
	if err != nil {
		return nil, err
	}
	f, err := parseBody(c.body)
	if err != nil {
		return nil, err
	}
	changed := *k
	updates := c.readKey(f, &changed)
	if c.cfg.OldAPI && f.has("roles") && len(changed.Legacy) == 0 {
		f.fail(badRequest("request body.roles: at least one role is required"))
	}
	if err := f.done(c.cfg.Lenient); err != nil {
		return nil, err
	}
	replace(c.st.Keys, k, &changed)
	for _, update := range updates {
		c.did(activity{Type: "openapi_key_update", TargetKeyID: k.ID, KeyUpdateType: update})
	}
	return c.viewKey(&changed), nil
}

func deleteKey(c *call) (any, error) {
	k, err := c.pathKey()
	if err != nil {
		return nil, err
	}
	if k.ID == c.key.ID {
		return nil, refuse(cmp.Or(c.cfg.Statuses.OwnKey, http.StatusBadRequest), "the API key that authenticates the request cannot be deleted")
	}
	c.st.Keys = remove(c.st.Keys, k)
	c.did(activity{Type: "key_delete", TargetKeyID: k.ID, KeyUpdateType: "deleted"})
	return nil, nil
}
