package sim_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// TestStateFile reopens a file after every operation there is: the organization is the same each time.
func TestStateFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "acme.json")
	clk := newClock()
	open := func() (*sim.Server, *caller) {
		srv, err := sim.Open(file, sim.Config{}, sim.WithClock(clk.now))
		if err != nil {
			t.Fatal(err)
		}
		return srv, newCaller(t, srv)
	}
	srv, c := open()
	before := srv.Credentials()
	everyOperation(t, c)
	srv.SetConfig(sim.Config{Delays: sim.Delays{Stop: time.Minute}})
	id := c.newService("left", object{"tags": []any{object{"key": "a"}}, "ipAccessList": []any{object{"source": "10.0.0.1", "description": "one"}}})
	c.ok("PATCH", "/services/"+id+"/backupConfiguration", object{"backupPeriodInHours": 12})
	c.ok("PATCH", "/services/"+id+"/state", object{"command": "stop"})
	c.ok("POST", "/keys", object{"name": "k", "expireAt": "2030-01-01T00:00:00Z"})
	c.ok("POST", "/invitations", object{"email": "x@example.com", "assignedRoleIds": []any{c.roleID("Member")}})
	c.control("POST", "/clock", object{"advance": "10s"})
	want, activities := c.control("GET", "/state", nil), c.list("/activities")

	srv, c = open()
	if got := srv.Credentials(); got != before {
		t.Errorf("credentials %v, want %v", got, before)
	}
	if diff := diffStates(want, c.control("GET", "/state", nil)); diff != "" {
		t.Errorf("state (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(activities, c.list("/activities")); diff != "" {
		t.Errorf("activities (-before +after):\n%s", diff)
	}
	if got := c.control("GET", "/state", nil)["now"]; got != want["now"] {
		t.Errorf("the clock shows %v, want %v", got, want["now"])
	}
	clk.advance(49 * time.Second)
	if got := c.state(id); got != "stopping" {
		t.Errorf("state %s", got)
	}
	clk.advance(time.Second)
	if got := c.state(id); got != "stopped" {
		t.Errorf("the transition was lost: state %s", got)
	}

	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("mode %o", mode)
	}
	left, err := filepath.Glob(file + ".*")
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}

// TestStateFileIsWrittenBeforeTheReply reads the file in the hook that a test would crash in.
func TestStateFileIsWrittenBeforeTheReply(t *testing.T) {
	file := filepath.Join(t.TempDir(), "acme.json")
	var phases []string
	srv, err := sim.Open(file, sim.Config{}, sim.WithHook(func(phase string, _ int, _ *http.Request) {
		kept, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		phases = append(phases, phase+" "+map[bool]string{true: "kept", false: "absent"}[strings.Contains(string(kept), `"name":"durable"`)])
	}))
	if err != nil {
		t.Fatal(err)
	}
	newCaller(t, srv).newService("durable")
	if diff := cmp.Diff([]string{"before absent", "after kept"}, phases); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
}

