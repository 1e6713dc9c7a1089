package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
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
