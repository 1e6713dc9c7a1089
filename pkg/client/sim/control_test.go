package sim_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// TestEditServiceFields edits each field out of band and reads it back through the API.
func TestEditServiceFields(t *testing.T) {
	srv, c, _ := start(t, sim.Config{})
	c.ok("PATCH", "", object{"privateEndpoints": object{"add": []any{object{"id": "vpce-1", "cloudProvider": "aws", "region": "us-east-1"}}}})
	id := c.newService("edited", object{"numReplicas": 2, "ipAccessList": []any{object{"source": "10.0.0.1"}}, "tags": []any{object{"key": "a"}}})
	edits := map[string]any{
		"name": "renamed", "region": "eu-west-1", "releaseChannel": "slow", "enableCoreDumps": false, "numReplicas": 5.0,
		"minReplicaMemoryGb": 8.0, "maxReplicaMemoryGb": 356.0, "idleScaling": false, "idleTimeoutMinutes": 60.0, "state": "degraded",
		"ipAccessList": []any{object{"source": "10.0.0.2", "description": "two"}}, "tags": []any{object{"key": "b", "value": "2"}},
		"privateEndpointIds": []any{"vpce-1"}, "profile": "v1-highmem-xs", "complianceType": "hipaa",
		"hasTransparentDataEncryption": true, "transparentDataEncryptionKeyId": "k", "isReadonly": true,
	}
	for field, value := range edits {
		edited, err := srv.Edit(sim.Edit{Kind: "service", ID: id, Set: object{field: value}})
		if err != nil || edited.ID != id {
			t.Fatalf("%s: %v, %v", field, edited, err)
		}
	}
	names := make([]string, 0, len(edits))
	for field := range edits {
		names = append(names, field)
	}
	if diff := cmp.Diff(edits, pick(c.service(id), names...)); diff != "" {
		t.Errorf("service (-want +got):\n%s", diff)
	}
	for _, set := range []object{
		{"endpoints": []any{object{"protocol": "mysql", "enabled": true}}},
		{"backupConfiguration": object{"backupPeriodInHours": 12, "backupStartTime": "03:00"}},
		{"backupConfiguration": object{"backupStartTime": nil}},
		{"tags": nil},
		{"ipAccessList": []any{}},
		{"autoscalingMode": "horizontal", "minReplicas": 2, "maxReplicas": 3, "minReplicaMemoryGb": 8, "maxReplicaMemoryGb": 8},
	} {
		if _, err := srv.Edit(sim.Edit{Kind: "service", Name: "Renamed", Set: set}); err != nil {
			t.Fatal(err)
		}
	}
	want := object{"tags": []any{}, "ipAccessList": []any{}, "autoscalingMode": "horizontal", "minReplicas": 2.0, "maxReplicas": 3.0, "replicaMemoryGb": 8.0}
	got := c.service(id)
	if diff := cmp.Diff(want, pick(got, "tags", "ipAccessList", "autoscalingMode", "minReplicas", "maxReplicas", "replicaMemoryGb")); diff != "" || len(got["endpoints"].([]any)) != 3 {
		t.Errorf("service with endpoints %v (-want +got):\n%s", got["endpoints"], diff)
	}
	schedule := c.ok("GET", "/services/"+id+"/backupConfiguration", nil)
	if diff := cmp.Diff(object{"backupPeriodInHours": 12.0, "backupRetentionPeriodInHours": 24.0}, schedule); diff != "" {
		t.Errorf("backup configuration (-want +got):\n%s", diff)
	}
}

