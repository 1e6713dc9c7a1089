package locktera_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/locktera"
	sim "github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

// worlds are the ways in which the documents can be read, as far as the simulator knows them.
func worlds() map[string]struct {
	cfg     sim.Config
	options locktera.Options
} {
	type world = struct {
		cfg     sim.Config
		options locktera.Options
	}
	orgName := locktera.Options{NameKey: "org_name"}
	root, v1 := "", "/v1"
	return map[string]world{
		"page":                  {},
		"spec":                  {sim.Config{Shape: "spec"}, orgName},
		"both":                  {sim.Config{Shapes: sim.Shapes{Organization: "both"}}, orgName},
		"wrapped":               {sim.Config{PutBody: "wrapped", WrappedCustomizations: true}, locktera.Options{WrapCustomizations: true}},
		"no content":            {sim.Config{WriteReplies: "no-content"}, locktera.Options{}},
		"empty answers":         {sim.Config{WriteReplies: "empty"}, locktera.Options{}},
		"lists":                 {sim.Config{Lists: sim.Lists{AccessLog: "array", ChildrenAudit: "array", Consumption: "array"}}, locktera.Options{}},
		"objects":               {sim.Config{Lists: sim.Lists{AccessLog: "object", ChildrenAudit: "object", Consumption: "object"}}, locktera.Options{}},
		"future fields":         {sim.Config{FutureFields: true, StoreFields: true, AuditNewData: true}, locktera.Options{}},
		"strict about fields":   {sim.Config{UnknownFields: "refuse"}, locktera.Options{}},
		"at the root":           {sim.Config{Prefix: &root}, locktera.Options{}},
		"at /v1":                {sim.Config{Prefix: &v1, TrailingSlash: "redirect"}, locktera.Options{}},
		"another secret's name": {sim.Config{SecretField: "value"}, locktera.Options{}},
	}
}

// TestLifeOfAnOrganization makes every call in every world, and looks at what the simulator has made of it.
func TestLifeOfAnOrganization(t *testing.T) {
	for name, w := range worlds() {
		t.Run(name, func(t *testing.T) {
			s, ctx := simulate(t, w.cfg, w.options), t.Context()
			edit(t, s, sim.Edit{Kind: "organization", Set: map[string]any{"tags": []any{map[string]any{"id": "t-1", "name": "gold"}}}})
			team := edit(t, s, sim.Edit{Kind: "organization", Create: true, Name: "Team", Set: map[string]any{"role": "group"}})

			if err := s.UpdateOrganization(ctx, s.org, locktera.OrganizationUpdate{Name: new("Acme")}); err != nil {
				t.Fatal(err)
			}
			organization, err := s.GetOrganization(ctx, s.org)
			if err != nil || organization.Name != "Acme" || organization.ID != s.org {
				t.Errorf("renamed %+v, %v", organization, err)
			}
			wantRaw(t, organization.Raw, "id", s.org)

			fields := map[string]json.RawMessage{"theme": json.RawMessage(`"dark"`), "extra": json.RawMessage(`{"deep":[1,2.5,null]}`)}
			if err := s.PutCustomizations(ctx, s.org, fields); err != nil {
				t.Fatal(err)
			}
			custom, err := s.GetCustomizations(ctx, s.org)
			if err != nil || string(custom.Fields["theme"]) != `"dark"` || string(custom.Fields["extra"]) != `{"deep":[1,2.5,null]}` {
				t.Errorf("customizations %s, %v", custom.Raw, err)
			}
			wantRaw(t, custom.Raw, "theme", "dark")
			if organization.Role == "" { // the page's shape
				again, err := s.GetOrganization(ctx, s.org)
				if err != nil || string(again.Customizations["theme"]) != `"dark"` {
					t.Errorf("customizations within %s, %v", again.Raw, err)
				}
			}

			life := keyLife(t, s)
			if tags, err := s.ListTags(ctx, s.org); err != nil || len(tags) != 1 || tags[0].Name != "gold" || len(tags[0].Raw) == 0 {
				t.Errorf("tags %+v, %v", tags, err)
			}
			log, err := s.AccessLog(ctx, s.org, locktera.Paging{})
			if err != nil || len(log) != 1 || !strings.EqualFold(log[0].Action, "login") || log[0].User == "" || log[0].Timestamp == "" {
				t.Errorf("access log %+v, %v", log, err)
			}
			used, err := s.Consumption(ctx, s.org)
			if err != nil || len(used) != 1 || *used[0].APICalls < float64(life) || *used[0].StorageUsed != 0 || used[0].Month == "" {
				t.Errorf("consumption %+v, %v", used, err)
			}
			if err := s.DeleteOrganization(ctx, team.ID); err != nil {
				t.Fatal(err)
			}
			audit, err := s.ChildrenAudit(ctx, s.org, locktera.Paging{})
			if err != nil || len(audit) == 0 || audit[len(audit)-1].Action != "delete" || audit[len(audit)-1].OrgID != team.ID {
				t.Errorf("audit %+v, %v", audit, err)
			}
			wantRaw(t, audit[len(audit)-1].OldData, "id", team.ID)
			if _, err := s.GetOrganization(ctx, team.ID); !errors.Is(err, client.ErrNotFound) {
				t.Errorf("after its deletion: %v", err)
			}
		})
	}
}

