package locktera_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

// TestReads asks for everything that can be read, in both documented shapes.
func TestReads(t *testing.T) {
	person := `"first_name": "Sandbox", "last_name": "Admin", "email": "admin@example.com"`
	for _, test := range []struct {
		path       string
		page, spec string
	}{
		{
			"", `{"id": "*", "name": "Sandbox", "created_at": "2026-03-01T12:00:00Z", "customizations": {"theme": "dark"}}`,
			`{"id": "*", "root_org_id": "*", "org_name": "Sandbox", "role": "org"}`,
		},
		{
			"//org", `{"id": "*", "name": "Sandbox", "created_at": "2026-03-01T12:00:00Z", "customizations": {"theme": "dark"}}`,
			`{"id": "*", "root_org_id": "*", "org_name": "Sandbox", "role": "org"}`,
		},
		{
			"//me", `{"id": "*", "name": "Sandbox Admin", "created_at": "2026-03-01T12:00:00Z", "customizations": {}}`,
			`{"id": "*", "root_org_id": "*", "parent_org_id": "*", "org_name": "Sandbox Admin", "role": "org_admin", ` + person + `}`,
		},
		{"/customizations", `{"theme": "dark"}`, `{"theme": "dark"}`},
		{
			"/api_keys", `[{"id": "*", "name": "sandbox", "created_at": "2026-03-01T12:00:00Z", "permissions": ["read", "write"]}]`,
			`[{"key_id": "*", "org_id": "*", "created_at": "2026-03-01T12:00:00Z", "permissions": ["read", "write"]}]`,
		},
		{"/tags", `[{"id": "t1", "name": "eu", "created_at": "2026-01-01T00:00:00Z"}]`, `["eu"]`},
		{
			"/access_log", `[{"timestamp": "2026-03-01T12:00:00Z", "user": "admin@example.com", "action": "LOGIN", "status": "SUCCESS"}]`,
			`{"org_id": "*", "timestamp": "2026-03-01T12:00:00Z", "user": "*", "action": "login", "ip": "127.0.0.1"}`,
		},
		{
			"/children_audit",
			`[{"action": "insert", "org_id": "*", "admin_id": "*", "timestamp": "2026-03-01T12:00:00Z", "ip": "127.0.0.1"}]`,
			`{"action": "insert", "org_id": "*", "admin_id": "*", "timestamp": "2026-03-01T12:00:00Z", "ip": "127.0.0.1"}`,
		},
		{
			"/consumption", `{"org_id": "*", "month": "2026-03", "api_calls": 1, "storage_used": 1.5}`,
			`{"org_id": "*", "month": "2026-03", "api_calls": 1, "storage_used": 1.5}`,
		},
	} {
		for shape, want := range map[string]string{"page": test.page, "spec": test.spec} {
			t.Run(shape+" "+test.path, func(t *testing.T) {
				b := start(t, locktera.Config{Shape: shape})
				b.edit(locktera.Edit{Kind: "organization", Set: object{
					"customizations": object{"theme": "dark"}, "storage_used": 1.5,
					"tags": []object{{"id": "t1", "name": "eu", "created_at": "2026-01-01T00:00:00Z"}},
				}})
				b.edit(locktera.Edit{Kind: "organization", Create: true, Name: "Berlin"})
				b.try(http.MethodGet, test.path, "").want(t, http.StatusOK, want)
			})
		}
	}
}

