package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

const killBefore = `
apiVersion: orgctl/v1
kind: Organization
metadata: {name: acme}
spec:
  services:
    - {name: stays, provider: aws, region: us-east-1, numReplicas: 1, ipAccessList: [{source: 203.0.113.1}, {source: 203.0.113.2}]}
    - {name: goes-1, provider: aws, region: us-east-1, ipAccessList: []}
    - {name: goes-2, provider: aws, region: us-east-1, ipAccessList: []}
  keys:
    - {name: leaves-1, roles: [developer], ipAccessList: [{source: 0.0.0.0/0}]}
    - {name: leaves-2, roles: [developer], ipAccessList: [{source: 0.0.0.0/0}]}
`

const killAfter = `
apiVersion: orgctl/v1
kind: Organization
metadata: {name: acme}
spec:
  services:
    - {name: stays, numReplicas: 3, ipAccessList: [{source: 203.0.113.2, description: kept}, {source: 203.0.113.3}]}
    - {name: new-1, provider: aws, region: us-east-1, ipAccessList: [], tags: [{key: team, value: x}], backupConfiguration: {backupPeriodInHours: 12}}
    - {name: new-2, provider: aws, region: us-east-1, ipAccessList: [{source: 203.0.113.9}]}
    - {name: new-3, provider: aws, region: us-east-1, ipAccessList: [], state: stopped}
    - {name: new-4, provider: aws, region: us-east-1, ipAccessList: [], endpoints: [{protocol: mysql, enabled: true}]}
    - {name: new-5, warehouse: new-2, ipAccessList: []}
    - {name: goes-1, ensure: absent}
    - {name: goes-2, ensure: absent}
  keys:
    - {name: key-1, roles: [developer], ipAccessList: [{source: 0.0.0.0/0}]}
    - {name: key-2, roles: [admin], ipAccessList: [{source: 0.0.0.0/0}]}
    - {name: key-3, roles: [], ipAccessList: [{source: 0.0.0.0/0}]}
    - {name: leaves-1, ensure: absent}
    - {name: leaves-2, ensure: absent}
  invitations:
    - {email: a@example.com, role: admin}
    - {email: b@example.com, role: developer}
    - {email: c@example.com, role: developer}
policy: {allowDelete: ["service/goes-*"]}
`

// killer serves an API to one process, and kills it at one request.
type killer struct {
	api http.Handler

	mu      sync.Mutex
	process *os.Process
	seen    int // requests of the run under way
	at      int // the request to kill at, from 1; 0 for none
	after   bool
}