// keyLife makes a key, uses it, and deletes it. It gives how many requests the organization has had at least.
func keyLife(t *testing.T, s *simulated) int {
	t.Helper()
	ctx := t.Context()
	before, err := s.ListKeys(ctx, s.org)
	if err != nil || len(before) != 1 || before[0].ID == "" || before[0].CreatedAt == "" {
		t.Fatalf("keys %+v, %v", before, err)
	}
	made, err := s.CreateKey(ctx, s.org, locktera.KeyCreate{Name: "ci", Permissions: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	after, err := s.ListKeys(ctx, s.org)
	if err != nil || len(after) != 2 {
		t.Fatalf("keys %+v, %v", after, err)
	}
	key := after[slices.IndexFunc(after, made.Is)]
	if key.ID == before[0].ID || made.Is(before[0]) || made.Is(locktera.APIKey{}) {
		t.Errorf("the new key is taken for %+v", key)
	}
	if diff := cmp.Diff([]string{"read"}, key.Permissions); diff != "" {
		t.Error(diff)
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(made.Answer.Reveal()), &fields); err != nil {
		t.Fatal(err)
	}
	works := 0
	for _, value := range fields {
		if text, ok := value.(string); ok && verifies(t, s, text) {
			works++
			printsNot(t, text, made, s)
		}
	}
	if works != 1 {
		t.Errorf("%d fields of the answer are a key that works", works)
	}
	if err := s.DeleteKey(ctx, s.org, key.ID); err != nil {
		t.Fatal(err)
	}
	if left, err := s.ListKeys(ctx, s.org); err != nil || len(left) != 1 {
		t.Errorf("keys %+v, %v", left, err)
	}
	if err := s.DeleteKey(ctx, s.org, key.ID); !errors.Is(err, client.ErrNotFound) || client.Ambiguous(err) {
		t.Errorf("deleted twice: %v", err)
	}
	return 5
}

// verifies asks the simulator for an organization with a key.
func verifies(t *testing.T, s *simulated, key string) bool {
	t.Helper()
	if client.CheckKey(key) != nil {
		return false // a name with a space, or the like
	}
	c := newClient(t, "http://127.0.0.1"+s.server.Prefix(), key, client.WithTransport(s.server.Transport()))
	_, err := locktera.New(c, locktera.Options{}).GetOrganization(t.Context(), s.org)
	return err == nil
}

// printsNot fails where a secret is shown by whatever prints, or is in the debug log.
func printsNot(t *testing.T, key string, made locktera.CreatedKey, s *simulated) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"made": made, "pointer": &made})
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{string(text), s.debug.String()}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		shown = append(shown, fmt.Sprintf(format+" "+format, made, &made))
	}
	for _, text := range shown {
		if strings.Contains(text, key) || strings.Contains(text, fmt.Sprintf("%x", key)) {
			t.Errorf("the secret is shown:\n%s", text)
		}
	}
	if !strings.Contains(s.debug.String(), "bytes that are secret]") {
		t.Errorf("the debug log does not say what it hides:\n%s", s.debug.String())
	}
}

