package sim_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// state is the state of a service, "gone" when it answers 404.
func (c *caller) state(id string) string {
	c.t.Helper()
	a := c.do("GET", "/services/"+id, nil)
	if a.Status == http.StatusNotFound {
		return "gone"
	}
	state, _ := a.Result.(object)["state"].(string)
	return state
}

// TestStateMachine walks a service through its life, minute by minute.
func TestStateMachine(t *testing.T) {
	_, c, clk := start(t, sim.Config{Delays: sim.Delays{
		Provision: 5 * time.Minute, Warmup: time.Minute, Stop: 2 * time.Minute, Start: 3 * time.Minute, Awake: time.Minute,
		Delete: 2 * time.Minute, DeleteRefusal: time.Minute,
	}})
	id := c.newService("life")
	steps := []struct {
		after    time.Duration // passes before the command
		command  string
		status   int
		want     string // the state then
		wantNext string // and a second before the next change
	}{
		{0, "", 0, "provisioning", "provisioning"},
		{5 * time.Minute, "", 0, "partially_running", "partially_running"},
		{time.Minute, "", 0, "running", "running"},
		{time.Hour, "start", 409, "running", "running"},
		{0, "awake", 200, "running", "running"},
		{0, "DELETE", 409, "running", "running"},
		{0, "stop", 200, "stopping", "stopping"},
		{0, "stop", 409, "stopping", "stopping"},
		{0, "DELETE", 409, "stopping", "stopping"},
		{2 * time.Minute, "awake", 409, "stopped", "stopped"},
		{0, "DELETE", 409, "stopped", "stopped"}, // the platform does not know it yet
		{0, "start", 200, "starting", "starting"},
		{3 * time.Minute, "stop", 200, "stopping", "stopping"}, // from partially_running
		{2 * time.Minute, "", 0, "stopped", "stopped"},
		{time.Minute, "DELETE", 200, "terminating", "terminating"},
		{0, "start", 409, "terminating", "terminating"},
		{2 * time.Minute, "", 0, "gone", "gone"},
		{0, "DELETE", 404, "gone", "gone"},
	}
	for i, step := range steps {
		clk.advance(step.after)
		switch step.command {
		case "":
		case "DELETE":
			if a := c.do("DELETE", "/services/"+id, nil); a.Status != step.status {
				t.Errorf("step %d: DELETE: status %d, want %d: %s", i, a.Status, step.status, a.Raw)
			}
		default:
			if a := c.do("PATCH", "/services/"+id+"/state", object{"command": step.command}); a.Status != step.status {
				t.Errorf("step %d: %s: status %d, want %d: %s", i, step.command, a.Status, step.status, a.Raw)
			}
		}
		if got := c.state(id); got != step.want {
			t.Fatalf("step %d: state %s, want %s", i, got, step.want)
		}
		listed := len(c.list("/services")) == 1
		if listed != (step.want != "gone") {
			t.Errorf("step %d: listed %v in state %s", i, listed, step.want)
		}
	}
}

// TestDeletableStates is the table of states in which DELETE is accepted.
func TestDeletableStates(t *testing.T) {
	want := map[string]bool{
		"provisioning": true, "starting": true, "awaking": true, "idle": true, "stopped": true, "degraded": true, "failed": true,
		"running": false, "stopping": false, "partially_running": false, "terminating": false, "softdeleting": false,
	}
	srv, c, _ := start(t, sim.Config{})
	got := map[string]bool{}
	for state := range want {
		edited, err := srv.Edit(sim.Edit{Kind: "service", Name: state, Create: true, Set: object{"state": state}})
		if err != nil {
			t.Fatal(err)
		}
		if shown := c.state(edited.ID); shown != state {
			t.Errorf("an edit to %s shows %s", state, shown)
		}
		got[state] = c.do("DELETE", "/services/"+edited.ID, nil).Status == http.StatusOK
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deletable (-want +got):\n%s", diff)
	}
}

// TestCommands is the table of commands by state.
func TestCommands(t *testing.T) {
	tests := []struct {
		state, command string
		status         int
		want           string
	}{
		{"stopped", "start", 200, "running"},
		{"idle", "start", 200, "idle"},
		{"idle", "awake", 200, "running"},
		{"idle", "stop", 200, "stopped"},
		{"running", "awake", 200, "running"},
		{"running", "stop", 200, "stopped"},
		{"partially_running", "stop", 200, "stopped"},
		{"running", "start", 409, "running"},
		{"stopped", "stop", 409, "stopped"},
		{"stopped", "awake", 409, "stopped"},
		{"provisioning", "stop", 409, "provisioning"},
		{"degraded", "stop", 409, "degraded"},
		{"terminating", "start", 409, "terminating"},
	}
	srv, c, _ := start(t, sim.Config{})
	for _, test := range tests {
		edited, err := srv.Edit(sim.Edit{Kind: "service", Name: "x", Create: true, Set: object{"state": test.state}})
		if err != nil {
			t.Fatal(err)
		}
		a := c.do("PATCH", "/services/"+edited.ID+"/state", object{"command": test.command})
		if got := c.state(edited.ID); a.Status != test.status || got != test.want {
			t.Errorf("%s %s: status %d, state %s; want %d, %s", test.state, test.command, a.Status, got, test.status, test.want)
		}
	}
}

