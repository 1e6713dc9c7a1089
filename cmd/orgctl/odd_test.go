package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/client/sim"
)

// odd serves a sandbox that answers some requests in its own way: answer says so, or lets the sandbox do it.
func odd(t *testing.T, api *sim.Server, answer func(w http.ResponseWriter, r *http.Request) bool) *program {
	t.Helper()
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answer(w, r) {
			api.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(listener.Close)
	c := api.Credentials()
	return newProgram(t, "CLICKHOUSE_API_URL="+listener.URL, "CLICKHOUSE_CLOUD_API_KEY="+c.KeyID, "CLICKHOUSE_CLOUD_API_SECRET="+c.KeySecret)
}

// envelope is what every reply comes in.
type envelope struct {
	RequestID string `json:"requestId"`
	Status    int    `json:"status"`
	Result    any    `json:"result"`
}

// asked gives the sandbox's own answer to a request for something to read.
func asked(t *testing.T, api *sim.Server, r *http.Request) envelope {
	t.Helper()
	get := httptest.NewRequestWithContext(r.Context(), http.MethodGet, r.URL.Path, http.NoBody)
	get.Header = r.Header.Clone()
	w := httptest.NewRecorder()
	api.ServeHTTP(w, get)
	var out envelope
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Errorf("%s: %v", r.URL.Path, err)
	}
	return out
}

func reply(t *testing.T, w http.ResponseWriter, e envelope) bool {
	t.Helper()
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(e); err != nil {
		t.Error(err)
	}
	return true
}

func editing(t *testing.T, api *sim.Server, edits ...sim.Edit) {
	t.Helper()
	for _, e := range edits {
		if _, err := api.Edit(e); err != nil {
			t.Error(err)
		}
	}
}

// twinRoles serves a sandbox that has two roles named Developer, and two keys with one of them.
func twinRoles(t *testing.T) (*program, *sim.Server) {
	t.Helper()
	api := sim.New(sim.Config{})
	for _, name := range []string{"ci", "old"} {
		editing(t, api, sim.Edit{Kind: "key", Name: name, Create: true, Set: map[string]any{"roles": []any{"Developer"}}})
	}
	return odd(t, api, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/roles") {
			return false
		}
		all := asked(t, api, r)
		roles, _ := all.Result.([]any)
		for _, role := range roles {
			role, _ := role.(map[string]any)
			if role["name"] == "Developer" {
				twin := maps.Clone(role)
				twin["id"] = "7d6f0d0a-0000-4000-8000-000000000001"
				all.Result = append(roles, twin)
			}
		}
		return reply(t, w, all)
	}), api
}