func edit(t *testing.T, s *simulated, e sim.Edit) sim.Edited {
	t.Helper()
	done, err := s.server.Edit(e)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// wantRaw wants an object as the API spelt it, with a field of that value.
func wantRaw(t *testing.T, raw json.RawMessage, name, value string) {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil || fields[name] != value {
		t.Errorf("raw %s, %v: want %s %q", raw, err, name, value)
	}
}

// A field that no document knows is in Raw, in the order of the API.
func TestRawIsAsSpelt(t *testing.T) {
	const body = `{"zeta": 1.50, "id": "org-1", "name": null, "org_name": "Acme", "alpha": {"b": 1, "a": [true]}}`
	got, err := answering(t, 200, body, locktera.Options{}).GetOrganization(t.Context(), "org-1")
	if diff := cmp.Diff(locktera.Organization{ID: "org-1", Name: "Acme", NameKey: "org_name", Raw: json.RawMessage(body)}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

// A name that goes out under a key that the server does not know changes nothing and fails nothing: its caller has to look.
func TestUpdateThatIsNotApplied(t *testing.T) {
	s := simulate(t, sim.Config{}, locktera.Options{NameKey: "org_name"})
	if err := s.UpdateOrganization(t.Context(), s.org, locktera.OrganizationUpdate{Name: new("Acme")}); err != nil {
		t.Fatal(err)
	}
	if o, err := s.GetOrganization(t.Context(), s.org); err != nil || o.Name == "Acme" {
		t.Errorf("%+v, %v", o, err)
	}
}

// Every way in which the simulator words a refusal leaves its status to be seen.
func TestErrors(t *testing.T) {
	for form, want := range map[string]string{
		"json":      "400 Bad Request: Validation failed; permissions must be read or write, not \"own\" (POST /orgs/",
		"text-code": "400 BAD_REQUEST: Validation failed; permissions must be read or write, not \"own\" (POST /orgs/",
		"text":      "400 Bad Request: Validation failed (POST /orgs/",
		"empty":     "400 Bad Request (POST /orgs/",
		"html":      "status 400: the answer is a web page (HTML or XML) instead of JSON (POST http://",
	} {
		s := simulate(t, sim.Config{Errors: form}, locktera.Options{})
		_, err := s.CreateKey(t.Context(), s.org, locktera.KeyCreate{Name: "ci", Permissions: []string{"own"}})
		if err == nil || !strings.HasPrefix(err.Error(), want) || client.Ambiguous(err) {
			t.Errorf("%s: %v", form, err)
		}
		if form == "html" {
			continue // a page says nothing about what was asked for
		}
		other := newClient(t, "http://127.0.0.1"+s.server.Prefix(), "c4n4ry-key", client.WithTransport(s.server.Transport()))
		if _, err := locktera.New(other, locktera.Options{}).GetOrganization(t.Context(), s.org); !errors.Is(err, client.ErrUnauthorized) {
			t.Errorf("%s: with an unknown key: %v", form, err)
		}
		if _, err := s.GetOrganization(t.Context(), "org-404"); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("%s: of an unknown organization: %v", form, err)
		}
	}
}

// What is sent again is what can do no harm: reads, and what the rate limit has refused, unless it rests on a reading.
func TestRetriesByMeaning(t *testing.T) {
	calls := map[string]func(*simulated) error{
		http.MethodGet: func(s *simulated) error {
			_, err := s.GetOrganization(t.Context(), s.org)
			return err
		},
		http.MethodPut: func(s *simulated) error {
			return s.PutCustomizations(t.Context(), s.org, map[string]json.RawMessage{"theme": json.RawMessage(`"dark"`)})
		},
		http.MethodPatch: func(s *simulated) error {
			return s.UpdateOrganization(t.Context(), s.org, locktera.OrganizationUpdate{Name: new("Acme")})
		},
		http.MethodPost: func(s *simulated) error {
			_, err := s.CreateKey(t.Context(), s.org, locktera.KeyCreate{Name: "ci", Permissions: []string{"read"}})
			return err
		},
		http.MethodDelete: func(s *simulated) error { return s.DeleteOrganization(t.Context(), s.org) },
	}
	for _, fault := range []struct {
		kind   string
		harm   bool // it may have been executed, for all that a client can tell
		status int
	}{
		{"502-plain", true, 502}, {"500-after", true, 500}, {"cut-before", true, 0}, {"cut-after", true, 0}, {"429", false, 429},
	} {
		for method, call := range calls {
			t.Run(fault.kind+"/"+method, func(t *testing.T) {
				var rule sim.Fault
				if err := json.Unmarshal([]byte(`{"kind":"`+fault.kind+`","method":"`+method+`","count":2}`), &rule); err != nil {
					t.Fatal(err)
				}
				s := simulate(t, sim.Config{Faults: []sim.Fault{rule}}, locktera.Options{})
				err := call(s)
				once := method == http.MethodPut || method == http.MethodPatch
				again := method == http.MethodGet || !once && !fault.harm
				switch {
				case again && (err != nil || s.sent(method) != 3):
					t.Errorf("sent %d times, %v", s.sent(method), err)
				case !again && (err == nil || s.sent(method) != 1 || client.Ambiguous(err) != fault.harm):
					t.Errorf("sent %d times, %v (ambiguous: %t)", s.sent(method), err, client.Ambiguous(err))
				}
			})
		}
	}
}

// TestPaging: pages are asked for on request alone, and what a server makes of that does not repeat or lose entries.
func TestPaging(t *testing.T) {
	log := make([]any, 7)
	for i := range log {
		log[i] = map[string]any{"timestamp": fmt.Sprintf("2026-03-01T12:00:0%dZ", i), "user": "u", "action": "LOGIN", "status": "SUCCESS"}
	}
	for name, c := range map[string]struct {
		cfg           sim.Config
		paging        locktera.Paging
		want, queries int
	}{
		"not asked for":           {sim.Config{Paging: true}, locktera.Paging{}, 7, 0},
		"honoured":                {sim.Config{Paging: true}, locktera.Paging{Limit: 3, Pages: 10}, 7, 3},
		"honoured, to the end":    {sim.Config{Paging: true}, locktera.Paging{Limit: 7, Pages: 10}, 7, 2},
		"honoured, up to a bound": {sim.Config{Paging: true}, locktera.Paging{Limit: 2, Pages: 2}, 4, 2},
		"without a bound":         {sim.Config{Paging: true}, locktera.Paging{Limit: 2}, 2, 1},
		"ignored":                 {sim.Config{}, locktera.Paging{Limit: 3, Pages: 10}, 7, 1},
		"ignored, of that length": {sim.Config{}, locktera.Paging{Limit: 7, Pages: 10}, 7, 2},
		"one object":              {sim.Config{Lists: sim.Lists{AccessLog: "object"}}, locktera.Paging{Limit: 1, Pages: 10}, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, c.cfg, locktera.Options{})
			edit(t, s, sim.Edit{Kind: "organization", Set: map[string]any{"access_log": log}})
			got, err := s.AccessLog(t.Context(), s.org, c.paging)
			if err != nil || len(got) != c.want {
				t.Errorf("%d entries, want %d (%v)", len(got), c.want, err)
			}
			asked := slices.DeleteFunc(s.server.Requests(), func(r sim.Request) bool { return r.Query == "" })
			if len(asked) != c.queries {
				t.Errorf("%d requests for a page, want %d", len(asked), c.queries)
			}
		})
	}
}