// TestWritesByState has sub-resources refuse writes before a service is there and all refuse them when it goes.
func TestWritesByState(t *testing.T) {
	srv, c, _ := start(t, sim.Config{})
	writes := map[string]object{
		"": {"name": "y"}, "/replicaScaling": {"numReplicas": 2}, "/password": {}, "/backupConfiguration": {"backupPeriodInHours": 12},
		"/privateEndpoint": {"id": "vpce-1"},
	}
	late := map[string]bool{"/replicaScaling": true, "/password": true, "/backupConfiguration": true}
	for _, state := range []string{"provisioning", "terminating", "stopped", "idle"} {
		for path, body := range writes {
			edited, err := srv.Edit(sim.Edit{Kind: "service", Name: "x", Create: true, Set: object{"state": state}})
			if err != nil {
				t.Fatal(err)
			}
			method := "PATCH"
			if path == "/privateEndpoint" {
				method = "POST"
			}
			want := http.StatusOK
			if state == "terminating" || state == "provisioning" && late[path] {
				want = http.StatusConflict
			}
			if a := c.do(method, "/services/"+edited.ID+path, body); a.Status != want {
				t.Errorf("%s %s of a service in %s: status %d, want %d: %s", method, path, state, a.Status, want, a.Raw)
			}
			if _, err := srv.Edit(sim.Edit{Kind: "service", ID: edited.ID, Delete: true}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestProvisioningKnob(t *testing.T) {
	_, c, _ := start(t, sim.Config{Delays: sim.Delays{Provision: time.Hour}, Statuses: sim.Statuses{Provisioning: 200}})
	id := c.newService("early")
	c.ok("PATCH", "/services/"+id+"/replicaScaling", object{"numReplicas": 2})
}

func TestAutoIdle(t *testing.T) {
	_, c, clk := start(t, sim.Config{AutoIdle: true})
	sleepy := c.newService("sleepy", object{"idleTimeoutMinutes": 10})
	awake := c.newService("awake", object{"idleScaling": false})
	clk.advance(10*time.Minute - time.Second)
	if got := c.state(sleepy); got != "running" {
		t.Errorf("before its timeout the service is %s", got)
	}
	clk.advance(time.Second)
	if got := [2]string{c.state(sleepy), c.state(awake)}; got != [2]string{"idle", "running"} {
		t.Errorf("after the timeout the services are %v", got)
	}
	c.ok("PATCH", "/services/"+sleepy+"/state", object{"command": "awake"})
	if got := c.state(sleepy); got != "running" {
		t.Errorf("woken, the service is %s", got)
	}
}

func TestNewServiceIsInvisibleForAWhile(t *testing.T) {
	_, c, clk := start(t, sim.Config{Delays: sim.Delays{Visibility: 5 * time.Second}})
	id := c.newService("young")
	if got := c.state(id); got != "gone" || len(c.list("/services")) != 0 {
		t.Errorf("at once the service is %s and listed %v", got, c.list("/services"))
	}
	c.refused("PATCH", "/services/"+id, object{"name": "x"}, 404, "NOT_FOUND: "+id)
	clk.advance(5 * time.Second)
	if got := c.state(id); got != "running" || len(c.list("/services")) != 1 {
		t.Errorf("later the service is %s and listed %v", got, c.list("/services"))
	}
}

// TestLag has reads answer from the past, writes from the present, and key states always from the present.
func TestLag(t *testing.T) {
	_, c, clk := start(t, sim.Config{Delays: sim.Delays{Lag: 10 * time.Second, Stop: time.Second}})
	id := c.newService("late")
	if got := c.state(id); got != "gone" || len(c.list("/services")) != 0 {
		t.Errorf("at once a read shows %s", got)
	}
	c.ok("PATCH", "/services/"+id, object{"name": "later"}) // writes see it
	created := c.ok("POST", "/keys", object{"name": "k", "ipAccessList": []any{object{"source": "0.0.0.0/0"}}})
	key := "/keys/" + created["key"].(object)["id"].(string)

	clk.advance(4 * time.Second)
	c.ok("PATCH", "/services/"+id, object{"name": "latest"})
	clk.advance(6 * time.Second)
	if got := c.service(id)["name"]; got != "later" {
		t.Errorf("ten seconds after the first write the name is %v", got)
	}
	c.ok("PATCH", key, object{"name": "k2", "state": "disabled"})
	if diff := cmp.Diff(object{"name": "k", "state": "disabled"}, pick(c.ok("GET", key, nil), "name", "state")); diff != "" {
		t.Errorf("key (-want +got):\n%s", diff)
	}
	clk.advance(4 * time.Second)
	if got := c.service(id)["name"]; got != "latest" {
		t.Errorf("ten seconds after the second write the name is %v", got)
	}

	c.ok("PATCH", "/services/"+id+"/state", object{"command": "stop"})
	for _, want := range []string{"running", "stopping", "stopped"} {
		if got := c.state(id); got != want {
			t.Errorf("state %s, want %s", got, want)
		}
		if want == "running" {
			clk.advance(10 * time.Second)
		} else {
			clk.advance(time.Second)
		}
	}
}
