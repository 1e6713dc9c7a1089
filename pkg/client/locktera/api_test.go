package locktera_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/locktera"
)

func get[T any](f func(context.Context, string) (T, error)) func(context.Context, string) (any, error) {
	return func(ctx context.Context, org string) (any, error) { return f(ctx, org) }
}

func getLog[T any](f func(context.Context, string, locktera.Paging) ([]T, error)) func(context.Context, string) (any, error) {
	return func(ctx context.Context, org string) (any, error) { return f(ctx, org, locktera.Paging{}) }
}

// TestReads: what is asked for, and what is made of each documented shape, and of none.
func TestReads(t *testing.T) {
	a := answering(t, 200, "", locktera.Options{})
	raw := func(text string) json.RawMessage { return json.RawMessage(text) }
	const (
		pageOrg = `{"id":"o","name":"Acme","created_at":"2024-01-01T00:00:00Z","customizations":{"theme":"dark"}}`
		specOrg = `{"id":"o","root_org_id":"r","parent_org_id":"p","org_name":"Ana","role":"user","first_name":"A","last_name":"B","email":"a@b","mobile_phone":"1"}`
		pageKey = `{"id":"k","name":"ci","created_at":"t","permissions":["read","write"]}`
		specKey = `{"key_id":"k","org_id":"o","created_at":"t","permissions":[]}`
		access  = `{"timestamp":"t","user":"a@b","action":"LOGIN","status":"SUCCESS"}`
		visit   = `{"org_id":"o","timestamp":"t","user":"u","action":"login","ip":"192.0.2.1"}`
		audit   = `{"action":"update","org_id":"o","address_id":"x","admin_id":"a","timestamp":"t","old_data":{"n":1},"ip":"192.0.2.1"}`
		month   = `{"org_id":"o","month":"2026-03","api_calls":7,"storage_used":1.5}`
	)
	for _, c := range []struct {
		read        func(context.Context, string) (any, error)
		path, reply string
		want        any    // nil for an error
		text        string // of the error
	}{
		{get(a.GetOrganization), "", pageOrg, locktera.Organization{
			ID: "o", Name: "Acme", NameKey: "name", CreatedAt: "2024-01-01T00:00:00Z", Customizations: map[string]json.RawMessage{"theme": raw(`"dark"`)}, Raw: raw(pageOrg),
		}, ""},
		{get(a.GetOrganization), "", specOrg, locktera.Organization{
			ID: "o", Name: "Ana", NameKey: "org_name", RootID: "r", ParentID: "p", Role: "user", FirstName: "A", LastName: "B", Email: "a@b", MobilePhone: "1", Raw: raw(specOrg),
		}, ""},
		{
			get(a.GetOrganization), "", ` {"id":7,"name":["x"],"email":null,"customizations":null} `,
			locktera.Organization{ID: "7", Raw: raw(`{"id":7,"name":["x"],"email":null,"customizations":null}`)},
			"",
		},
		{get(a.GetOrganization), "", `{"email":"a@b"}`, locktera.Organization{Email: "a@b", Raw: raw(`{"email":"a@b"}`)}, ""},
		{get(a.GetOrganization), "", `{"organization":` + pageOrg + `}`, nil, "an object with organization, and none of the documented id, name, org_name"},
		{get(a.GetOrganization), "", `{}`, nil, "an empty object"},
		{get(a.GetOrganization), "", `[` + pageOrg + `]`, nil, "a list where an object is documented"},
		{get(a.GetOrganization), "", `null`, nil, "it has no result"},
		{get(a.GetOrganization), "", `7`, nil, "a number or a truth value where an object is documented"},

		{
			get(a.GetCustomizations), "/customizations", `{"theme":"dark"}`,
			locktera.Customizations{Fields: map[string]json.RawMessage{"theme": raw(`"dark"`)}, Raw: raw(`{"theme":"dark"}`)},
			"",
		},
		{
			get(a.GetCustomizations), "/customizations", `{"customizations": {"theme":"dark"}}`,
			locktera.Customizations{Fields: map[string]json.RawMessage{"theme": raw(`"dark"`)}, Wrapped: true, Raw: raw(`{"theme":"dark"}`)},
			"",
		},
		{
			get(a.GetCustomizations), "/customizations", `{"customizations":"no"}`,
			locktera.Customizations{Fields: map[string]json.RawMessage{"customizations": raw(`"no"`)}, Raw: raw(`{"customizations":"no"}`)},
			"",
		},
		{get(a.GetCustomizations), "/customizations", `{"customizations":{},"theme":null}`, locktera.Customizations{
			Fields: map[string]json.RawMessage{"customizations": raw(`{}`), "theme": raw(`null`)}, Raw: raw(`{"customizations":{},"theme":null}`),
		}, ""},
		{get(a.GetCustomizations), "/customizations", `{}`, locktera.Customizations{Fields: map[string]json.RawMessage{}, Raw: raw(`{}`)}, ""},
		{get(a.GetCustomizations), "/customizations", `null`, nil, "it has no result"},
		{get(a.GetCustomizations), "/customizations", `["dark"]`, nil, "a list where an object is documented"},

		{get(a.ListKeys), "/api_keys", `[` + pageKey + `,` + specKey + `]`, []locktera.APIKey{
			{ID: "k", Name: "ci", CreatedAt: "t", Permissions: []string{"read", "write"}, Raw: raw(pageKey)},
			{ID: "k", OrgID: "o", CreatedAt: "t", Permissions: []string{}, Raw: raw(specKey)},
		}, ""},
		{get(a.ListKeys), "/api_keys", specKey, []locktera.APIKey{{ID: "k", OrgID: "o", CreatedAt: "t", Permissions: []string{}, Raw: raw(specKey)}}, ""},
		{
			get(a.ListKeys), "/api_keys", `[{"name":"ci","api_key":"c4n4ry","secretKey":{"a":"c4n4ry"}}]`,
			[]locktera.APIKey{{Name: "ci", Raw: raw(`{"api_key":"[redacted]","name":"ci","secretKey":"[redacted]"}`)}},
			"",
		},
		{get(a.ListKeys), "/api_keys", `[]`, []locktera.APIKey{}, ""},
		{get(a.ListKeys), "/api_keys", `null`, nil, "it has no result"},
		{get(a.ListKeys), "/api_keys", `["k"]`, nil, "a text where an object is documented"},
		{get(a.ListKeys), "/api_keys", `[null]`, nil, "null where an object is documented"},
		{get(a.ListKeys), "/api_keys", `{"keys":[` + pageKey + `],"total":1}`, nil, "an object with keys, total, and none of the documented id, key_id"},

		{get(a.ListTags), "/tags", `["gold",{"id":"t","name":"silver","created_at":"t"}]`, []locktera.Tag{
			{Name: "gold", Raw: raw(`"gold"`)}, {ID: "t", Name: "silver", CreatedAt: "t", Raw: raw(`{"id":"t","name":"silver","created_at":"t"}`)},
		}, ""},
		{get(a.ListTags), "/tags", `[]`, []locktera.Tag{}, ""},
		{get(a.ListTags), "/tags", `[7]`, nil, "a number or a truth value where an object is documented"},
		{get(a.ListTags), "/tags", `"gold"`, nil, "a text where an object is documented"},

		{getLog(a.AccessLog), "/access_log", `[` + access + `,` + visit + `,{"later":1}]`, []locktera.Access{
			{Timestamp: "t", User: "a@b", Action: "LOGIN", Status: "SUCCESS", Raw: raw(access)},
			{OrgID: "o", Timestamp: "t", User: "u", Action: "login", IP: "192.0.2.1", Raw: raw(visit)},
			{Raw: raw(`{"later":1}`)},
		}, ""},
		{
			getLog(a.AccessLog), "/access_log", visit,
			[]locktera.Access{{OrgID: "o", Timestamp: "t", User: "u", Action: "login", IP: "192.0.2.1", Raw: raw(visit)}},
			"",
		},
		{getLog(a.AccessLog), "/access_log", `null`, []locktera.Access(nil), ""},
		{getLog(a.AccessLog), "/access_log", `{"entries":[` + access + `]}`, nil, "an object with entries, and none"},
		{getLog(a.AccessLog), "/access_log", `[` + access + `,"x"]`, nil, "a text where"},

		{getLog(a.ChildrenAudit), "/children_audit", audit, []locktera.Audit{{
			Action: "update", OrgID: "o", AddressID: "x", AdminID: "a", Timestamp: "t", IP: "192.0.2.1", OldData: raw(`{"n":1}`), Raw: raw(audit),
		}}, ""},
		{
			getLog(a.ChildrenAudit), "/children_audit", `[{"action":"insert","new_data":"text"}]`,
			[]locktera.Audit{{Action: "insert", NewData: raw(`"text"`), Raw: raw(`{"action":"insert","new_data":"text"}`)}},
			"",
		},
		{getLog(a.ChildrenAudit), "/children_audit", `null`, []locktera.Audit(nil), ""},

		{
			get(a.Consumption), "/consumption", month,
			[]locktera.Consumption{{OrgID: "o", Month: "2026-03", APICalls: new(7.0), StorageUsed: new(1.5), Raw: raw(month)}},
			"",
		},
		{get(a.Consumption), "/consumption", `[` + month + `,{"month":"2026-04","api_calls":"many"}]`, []locktera.Consumption{
			{OrgID: "o", Month: "2026-03", APICalls: new(7.0), StorageUsed: new(1.5), Raw: raw(month)},
			{Month: "2026-04", Raw: raw(`{"month":"2026-04","api_calls":"many"}`)},
		}, ""},
	} {
		a.body = c.reply
		got, err := c.read(t.Context(), "org 1/a")
		if want := prefix + "/orgs/org%201%2Fa" + c.path; a.method != http.MethodGet || a.uri != want || a.sent != "" {
			t.Errorf("sent %s %s with the body %q, want GET %s without", a.method, a.uri, a.sent, want)
		}
		if c.want == nil {
			wantReplyError(t, err, c.text)
			continue
		}
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", c.reply, err, diff)
		}
	}
}