// TestWriteReplies: the same writes, answered as each document has it, with 204 and without a body.
func TestWriteReplies(t *testing.T) {
	for _, test := range []struct {
		replies                     string
		patch, put, deleted, create int
		body                        string // of PUT customizations
	}{
		{"page", 200, 200, 200, 200, `{"message": "Organization customizations updated successfully"}`},
		{"spec", 200, 200, 204, 201, `{"theme": "light"}`},
		{"no-content", 204, 204, 204, 200, ""},
		{"empty", 200, 200, 200, 200, ""},
	} {
		t.Run(test.replies, func(t *testing.T) {
			b := start(t, locktera.Config{WriteReplies: test.replies})
			group := b.edit(locktera.Edit{Kind: "organization", Create: true, Name: "Berlin"})
			if got := b.try("PATCH", "", `{"name": "Acme"}`).status; got != test.patch {
				t.Errorf("PATCH: %d", got)
			}
			b.try("PUT", "/customizations", `{"theme": "light"}`).want(t, test.put, test.body)
			created := b.try("POST", "/api_keys", `{"name": "ci", "permissions": ["read"]}`)
			created.want(t, test.create, `{"id": "*", "name": "ci", "created_at": "*", "permissions": ["read"], "api_key": "*"}`)
			key := created.value.(object)
			if got := b.try("DELETE", "/api_keys/"+key["id"].(string), ""); got.status != test.deleted {
				t.Errorf("DELETE key: %d %s", got.status, got.raw)
			}
			if got := b.as(key["api_key"].(string)).try("GET", "", ""); got.status != http.StatusUnauthorized {
				t.Errorf("a deleted key: %d", got.status)
			}
			if got := b.try("DELETE", "//orgs/"+group.ID, ""); got.status != test.deleted {
				t.Errorf("DELETE organization: %d %s", got.status, got.raw)
			}
			b.try("GET", "//orgs/"+group.ID, "").want(t, 404, `{"message": "Resource not found", "code": 404}`)
			b.ask("GET", "", "").want(t, 200, `{"id": "*", "name": "Acme", "created_at": "*", "customizations": {"theme": "light"}}`)
		})
	}
}

// TestRefusals asks for what is wrong, and then sees that nothing has changed.
func TestRefusals(t *testing.T) {
	b := start(t, locktera.Config{Prefix: ptr("/api/v1")})
	foreign := b.edit(locktera.Edit{Kind: "organization", Create: true, Name: "Other", Set: object{"parent_org_id": "", "role": "org"}})
	person := b.edit(locktera.Edit{Kind: "organization", Create: true, Name: "Ana", Set: object{"role": "user", "email": "ana@example.com"}})
	group := b.edit(locktera.Edit{Kind: "organization", Create: true, Name: "Berlin"})
	elsewhere := b.edit(locktera.Edit{Kind: "key", Create: true, Name: "ci", Parent: group.ID})
	before := b.control("GET", "/state", "").raw
	for _, test := range []struct {
		method, path, body string
		status             int
		message            string
	}{
		{"PATCH", "", `{"name": ""}`, 400, `"name":"must be one line of text"`},
		{"PATCH", "", `{"name": null}`, 400, `"name":"must be a string"`},
		{"PATCH", "", `{"name": 7}`, 400, `"name":"must be a string"`},
		{"PATCH", "", `{"customizations": []}`, 400, `"customizations":"must be an object"`},
		{"PATCH", "", `[]`, 400, "request body must be a JSON object"},
		{"PATCH", "", `{"name": "a"} {}`, 400, "request body must be a JSON object"},
		{"PATCH", "", "", 400, "request body must be a JSON object"},
		{"PUT", "/customizations", `"dark"`, 400, "request body must be a JSON object"},
		{"PUT", "/customizations", `null`, 400, "request body must be a JSON object"},
		{"POST", "/api_keys", `{"permissions": ["read"]}`, 400, `"name":"is required"`},
		{"POST", "/api_keys", `{"name": "a"}`, 400, `"permissions":"must be a list of permissions"`},
		{"POST", "/api_keys", `{"name": "a", "permissions": []}`, 400, `"permissions":"must be a list of permissions"`},
		{"POST", "/api_keys", `{"name": "a", "permissions": ["admin"]}`, 400, "must be read or write"},
		{"DELETE", "/api_keys/unknown", "", 404, "Resource not found"},
		{"DELETE", "/api_keys/" + elsewhere.ID, "", 404, "Resource not found"},
		{"POST", "/children", `{"role": "org", "org_name": "a"}`, 400, "must be one of group, "},
		{"POST", "/children", `{"first_name": "Ana"}`, 400, `"email":"is required"`},
		{"POST", "/children", `{"role": "group"}`, 400, `"org_name":"is required"`},
		{"POST", "//orgs/" + person.ID + "/children", `{"email": "a@example.com"}`, 400, "a person has no children"},
		{"GET", "//orgs/" + foreign.ID, "", 403, "Forbidden"},
		{"DELETE", "//orgs/" + foreign.ID, "", 403, "Forbidden"},
		{"GET", "//orgs/unknown", "", 404, "Resource not found"},
		{"DELETE", "//orgs/", "", 404, "Resource not found"},
		{"DELETE", "//orgs", "", 404, "Resource not found"},
		{"GET", "//orgs/.", "", 404, "Resource not found"},
		{"GET", "/", "", 404, "Resource not found"},
		{"GET", "/tags/", "", 404, "Resource not found"},
		{"POST", "/tags", `{"name": "a"}`, 404, "Resource not found"},
		{"PUT", "", `{"name": "a"}`, 404, "Resource not found"},
		// What the documents call inactive, or name in passing.
		{"POST", "//orgs", `{"org_name": "a"}`, 404, "Resource not found"},
		{"GET", "/stats", "", 404, "Resource not found"},
		{"GET", "/events", "", 404, "Resource not found"},
	} {
		got := b.try(test.method, test.path, test.body)
		if got.status != test.status || !strings.Contains(got.raw, test.message) {
			t.Errorf("%s %s %s: %d %s", test.method, test.path, test.body, got.status, got.raw)
		}
	}
	for contentType, path := range map[string]string{"": "", "text/plain": "/customizations"} {
		method := map[string]string{"": "PATCH", "/customizations": "PUT"}[path]
		if got, err := b.send(method, b.url+b.org+path, contentType, `{}`); err != nil || got.status != 400 || !strings.Contains(got.raw, "Content-Type must be application/json") {
			t.Errorf("Content-Type %q: %d %s, %v", contentType, got.status, got.raw, err)
		}
	}
	if after := b.control("GET", "/state", "").raw; after != before {
		t.Errorf("something has changed:\n%s\n%s", before, after)
	}
}