// TestEditKinds edits the other kinds through the control API: create, change, delete.
func TestEditKinds(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	edit := func(e object) object { t.Helper(); return c.control("POST", "/edit", e) }

	edit(object{"kind": "organization", "set": object{"name": "Acme", "enableCoreDumps": false}})
	edit(object{"kind": "privateEndpoint", "name": "vpce-1", "create": true, "set": object{"cloudProvider": "aws", "region": "us-east-1"}})
	edit(object{"kind": "privateEndpoint", "name": "vpce-1", "set": object{"description": "one"}})
	edit(object{"kind": "privateEndpoint", "name": "vpce-2", "create": true, "set": object{"cloudProvider": "aws", "region": "us-east-1"}})
	edit(object{"kind": "privateEndpoint", "id": "vpce-2", "delete": true})
	want := object{
		"name": "Acme", "enableCoreDumps": false,
		"privateEndpoints": []any{object{"id": "vpce-1", "description": "one", "cloudProvider": "aws", "region": "us-east-1"}},
	}
	if diff := cmp.Diff(want, pick(c.ok("GET", "", nil), "name", "enableCoreDumps", "privateEndpoints")); diff != "" {
		t.Errorf("organization (-want +got):\n%s", diff)
	}

	key := edit(object{"kind": "key", "name": "console", "create": true, "set": object{"roles": []any{"developer"}}})
	c.as(key["keyId"].(string), key["keySecret"].(string)).list("/services")
	edit(object{"kind": "key", "name": "console", "set": object{"assignedRoles": []any{"Billing"}, "expireAt": "2030-01-01T00:00:00Z", "ipAccessList": []any{object{"source": "10.0.0.1"}}}})
	got := c.ok("GET", "/keys/"+key["id"].(string), nil)
	wantKey := object{"name": "console", "expireAt": "2030-01-01T00:00:00Z", "ipAccessList": []any{object{"source": "10.0.0.1"}}, "state": "enabled"}
	if diff := cmp.Diff(wantKey, pick(got, "name", "expireAt", "ipAccessList", "state")); diff != "" || roleNames(got) != "Billing" {
		t.Errorf("key with roles %s (-want +got):\n%s", roleNames(got), diff)
	}
	edit(object{"kind": "key", "id": key["id"], "set": object{"state": "disabled", "expireAt": nil}})
	if got := pick(c.ok("GET", "/keys/"+key["id"].(string), nil), "state", "expireAt"); !cmp.Equal(got, object{"state": "disabled"}) {
		t.Errorf("key %v", got)
	}
	edit(object{"kind": "key", "id": key["id"], "delete": true})

	member := edit(object{"kind": "member", "name": "ana@example.com", "create": true, "set": object{"role": "Developer"}})
	edit(object{"kind": "member", "name": "ana@example.com", "set": object{"role": "Admin", "name": "Ana"}})
	if got := c.ok("GET", "/members/"+member["id"].(string), nil); got["name"] != "Ana" || roleNames(got) != "Admin" {
		t.Errorf("member %v", got)
	}
	edit(object{"kind": "member", "id": member["id"], "delete": true})

	invited := edit(object{"kind": "invitation", "name": "Bob@example.com", "create": true, "set": object{"roles": []any{c.roleID("Member")}}})
	edit(object{"kind": "invitation", "name": "bob@example.com", "set": object{"roles": []any{"Billing"}}})
	if got := c.ok("GET", "/invitations/"+invited["id"].(string), nil); got["email"] != "bob@example.com" || roleNames(got) != "Billing" {
		t.Errorf("invitation %v", got)
	}
	edit(object{"kind": "invitation", "id": invited["id"], "delete": true})

	service := edit(object{"kind": "service", "name": "console", "create": true, "set": object{"provider": "gcp", "region": "us-east1"}})
	if got := pick(c.service(service["id"].(string)), "provider", "region", "state", "isPrimary"); !cmp.Equal(got, object{"provider": "gcp", "region": "us-east1", "state": "running", "isPrimary": true}) {
		t.Errorf("service %v", got)
	}
	edit(object{"kind": "service", "id": service["id"], "delete": true})
	state := c.control("GET", "/state", nil)
	for name, want := range map[string]int{"services": 0, "keys": 1, "members": 1, "invitations": 0} {
		if got := len(state[name].([]any)); got != want {
			t.Errorf("%d %s are left, want %d", got, name, want)
		}
	}
}