// ServeHTTP kills the process before the request at takes effect, or after it has and before it is answered.
func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	k.seen++
	mine := k.seen == k.at
	process := k.process
	k.mu.Unlock()
	if mine && !k.after {
		_ = process.Kill()
		panic(http.ErrAbortHandler)
	}
	answer := httptest.NewRecorder()
	k.api.ServeHTTP(answer, r)
	if mine {
		_ = process.Kill()
		panic(http.ErrAbortHandler)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// end runs a command to its end, killed at the given request, and gives its exit code, or -1 where it did not end by itself.
func (k *killer) end(t *testing.T, cmd *exec.Cmd, at int, after bool) (code int) {
	t.Helper()
	k.mu.Lock()
	if err := cmd.Start(); err != nil {
		k.mu.Unlock()
		t.Fatal(err)
	}
	k.process, k.seen, k.at, k.after = cmd.Process, 0, at, after
	k.mu.Unlock()
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode()
}

// killed is one apply of the real binary against a simulator that kills it at one request.
type killed struct {
	killer
	t      *testing.T
	server *sim.Server
	dir    string
	tick   string
}

// command is an apply of the real binary on a host: a directory with its state and its secrets.
func (k *killed) command(host, url string) (*exec.Cmd, *bytes.Buffer) {
	credentials := k.server.Credentials()
	cmd := exec.CommandContext(k.t.Context(), "orgctl", "apply", "--yes", "-f", filepath.Join(k.dir, "after.yaml"),
		"--secrets-out", filepath.Join(host, "secrets"), "--rate", "100000/1s")
	cmd.Env = append(os.Environ(), "ORGCTL_TICK="+k.tick, "CLICKHOUSE_API_URL="+url, "XDG_STATE_HOME="+host,
		"CLICKHOUSE_CLOUD_API_KEY="+credentials.KeyID, "CLICKHOUSE_CLOUD_API_SECRET="+credentials.KeySecret)
	out := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

// run applies with the real binary, killed at the given request, and gives its output and whether it ended by itself.
func (k *killed) run(url string, at int, after bool) (output string, code int) {
	k.t.Helper()
	cmd, out := k.command(k.dir, url)
	code = k.end(k.t, cmd, at, after)
	return out.String(), code
}

// killWorlds are the circumstances of the matrix.
var killWorlds = []struct {
	name        string
	config      sim.Config
	tick        string // a second of orgctl's: the settling time of 30 of them must exceed any lag, as in production
	loseJournal bool   // between the killed run and the next, as on another machine
	halfMade    bool   // another host's run has left one of the services half made
}{
	{name: "plain", tick: "1ms"},
	{name: "reads lag behind writes", tick: "10ms", config: sim.Config{Delays: sim.Delays{Lag: 20 * time.Millisecond}}},
	{name: "the journal is lost", tick: "1ms", loseJournal: true},
	{name: "a creation is claimed", tick: "1ms", halfMade: true},
}

// TestKillMatrix kills the real binary before and after every single request of an apply, runs it again, and demands what
// docs/reliability.md promises: converged, nothing twice, every secret stored and working, no trace left.
func TestKillMatrix(t *testing.T) {
	base := killBase(t)
	for _, world := range killWorlds {
		for _, after := range []bool{false, true} {
			phase := map[bool]string{false: "before", true: "after"}[after]
			t.Run(world.name+"/"+phase, func(t *testing.T) {
				t.Parallel()
				stride := 1
				if testing.Short() {
					stride = 9 // for the race detector, which looks for other things
				}
				points := 0
				// The apply that ends before its at-th request ends the matrix: all requests have been killed at.
				for killOnce(t, base, killPoint{config: world.config, tick: world.tick, loseJournal: world.loseJournal, halfMade: world.halfMade, at: 1 + points*stride, after: after}) {
					points++
				}
				t.Logf("%d kill points", points)
			})
		}
	}
}

type killPoint struct {
	config      sim.Config
	tick        string
	loseJournal bool
	halfMade    bool
	at          int
	after       bool
}

// killBase makes the organization that every point of the matrix starts from, as a state file.
func killBase(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	base := filepath.Join(dir, "base.json")
	if err := os.WriteFile(filepath.Join(dir, "before.yaml"), []byte(killBefore), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "orgctl", "apply", "--yes", "--sandbox", base, "-f", filepath.Join(dir, "before.yaml")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return base
}

// killOnce kills one run and checks what a second one makes of it. It reports false when there was no such request.
func killOnce(t *testing.T, base string, p killPoint) bool {
	t.Helper()
	k := newKilled(t, base, p.tick, p.config)
	if p.halfMade {
		left := map[string]any{"ipAccessList": []any{}, "tags": []any{map[string]any{"key": "orgctl-op", "value": "ofAnotherHost"}}}
		if _, err := k.server.Edit(sim.Edit{Kind: "service", Create: true, Name: "new-1", Set: left}); err != nil {
			t.Fatal(err)
		}
	}
	listener := httptest.NewServer(k)
	defer listener.Close()

	first, code := k.run(listener.URL, p.at, p.after)
	if code >= 0 {
		if code != 0 {
			t.Fatalf("point %d was never reached, and the run failed with %d:\n%s", p.at, code, first)
		}
		return false
	}
	if p.loseJournal {
		if err := os.Remove(filepath.Join(k.dir, "secrets", "journal.jsonl")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	second, code := k.run(listener.URL, 0, false)
	if code != 0 || !strings.HasSuffix(strings.TrimSpace(second), "converged") {
		t.Fatalf("killed at request %d: the next run exits %d\n%s\n--- the killed one:\n%s", p.at, code, second, first)
	}
	k.server.SetConfig(sim.Config{}) // what there is, not what reads lag behind to show
	if problems := slices.Concat(k.inspect(), k.dead(first, second)); len(problems) > 0 {
		t.Fatalf("killed at request %d:\n%s\n%s\n--- the killed one:\n%s", p.at, strings.Join(problems, "\n"), second, first)
	}
	return true
}

// inspect looks at the organization and the secrets from behind the API.
func (k *killed) inspect() []string {
	var problems []string
	want := map[string]int{
		"service stays": 1, "service new-1": 1, "service new-2": 1, "service new-3": 1, "service new-4": 1, "service new-5": 1,
		"key sandbox": 1, "key key-1": 1, "key key-2": 1, "key key-3": 1,
		"invitation a@example.com": 1, "invitation b@example.com": 1, "invitation c@example.com": 1,
	}
	have := map[string]int{}
	for _, object := range k.objects() {
		have[object.kind+" "+object.name]++
		if strings.Contains(object.tags, "orgctl-op") {
			problems = append(problems, object.name+" still carries the nonce tag")
		}
	}
	for what, n := range have {
		if n != want[what] {
			problems = append(problems, fmt.Sprintf("%s is there %d times, not %d", what, n, want[what]))
		}
	}
	for what := range want {
		if have[what] == 0 {
			problems = append(problems, what+" is missing")
		}
	}
	for _, name := range []string{"key-1", "key-2", "key-3"} {
		if !k.opens("keys", name, func(s storedSecret) bool { return k.server.VerifyKey(s.KeyID, s.KeySecret) }) {
			problems = append(problems, "no stored secret opens key "+name)
		}
	}
	for _, name := range []string{"new-1", "new-2", "new-3", "new-4"} {
		if !k.opens("services", name, func(s storedSecret) bool {
			ok, mysql, err := k.server.VerifyPassword(name, s.Password)
			return err == nil && ok && (mysql || name != "new-4")
		}) {
			problems = append(problems, "no stored password opens service "+name)
		}
	}
	return problems
}

type storedSecret struct{ Name, Mark, ID, KeyID, KeySecret, Password, NotInForce string }

func (k *killed) readSecret(file string) (s storedSecret) {
	k.t.Helper()
	data, err := os.ReadFile(filepath.Clean(file))
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		k.t.Fatal(err)
	}
	return s
}

// opens reports whether any stored record of an object fits.
func (k *killed) opens(folder, name string, fits func(storedSecret) bool) bool {
	k.t.Helper()
	ownHost, err := filepath.Glob(filepath.Join(k.dir, "secrets", folder, name+".*.json"))
	if err != nil {
		k.t.Fatal(err)
	}
	others, err := filepath.Glob(filepath.Join(k.dir, "*", "secrets", folder, name+".*.json"))
	if err != nil {
		k.t.Fatal(err)
	}
	for _, f := range slices.Concat(ownHost, others) {
		if fits(k.readSecret(f)) {
			return true
		}
	}
	return false
}

type liveObject struct{ kind, name, tags string }

// objects lists services, keys and invitations as the API shows them.
func (k *killed) objects() []liveObject {
	k.t.Helper()
	credentials := k.server.Credentials()
	var out []liveObject
	for kind, list := range map[string]string{"service": "services", "key": "keys", "invitation": "invitations"} {
		req, err := http.NewRequestWithContext(k.t.Context(), http.MethodGet, "http://127.0.0.1/v1/organizations/"+credentials.OrganizationID+"/"+list, nil)
		if err != nil {
			k.t.Fatal(err)
		}
		req.SetBasicAuth(credentials.KeyID, credentials.KeySecret)
		resp, err := k.server.Transport().RoundTrip(req)
		if err != nil {
			k.t.Fatal(err)
		}
		var body struct {
			Result []struct {
				Name, Email string
				Tags        json.RawMessage
			}
		}
		err = json.NewDecoder(resp.Body).Decode(&body)
		_ = resp.Body.Close()
		if err != nil {
			k.t.Fatal(err)
		}
		for _, o := range body.Result {
			out = append(out, liveObject{kind: kind, name: o.Name + o.Email, tags: string(o.Tags)})
		}
	}
	return out
}