// TestCredentials: a bearer key, and nothing else.
func TestCredentials(t *testing.T) {
	b := start(t, locktera.Config{})
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Basic " + b.key, b.key} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+b.org, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", header)
		resp, err := b.server.Transport().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("Authorization %q: %d, %v", header, resp.StatusCode, err)
		}
	}
}

// TestRights: a key has what its user's role and its own permissions allow.
func TestRights(t *testing.T) {
	b := start(t, locktera.Config{})
	group := b.edit(locktera.Edit{Kind: "organization", Create: true, Name: "Berlin"})
	who := func(parent, role string, permissions ...string) *bench {
		u := b.edit(locktera.Edit{Kind: "organization", Create: true, Name: role, Parent: parent, Set: object{"role": role, "email": role + "@example.com"}})
		return b.as(b.edit(locktera.Edit{Kind: "key", Create: true, Name: role, Parent: parent, Set: object{"user_id": u.ID, "permissions": permissions}}).Key)
	}
	root := strings.TrimPrefix(b.org, "/orgs/")
	user := who(root, "user", "read", "write")
	manager := who(root, "user_admin", "read", "write")
	groupAdmin := who(group.ID, "org_admin", "read", "write")
	reader := who(root, "org_admin", "read")
	writer := who(root, "org_admin", "write")
	ana := `{"email": "ana@example.com"}`
	for _, test := range []struct {
		name               string
		as                 *bench
		method, path, body string
		status             int
	}{
		{"user", user, "GET", "//me", "", 200},
		{"user", user, "GET", "//org", "", 200},
		{"user", user, "GET", "", "", 403},
		{"user", user, "POST", "/children", ana, 403},
		{"user_admin", manager, "GET", "/api_keys", "", 200},
		{"user_admin", manager, "PATCH", "", `{"name": "a"}`, 403},
		{"user_admin", manager, "POST", "/children", ana, 204},
		{"admin of a group", groupAdmin, "GET", "//orgs/" + group.ID, "", 200},
		{"admin of a group", groupAdmin, "PATCH", "//orgs/" + group.ID, `{"name": "a"}`, 200},
		{"admin of a group", groupAdmin, "GET", "", "", 403},
		{"reader", reader, "GET", "", "", 200},
		{"reader", reader, "PUT", "/customizations", `{}`, 403},
		{"writer", writer, "GET", "", "", 403},
		{"writer", writer, "PUT", "/customizations", `{}`, 200},
	} {
		if got := test.as.try(test.method, test.path, test.body); got.status != test.status {
			t.Errorf("%s: %s %s: %d, want %d: %s", test.name, test.method, test.path, got.status, test.status, got.raw)
		}
	}
}