// TestWrites: what is sent; and that whatever comes with a status of success is one.
func TestWrites(t *testing.T) {
	orgName, wrap := locktera.Options{NameKey: "org_name"}, locktera.Options{WrapCustomizations: true}
	dark := map[string]json.RawMessage{"theme": json.RawMessage(`"dark"`), "logo_url": nil}
	for _, c := range []struct {
		options       locktera.Options
		write         func(*answers) error
		request, body string
	}{
		{locktera.Options{}, func(a *answers) error {
			return a.UpdateOrganization(t.Context(), "o", locktera.OrganizationUpdate{Name: new("Acme")})
		}, "PATCH /orgs/o", `{"name":"Acme"}`},
		{orgName, func(a *answers) error {
			return a.UpdateOrganization(t.Context(), "o", locktera.OrganizationUpdate{Name: new("Acme")})
		}, "PATCH /orgs/o", `{"org_name":"Acme"}`},
		{
			locktera.Options{},
			func(a *answers) error { return a.PutCustomizations(t.Context(), "o", dark) },
			"PUT /orgs/o/customizations", `{"logo_url":null,"theme":"dark"}`,
		},
		{locktera.Options{}, func(a *answers) error { return a.PutCustomizations(t.Context(), "o", nil) }, "PUT /orgs/o/customizations", `{}`},
		{
			wrap, func(a *answers) error { return a.PutCustomizations(t.Context(), "o", dark) },
			"PUT /orgs/o/customizations", `{"customizations":{"logo_url":null,"theme":"dark"}}`,
		},
		{locktera.Options{}, func(a *answers) error { return a.DeleteOrganization(t.Context(), "a?b#c%") }, "DELETE /orgs/a%3Fb%23c%25", ""},
		{locktera.Options{}, func(a *answers) error { return a.DeleteKey(t.Context(), "o", "k/../x") }, "DELETE /orgs/o/api_keys/k%2F..%2Fx", ""},
		{locktera.Options{}, func(a *answers) error {
			_, err := a.CreateKey(t.Context(), "o", locktera.KeyCreate{Name: "ci", Permissions: []string{"read"}})
			return err
		}, "POST /orgs/o/api_keys", `{"name":"ci","permissions":["read"]}`},
	} {
		for _, answer := range []struct {
			status int
			body   string
		}{
			{200, `{"message":"done"}`}, {200, `{"id":"o"}`}, {200, "done"}, {201, `"done"`}, {202, "{"}, {200, ""}, {204, ""},
		} {
			a := answering(t, answer.status, answer.body, c.options)
			err := c.write(a)
			method, path, _ := strings.Cut(c.request, " ")
			if a.method != method || a.uri != prefix+path || a.sent != c.body || a.count != 1 {
				t.Errorf("sent %d times %s %s %s, want %s %s", a.count, a.method, a.uri, a.sent, c.request, c.body)
			}
			if a.header.Get("Authorization") != "Bearer c4n4ry-key" || a.header.Get("Accept") != "application/json" ||
				strings.HasPrefix(a.header.Get("Content-Type"), "application/json") != (c.body != "") {
				t.Errorf("%s is sent with %v", c.request, a.header)
			}
			// Nothing in the answer to a creation: the key may be there, and its secret is not.
			if method == http.MethodPost && answer.body == "" {
				if wantReplyError(t, err, "the answer is empty"); !client.Ambiguous(err) {
					t.Errorf("%v is not ambiguous", err)
				}
			} else if err != nil {
				t.Errorf("%s, answered %d %s: %v", c.request, answer.status, answer.body, err)
			}
		}
	}
}

