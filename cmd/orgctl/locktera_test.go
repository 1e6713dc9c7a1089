package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

// TestServedLocktera: what orgctl sandbox --api locktera prints is all that a client needs, the organization outlives the
// process, and the rate limit is in force.
func TestServedLocktera(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	name := func(method, body string) (status int, name string) {
		sandbox := p.start(t, nil, "sandbox", "--api", "locktera", "--listen", "127.0.0.1:0", "--state", "lock.json", "--rate-limit", "1/1h")
		sandbox.stdout.await(t, "export LOCKTERA_API_KEY=")
		sandbox.stderr.await(t, "serving organization ")
		settings := map[string]string{}
		for line := range strings.Lines(sandbox.stdout.String()) {
			name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
			settings[name] = value
		}
		if len(settings) != 3 || !strings.HasSuffix(settings["LOCKTERA_API_URL"], "/api/v1") {
			t.Fatalf("settings %v", settings)
		}
		send := func() (int, string) {
			request, err := http.NewRequestWithContext(t.Context(), method, settings["LOCKTERA_API_URL"]+"/orgs/"+settings["LOCKTERA_ORG_ID"], strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+settings["LOCKTERA_API_KEY"])
			request.Header.Set("Content-Type", "application/json")
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			var organization struct{ Name string }
			if err := json.NewDecoder(response.Body).Decode(&organization); err != nil {
				t.Fatal(err)
			}
			return response.StatusCode, organization.Name
		}
		status, name = send()
		if again, _ := send(); again != http.StatusTooManyRequests {
			t.Errorf("second request of the hour: %d", again)
		}
		sandbox.signal(t, os.Interrupt)
		if code := sandbox.wait(t); code != 130 {
			t.Errorf("exit code %d, want 130\n%s", code, sandbox.stderr)
		}
		return status, name
	}
	if status, _ := name(http.MethodPatch, `{"name": "Acme"}`); status != http.StatusOK {
		t.Errorf("PATCH: %d", status)
	}
	if status, got := name(http.MethodGet, ""); status != http.StatusOK || got != "Acme" {
		t.Errorf("after a restart: %d, name %q", status, got)
	}
}

// A key whose secret was lost with the answer keeps every apply with its journal from saying that it has converged, until it is deleted.
func TestLostSecretIsNotConverged(t *testing.T) {
	t.Parallel()
	b := benchLocktera(t, locktera.Config{Faults: []locktera.Fault{{Kind: "cut-after", Method: http.MethodPost, Count: 1}}}, nil)
	const head = "apiVersion: orgctl/v1\nkind: Organization\nmetadata: {name: acme}\nspec: {api: locktera/v1, keys: "
	b.write(t, "org.yaml", head+"[{name: ci, permissions: [read]}]}\n")
	apply := []string{"apply", "--yes", "-f", "org.yaml", "--secrets-out", "secrets"}
	for _, run := range []string{"its own", "the next", "one more"} {
		if r := b.run(t, apply...); r.code != exitPartial || !strings.Contains(r.stdout, "nobody can use it") || !strings.Contains(r.stdout, "not converged") {
			t.Fatalf("%s run: exit code %d\n%s%s", run, r.code, r.stdout, r.stderr)
		}
	}
	if r := b.ok(t, "plan", "-f", "org.yaml"); !strings.Contains(r.stdout, "No changes") {
		t.Errorf("a plan knows of it: %s", r.stdout)
	}
	var key struct{ ID string }
	if err := json.Unmarshal([]byte(b.ok(t, "get", "api-keys", "ci", "-o", "json").stdout), &key); err != nil || key.ID == "" {
		t.Fatalf("%v, %v", key, err)
	}
	b.write(t, "gone.yaml", head+"[{name: ci, id: "+key.ID+", ensure: absent}]}\npolicy: {allowDelete: [key/ci]}\n")
	b.ok(t, "apply", "--yes", "-f", "gone.yaml", "--secrets-out", "secrets")
	b.ok(t, apply...)
}
