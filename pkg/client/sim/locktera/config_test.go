package locktera_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

// TestSettings bends one thing at a time and shows what becomes of one request. Organizations begin with two customizations.
func TestSettings(t *testing.T) {
	type request struct{ method, path, body string }
	var (
		get       = request{"GET", "", ""}
		custom    = request{"GET", "/customizations", ""}
		keys      = request{"GET", "/api_keys", ""}
		accesses  = request{"GET", "/access_log", ""}
		audit     = request{"GET", "/children_audit", ""}
		usage     = request{"GET", "/consumption", ""}
		rename    = request{"PATCH", "", `{"name": "Acme"}`}
		orgRename = request{"PATCH", "", `{"org_name": "Acme"}`}
		patch     = request{"PATCH", "", `{"customizations": {"theme": "light"}}`}
		put       = request{"PUT", "/customizations", `{"theme": "light"}`}
		putNull   = request{"PUT", "/customizations", `{"theme": null}`}
		wrap      = request{"PUT", "/customizations", `{"customizations": {"theme": "light"}}`}
		foreign   = request{"GET", "//orgs/FOREIGN", ""}
		unknown   = request{"GET", "//orgs/unknown", ""}
	)
	const (
		asPage   = `{"id": "*", "name": "Sandbox", "created_at": "*", "customizations": {"theme": "dark", "logo_url": "x"}}`
		renamed  = `{"id": "*", "name": "Acme", "created_at": "*", "customizations": {"theme": "dark", "logo_url": "x"}}`
		access   = `{"timestamp": "*", "user": "admin@example.com", "action": "LOGIN", "status": "SUCCESS"}`
		insert   = `{"action": "insert", "org_id": "*", "admin_id": "*", "timestamp": "*", "ip": "*"}`
		update   = `{"action": "update", "org_id": "*", "admin_id": "*", "timestamp": "*", "ip": "*", "old_data": {"id": "*", "root_org_id": "*", "org_name": "Sandbox", "role": "org"}}`
		consumed = `{"org_id": "*", "month": "2026-03", "api_calls": 1, "storage_used": 0}`
		specOrg  = `{"id": "*", "root_org_id": "*", "org_name": "Sandbox", "role": "org"}`
		lost     = `{"message": "Resource not found", "code": 404}`
		key      = `"name": "sandbox", "created_at": "*", "permissions": ["read", "write"]`
	)
	for _, test := range []struct {
		name   string
		config string
		do     request
		status int
		see    request // afterwards; a read is its own
		want   string  // what is seen then
	}{
		{"defaults", `{}`, get, 200, get, asPage},
		{"a name is taken as it is shown", `{}`, rename, 200, get, renamed},
		{"another name for it changes nothing", `{}`, orgRename, 200, get, asPage},
		{"nameKey", `{"nameKey": "org_name"}`, orgRename, 200, get, renamed},
		{"nameKey leaves the other out", `{"nameKey": "org_name"}`, rename, 200, get, asPage},
		{"nameKey both", `{"nameKey": "both"}`, orgRename, 200, get, renamed},
		{"both names, different", `{"nameKey": "both"}`, request{"PATCH", "", `{"name": "a", "org_name": "b"}`}, 400, get, asPage},
		{"spec", `{"shape": "spec"}`, rename, 200, get, specOrg},
		{"spec takes org_name", `{"shape": "spec"}`, orgRename, 200, get, strings.Replace(specOrg, "Sandbox", "Acme", 1)},
		{"spec takes fields of a person", `{"shape": "spec"}`, request{"PATCH", "", `{"email": "a@example.com", "role": "user"}`}, 200, get, strings.Replace(specOrg, "}", `, "email": "a@example.com"}`, 1)},
		{"one shape of its own", `{"shapes": {"organization": "spec"}}`, get, 200, get, specOrg},
		{"shapes override shape", `{"shape": "spec", "shapes": {"organization": "page"}}`, get, 200, get, asPage},
		{"both names shown", `{"shapes": {"organization": "both"}}`, get, 200, get, `{"id": "*", "root_org_id": "*", "org_name": "Sandbox", "role": "org", "name": "Sandbox", "created_at": "*", "customizations": {"theme": "dark", "logo_url": "x"}}`},
		{"keys of spec", `{"shapes": {"apiKeys": "spec"}}`, keys, 200, keys, `[{"key_id": "*", "org_id": "*", "created_at": "*", "permissions": ["read", "write"]}]`},

		{"unknownFields ignored", `{}`, request{"PATCH", "", `{"title": "Acme"}`}, 200, get, asPage},
		{"unknownFields", `{"unknownFields": "refuse"}`, request{"PATCH", "", `{"title": "Acme"}`}, 400, get, asPage},
		{"ignoredWrites", `{"ignoredWrites": ["name"]}`, rename, 200, get, asPage},
		{"ignoredWrites of org_name", `{"ignoredWrites": ["name"], "nameKey": "both"}`, orgRename, 200, get, asPage},
		{"ignoredWrites of customizations", `{"ignoredWrites": ["customizations"]}`, put, 200, custom, `{"theme": "dark", "logo_url": "x"}`},
		{"ignoredWrites of one", `{"ignoredWrites": ["customizations.theme"]}`, put, 200, custom, `{"theme": "dark"}`},
		{"ignoredWrites of one that is not there", `{"ignoredWrites": ["customizations.new"]}`, request{"PUT", "/customizations", `{"new": 1}`}, 200, custom, `{}`},
		{"ignoredWrites of permissions", `{"ignoredWrites": ["permissions"]}`, request{"POST", "/api_keys", `{"name": "ci", "permissions": ["read", "write"]}`}, 200, keys, `[{"id": "*", ` + key + `}, {"id": "*", "name": "ci", "created_at": "*", "permissions": ["read"]}]`},

		{"PUT replaces", `{}`, put, 200, custom, `{"theme": "light"}`},
		{"putCustomizations", `{"putCustomizations": "merge"}`, put, 200, custom, `{"theme": "light", "logo_url": "x"}`},
		{"PATCH replaces them, too", `{}`, patch, 200, custom, `{"theme": "light"}`},
		{"patchCustomizations merge", `{"patchCustomizations": "merge"}`, patch, 200, custom, `{"theme": "light", "logo_url": "x"}`},
		{"patchCustomizations ignore", `{"patchCustomizations": "ignore"}`, patch, 200, custom, `{"theme": "dark", "logo_url": "x"}`},
		{"spec has no customizations to patch", `{"shape": "spec"}`, patch, 200, custom, `{"theme": "dark", "logo_url": "x"}`},
		{"a wrapped body is an object with one key", `{}`, wrap, 200, custom, `{"customizations": {"theme": "light"}}`},
		{"putBody", `{"putBody": "wrapped"}`, wrap, 200, custom, `{"theme": "light"}`},
		{"putBody refuses the other", `{"putBody": "wrapped"}`, put, 400, custom, `{"theme": "dark", "logo_url": "x"}`},
		{"wrappedCustomizations", `{"wrappedCustomizations": true}`, custom, 200, custom, `{"customizations": {"theme": "dark", "logo_url": "x"}}`},
		{"null is kept", `{}`, putNull, 200, custom, `{"theme": null}`},
		{"nulls remove", `{"nulls": "remove", "putCustomizations": "merge"}`, putNull, 200, custom, `{"logo_url": "x"}`},
		{"nulls refuse", `{"nulls": "refuse"}`, putNull, 400, custom, `{"theme": "dark", "logo_url": "x"}`},

		{"accessLog as an object", `{"lists": {"accessLog": "object"}}`, accesses, 200, accesses, access},
		{"accessLog of spec in an array", `{"shape": "spec", "lists": {"accessLog": "array"}}`, accesses, 200, accesses, `[{"org_id": "*", "timestamp": "*", "user": "*", "action": "login", "ip": "*"}]`},
		{"childrenAudit as an object", `{"lists": {"childrenAudit": "object"}}`, audit, 200, audit, insert},
		{"auditOwn", `{"auditOwn": true}`, audit, 200, audit, `[` + update + `, ` + insert + `]`},
		{"auditNewData", `{"auditNewData": true}`, audit, 200, audit, `[{"new_data": {"id": "*", "root_org_id": "*", "parent_org_id": "*", "org_name": "Berlin", "role": "group"}, ` + insert[1:] + `]`},
		{"consumption as an array", `{"lists": {"consumption": "array"}}`, usage, 200, usage, `[` + consumed + `]`},

		{"no right", `{}`, foreign, 403, foreign, `{"message": "Forbidden", "code": 403}`},
		{"noRight", `{"noRight": 404}`, foreign, 404, foreign, lost},
		{"denied", `{"denied": [{"method": "GET", "path": "**/api_keys"}]}`, keys, 403, keys, `{"message": "Forbidden", "code": 403}`},
		{"denied to another key", `{"denied": [{"key": "ci", "path": "**"}]}`, keys, 200, keys, `[{"id": "*", ` + key + `}]`},
		{"errors text-code", `{"errors": "text-code"}`, unknown, 404, unknown, `{"message": "Resource not found", "code": "NOT_FOUND"}`},
		{"errors text", `{"errors": "text"}`, unknown, 404, unknown, ``},

		{"pages ignored", `{}`, request{"GET", "/api_keys?page=7", ""}, 200, keys, `[{"id": "*", ` + key + `}]`},
		{"paging", `{"paging": true}`, keys, 200, request{"GET", "/api_keys?page=2&limit=1", ""}, `[]`},
		{"paging far beyond", `{"paging": true}`, keys, 200, request{"GET", "/api_keys?page=9223372036854775807&limit=9223372036854775807", ""}, `[]`},
		{"paging refuses", `{"paging": true}`, request{"GET", "/api_keys?page=0", ""}, 400, request{"GET", "/api_keys?page=1&limit=9", ""}, `[{"id": "*", ` + key + `}]`},
		{"envelope", `{"envelope": "data"}`, keys, 200, keys, `{"data": [{"id": "*", ` + key + `}]}`},
		{"omittedFields", `{"omittedFields": ["name", "customizations"]}`, get, 200, get, `{"id": "*", "created_at": "*"}`},
		{"futureFields", `{"futureFields": true}`, keys, 200, keys, `[{"id": "*", ` + key + `, "field_of_the_future": {"enabled": true}}]`},
		{"storeFields", `{"storeFields": true}`, custom, 200, custom, `{"theme": "dark", "logo_url": "x", "_rid": "*", "_self": "*", "_etag": "*", "_ts": 1772366400, "attachments": "attachments/"}`},
		{"storeFields are not kept", `{"storeFields": true}`, request{"PUT", "/customizations", `{"_etag": "mine", "a": 1}`}, 200, custom, `{"a": 1, "_rid": "*", "_self": "*", "_etag": "*", "_ts": 1772366400, "attachments": "attachments/"}`},
		{"superseded", `{"superseded": true}`, get, 404, get, lost},

		{"a trailing slash is another path", `{}`, request{"GET", "/customizations/", ""}, 404, get, asPage},
		{"trailingSlash accept", `{"trailingSlash": "accept"}`, request{"GET", "/customizations/", ""}, 200, get, asPage},
		{"trailingSlash redirect", `{"trailingSlash": "redirect"}`, request{"GET", "/customizations/", ""}, 301, get, asPage},
		{"trailingSlash with no id", `{"trailingSlash": "accept"}`, request{"DELETE", "//orgs/", ""}, 404, get, asPage},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := start(t, locktera.Config{})
			b.edit(locktera.Edit{Kind: "organization", Set: object{"customizations": object{"theme": "dark", "logo_url": "x"}}})
			b.edit(locktera.Edit{Kind: "organization", Create: true, Name: "Berlin"})
			other := b.edit(locktera.Edit{Kind: "organization", Create: true, Set: object{"parent_org_id": "", "name": "Other", "role": "org"}})
			if got := b.control("PUT", "/config", test.config); got.status != http.StatusOK {
				t.Fatalf("config: %s", got.raw)
			}
			path := func(r request) string { return strings.ReplaceAll(r.path, "FOREIGN", other.ID) }
			did := b.try(test.do.method, path(test.do), test.do.body)
			if did.status != test.status {
				t.Fatalf("%s %s: %d, want %d: %s", test.do.method, path(test.do), did.status, test.status, did.raw)
			}
			if test.see != test.do {
				did = b.ask(test.see.method, path(test.see), "")
			}
			did.want(t, did.status, test.want)
		})
	}
}

