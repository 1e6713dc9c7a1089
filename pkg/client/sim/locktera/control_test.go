package locktera_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

// TestStateSurvives: tree, keys, audit, clock and the caller's key are there again after a restart.
func TestStateSurvives(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock.json")
	open := func() *bench {
		server, err := locktera.Open(file, locktera.Config{}, locktera.WithClock(func() time.Time { return noon }))
		if err != nil {
			t.Fatal(err)
		}
		return mount(t, server)
	}
	first := open()
	first.ask("PUT", "/customizations", `{"theme": "dark", "big": 12345678901234567890}`)
	first.ask("POST", "/children", `{"email": "ana@example.com"}`)
	first.control("POST", "/clock", `{"advance": "36h"}`)
	created := first.ask("POST", "/api_keys", `{"name": "ci", "permissions": ["read"]}`).value.(object)
	seen := func(b *bench) []string {
		return []string{
			b.control("GET", "/state", "").raw, b.ask("GET", "/customizations", "").raw, b.ask("GET", "/children_audit", "").raw,
			b.as(created["api_key"].(string)).ask("GET", "/access_log", "").raw,
		}
	}
	before := seen(first)
	second := open()
	if second.key != first.key || second.org != first.org {
		t.Errorf("other credentials: %s %s", second.key, second.org)
	}
	if diff := cmp.Diff(before, seen(second)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	if !strings.Contains(before[1], "12345678901234567890") || !strings.Contains(before[0], "2026-03-03T00:00:00Z") {
		t.Errorf("%s", before)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestStateFiles: what is no state of this simulator is refused and left as it is.
func TestStateFiles(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "clickhouse.json")
	if _, err := sim.Open(other, sim.Config{}); err != nil {
		t.Fatal(err)
	}
	clickhouse, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]string{
		string(clickhouse):                    "is the state of another API's sandbox",
		`{"format": 2, "api": "locktera"}`:    "not a sandbox state file of format 1 but of 2",
		`{"format": 1, "api": "locktera"}`:    "damaged sandbox state file: it holds no organization",
		`{"format":1,"api":"locktera","x":1}`: "damaged sandbox state file",
		"spec:\n":                             "not a sandbox state file",
	} {
		file := filepath.Join(dir, "state.json")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := locktera.Open(file, locktera.Config{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", content, err, want)
		}
		if left, err := os.ReadFile(file); err != nil || string(left) != content {
			t.Errorf("the file has changed: %s, %v", left, err)
		}
	}
	file := filepath.Join(dir, "lock.json")
	if _, err := locktera.Open(file, locktera.Config{}); err != nil {
		t.Fatal(err)
	}
	if _, err := sim.Open(file, sim.Config{}); err == nil || !strings.Contains(err.Error(), "is the state of another API's sandbox") {
		t.Errorf("ClickHouse Cloud on the state of Locktera: %v", err)
	}
}

// TestUnwritableState: what cannot be kept is not done.
func TestUnwritableState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	server, err := locktera.Open(filepath.Join(dir, "lock.json"), locktera.Config{})
	if err != nil {
		t.Fatal(err)
	}
	b := mount(t, server)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if got := b.try("PATCH", "", `{"name": "Acme"}`); got.status != 500 {
		t.Errorf("%d %s", got.status, got.raw)
	}
	if got := b.ask("GET", "", "").value.(object)["name"]; got != "Sandbox" {
		t.Errorf("name %s", got)
	}
}

// TestFaults: each kind, on a write, and whether it was carried out.
func TestFaults(t *testing.T) {
	for _, test := range []struct {
		kind   string
		status int // 0: no answer
		body   string
		done   bool
	}{
		{"500-before", 500, `{"message":"injected before execution","code":500}`, false},
		{"500-after", 500, `{"message":"injected after execution","code":500}`, true},
		{"502-plain", 502, "Bad Gateway", false},
		{"cut-before", 0, "", false},
		{"cut-after", 0, "", true},
		{"truncated", 0, "", true},
		{"429", 429, `{"message":"injected","code":429}`, false},
		{"400", 400, `{"message":"injected","code":400}`, false},
		{"404", 404, `{"message":"injected","code":404}`, false},
		{"409", 409, `{"message":"injected","code":409}`, false},
		{"hollow", 200, `{"message":"Organization customizations updated successfully"}`, true},
		{"slow", 200, `{"message":"Organization customizations updated successfully"}`, true},
	} {
		b := start(t, locktera.Config{})
		rule := `[{"method": "PUT", "path": "**/customizations", "nth": 1, "kind": "` + test.kind + `", "delay": "1ms"}]`
		if got := b.control("POST", "/faults", rule); got.status != 200 {
			t.Fatal(got.raw)
		}
		got, err := b.send("PUT", b.url+b.org+"/customizations", "application/json", `{"theme": "dark"}`)
		if got.status != test.status || got.raw != test.body || (err != nil) != (test.status == 0) {
			t.Errorf("%s: %d %s, %v", test.kind, got.status, got.raw, err)
		}
		want := map[bool]string{true: `{"theme":"dark"}`, false: `{}`}[test.done]
		if got := b.ask("GET", "/customizations", "").raw; got != want {
			t.Errorf("%s: %s afterwards, want %s", test.kind, got, want)
		}
	}
	b := start(t, locktera.Config{Faults: []locktera.Fault{{Path: "**/api_keys", Kind: "hollow"}}})
	b.try("GET", "/api_keys", "").want(t, 200, `[{}]`)
}

// TestRequestLog shows what was asked, with the end of the key, and nothing of the control API.
func TestRequestLog(t *testing.T) {
	b := start(t, locktera.Config{})
	b.ask("PATCH", "?page=1", `{"name": "Acme"}`)
	b.try("GET", "/nothing", "")
	var log []locktera.Request
	if err := json.Unmarshal([]byte(b.control("GET", "/requests", "").raw), &log); err != nil {
		t.Fatal(err)
	}
	want := []locktera.Request{
		{
			N: 1, At: noon, Method: "PATCH", Path: "/api/v1" + b.org, Query: "page=1", Status: 200, KeySuffix: b.key[len(b.key)-4:],
			UserAgent: "Go-http-client/1.1", Body: json.RawMessage(`{"name":"Acme"}`),
		},
		{N: 2, At: noon, Method: "GET", Path: "/api/v1" + b.org + "/nothing", Status: 404, KeySuffix: b.key[len(b.key)-4:], UserAgent: "Go-http-client/1.1"},
	}
	if diff := cmp.Diff(want, log); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.control("DELETE", "/requests", "")
	b.control("GET", "/requests", "").want(t, 200, `[]`)
}

// TestHook: the effect of a request is kept between the two calls, and nothing of it before.
func TestHook(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock.json")
	var calls []string
	server, err := locktera.Open(file, locktera.Config{}, locktera.WithHook(func(phase string, n int, r *http.Request) {
		kept, err := os.ReadFile(file)
		calls = append(calls, fmt.Sprintln(phase, n, r.Method, strings.Contains(string(kept), "Acme"), err))
	}))
	if err != nil {
		t.Fatal(err)
	}
	b := mount(t, server)
	b.ask("PATCH", "", `{"name": "Acme"}`)
	b.ask("GET", "", "")
	want := []string{"before 1 PATCH false <nil>\n", "after 1 PATCH true <nil>\n", "before 2 GET true <nil>\n", "after 2 GET true <nil>\n"}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestConcurrentUse: requests, edits and looks at the state side by side, of which every write is kept.
func TestConcurrentUse(t *testing.T) {
	b := start(t, locktera.Config{PutCustomizations: "merge"})
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			key := fmt.Sprintf("k%d", n)
			b.try("PUT", "/customizations", `{"`+key+`": 1}`)
			if _, err := b.server.Edit(locktera.Edit{Kind: "organization", Create: true, Name: key}); err != nil {
				t.Error(err)
			}
			b.control("GET", "/state", "")
			b.control("GET", "/requests", "")
			b.try("GET", "/consumption", "")
		})
	}
	all.Wait()
	if got := b.ask("GET", "/customizations", "").value.(object); len(got) != 8 {
		t.Errorf("%v", got)
	}
	if got := b.ask("GET", "/consumption", "").value.(object)["api_calls"]; got != 18.0 {
		t.Errorf("%v calls, want 18", got)
	}
	if got := b.ask("GET", "/children_audit", "").value.([]any); len(got) != 8 {
		t.Errorf("audit %v", got)
	}
}