// The answer to a creation is handed over as it came, and is in no error.
func TestCreatedKeyIsSecret(t *testing.T) {
	for _, body := range []string{`{"k":"c4n4ry"}`, "c4n4ry", `["c4n4ry"`, `{"id":"c4n4ry"}`} {
		a := answering(t, 201, body, locktera.Options{})
		made, err := a.CreateKey(t.Context(), "o", locktera.KeyCreate{Name: "ci", Permissions: []string{"read"}})
		if err != nil || made.Answer.Reveal() != body {
			t.Errorf("%s: %v", body, err)
		}
		if made.Is(locktera.APIKey{ID: "c4n4ry"}) != (body == `{"id":"c4n4ry"}`) || made.Is(locktera.APIKey{}) {
			t.Errorf("%s is taken for another key", body)
		}
		a.status = 500
		if _, err = a.CreateKey(t.Context(), "o", locktera.KeyCreate{}); err == nil || strings.Contains(err.Error(), "c4n4ry") || !client.Ambiguous(err) {
			t.Errorf("%s with status 500: %v", body, err)
		}
	}
}

// An id that names no object is not sent: DELETE /orgs/ could be anything.
func TestIDMustNameAnObject(t *testing.T) {
	a := answering(t, 200, `{"id":"o"}`, locktera.Options{})
	ctx := t.Context()
	for _, id := range []string{"", ".", ".."} {
		_, read := a.GetOrganization(ctx, id)
		_, keys := a.ListKeys(ctx, id)
		_, key := a.CreateKey(ctx, id, locktera.KeyCreate{Name: "ci"})
		for _, err := range []error{
			read, keys, key, a.DeleteOrganization(ctx, id), a.DeleteKey(ctx, "o", id), a.DeleteKey(ctx, id, "k"), a.PutCustomizations(ctx, id, nil),
			a.UpdateOrganization(ctx, id, locktera.OrganizationUpdate{}),
		} {
			if err == nil || client.Ambiguous(err) {
				t.Errorf("id %q: error %v", id, err)
			}
		}
	}
	if a.count > 0 {
		t.Errorf("%d requests were sent, the last one %s %s", a.count, a.method, a.uri)
	}
}