// TestErrorBodies: a refusal in each form that the documents, or their silence, allow.
func TestErrorBodies(t *testing.T) {
	for form, want := range map[string]struct{ contentType, body string }{
		"json":      {"application/json; charset=utf-8", `{"message":"Resource not found","code":404}`},
		"text-code": {"application/json; charset=utf-8", `{"message":"Resource not found","code":"NOT_FOUND"}`},
		"text":      {"text/plain; charset=utf-8", "Resource not found"},
		"html":      {"text/html; charset=utf-8", "<!DOCTYPE html><title>Error</title><h1>Resource not found</h1>\n"},
		"empty":     {"application/json; charset=utf-8", ""},
	} {
		got := start(t, locktera.Config{Errors: form}).try("GET", "/nothing", "")
		if got.status != 404 || got.header.Get("Content-Type") != want.contentType || got.raw != want.body {
			t.Errorf("%s: %d %s %q", form, got.status, got.header.Get("Content-Type"), got.raw)
		}
	}
}

// TestSecretField: the reply to the creation of a key holds its secret under whatever name, and no list does.
func TestSecretField(t *testing.T) {
	b := start(t, locktera.Config{SecretField: "token"})
	created := b.ask("POST", "/api_keys", `{"name": "ci", "permissions": ["read"]}`).value.(object)
	secret, _ := created["token"].(string)
	if got := b.as(secret).try("GET", "", ""); got.status != http.StatusOK {
		t.Fatalf("the secret %q of %v does not open anything: %d", secret, created, got.status)
	}
	for _, shown := range []answer{b.ask("GET", "/api_keys", ""), b.control("GET", "/state", ""), b.control("GET", "/requests", "")} {
		if strings.Contains(shown.raw, secret) {
			t.Errorf("the secret is shown: %s", shown.raw)
		}
	}
}