// TestUnwritableStateRefusesTheWrite has the directory vanish: the request fails and changes nothing.
func TestUnwritableStateRefusesTheWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	srv, err := sim.Open(filepath.Join(dir, "acme.json"), sim.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	c := newCaller(t, srv)
	if a := c.do("PATCH", "", object{"name": "lost"}); a.Status != 500 || !strings.Contains(a.Error, "write sandbox state") {
		t.Errorf("status %d: %s", a.Status, a.Error)
	}
	if got := c.ok("GET", "", nil)["name"]; got == "lost" {
		t.Error("the write took effect")
	}
	if _, err := srv.Edit(sim.Edit{Kind: "organization", Set: object{"name": "lost"}}); err == nil {
		t.Error("an edit that cannot be kept succeeds")
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	tests := map[string]struct{ content, want string }{
		"empty":      {"", "is not a sandbox state file"},
		"text":       {"hello", "is not a sandbox state file"},
		"list":       {"[]", "is not a sandbox state file"},
		"other JSON": {`{"name":"x"}`, "is not a sandbox state file of format 1 but of 0"},
		"newer":      {`{"format":2}`, "is not a sandbox state file of format 1 but of 2"},
		"no state":   {`{"format":1}`, "holds no organization"},
		"odd field":  {`{"format":1,"colour":"red"}`, `unknown field "colour"`},
		"no roles":   {`{"format":1,"credentials":{"keyId":"k"},"state":{"organization":{"id":"o"}}}`, "holds no organization"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			if err := os.WriteFile(file, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := sim.Open(file, sim.Config{})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), file) {
				t.Errorf("Open: %v; want %q and the name of the file", err, test.want)
			}
			if kept, _ := os.ReadFile(file); string(kept) != test.content {
				t.Errorf("the file was overwritten with %q", kept)
			}
		})
	}
	if _, err := sim.Open(filepath.Join(dir, "none", "acme.json"), sim.Config{}); err == nil {
		t.Error("Open in a folder that does not exist succeeds")
	}
	if _, err := sim.Open(sim.Memory, sim.Config{CallerIP: "here"}); err == nil {
		t.Error("Open with an invalid configuration succeeds")
	}
}

func TestMemoryKeepsNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	srv, err := sim.Open(sim.Memory, sim.Config{})
	if err != nil {
		t.Fatal(err)
	}
	newCaller(t, srv).newService("x")
	if left, err := filepath.Glob("*"); err != nil || len(left) > 0 {
		t.Errorf("files: %v, %v", left, err)
	}
}

// TestConfigJSON round-trips a configuration in which everything is set.
func TestConfigJSON(t *testing.T) {
	cfg := sim.Config{
		RateLimit: sim.RateLimit{Requests: 10, Window: 10 * time.Second},
		Delays:    sim.Delays{Latency: time.Millisecond, Provision: time.Minute, InvitationTTL: time.Hour, Lag: time.Second, ActivityLag: 30 * time.Second},
		Statuses:  sim.Statuses{OwnKey: 403},
		Faults:    []sim.Fault{{Method: "POST", Path: "**/keys", Nth: 2, Every: 3, Probability: 0.5, Count: 4, Kind: sim.FaultCutAfter, Delay: time.Second}},
		Denied:    []sim.Denial{{Key: "ci", Method: "GET", Path: "**/members"}},
		Seed:      7, CallerIP: "10.0.0.1", OldAPI: true, ServiceQuota: 3,
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"window":"10s"`, `"latency":"1ms"`, `"delay":"1s"`, `"kind":"cut-after"`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s lacks %s", text, part)
		}
	}
	var got sim.Config
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(cfg, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if text, err := json.Marshal(sim.Config{}); err != nil || string(text) != "{}" {
		t.Errorf("the zero configuration is %s, %v", text, err)
	}
}

func TestConfigValidate(t *testing.T) {
	tests := map[string]sim.Config{
		`faults[0]: unknown kind "quake"`:              {Faults: []sim.Fault{{Kind: "quake"}}},
		"faults[0]: probability 2 is not within 0..1":  {Faults: []sim.Fault{{Kind: sim.Fault409, Probability: 2}}},
		"rateLimit: 3 requests per 0s is not a limit":  {RateLimit: sim.RateLimit{Requests: 3}},
		"rateLimit: -1 requests per 1s is not a limit": {RateLimit: sim.RateLimit{Requests: -1, Window: time.Second}},
		`callerIP: ParseAddr("x"): unable to parse IP`: {CallerIP: "x"},
	}
	for want, cfg := range tests {
		if err := cfg.Validate(); err == nil || err.Error() != want {
			t.Errorf("Validate: %v, want %s", err, want)
		}
	}
	if err := (sim.Config{}).Validate(); err != nil {
		t.Errorf("the zero configuration is invalid: %v", err)
	}
}