// TestApplySeesWhatPlanSees: a role that shares its name is in doubt whether or not somebody is to get it, and then nothing of its
// holders' collection is pruned.
func TestApplySeesWhatPlanSees(t *testing.T) {
	t.Parallel()
	p, api := twinRoles(t)
	p.write(t, "org.yaml", manifest("spec: {keys: [{name: ci, roles: [developer]}, {name: sandbox}]}\npolicy: {prune: [keys]}\n"))
	for _, command := range [][]string{{"plan"}, {"apply", "--yes"}} {
		r := p.run(t, append(command, "-f", "org.yaml")...)
		if r.code != exitBlocked || !strings.Contains(r.stdout, "OC302") || !strings.Contains(r.stdout, "OC313") {
			t.Errorf("%v: exit code %d\n%s\n%s", command, r.code, r.stdout, r.stderr)
		}
	}
	for _, r := range api.Requests() {
		if r.Method != http.MethodGet {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
}

// TestExportOfTwinRoles: what a manifest cannot say of a role is left out of an export, and said in it.
func TestExportOfTwinRoles(t *testing.T) {
	t.Parallel()
	p, _ := twinRoles(t)
	if r := p.ok(t, "export", "--out", "all.yaml"); !strings.Contains(r.stderr, "2 things that a manifest cannot say are left out") {
		t.Errorf("no warning:\n%s", r.stderr)
	}
	p.ok(t, "plan", "-f", "all.yaml", "--detailed-exitcode")
	p.ok(t, "drift", "-f", "all.yaml")
}

// TestEchoIsNoProof: the reply to a change may show what was asked for instead of what came of it (FACTS 11).
func TestEchoIsNoProof(t *testing.T) {
	t.Parallel()
	api := sim.New(sim.Config{})
	editing(t, api, sim.Edit{Kind: "key", Name: "ci", Create: true}, sim.Edit{Kind: "member", Name: "ana@example.com", Create: true},
		sim.Edit{Kind: "service", Name: "orders", Create: true})
	p := odd(t, api, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPatch || !strings.Contains(r.URL.Path, "/keys/") {
			return false
		}
		var patch map[string]any
		if err := json.NewDecoder(r.Body).Decode(&patch); err != nil {
			t.Error(err)
		}
		now := asked(t, api, r)
		key, _ := now.Result.(map[string]any)
		maps.Copy(key, patch)
		return reply(t, w, now)
	})
	p.write(t, "org.yaml", manifest("spec: {services: [{name: orders, numReplicas: 5}], keys: [{name: ci, state: disabled}], members: [{email: ana@example.com, role: admin}]}"))
	r := p.run(t, "apply", "--yes", "-f", "org.yaml", "--settle", "1ms")
	if r.code != exitPartial || !strings.HasPrefix(r.lastLine(), "not converged") {
		t.Errorf("exit code %d\n%s\n%s", r.code, r.stdout, r.stderr)
	}
}

// TestWhichOrganization: of several nobody guesses one.
func TestWhichOrganization(t *testing.T) {
	t.Parallel()
	api := sim.New(sim.Config{})
	p := odd(t, api, func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/organizations") {
			return false
		}
		all := asked(t, api, r)
		list, _ := all.Result.([]any)
		all.Result = append(list, map[string]any{"id": "7d6f0d0a-0000-4000-8000-000000000002", "name": "Other"})
		return reply(t, w, all)
	})
	p.write(t, "org.yaml", manifest("spec: {services: []}"))
	for _, command := range [][]string{{"plan"}, {"apply", "--yes"}} {
		r := p.run(t, append(command, "-f", "org.yaml")...)
		if r.code != exitError || !strings.Contains(r.stderr, "CLICKHOUSE_ORG_ID") || !strings.Contains(r.stderr, "Other") {
			t.Errorf("%v: exit code %d\n%s", command, r.code, r.stderr)
		}
	}
	p.env = append(p.env, "CLICKHOUSE_ORG_ID="+api.Credentials().OrganizationID)
	p.ok(t, "plan", "-f", "org.yaml")
}

// TestPasswordOfAVanishedService: somebody deletes a service at the last step of its creation. Its stored password says so.
func TestPasswordOfAVanishedService(t *testing.T) {
	t.Parallel()
	api := sim.New(sim.Config{})
	p := odd(t, api, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			if bytes.Contains(body, []byte("orgctl-op")) {
				editing(t, api, sim.Edit{Kind: "service", Name: "orders", Delete: true})
			}
		}
		return false
	})
	p.write(t, "org.yaml", manifest("spec: {services: [{name: orders, provider: aws, region: us-east-1, ipAccessList: []}]}"))
	r := p.run(t, "apply", "--yes", "-f", "org.yaml", "--secrets-out", "secrets")
	if r.code != exitPartial {
		t.Errorf("exit code %d\n%s\n%s", r.code, r.stdout, r.stderr)
	}
	paths, err := filepath.Glob(filepath.Join(p.dir, "secrets", "services", "*.json"))
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	data, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	if record, err := secrets.Decode(data); err != nil || record.NotInForce == "" {
		t.Errorf("%v, in force as it says: %q\n%s", err, record.NotInForce, r.stdout)
	}
}