// TestPrefixes: the API lives under each of the documented prefixes, and a web page everywhere else.
func TestPrefixes(t *testing.T) {
	for _, prefix := range []string{"/api/v1", "/v1", ""} {
		b := start(t, locktera.Config{Prefix: &prefix})
		b.ask("GET", "", "")
		for _, elsewhere := range []string{"/", "/other" + b.org, "/api/v10" + b.org} {
			got, err := b.send("GET", b.host+elsewhere, "", "")
			if err != nil || got.status != 200 || !strings.HasPrefix(got.raw, "<!DOCTYPE html>") {
				t.Errorf("prefix %q, GET %s: %d %s, %v", prefix, elsewhere, got.status, got.raw, err)
			}
		}
		if prefix == "" {
			continue
		}
		// Paths joined to a base URL that ends in a slash.
		if got, err := b.send("GET", b.url+"/"+b.org, "", ""); err != nil || got.status != 404 {
			t.Errorf("prefix %q, a double slash: %d %s, %v", prefix, got.status, got.raw, err)
		}
	}
}

// TestRedirect leads to another host, and keeps path and query.
func TestRedirect(t *testing.T) {
	b := start(t, locktera.Config{RedirectTo: "https://elsewhere.example/"})
	got := b.try("GET", "/tags?page=1", "")
	if want := "https://elsewhere.example/api/v1" + b.org + "/tags?page=1"; got.status != 307 || got.header.Get("Location") != want {
		t.Errorf("%d %s, want %s", got.status, got.header.Get("Location"), want)
	}
}