// TestDeletionCascades takes along groups, people and their keys, the caller's own in the end.
func TestDeletionCascades(t *testing.T) {
	b := start(t, locktera.Config{AuditNewData: true})
	group := b.edit(locktera.Edit{Kind: "organization", Create: true, Name: "Berlin"})
	ana := b.edit(locktera.Edit{Kind: "organization", Create: true, Name: "Ana", Parent: group.ID, Set: object{"role": "org_admin"}})
	key := b.edit(locktera.Edit{Kind: "key", Create: true, Name: "ana", Parent: group.ID, Set: object{"user_id": ana.ID}})
	b.edit(locktera.Edit{Kind: "key", Create: true, Name: "ana's, elsewhere", Set: object{"user_id": ana.ID}})
	b.ask("DELETE", "//orgs/"+group.ID, `{"ignored": true}`)
	if left := b.ask("GET", "/api_keys", "").value.([]any); len(left) != 1 {
		t.Errorf("keys left: %v", left)
	}
	for _, id := range []string{group.ID, ana.ID} {
		if got := b.try("GET", "//orgs/"+id, ""); got.status != 404 {
			t.Errorf("%s: %d", id, got.status)
		}
	}
	if got := b.as(key.Key).try("GET", "//me", ""); got.status != 401 {
		t.Errorf("key of a deleted user: %d", got.status)
	}
	audit := b.ask("GET", "/children_audit", "").value.([]any)
	last := audit[len(audit)-1].(object)
	if last["action"] != "delete" || last["org_id"] != group.ID || last["old_data"].(object)["org_name"] != "Berlin" || last["new_data"] != nil {
		t.Errorf("audit of the deletion: %v", last)
	}
	b.ask("DELETE", "", "")
	if got := b.try("GET", "", ""); got.status != 401 {
		t.Errorf("after the end: %d", got.status)
	}
}

// TestChildren adds people one by one and by table; neither answer says which ids they have.
func TestChildren(t *testing.T) {
	b := start(t, locktera.Config{})
	b.try("POST", "/children", `{"first_name": "Ana", "last_name": "Ruiz", "email": "ana@example.com"}`).want(t, 204, "")
	table := "email,role,org_name\nbo@example.com,user_admin,\n,group,Berlin\n"
	if got, err := b.send("POST", b.url+"/orgs/import_orgs", "text/csv", table); err != nil || got.status != 204 || got.raw != "" {
		t.Errorf("import: %d %s, %v", got.status, got.raw, err)
	}
	for _, bad := range []string{"", "shoe_size\n44\n", "email\n\"", "email,role\na@example.com,org\n"} {
		if got, err := b.send("POST", b.url+"/orgs/import_orgs", "text/csv", bad); err != nil || got.status != 400 {
			t.Errorf("import of %q: %d %s, %v", bad, got.status, got.raw, err)
		}
	}
	var names []any
	for _, n := range b.control("GET", "/state", "").value.(object)["organizations"].([]any) {
		names = append(names, n.(object)["name"], n.(object)["role"])
	}
	want := []any{"Sandbox", "org", "Sandbox Admin", "org_admin", "Ana Ruiz", "user", "", "user_admin", "Berlin", "group"}
	if len(names) != len(want) {
		t.Fatalf("%v", names)
	}
	for i := range want {
		if names[i] != want[i] {
			t.Errorf("%v, want %v", names, want)
			break
		}
	}
}

func ptr[T any](value T) *T { return &value }