func TestEditRefuses(t *testing.T) {
	srv, c, _ := start(t, sim.Config{})
	c.newService("twin")
	c.newService("twin")
	tests := map[string]sim.Edit{
		"edit cloud: unknown kind":                          {Kind: "cloud"},
		"edit service none: not found":                      {Kind: "service", Name: "none"},
		"edit service: not found":                           {Kind: "service"},
		"edit service twin: 2 objects have this name":       {Kind: "service", Name: "twin"},
		"edit organization: it can only be changed":         {Kind: "organization", Delete: true},
		`edit key sandbox: json: unknown field "colour"`:    {Kind: "key", Name: "sandbox", Set: object{"colour": "red"}},
		`edit key sandbox: no role "king"`:                  {Kind: "key", Name: "sandbox", Set: object{"roles": []any{"king"}}},
		`edit organization: no member "nobody@example.com"`: {Kind: "organization", Actor: "nobody@example.com"},
	}
	before := c.control("GET", "/state", nil)
	for want, e := range tests {
		if _, err := srv.Edit(e); err == nil || err.Error() != want {
			t.Errorf("Edit: %v, want %s", err, want)
		}
	}
	if diff := diffStates(before, c.control("GET", "/state", nil)); diff != "" {
		t.Errorf("refused edits changed something (-before +after):\n%s", diff)
	}
}

// TestActivities has writes of the API, the console and time itself leave their traces.
func TestActivities(t *testing.T) {
	srv, c, clk := start(t, sim.Config{Delays: sim.Delays{ActivityLag: 30 * time.Second}})
	srv.SetConfig(sim.Config{Delays: sim.Delays{ActivityLag: 30 * time.Second, Provision: time.Minute}})
	clk.advance(time.Minute)
	id := c.newService("seen")
	member := c.list("/members")[0]
	if got := len(c.list("/activities")); got != 1 { // of the organization itself
		t.Errorf("%d activities are visible at once", got)
	}
	clk.advance(time.Minute)
	c.ok("PATCH", "/services/"+id, object{"name": "renamed", "ipAccessList": object{}})
	clk.advance(time.Minute)
	if _, err := srv.Edit(sim.Edit{Kind: "service", ID: id, Set: object{"numReplicas": 1, "state": "stopped"}, Actor: "ADMIN@example.com"}); err != nil {
		t.Fatal(err)
	}
	key := c.ok("POST", "/keys", object{"name": "k"})["key"].(object)["id"].(string)
	c.ok("PATCH", "/keys/"+key, object{"state": "disabled"})
	clk.advance(30 * time.Second)

	caller := c.list("/keys")[0]["id"]
	byAPI := func(kind string, more ...object) object {
		a := object{"type": kind, "actorType": "api", "actorId": caller, "actorDetails": "sandbox", "actorIpAddress": "127.0.0.1", "userAgent": "sim_test/1"}
		for _, m := range more {
			for k, v := range m {
				a[k] = v
			}
		}
		return a
	}
	byUser := func(kind string) object {
		return object{
			"type": kind, "actorType": "user", "actorId": member["userId"], "actorDetails": "admin@example.com",
			"actorIpAddress": "127.0.0.1", "userAgent": "Mozilla/5.0 (sandbox console)", "serviceId": id,
		}
	}
	of := object{"serviceId": id}
	want := []object{
		byAPI("openapi_key_update", object{"targetKeyId": key, "keyUpdateType": "state-changed"}),
		byAPI("key_create", object{"targetKeyId": key, "keyUpdateType": "created"}),
		byUser("service_stop"),
		byUser("service_update_autoscaling_replicas"),
		byAPI("service_update_ip_access_list", of),
		byAPI("service_update_name", of),
		{"type": "service_running", "actorType": "system", "actorId": "system", "serviceId": id},
		byAPI("service_create", of),
	}
	var got []object
	for _, a := range c.list("/activities?from_date=2026-03-01T12:00:30Z") {
		if len(a["id"].(string)) < 20 || a["organizationId"] == "" {
			t.Errorf("activity %v", a)
		}
		delete(a, "id")
		delete(a, "createdAt")
		delete(a, "organizationId")
		got = append(got, a)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("activities (-want +got):\n%s", diff)
	}
	if got := c.list("/activities?to_date=2026-03-01T12:01:00Z"); len(got) != 2 {
		t.Errorf("%d activities until the creation", len(got))
	}
	if got := c.list("/activities?from_date=2026-03-02"); len(got) != 0 {
		t.Errorf("%d activities of tomorrow", len(got))
	}
}