// TestLostUpdate: somebody writes between a client's read and its write, which undoes that, and a client that reads again sees it.
func TestLostUpdate(t *testing.T) {
	b := start(t, locktera.Config{Meanwhile: []locktera.Meanwhile{
		{Method: "GET", Path: "**/customizations", Edit: locktera.Edit{Kind: "organization", Set: object{"customizations": object{"theme": "theirs"}}}},
		{Method: "PUT", Path: "**/customizations", Nth: 2, Edit: locktera.Edit{Kind: "organization", Set: object{"name": "Theirs"}}},
	}})
	b.ask("GET", "/customizations", "").want(t, 200, `{}`)
	b.ask("GET", "/customizations", "").want(t, 200, `{"theme": "theirs"}`)
	b.ask("PUT", "/customizations", `{"logo_url": "mine"}`)
	b.ask("GET", "", "").want(t, 200, `{"id": "*", "name": "Sandbox", "created_at": "*", "customizations": {"logo_url": "mine"}}`)
	b.ask("PUT", "/customizations", `{"logo_url": "mine"}`)
	b.ask("GET", "/customizations", "") // what waits for the first reading happens once
	b.ask("GET", "", "").want(t, 200, `{"id": "*", "name": "Theirs", "created_at": "*", "customizations": {"logo_url": "mine"}}`)
}

