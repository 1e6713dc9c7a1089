package otherapi

import (
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Key is an API key.
type Key struct {
	ID         string
	IDHash     string // base64 of the SHA-256 of the key id
	SecretHash string
	Roles      []string // names; in a legacy organization "query_endpoints" too
	Fields     Object   // name, state, createdAt, usedAt, expireAt, keySuffix, ipAccessList
}

// KeyOf is the management id of the key that has this id and secret, or "".
func (s *Server) KeyOf(id, secret string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range s.org.Keys {
		if key.is(id, secret) {
			return key.ID
		}
	}
	return ""
}

func (k *Key) is(id, secret string) bool {
	return k.IDHash == hashed(id) && k.SecretHash == hashed(secret)
}

func (k *Key) opens(id, secret string, now time.Time) bool {
	expiry, expires := k.Fields["expireAt"].(time.Time)
	return k.is(id, secret) && k.Fields["state"] == "enabled" && (!expires || now.Before(expiry))
}

func (s *Server) suffix(keyID string) string {
	return keyID[max(0, len(keyID)-s.choices.SuffixLength):]
}

// keys answers for API keys.
func (c *call) keys() (any, error) {
	if len(c.path) == 1 {
		switch c.method {
		case http.MethodGet:
			shown := []Object{}
			for _, key := range c.org.Keys {
				shown = append(shown, c.keyObject(key))
			}
			return shown, nil
		case http.MethodPost:
			return c.createKey()
		}
		return nil, unknown("route")
	}
	at := slices.IndexFunc(c.org.Keys, func(key *Key) bool { return key.ID == c.path[1] })
	if at < 0 || len(c.path) > 2 {
		return nil, unknown("key")
	}
	key := c.org.Keys[at]
	switch c.method {
	case http.MethodGet:
		return c.keyObject(key), nil
	case http.MethodPatch:
		if err := c.only("name", "roles", "assignedRoleIds", "expireAt", "state", "ipAccessList"); err != nil {
			return nil, err
		}
		if err := c.changeKey(key); err != nil {
			return nil, err
		}
		c.log("openapi_key_update", Object{"targetKeyId": key.ID})
		return c.keyObject(key), nil
	case http.MethodDelete:
		if key == c.key {
			return nil, refuse(http.StatusForbidden, "The key in use cannot be deleted.")
		}
		c.org.Keys = slices.Delete(c.org.Keys, at, at+1)
		c.log("key_delete", Object{"targetKeyId": key.ID})
		return deleted{}, nil
	}
	return nil, unknown("route")
}

func (s *Server) keyObject(key *Key) Object {
	shown := s.roleFields(key.Roles, "roles")
	for _, name := range []string{"name", "state", "createdAt", "usedAt", "expireAt", "keySuffix"} {
		shown[name] = key.Fields[name]
	}
	shown["id"] = key.ID
	shown["ipAccessList"] = entries(objects(key.Fields["ipAccessList"]))
	return shown
}

func (c *call) createKey() (any, error) {
	if err := c.only("name", "expireAt", "state", "hashData", "roles", "assignedRoleIds", "ipAccessList"); err != nil {
		return nil, err
	}
	switch {
	case len(c.org.Keys) >= 100:
		return nil, refuse(http.StatusBadRequest, "100 keys are enough.")
	case text(c.body["name"]) == "":
		return nil, refuse(http.StatusBadRequest, "A key has a name.")
	case c.choices.Roles == Legacy || c.choices.Roles == LegacyUnlisted:
		if len(texts(c.body["roles"])) == 0 {
			return nil, refuse(http.StatusBadRequest, "A key has a role.")
		}
	}
	key := &Key{ID: c.org.newID(), Fields: Object{"state": "enabled", "createdAt": c.now}}
	if err := c.changeKey(key); err != nil {
		return nil, err
	}
	result := Object{}
	if hashes, chosen := c.body["hashData"].(Object); chosen {
		key.IDHash, key.SecretHash = text(hashes["keyIdHash"]), text(hashes["keySecretHash"])
		key.Fields["keySuffix"] = text(hashes["keyIdSuffix"])
		for _, hash := range []string{key.IDHash, key.SecretHash} {
			if sum, err := base64.StdEncoding.DecodeString(hash); err != nil || len(sum) != 32 {
				return nil, refuse(http.StatusBadRequest, "%q is not the hash of anything.", hash)
			}
		}
	} else {
		id, secret := c.letters(24), "4b1d"+c.letters(38)
		key.IDHash, key.SecretHash = hashed(id), hashed(secret)
		key.Fields["keySuffix"] = c.suffix(id)
		result["keyId"], result["keySecret"] = id, secret
	}
	c.org.Keys = append(c.org.Keys, key)
	c.log("key_create", Object{"targetKeyId": key.ID})
	result["key"] = c.keyObject(key)
	return result, nil
}

// changeKey gives the key what the body says, or nothing of it.
func (c *call) changeKey(key *Key) error {
	fields := maps.Clone(key.Fields)
	if name, given := c.body["name"].(string); given {
		if c.choices.TrimmedNames {
			name = strings.TrimSpace(name)
		}
		fields["name"] = name
	}
	if state, given := c.body["state"].(string); given {
		if state != "enabled" && state != "disabled" {
			return refuse(http.StatusBadRequest, "%q is no state.", state)
		}
		fields["state"] = state
	}
	if expiry, given := c.body["expireAt"]; given {
		fields["expireAt"] = nil
		if expiry := text(expiry); expiry != "" {
			at, err := time.Parse(time.RFC3339, expiry)
			if err != nil {
				return refuse(http.StatusBadRequest, "%q is no time.", expiry)
			}
			if c.choices.WholeSeconds {
				at = at.Truncate(time.Second)
			}
			fields["expireAt"] = at
		}
	}
	if wanted, given := c.body["ipAccessList"].([]any); given {
		kept := []any{}
		for _, entry := range objects(wanted) {
			source, err := c.spelt(text(entry["source"]))
			if err != nil {
				return err
			}
			kept = append(kept, Object{"source": source, "description": text(entry["description"])})
		}
		fields["ipAccessList"] = kept
	}
	names, given, err := c.rolesAsked("roles")
	if err != nil {
		return err
	}
	if given {
		key.Roles = names
	}
	key.Fields = fields
	return nil
}
