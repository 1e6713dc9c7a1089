package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	sim "github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

const lockteraBefore = `
apiVersion: orgctl/v1
kind: Organization
metadata: {name: acme}
spec:
  api: locktera/v1
  customizations: {theme: dark}
  keys:
    - {name: leaves, permissions: [read]}
`

const lockteraAfter = `
apiVersion: orgctl/v1
kind: Organization
metadata: {name: acme}
spec:
  api: locktera/v1
  name: Acme
  customizations: {theme: light, branding_color: "#0047AB"}
  keys:
    - {name: new-1, permissions: [read]}
    - {name: new-2, permissions: [write]}
    - {name: leaves, ensure: absent}
policy: {allowDelete: [key/leaves]}
`

// killedLocktera is the real binary against a simulator of Locktera that kills it at one request.
type killedLocktera struct {
	killer
	*program
	server *sim.Server
}

func newKilledLocktera(t *testing.T, cfg sim.Config) *killedLocktera {
	t.Helper()
	server := sim.New(cfg)
	k := &killedLocktera{killer: killer{api: server}, server: server}
	listener := httptest.NewServer(k)
	t.Cleanup(listener.Close)
	c := server.Credentials()
	k.program = newProgram(t, "LOCKTERA_API_URL="+listener.URL+server.Prefix(), "LOCKTERA_API_KEY="+c.Key, "LOCKTERA_ORG_ID="+c.OrganizationID)
	k.write(t, "before.yaml", lockteraBefore)
	k.write(t, "after.yaml", lockteraAfter)
	return k
}

// apply runs an apply, killed at a request unless at is 0.
func (k *killedLocktera) apply(t *testing.T, manifest string, at int, after bool) (output string, code int) {
	t.Helper()
	cmd := k.command(t, "apply", "--yes", "-f", manifest, "--secrets-out", "secrets", "--rate", "100000/1s")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	code = k.end(t, cmd, at, after)
	return out.String(), code
}

// keys are the names of live keys by their ids.
func (k *killedLocktera) keys(t *testing.T) map[string]string {
	t.Helper()
	var list []struct{ ID, Name string }
	if err := json.Unmarshal([]byte(k.ok(t, "get", "api-keys", "-o", "json").stdout), &list); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, key := range list {
		out[key.ID] = key.Name
	}
	return out
}

// opened are the ids of keys that a stored answer is said to open, and does.
func (k *killedLocktera) opened(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(k.dir, "secrets", "keys", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, file := range files {
		data, err := os.ReadFile(filepath.Clean(file))
		var record struct{ ID, Answer string }
		if err == nil {
			err = json.Unmarshal(data, &record)
		}
		var answer struct {
			Key string `json:"api_key"`
		}
		if err == nil {
			err = json.Unmarshal([]byte(record.Answer), &answer)
		}
		if err != nil {
			t.Fatal(err)
		}
		if k.server.VerifyKey(answer.Key) {
			ids = append(ids, record.ID)
		}
	}
	return ids
}

// TestKillMatrixLocktera kills the real binary before and after every single request of an apply, and runs it again. It converges
// with nothing there twice; a key whose secret went with the answer is named with its id, and once it is deleted, made anew.
func TestKillMatrixLocktera(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(map[bool]string{false: "before", true: "after"}[after], func(t *testing.T) {
			t.Parallel()
			stride := 1
			if testing.Short() {
				stride = 4
			}
			points, lost := 0, 0
			for at := 1; ; at += stride {
				reached, told := killLocktera(t, at, after)
				if !reached {
					break
				}
				points++
				lost += told
			}
			t.Logf("%d kill points, %d secrets lost and told", points, lost)
			if after && stride == 1 && lost == 0 {
				t.Error("no answer was lost to the creation of a key")
			}
		})
	}
}

func killLocktera(t *testing.T, at int, after bool) (reached bool, lost int) {
	t.Helper()
	k := newKilledLocktera(t, sim.Config{})
	if out, code := k.apply(t, "before.yaml", 0, false); code != exitOK {
		t.Fatalf("exit %d\n%s", code, out)
	}
	first, code := k.apply(t, "after.yaml", at, after)
	if code >= 0 {
		if code != exitOK {
			t.Fatalf("point %d was never reached, and the run failed with %d:\n%s", at, code, first)
		}
		return false, 0
	}
	second, code := k.apply(t, "after.yaml", 0, false)
	if converged := strings.HasSuffix(strings.TrimSpace(second), "\nconverged"); code != exitOK && code != exitPartial || converged != (code == exitOK) {
		t.Fatalf("killed at request %d: the next run exits %d\n%s\n--- the killed one:\n%s", at, code, second, first)
	}
	checkLocktera := func() (useless []string) {
		opened := k.opened(t)
		var names []string
		for id, name := range k.keys(t) {
			names = append(names, name)
			if name != "sandbox" && !slices.Contains(opened, id) {
				useless = append(useless, id)
			}
		}
		slices.Sort(names)
		if want := []string{"new-1", "new-2", "sandbox"}; !slices.Equal(names, want) {
			t.Fatalf("killed at request %d: there are the keys %v, want %v\n%s\n--- the killed one:\n%s", at, names, want, second, first)
		}
		return useless
	}
	useless := checkLocktera()
	if (len(useless) > 0) != (code == exitPartial) {
		t.Fatalf("killed at request %d: %d keys are of no use, and the next run exits %d\n%s\n--- the killed one:\n%s", at, len(useless), code, second, first)
	}
	for _, id := range useless {
		if !strings.Contains(second, id) {
			t.Fatalf("killed at request %d: no stored secret opens %s, and nobody is told\n%s", at, id, second)
		}
		if _, err := k.server.Edit(sim.Edit{Kind: "key", ID: id, Delete: true}); err != nil {
			t.Fatal(err)
		}
	}
	if third, code := k.apply(t, "after.yaml", 0, false); code != exitOK || len(checkLocktera()) > 0 {
		t.Fatalf("killed at request %d: the last run exits %d\n%s", at, code, third)
	}
	return true, len(useless)
}