// TestStoreFieldsSentBack: a client that writes back what it read does not make the database's fields its own.
func TestStoreFieldsSentBack(t *testing.T) {
	b := start(t, locktera.Config{StoreFields: true})
	b.ask("PUT", "/customizations", `{"theme": "dark"}`)
	b.ask("PUT", "/customizations", b.ask("GET", "/customizations", "").raw)
	b.server.SetConfig(locktera.Config{})
	b.try("GET", "/customizations", "").want(t, 200, `{"theme": "dark"}`)
}

// TestRateLimit counts by key and by the simulated clock, more for an admin's where that is set.
func TestRateLimit(t *testing.T) {
	minute := locktera.RateLimit{Requests: 3, Window: time.Minute}
	b := start(t, locktera.Config{RateLimit: minute, AdminRateLimit: locktera.RateLimit{Requests: 5, Window: time.Minute}})
	user := b.edit(locktera.Edit{Kind: "organization", Create: true, Name: "Ana", Set: object{"role": "user_admin"}})
	ana := b.as(b.edit(locktera.Edit{Kind: "key", Create: true, Name: "ana", Set: object{"user_id": user.ID}}).Key)
	for n := range 7 {
		for limit, who := range map[int]*bench{3: ana, 5: b} {
			got := who.try("GET", "", "")
			if want := map[bool]int{true: 200, false: 429}[n < limit]; got.status != want {
				t.Fatalf("request %d of %d: %d", n+1, limit, got.status)
			}
			if after, shown := got.header["Retry-After"]; shown {
				t.Errorf("Retry-After: %s", after)
			}
		}
	}
	b.server.Advance(59 * time.Second)
	if got := ana.try("GET", "", ""); got.status != 429 {
		t.Errorf("a second too early: %d", got.status)
	}
	b.control("POST", "/clock", `{"advance": "1s"}`)
	if got := ana.try("GET", "", ""); got.status != 200 {
		t.Errorf("a new minute: %d", got.status)
	}
	b.server.SetConfig(locktera.Config{RateLimit: locktera.RateLimit{Requests: 1, Window: time.Minute}, RetryAfter: true})
	b.ask("GET", "", "")
	b.server.Advance(1500 * time.Millisecond)
	if got := b.try("GET", "", ""); got.status != 429 || got.header.Get("Retry-After") != "59" {
		t.Errorf("%d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
}

// TestConfigText: a configuration survives JSON, and one that means nothing is refused.
func TestConfigText(t *testing.T) {
	text := `{"rateLimit":{"requests":100,"window":"1m0s"},"adminRateLimit":{"requests":500,"window":"1m0s"},"latency":"1ms",` +
		`"meanwhile":[{"method":"GET","path":"**","nth":2,"edit":{"kind":"organization","set":{"name":"x"}}}],"prefix":"","shapes":{"tags":"spec"},"noRight":404}`
	var cfg locktera.Config
	if err := json.Unmarshal([]byte(text), &cfg); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, string(got)); diff != "" {
		t.Error(diff)
	}
	b := start(t, cfg)
	for _, bad := range []string{
		`{"shape": "both"}`, `{"shapes": {"tags": "both"}}`, `{"lists": {"consumption": "list"}}`, `{"writeReplies": "201"}`, `{"nameKey": "title"}`,
		`{"unknownFields": "keep"}`, `{"ignoredWrites": ["title"]}`, `{"patchCustomizations": "no"}`, `{"putCustomizations": "ignore"}`,
		`{"putBody": "none"}`, `{"nulls": "maybe"}`, `{"noRight": 401}`, `{"errors": "xml"}`, `{"prefix": "v1"}`, `{"prefix": "/v1/"}`,
		`{"redirectTo": "elsewhere"}`, `{"trailingSlash": "yes"}`, `{"meanwhile": [{"edit": {"kind": "tag"}}]}`, `{"faults": [{"kind": "odd"}]}`,
		`{"rateLimit": {"requests": 1, "window": "0s"}}`, `{"adminRateLimit": {"requests": -1, "window": "1s"}}`, `{"colour": "red"}`, `[]`,
	} {
		if got := b.control("PUT", "/config", bad); got.status != 400 {
			t.Errorf("%s: %d %s", bad, got.status, got.raw)
		}
	}
	if diff := cmp.Diff(cfg, b.server.Config()); diff != "" {
		t.Errorf("a refused configuration has left traces:\n%s", diff)
	}
}