func TestControlClockConfigAndFaults(t *testing.T) {
	srv, c, _ := start(t, sim.Config{})
	if got := c.control("POST", "/clock", object{"advance": "90m"})["now"]; got != "2026-03-01T13:30:00Z" {
		t.Errorf("the clock shows %v", got)
	}
	if got := c.do("GET", "", nil).Header.Get("Date"); got != "Sun, 01 Mar 2026 13:30:00 GMT" {
		t.Errorf("answers are dated %q", got)
	}
	srv.Advance(-time.Hour)
	if got := c.control("POST", "/clock", object{"advance": "0s"})["now"]; got != "2026-03-01T13:30:00Z" {
		t.Errorf("turned back, the clock shows %v", got)
	}
	cfg := object{"lenient": true, "delays": object{"provision": "1m0s"}}
	c.control("PUT", "/config", cfg)
	if diff := cmp.Diff(cfg, c.control("GET", "/config", nil)); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if got := c.unchecked().do("PATCH", "", object{"future": 1}); got.Status != http.StatusOK {
		t.Errorf("a lenient API refuses an unknown field: %s", got.Raw)
	}
	c.do("POST", "/_sandbox/faults", []any{object{"path": "**/keys", "kind": "500-before", "nth": 1}})
	if got := srv.Config(); !got.Lenient || len(got.Faults) != 1 {
		t.Errorf("configuration %+v", got)
	}
	if got := c.do("GET", "/keys", nil).Status; got != 500 {
		t.Errorf("the fault does not strike: %d", got)
	}
	if got := c.do("GET", "/_sandbox/requests", nil).Raw; !strings.Contains(string(got), `"fault":"500-before"`) {
		t.Errorf("requests: %s", got)
	}
	c.control("DELETE", "/requests", nil)
	if got := string(c.do("GET", "/_sandbox/requests", nil).Raw); got != "[]" {
		t.Errorf("requests after a reset: %s", got)
	}
}

func TestControlVerifies(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	id := c.newService("open")
	password := c.ok("PATCH", "/services/"+id+"/password", object{})["password"]
	for body, want := range map[*object]object{
		{"serviceId": id, "password": password}: {"ok": true, "mysql": true},
		{"name": "open", "password": password}:  {"ok": true, "mysql": true},
		{"name": "open", "password": "other"}:   {"ok": false, "mysql": false},
	} {
		if diff := cmp.Diff(want, c.control("POST", "/verify-password", *body)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", *body, diff)
		}
	}
	for secret, want := range map[string]bool{c.key: true, "other": false} {
		if got := c.control("POST", "/verify-key", object{"keyId": c.id, "keySecret": secret})["ok"]; got != want {
			t.Errorf("the secret %q verifies: %v", secret, got)
		}
	}
}

func TestControlInvitations(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	first := c.ok("POST", "/invitations", object{"email": "a@example.com", "assignedRoleIds": []any{}})
	c.ok("POST", "/invitations", object{"email": "b@example.com", "assignedRoleIds": []any{}})
	userID := c.control("POST", "/invitations/"+first["id"].(string)+"/accept", nil)["userId"].(string)
	c.control("POST", "/invitations/b%40example.com/expire", nil)
	if got := c.ok("GET", "/members/"+userID, nil)["email"]; got != "a@example.com" {
		t.Errorf("the member is %v", got)
	}
	if got := c.list("/invitations"); len(got) != 0 {
		t.Errorf("invitations %v", got)
	}
}