// TestLockteraOverHTTP takes the example through its life wherever the API is: applied, found as declared, saved and applied as a
// plan, drifted and put right.
func TestLockteraOverHTTP(t *testing.T) {
	for name, c := range map[string]struct {
		prefix string
		end    string // of the URL
	}{
		"with its prefix": {"/api/v1", ""}, "with a slash at the end": {"/api/v1", "/"}, "with another prefix": {"/v1", ""}, "with none": {"", ""}, "a slash alone": {"", "/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sim.New(sim.Config{Prefix: &c.prefix})
			listener := httptest.NewServer(server)
			defer listener.Close()
			credentials := server.Credentials()
			p := withExamples(t, "LOCKTERA_API_URL="+listener.URL+c.prefix+c.end, "LOCKTERA_API_KEY="+credentials.Key, "LOCKTERA_ORG_ID="+credentials.OrganizationID)
			from := []string{"-f", "examples/locktera"}
			apply := append([]string{"apply", "--yes", "--secrets-out", "secrets"}, from...)
			if r := p.ok(t, apply...); r.lastLine() != "converged" {
				t.Fatalf("%s\n%s", r.stdout, r.stderr)
			}
			if r := p.ok(t, append([]string{"plan", "--detailed-exitcode"}, from...)...); !strings.HasPrefix(r.lastLine(), "No changes. ") {
				t.Errorf("%s", r.stdout)
			}
			p.ok(t, apply...)
			if _, err := server.Edit(sim.Edit{Kind: "organization", Set: map[string]any{"customizations": map[string]any{"theme": "light"}}}); err != nil {
				t.Fatal(err)
			}
			if r := p.run(t, append([]string{"drift"}, from...)...); r.code != exitChanges || !strings.Contains(r.stdout, "theme") {
				t.Errorf("drift: exit %d\n%s\n%s", r.code, r.stdout, r.stderr)
			}
			p.ok(t, append([]string{"plan", "--out", "plan.json"}, from...)...)
			if r := p.ok(t, "apply", "--yes", "plan.json"); r.lastLine() != "converged" {
				t.Errorf("%s\n%s", r.stdout, r.stderr)
			}
			p.ok(t, append([]string{"drift"}, from...)...)
			p.ok(t, "export", "--out", "exported.yaml")
			p.ok(t, "plan", "--detailed-exitcode", "-f", "exported.yaml")
		})
	}
}

// TestLockteraElsewhere: the key goes to no other host, and a web page is none of the API's answers.
func TestLockteraElsewhere(t *testing.T) {
	visited := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited++ }))
	defer elsewhere.Close()
	for name, c := range map[string]struct {
		config sim.Config
		path   string
		want   string
	}{
		"redirected": {sim.Config{RedirectTo: elsewhere.URL}, "/api/v1", "not followed"},
		"a web page": {sim.Config{}, "/v2", "the answer is a web page"},
	} {
		t.Run(name, func(t *testing.T) {
			server := sim.New(c.config)
			listener := httptest.NewServer(server)
			defer listener.Close()
			credentials := server.Credentials()
			p := withExamples(t, "LOCKTERA_API_URL="+listener.URL+c.path, "LOCKTERA_API_KEY="+credentials.Key, "LOCKTERA_ORG_ID="+credentials.OrganizationID)
			r := p.run(t, "apply", "--yes", "--secrets-out", "secrets", "-f", "examples/locktera")
			if r.code != exitError || !strings.Contains(r.stderr, c.want) || !strings.Contains(r.stderr, "LOCKTERA_API_URL") || strings.Contains(r.stdout+r.stderr, credentials.Key) {
				t.Errorf("exit %d\n%s\n%s", r.code, r.stdout, r.stderr)
			}
		})
	}
	if visited > 0 {
		t.Errorf("the other host was asked %d times", visited)
	}
}