// TestControl: edits by every way to name an object, the key's check, and refusals.
func TestControl(t *testing.T) {
	b := start(t, locktera.Config{})
	b.control("POST", "/edit", `{"kind": "organization", "set": {"name": "Acme", "customizations": {"theme": "dark"}}}`).want(t, 200, `{"id": "*"}`)
	b.control("POST", "/edit", `{"kind": "organization", "name": "admin@example.com", "set": {"first_name": "Ana"}}`).want(t, 200, `{"id": "*"}`)
	created := b.control("POST", "/edit", `{"kind": "key", "create": true, "name": "ci"}`)
	created.want(t, 200, `{"id": "*", "key": "*"}`)
	secret := created.value.(object)["key"].(string)
	b.control("POST", "/verify-key", `{"key": "`+secret+`"}`).want(t, 200, `{"ok": true}`)
	b.control("POST", "/edit", `{"kind": "key", "name": "ci", "set": {"permissions": ["read"]}}`).want(t, 200, `{"id": "*"}`)
	if got := b.as(secret).try("PATCH", "", `{"name": "no"}`); got.status != 403 {
		t.Errorf("a key that may only read: %d", got.status)
	}
	b.control("POST", "/edit", `{"kind": "key", "name": "ci", "delete": true}`).want(t, 200, `{"id": "*"}`)
	b.control("POST", "/verify-key", `{"key": "`+secret+`"}`).want(t, 200, `{"ok": false}`)
	b.ask("GET", "", "").want(t, 200, `{"id": "*", "name": "Acme", "created_at": "*", "customizations": {"theme": "dark"}}`)

	b.control("POST", "/edit", `{"kind": "organization", "create": true, "name": "Twin"}`)
	b.control("POST", "/edit", `{"kind": "organization", "create": true, "name": "Twin"}`)
	for request, want := range map[string]string{
		`{"kind": "tag"}`: "unknown kind; there are key, organization",
		`{"kind": "organization", "name": "Nobody", "delete": true}`:        "not found",
		`{"kind": "organization", "name": "Twin", "delete": true}`:          "more than one has this name",
		`{"kind": "organization", "set": {"title": "x"}}`:                   "unknown field",
		`{"kind": "organization", "create": true, "parent": "nowhere"}`:     "there is no parent",
		`{"kind": "key", "create": true, "name": "x", "parent": "nowhere"}`: "there is no such organization or user",
		`{"kind": "key", "set": {"name": "x"}}`:                             "not found",
		`{"kind": "organization", "colour": "red"}`:                         "unknown field",
	} {
		got := b.control("POST", "/edit", request)
		if text, _ := got.value.(object)["error"].(string); got.status != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s, want %s", request, got.status, got.raw, want)
		}
	}
	if got := b.control("GET", "/nothing", ""); got.status != 404 {
		t.Errorf("%d %s", got.status, got.raw)
	}
	if got := b.control("POST", "/clock", `{"advance": "-1s"}`); got.status != 400 {
		t.Errorf("%d %s", got.status, got.raw)
	}
}