func TestControlRefuses(t *testing.T) {
	tests := map[string]struct {
		method, path string
		body         any
		status       int
		want         string
	}{
		"unknown":           {"GET", "/secrets", nil, 404, `{"error":"no such control: GET /secrets"}`},
		"method":            {"POST", "/state", object{}, 404, `{"error":"no such control: POST /state"}`},
		"clock":             {"POST", "/clock", object{"advance": "soon"}, 400, `{"error":"time: invalid duration \"soon\""}`},
		"clock back":        {"POST", "/clock", object{"advance": "-1s"}, 400, `{"error":"duration -1s is negative"}`},
		"clock field":       {"POST", "/clock", object{"advanced": "1s"}, 400, `{"error":"json: unknown field \"advanced\""}`},
		"config field":      {"PUT", "/config", object{"strict": true}, 400, `{"error":"json: unknown field \"strict\""}`},
		"config delay":      {"PUT", "/config", object{"delays": object{"start-up": "1s"}}, 400, `{"error":"delays: unknown field \"start-up\""}`},
		"config twice":      {"PUT", "/config", "{}{}", 400, `{"error":"more than one JSON value"}`},
		"fault kind":        {"POST", "/faults", []any{object{"kind": "quake"}}, 400, `{"error":"faults[0]: unknown kind \"quake\""}`},
		"fault field":       {"POST", "/faults", []any{object{"kind": "409", "when": 1}}, 400, `{"error":"fault: json: unknown field \"when\""}`},
		"no invitation":     {"POST", "/invitations/x/accept", nil, 400, `{"error":"accept invitation: none is pending for \"x\""}`},
		"no expiry":         {"POST", "/invitations/x/expire", nil, 400, `{"error":"expire invitation: none is pending for \"x\""}`},
		"invitation verb":   {"POST", "/invitations/x/resend", nil, 400, `{"error":"an invitation can be accepted or expire, not \"resend\""}`},
		"password of none":  {"POST", "/verify-password", object{"name": "x"}, 400, `{"error":"verify password: no service \"x\""}`},
		"edit without kind": {"POST", "/edit", object{}, 400, `{"error":"edit : unknown kind"}`},
	}
	_, c, _ := start(t, sim.Config{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := c.do(test.method, "/_sandbox"+test.path, test.body)
			if diff := cmp.Diff(test.want, string(a.Raw)); a.Status != test.status || diff != "" {
				t.Errorf("status %d, want %d (-want +got):\n%s", a.Status, test.status, diff)
			}
		})
	}
}

// TestControlIsLocal has a web page of elsewhere try to reach the control API over HTTP.
func TestControlIsLocal(t *testing.T) {
	tests := []struct {
		host, origin string
		want         int
	}{
		{"127.0.0.1:8123", "", 200},
		{"localhost:8123", "", 200},
		{"[::1]:8123", "", 200},
		{"[::1]", "", 200},
		{"sandbox.localhost", "", 200},
		{"localhost:8123", "http://localhost:3000", 200},
		{"localhost:8123", "http://127.0.0.1:3000", 200},
		{"localhost:8123", "https://example.com", 403},
		{"localhost:8123", "null", 403},
		{"example.com", "", 403},
		{"localhost.example.com:8123", "", 403},
		{"192.168.0.7:8123", "", 403},
	}
	srv := sim.New(sim.Config{})
	for _, test := range tests {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/_sandbox/config", nil)
		req.Host = test.host
		if test.origin != "" {
			req.Header.Set("Origin", test.origin)
		}
		rec := httptest.NewRecorder()
		srv.ServeHTTP(rec, req)
		if rec.Code != test.want {
			t.Errorf("host %s, origin %q: status %d, want %d", test.host, test.origin, rec.Code, test.want)
		}
	}
}