// A log that is null is empty; one whose objects have lost their fields still says how many there are.
func TestLogsWithNothingInThem(t *testing.T) {
	s := simulate(t, sim.Config{Lists: sim.Lists{ChildrenAudit: "object"}}, locktera.Options{})
	if got, err := s.ChildrenAudit(t.Context(), s.org, locktera.Paging{}); err != nil || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	s = simulate(t, sim.Config{Faults: []sim.Fault{{Kind: "hollow"}}}, locktera.Options{})
	if got, err := s.AccessLog(t.Context(), s.org, locktera.Paging{}); err != nil || len(got) != 1 || string(got[0].Raw) != "{}" {
		t.Errorf("%+v, %v", got, err)
	}
	// A key without any field is no key.
	_, err := s.ListKeys(t.Context(), s.org)
	wantReplyError(t, err, "unexpected shape: an empty object")
}

// A list in an envelope is not documented, and not guessed.
func TestEnvelope(t *testing.T) {
	s := simulate(t, sim.Config{Envelope: "items", Lists: sim.Lists{Consumption: "array"}}, locktera.Options{})
	const want = "decode result: unexpected shape: an object with items, and none of the documented "
	_, err := s.ListKeys(t.Context(), s.org)
	wantReplyError(t, err, want+"id, key_id, ")
	_, err = s.ListTags(t.Context(), s.org)
	wantReplyError(t, err, want)
	_, err = s.AccessLog(t.Context(), s.org, locktera.Paging{})
	wantReplyError(t, err, want)
	_, err = s.Consumption(t.Context(), s.org)
	wantReplyError(t, err, want)
}