// TestOddErrors: whatever the body, the status is seen, and what it says is shown if it can be.
func TestOddErrors(t *testing.T) {
	for body, want := range map[string]string{
		`{"message":"no","code":"E17"}`:                "404 E17: no (GET /orgs/o)",
		`{"message":"no","code":404}`:                  "404 Not Found: no (GET /orgs/o)",
		`{"message":"no","code":17}`:                   "404 17: no (GET /orgs/o)",
		`{"code":17}`:                                  `404 17: {"code":17} (GET /orgs/o)`,
		`{"fields":{"b":"is short","a":["is","odd"]}}`: `404 Not Found: a ["is","odd"]; b is short (GET /orgs/o)`,
		`{"message":{"text":"no"}}`:                    `404 Not Found: {"message":{"text":"no"}} (GET /orgs/o)`,
		`{"message":"no"`:                              `404 Not Found: {"message":"no" (GET /orgs/o)`,
		`["no"]`:                                       `404 Not Found: ["no"] (GET /orgs/o)`,
		"no such\norganization":                        "404 Not Found: no such organization (GET /orgs/o)",
		"":                                             "404 Not Found (GET /orgs/o)",
	} {
		_, err := answering(t, 404, body, locktera.Options{}).GetOrganization(t.Context(), "o")
		if err == nil || err.Error() != want || !errors.Is(err, client.ErrNotFound) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
	a := answering(t, 500, "boom", locktera.Options{})
	if _, err := a.GetOrganization(t.Context(), "o"); err == nil || err.Error() != "500 Internal Server Error: boom (GET /orgs/o)" {
		t.Errorf("a text with status 500: %v", err)
	}
	a = answering(t, 200, "boom", locktera.Options{})
	_, err := a.GetOrganization(t.Context(), "o")
	wantReplyError(t, err, "the answer is not JSON", "LOCKTERA_API_URL")
	a = answering(t, 204, "", locktera.Options{})
	_, err = a.GetOrganization(t.Context(), "o")
	wantReplyError(t, err, "the answer is not JSON")
}

// Appending the paths to the base URL as text keeps its prefix, with and without a slash at its end.
func TestBaseURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://share.locktera.com/api/v1":  "https://share.locktera.com/api/v1",
		"https://Test.locktera.com/api/v1/":  "https://test.locktera.com/api/v1",
		"https://api.locktera.com/v1":        "https://api.locktera.com/v1",
		"https://api.locktera.com":           "https://api.locktera.com",
		"http://localhost:8124/api/v1///":    "http://localhost:8124/api/v1",
		"https://proxy.example.com/a/api/v1": "https://proxy.example.com/a/api/v1",
	} {
		if got, err := locktera.Dialect().CanonicalURL(in); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %s", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"https://test.locktera.com/#/api": "fragment", "http://share.locktera.com/api/v1": "plain http", "https://me:c4n4ry@share.locktera.com": "LOCKTERA_API_KEY",
	} {
		if _, err := locktera.Dialect().CanonicalURL(in); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "c4n4ry") {
			t.Errorf("%s: %v", in, err)
		}
	}
}
