package sim_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

func TestFreshOrganization(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	state := c.control("GET", "/state", nil)
	counts := map[string]int{}
	for _, name := range []string{"services", "keys", "members", "invitations"} {
		counts[name] = len(state[name].([]any))
	}
	want := map[string]int{"services": 0, "keys": 1, "members": 1, "invitations": 0}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("a fresh organization holds (-want +got):\n%s", diff)
	}
	key := c.list("/keys")[0]
	if !strings.HasSuffix(c.id, key["keySuffix"].(string)) || key["state"] != "enabled" {
		t.Errorf("the key of %s reads %v", c.id, key)
	}
	if got := roleNames(key); got != "Admin" {
		t.Errorf("the caller's key has the roles %q", got)
	}
	var roles []string
	for _, r := range c.list("/roles") {
		roles = append(roles, r["name"].(string))
	}
	wantRoles := []string{
		"Admin", "Developer", "Billing", "Member", "Org API reader", "Service admin", "Service read only",
		"Basic service API reader", "Full service API reader",
	}
	if diff := cmp.Diff(wantRoles, roles); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}

// roleNames joins the assigned roles of a key, member or invitation.
func roleNames(o object) string {
	assigned, _ := o["assignedRoles"].([]any)
	names := make([]string, 0, len(assigned))
	for _, r := range assigned {
		names = append(names, r.(object)["roleName"].(string))
	}
	return strings.Join(names, ",")
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func TestKeyLife(t *testing.T) {
	srv, c, clk := start(t, sim.Config{})
	everywhere := []any{object{"source": "0.0.0.0/0", "description": "any"}}
	created := c.ok("POST", "/keys", object{
		"name": "ci", "assignedRoleIds": []any{c.roleID("Developer"), c.roleID("Developer")}, "ipAccessList": everywhere, "expireAt": "2026-03-01T15:00:00+02:00",
	})
	key := created["key"].(object)
	path := "/keys/" + key["id"].(string)
	keyID, secret := created["keyId"].(string), created["keySecret"].(string)
	if len(keyID) != 20 || len(secret) != 42 || !strings.HasPrefix(secret, "4b1d") || key["keySuffix"] != keyID[16:] {
		t.Errorf("key id %s, secret %s, suffix %v", keyID, secret, key["keySuffix"])
	}
	want := object{"name": "ci", "state": "enabled", "ipAccessList": everywhere, "expireAt": "2026-03-01T13:00:00Z", "createdAt": "2026-03-01T12:00:00Z"}
	got := c.ok("GET", path, nil)
	if diff := cmp.Diff(want, pick(got, "name", "state", "ipAccessList", "expireAt", "createdAt", "usedAt", "roles")); diff != "" || roleNames(got) != "Developer" {
		t.Errorf("key with roles %q (-want +got):\n%s", roleNames(got), diff)
	}

	ci := c.as(keyID, secret)
	clk.advance(90 * time.Second)
	ci.list("/services")
	if got := c.ok("GET", path, nil)["usedAt"]; got != "2026-03-01T12:01:00Z" {
		t.Errorf("usedAt %v", got)
	}
	clk.advance(time.Hour)
	ci.refused("GET", "/services", nil, 401, "UNAUTHORIZED: API key has expired")
	c.ok("PATCH", path, object{"expireAt": nil})
	ci.list("/services")
	c.ok("PATCH", path, object{"state": "disabled"})
	ci.refused("GET", "/services", nil, 401, "UNAUTHORIZED: API key is disabled")
	c.ok("PATCH", path, object{"state": "enabled", "ipAccessList": []any{}})
	ci.refused("GET", "/services", nil, 403, "FORBIDDEN: IP address 127.0.0.1 is not allowed to use this API key")
	c.ok("PATCH", path, object{"ipAccessList": []any{object{"source": "127.0.0.1"}, object{"source": "10.0.0.0/8"}}})
	ci.list("/services")
	c.ok("PATCH", path, object{"name": "ci 2", "assignedRoleIds": []any{}})
	ci.refused("GET", "/services", nil, 403, "FORBIDDEN: missing permission control-plane:service:view")
	c.ok("DELETE", path, nil)
	ci.refused("GET", "/services", nil, 401, "UNAUTHORIZED: invalid API key")
	c.refused("GET", path, nil, 404, "NOT_FOUND: "+key["id"].(string))
	if srv.VerifyKey(keyID, secret) {
		t.Error("a deleted key verifies")
	}
}

// TestHashedKeys has the caller choose id and secret: the reply repeats neither, and the key works.
func TestHashedKeys(t *testing.T) {
	srv, c, _ := start(t, sim.Config{})
	const id, secret = "abcdefghijklmnopWXYZ", "4b1dsecret"
	body := object{
		"name": "chosen", "assignedRoleIds": []any{c.roleID("Admin")}, "ipAccessList": []any{object{"source": "127.0.0.0/8"}},
		"hashData": object{"keyIdHash": hash(id), "keyIdSuffix": "WXYZ", "keySecretHash": hash(secret)},
	}
	created := c.do("POST", "/keys", body)
	result := created.Result.(object)
	if len(result) != 1 || result["key"].(object)["keySuffix"] != "WXYZ" || strings.Contains(string(created.Raw), secret) {
		t.Errorf("reply %s", created.Raw)
	}
	c.as(id, secret).list("/services")
	if !srv.VerifyKey(id, secret) || srv.VerifyKey(id, secret+"x") {
		t.Error("VerifyKey cannot tell the secret from another")
	}
	c.refused("POST", "/keys", body, 409, "CONFLICT: a key with this key id exists already")
}

func TestKeyLimit(t *testing.T) {
	_, c, _ := start(t, sim.Config{KeyLimit: 2, Statuses: sim.Statuses{KeyLimit: 409, OwnKey: 403}})
	c.ok("POST", "/keys", object{"name": "one"})
	c.refused("POST", "/keys", object{"name": "one"}, 409, "CONFLICT: the organization has reached its limit of 2 API keys")
	c.refused("DELETE", "/keys/"+c.list("/keys")[0]["id"].(string), nil, 403, "FORBIDDEN: the API key that authenticates the request cannot be deleted")
}

func TestMembers(t *testing.T) {
	srv, c, _ := start(t, sim.Config{StaleMemberEcho: true, SAMLMembers: true})
	c.ok("POST", "/invitations", object{"email": "Ana+x@Example.com", "assignedRoleIds": []any{c.roleID("Developer")}})
	userID, err := srv.AcceptInvitation("ana+x@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(userID, "samlp|") || !strings.HasSuffix(userID, "|ana+x@example.com") {
		t.Errorf("user id %q", userID)
	}
	if got := c.list("/invitations"); len(got) != 0 {
		t.Errorf("the accepted invitation is still there: %v", got)
	}
	path := "/members/" + url.PathEscape(userID)
	if got := c.ok("GET", path, nil); got["email"] != "ana+x@example.com" || roleNames(got) != "Developer" {
		t.Errorf("member %v", got)
	}
	echo := c.ok("PATCH", path, object{"assignedRoleIds": []any{c.roleID("Admin"), c.roleID("Billing")}})
	if got := roleNames(echo); got != "Developer" {
		t.Errorf("the reply shows the roles %q, want the old ones", got)
	}
	if got := roleNames(c.ok("GET", path, nil)); got != "Admin,Billing" {
		t.Errorf("roles %q", got)
	}
	// With a second admin, the first may go, and then the second is the last.
	first := c.list("/members")[0]["userId"].(string)
	c.ok("PATCH", "/members/"+first, object{"assignedRoleIds": []any{}})
	c.ok("DELETE", "/members/"+first, nil)
	c.refused("DELETE", path, nil, 400, "BAD_REQUEST: the organization must keep at least one admin")
	c.refused("PATCH", path, object{"assignedRoleIds": []any{c.roleID("Billing")}}, 400, "BAD_REQUEST: the organization must keep at least one admin")
	c.ok("PATCH", path, object{"assignedRoleIds": []any{c.roleID("Admin")}})

	actors := c.ok("GET", "/roles/"+c.roleID("Admin"), nil)["actors"].([]any)
	want := []any{"user/" + userID, "apiKey/" + c.list("/keys")[0]["id"].(string)}
	if diff := cmp.Diff(want, actors); diff != "" {
		t.Errorf("actors of Admin (-want +got):\n%s", diff)
	}
}

func TestInvitations(t *testing.T) {
	srv, c, clk := start(t, sim.Config{Delays: sim.Delays{InvitationTTL: time.Hour}})
	body := object{"email": "Ana@Example.com", "assignedRoleIds": []any{c.roleID("Member")}}
	invited := c.ok("POST", "/invitations", body)
	if got := pick(invited, "email", "createdAt", "expireAt", "role"); !cmp.Equal(got, object{"email": "ana@example.com", "createdAt": "2026-03-01T12:00:00Z", "expireAt": "2026-03-01T13:00:00Z"}) {
		t.Errorf("invitation %v", got)
	}
	path := "/invitations/" + invited["id"].(string)
	c.refused("POST", "/invitations", body, 409, "CONFLICT: ana@example.com is invited already")
	clk.advance(time.Hour)
	c.refused("GET", path, nil, 404, "NOT_FOUND: "+invited["id"].(string))
	if got := c.list("/invitations"); len(got) != 0 {
		t.Errorf("an expired invitation is listed: %v", got)
	}
	if _, err := srv.AcceptInvitation("ana@example.com"); err == nil {
		t.Error("an expired invitation is accepted")
	}
	c.ok("POST", "/invitations", body)
	if err := srv.ExpireInvitation("ana@example.com"); err != nil {
		t.Fatal(err)
	}
	again := c.ok("POST", "/invitations", body)
	c.ok("DELETE", "/invitations/"+again["id"].(string), nil)

	srv.SetConfig(sim.Config{ExpiredInvitationsListed: true, Statuses: sim.Statuses{DuplicateInvitation: 200, JoinedInvitation: 200}})
	c.ok("POST", "/invitations", body)
	c.ok("POST", "/invitations", body)
	c.ok("POST", "/invitations", object{"email": "admin@example.com", "assignedRoleIds": []any{}})
	if got := len(c.list("/invitations")); got != 5 { // two of them expired
		t.Errorf("%d invitations are listed", got)
	}
}

func TestLegacyRoles(t *testing.T) {
	srv, c, _ := start(t, sim.Config{LegacyRoles: true})
	c.refused("GET", "/roles", nil, 404, "NOT_FOUND: Unknown Error")
	key := c.ok("POST", "/keys", object{"name": "k", "roles": []any{"developer", "query_endpoints"}})["key"].(object)
	if diff := cmp.Diff(object{"roles": []any{"developer", "query_endpoints"}}, pick(key, "roles", "assignedRoles")); diff != "" {
		t.Errorf("key (-want +got):\n%s", diff)
	}
	c.refused("POST", "/keys", object{"name": "k"}, 400, "BAD_REQUEST: request body.roles: at least one role is required")
	c.refused("POST", "/keys", object{"name": "k", "roles": []any{"owner"}}, 400, `BAD_REQUEST: request body.roles value is not a role: "owner"`)
	c.refused("POST", "/keys", object{"name": "k", "roles": []any{"admin"}, "assignedRoleIds": []any{}}, 400,
		"BAD_REQUEST: Organization has not migrated to Custom Roles. Use 'roles' instead of 'assignedRoleIds'.")
	invited := c.ok("POST", "/invitations", object{"email": "ana@example.com", "role": "developer"})
	if diff := cmp.Diff(object{"role": "developer"}, pick(invited, "role", "assignedRoles")); diff != "" {
		t.Errorf("invitation (-want +got):\n%s", diff)
	}
	userID, err := srv.AcceptInvitation("ana@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.ok("PATCH", "/members/"+userID, object{"role": "admin"}); got["role"] != "admin" {
		t.Errorf("member %v", got)
	}
	c.ok("PATCH", "/members/"+userID, object{"role": "developer"})
	c.refused("PATCH", "/members/"+c.list("/members")[0]["userId"].(string), object{"role": "developer"}, 400, "BAD_REQUEST: the organization must keep at least one admin")

	// The migration shows assigned roles and freezes the legacy ones.
	srv.SetConfig(sim.Config{})
	c.ok("PATCH", "/members/"+userID, object{"assignedRoleIds": []any{c.roleID("Admin")}})
	if got := c.ok("GET", "/members/"+userID, nil); got["role"] != "developer" || roleNames(got) != "Admin" {
		t.Errorf("migrated member %v", got)
	}
	if got := c.ok("GET", "/keys/"+key["id"].(string), nil); roleNames(got) != "Developer" || len(got["roles"].([]any)) != 2 {
		t.Errorf("migrated key %v", got)
	}
	srv.SetConfig(sim.Config{LegacyRoles: true, LegacyRolesListed: true})
	c.roleID("Developer")
}

// TestPermissions is the table of what each role may do.
func TestPermissions(t *testing.T) {
	srv, c, _ := start(t, sim.Config{})
	id := c.newService("orders")
	member := c.list("/members")[0]["userId"].(string)
	calls := []struct{ name, method, path, body string }{
		{"organization", "GET", "", ""},
		{"members", "GET", "/members", ""},
		{"keys", "GET", "/keys", ""},
		{"services", "GET", "/services", ""},
		{"backup config", "GET", "/services/" + id + "/backupConfiguration", ""},
		{"endpoint config", "GET", "/services/" + id + "/privateEndpointConfig", ""},
		{"patch organization", "PATCH", "", `{}`},
		{"patch service", "PATCH", "/services/" + id, `{}`},
		{"patch backup config", "PATCH", "/services/" + id + "/backupConfiguration", `{}`},
		{"patch member", "PATCH", "/members/" + member, `{}`},
		{"create key", "POST", "/keys", `{"name":"x"}`},
		{"invite", "POST", "/invitations", `{"email":"to-%@example.com","assignedRoleIds":[]}`},
		{"delete running", "DELETE", "/services/" + id, ""}, // 409 where allowed
	}
	reads := "organization,members,keys,services,backup config,endpoint config"
	want := map[string]string{
		"Admin":                    reads + ",patch organization,patch service,patch backup config,patch member,create key,invite,delete running",
		"Developer":                reads + ",patch service,delete running",
		"Member":                   reads,
		"Org API reader":           reads,
		"Billing":                  "organization,members,keys",
		"Service admin":            "organization,services,backup config,endpoint config,patch service,delete running",
		"Service read only":        "organization,services,backup config,endpoint config",
		"Basic service API reader": "organization,services",
		"Full service API reader":  "organization,services,backup config,endpoint config",
		"":                         "",
	}
	for role, allowed := range want {
		t.Run(role, func(t *testing.T) {
			roles := []any{}
			if role != "" {
				roles = append(roles, role)
			}
			key, err := srv.Edit(sim.Edit{Kind: "key", Name: "of " + role, Create: true, Set: object{"roles": roles}})
			if err != nil {
				t.Fatal(err)
			}
			caller := c.as(key.KeyID, key.KeySecret)
			var got []string
			for _, call := range calls {
				var body any
				if call.body != "" {
					body = strings.ReplaceAll(call.body, "%", strings.ToLower(strings.ReplaceAll(role, " ", "")))
				}
				if a := caller.do(call.method, call.path, body); a.Status != http.StatusForbidden {
					got = append(got, call.name)
				} else if !strings.HasPrefix(a.Error, "FORBIDDEN: missing permission") {
					t.Errorf("%s: %s", call.name, a.Error)
				}
			}
			if diff := cmp.Diff(allowed, strings.Join(got, ",")); diff != "" {
				t.Errorf("allowed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDenials(t *testing.T) {
	srv, c, _ := start(t, sim.Config{})
	reader, err := srv.Edit(sim.Edit{Kind: "key", Name: "reader", Create: true, Set: object{"roles": []any{"Org API reader"}}})
	if err != nil {
		t.Fatal(err)
	}
	srv.SetConfig(sim.Config{Denied: []sim.Denial{{Key: "reader", Method: "GET", Path: "**/keys"}, {Path: "**/members/*"}}})
	r := c.as(reader.KeyID, reader.KeySecret)
	r.refused("GET", "/keys", nil, 403, "FORBIDDEN: missing permission control-plane:organization:view")
	r.list("/members")
	c.list("/keys")
	c.refused("DELETE", "/members/x", nil, 403, "FORBIDDEN: missing permission control-plane:organization:manage")
}

func TestCallerAddress(t *testing.T) {
	tests := map[string]struct {
		cfg    sim.Config
		list   []any
		status int
	}{
		"default is loopback":     {sim.Config{}, []any{object{"source": "127.0.0.1/32"}}, 200},
		"outside":                 {sim.Config{CallerIP: "198.51.100.7"}, []any{object{"source": "203.0.113.0/24"}}, 403},
		"inside":                  {sim.Config{CallerIP: "203.0.113.9"}, []any{object{"source": "203.0.113.0/24"}}, 200},
		"host bits":               {sim.Config{CallerIP: "203.0.113.9"}, []any{object{"source": "203.0.113.77/24"}}, 200},
		"IPv6 loopback":           {sim.Config{CallerIP: "::1"}, []any{object{"source": "0.0.0.0/0"}}, 200},
		"IPv6 elsewhere":          {sim.Config{CallerIP: "2001:db8::1"}, []any{object{"source": "0.0.0.0/0"}}, 403},
		"mapped":                  {sim.Config{CallerIP: "::ffff:10.0.0.1"}, []any{object{"source": "10.0.0.1"}}, 200},
		"empty":                   {sim.Config{}, []any{}, 403},
		"empty with another code": {sim.Config{Statuses: sim.Statuses{DeniedSource: 401}}, []any{}, 401},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			srv, c, _ := start(t, test.cfg)
			key, err := srv.Edit(sim.Edit{Kind: "key", Name: "k", Create: true, Set: object{"roles": []any{"Admin"}, "ipAccessList": test.list}})
			if err != nil {
				t.Fatal(err)
			}
			if a := c.as(key.KeyID, key.KeySecret).do("GET", "/services", nil); a.Status != test.status {
				t.Errorf("status %d, want %d", a.Status, test.status)
			}
		})
	}
}

func TestCredentialsRefused(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	c.as(c.id, c.key+"x").refused("GET", "/services", nil, 401, "UNAUTHORIZED: invalid API key")
	c.as("nobody", c.key).refused("GET", "/services", nil, 401, "UNAUTHORIZED: invalid API key")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+c.org, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer token")
	resp, err := c.rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a bearer token gets %d", resp.StatusCode)
	}
}

func TestExpiryPrecision(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg  sim.Config
		want string
	}{
		"milliseconds":  {sim.Config{}, "2030-01-01T00:00:00.123Z"},
		"whole seconds": {sim.Config{WholeSeconds: true}, "2030-01-01T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			_, c, _ := start(t, tc.cfg)
			key, _ := c.ok("POST", "/keys", object{"name": "ci", "expireAt": "2030-01-01T00:00:00.123987Z"})["key"].(object)
			if key["expireAt"] != tc.want {
				t.Errorf("created to expire at %v, want %s", key["expireAt"], tc.want)
			}
			id, _ := key["id"].(string)
			if got := c.ok("PATCH", "/keys/"+id, object{"expireAt": "2030-01-01T00:00:00.123Z"})["expireAt"]; got != tc.want {
				t.Errorf("patched to expire at %v, want %s", got, tc.want)
			}
		})
	}
}