// TestWrongBaseURL: the hosts serve a web application besides, which answers 200.
func TestWrongBaseURL(t *testing.T) {
	s := simulate(t, sim.Config{}, locktera.Options{})
	for _, path := range []string{"", "/", "/v1", "/api"} {
		c := newClient(t, "http://127.0.0.1"+path, s.key, client.WithTransport(s.server.Transport()))
		api := locktera.New(c, locktera.Options{})
		_, err := api.GetOrganization(t.Context(), s.org)
		wantReplyError(t, err, "status 200: the answer is a web page", "is LOCKTERA_API_URL the address of the API, with its prefix")
		wantReplyError(t, api.DeleteOrganization(t.Context(), s.org), "the answer is a web page", "LOCKTERA_API_URL")
		wantReplyError(t, api.PutCustomizations(t.Context(), s.org, nil), "the answer is a web page", "LOCKTERA_API_URL")
		_, err = api.CreateKey(t.Context(), s.org, locktera.KeyCreate{Name: "ci"})
		wantReplyError(t, err, "the answer is a web page", "LOCKTERA_API_URL")
	}
	if o, err := s.GetOrganization(t.Context(), s.org); err != nil || o.ID != s.org {
		t.Errorf("%+v, %v", o, err)
	}
}

// The key does not follow a redirect, be it to another host or to where a slash is missing.
func TestRedirects(t *testing.T) {
	other := answering(t, 200, `{"id":"o"}`, locktera.Options{})
	s := simulate(t, sim.Config{RedirectTo: "https://elsewhere.example.com"}, locktera.Options{})
	_, err := s.GetOrganization(t.Context(), s.org)
	wantReplyError(t, err, "redirect to https://elsewhere.example.com/api/v1/orgs/", "not followed", "LOCKTERA_API_URL")
	if err := s.DeleteOrganization(t.Context(), s.org); err == nil || client.Ambiguous(err) {
		t.Errorf("a redirected deletion: %v", err)
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		a := answering(t, status, "http://127.0.0.1:1/orgs", locktera.Options{})
		wantReplyError(t, a.PutCustomizations(t.Context(), "o", nil), "not followed", "LOCKTERA_API_URL")
	}
	if other.count > 0 {
		t.Errorf("another host has got %d requests", other.count)
	}
}
