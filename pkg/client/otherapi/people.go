package otherapi

import (
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Role is a role of the organization.
type Role struct{ ID, Name, Type string }

// Key is an API key.
type Key struct {
	ID         string
	IDHash     string // base64 of the SHA-256 of the key id
	SecretHash string
	Roles      []string // names; in a legacy organization "query_endpoints" too
	Fields     Object   // name, state, createdAt, usedAt, expireAt, keySuffix, ipAccessList
}

// Person is a member or an invitation.
type Person struct {
	Roles    []string // names
	Fields   Object   // the wire names but for roles
	versions []version
}

// NewPerson is a member, with a userId as people have it who sign in through SAML.
func (o *Org) NewPerson(email string, roles ...string) *Person {
	return &Person{Roles: roles, Fields: Object{
		"userId": "samlp|" + o.newID() + "|" + email, "name": email, "email": email, "joinedAt": time.Now().UTC(),
	}}
}

// AddRole adds a custom role, unless there is one of the name.
func (o *Org) AddRole(name string) {
	if _, known := o.role(func(r Role) bool { return r.Name == name }); !known {
		o.Roles = append(o.Roles, Role{ID: o.newID(), Name: name, Type: "custom"})
	}
}

// Accept makes a member of whoever was invited with the address.
func (s *Server) Accept(email string) {
	s.Edit(func(o *Org) {
		for i, invitation := range o.Invitations {
			if strings.EqualFold(text(invitation.Fields["email"]), email) {
				o.Invitations = slices.Delete(o.Invitations, i, i+1)
				o.Members = append(o.Members, o.NewPerson(email, invitation.Roles...))
				return
			}
		}
	})
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

func (o *Org) role(is func(Role) bool) (Role, bool) {
	at := slices.IndexFunc(o.Roles, is)
	if at < 0 {
		return Role{}, false
	}
	return o.Roles[at], true
}

// roleFields show what somebody may do: in one field for people, in another for keys.
func (s *Server) roleFields(names []string, legacyField string) Object {
	legacy, assigned := []any{}, []any{}
	for _, name := range names {
		legacy = append(legacy, strings.ToLower(name))
		if role, ok := s.org.role(func(r Role) bool { return r.Name == name }); ok {
			kind := role.Type
			if s.choices.Future {
				kind = "inherited"
			}
			assigned = append(assigned, Object{"roleId": role.ID, "roleName": role.Name, "roleType": kind})
		}
	}
	fields := Object{legacyField: nil, "assignedRoles": nil}
	switch s.choices.Roles {
	case Migrated:
		legacy = []any{"developer"}
		fields["assignedRoles"] = assigned
	case MigratedBare:
		fields["assignedRoles"] = assigned
		return fields
	default:
	}
	if legacyField == "roles" {
		fields["roles"] = legacy
	} else if len(legacy) > 0 {
		fields["role"] = legacy[0]
	}
	return fields
}

// rolesAsked are the names of the roles that a body gives; given says whether it speaks of roles at all.
func (c *call) rolesAsked(legacyField string) (names []string, given bool, err error) {
	_, legacy := c.body[legacyField]
	_, assigned := c.body["assignedRoleIds"]
	switch {
	case legacy && c.choices.Roles.migrated():
		return nil, true, refuse(http.StatusBadRequest, "Organization has migrated to Custom Roles. Use 'assignedRoleIds' instead of '%s'.", legacyField)
	case assigned && !c.choices.Roles.migrated():
		return nil, true, refuse(http.StatusBadRequest, "Custom Roles are not available here.")
	case legacy:
		asked := texts(c.body[legacyField])
		if legacyField == "role" {
			asked = []string{text(c.body["role"])}
		}
		for _, one := range asked {
			known := map[string]string{"admin": "Admin", "developer": "Developer"}
			if legacyField == "roles" {
				known["query_endpoints"] = "query_endpoints"
			}
			if known[one] == "" {
				return nil, true, refuse(http.StatusBadRequest, "%q is no role.", one)
			}
			names = append(names, known[one])
		}
	case assigned:
		for _, id := range texts(c.body["assignedRoleIds"]) {
			role, ok := c.org.role(func(r Role) bool { return r.ID == id })
			if !ok {
				return nil, true, refuse(http.StatusBadRequest, "%q is no role.", id)
			}
			names = append(names, role.Name)
		}
	}
	return names, legacy || assigned, nil
}

// roles lists the roles, or shows one.
func (c *call) roles() (any, error) {
	if c.method != http.MethodGet || c.choices.Roles == LegacyUnlisted || len(c.path) > 2 {
		return nil, unknown("route")
	}
	shown := []Object{}
	for _, role := range c.org.Roles {
		object := Object{
			"id": role.ID, "name": role.Name, "type": role.Type, "tenantId": "organization/" + c.org.ID, "ownerId": nil,
			"actors": []any{}, "policies": []any{}, "createdAt": c.org.Fields["createdAt"], "updatedAt": nil,
		}
		if len(c.path) == 2 && role.ID == c.path[1] {
			return object, nil
		}
		shown = append(shown, object)
	}
	if len(c.path) == 2 {
		return nil, unknown("role")
	}
	return shown, nil
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

// members answers for members.
func (c *call) members() (any, error) {
	if len(c.path) == 1 && c.method == http.MethodGet {
		return c.people(c.org.Members), nil
	}
	if len(c.path) != 2 {
		return nil, unknown("route")
	}
	at := slices.IndexFunc(c.org.Members, func(p *Person) bool { return p.Fields["userId"] == c.path[1] })
	if at < 0 {
		return nil, unknown("member")
	}
	member := c.org.Members[at]
	switch c.method {
	case http.MethodGet:
		return asOf(member.versions, c.now.Add(-c.choices.GetLag)), nil
	case http.MethodPatch:
		if err := c.only("role", "assignedRoleIds"); err != nil {
			return nil, err
		}
		names, given, err := c.rolesAsked("role")
		if err != nil {
			return nil, err
		}
		before := c.person(member)
		if given {
			if !slices.Contains(names, "Admin") && c.lastAdmin(member) {
				return nil, refuse(http.StatusForbidden, "Somebody has to be in charge.")
			}
			member.Roles = names
			c.log("organization_member_update_roles", nil)
		}
		if c.choices.StaleReplies {
			return before, nil
		}
		return c.person(member), nil
	case http.MethodDelete:
		if c.lastAdmin(member) {
			return nil, refuse(http.StatusForbidden, "Somebody has to be in charge.")
		}
		c.org.Members = slices.Delete(c.org.Members, at, at+1)
		c.log("organization_member_delete", nil)
		return deleted{}, nil
	}
	return nil, unknown("route")
}

func (c *call) lastAdmin(member *Person) bool {
	for _, other := range c.org.Members {
		if other != member && slices.Contains(other.Roles, "Admin") {
			return false
		}
	}
	return slices.Contains(member.Roles, "Admin")
}

// people are members or invitations as a list shows them.
func (c *call) people(all []*Person) []Object {
	shown := []Object{}
	for _, person := range all {
		shown = append(shown, asOf(person.versions, c.now.Add(-c.choices.ListLag)))
	}
	return shown
}

func (s *Server) person(person *Person) Object {
	shown := s.roleFields(person.Roles, "role")
	maps.Copy(shown, person.Fields)
	return shown
}

// invitations answers for invitations, which are never changed.
func (c *call) invitations() (any, error) {
	if len(c.path) == 1 {
		switch c.method {
		case http.MethodGet:
			return c.people(c.org.Invitations), nil
		case http.MethodPost:
			return c.invite()
		}
		return nil, unknown("route")
	}
	at := slices.IndexFunc(c.org.Invitations, func(p *Person) bool { return p.Fields["id"] == c.path[1] })
	if at < 0 || len(c.path) > 2 {
		return nil, unknown("invitation")
	}
	switch c.method {
	case http.MethodGet:
		return c.person(c.org.Invitations[at]), nil
	case http.MethodDelete:
		c.org.Invitations = slices.Delete(c.org.Invitations, at, at+1)
		c.log("organization_invite_delete", nil)
		return deleted{}, nil
	}
	return nil, unknown("route")
}

func (c *call) invite() (any, error) {
	if err := c.only("email", "role", "assignedRoleIds"); err != nil {
		return nil, err
	}
	email := text(c.body["email"])
	if at := strings.IndexByte(email, '@'); at < 1 || at == len(email)-1 {
		return nil, refuse(http.StatusBadRequest, "%q is no address.", email)
	}
	if !c.choices.EmailsTyped {
		email = strings.ToLower(email)
	}
	names, _, err := c.rolesAsked("role")
	if err != nil {
		return nil, err
	}
	invitation := &Person{Roles: names, Fields: Object{
		"id": c.org.newID(), "email": email, "createdAt": c.now, "expireAt": c.now.Add(7 * 24 * time.Hour),
	}}
	c.org.Invitations = append(c.org.Invitations, invitation)
	c.log("organization_invite_create", nil)
	return c.person(invitation), nil
}

// Migrate takes a legacy organization to custom roles, which keep the names of the legacy ones.
func (s *Server) Migrate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.choices.Roles = Migrated
}
