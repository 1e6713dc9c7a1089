package sim_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

func TestCreateServiceDefaults(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	created := c.ok("POST", "/services", object{"name": "orders", "provider": "aws", "region": "us-east-1", "ipAccessList": []any{}})
	if password, _ := created["password"].(string); password == "" {
		t.Error("the reply to a create holds no password")
	}
	service := created["service"].(object)
	if service["state"] != "provisioning" || len(service["endpoints"].([]any)) != 0 {
		t.Errorf("the reply to a create shows %v with endpoints %v, want provisioning with none", service["state"], service["endpoints"])
	}
	got := c.service(service["id"].(string))
	for _, volatile := range []string{"id", "iamRole", "endpoints", "dataWarehouseId"} {
		if got[volatile] == nil {
			t.Errorf("%s is absent", volatile)
		}
		delete(got, volatile)
	}
	want := object{
		"name": "orders", "provider": "aws", "region": "us-east-1", "state": "running", "clickhouseVersion": "25.8",
		"createdAt": "2026-03-01T12:00:00Z", "autoscalingMode": "vertical", "numReplicas": 3.0,
		"minReplicaMemoryGb": 16.0, "maxReplicaMemoryGb": 120.0, "minTotalMemoryGb": 48.0, "maxTotalMemoryGb": 360.0,
		"idleScaling": true, "idleTimeoutMinutes": 15.0, "ipAccessList": []any{}, "tags": []any{},
		"privateEndpointIds": []any{}, "availablePrivateEndpointIds": []any{}, "isPrimary": true, "isReadonly": false,
		"releaseChannel": "default", "hasTransparentDataEncryption": false, "enableCoreDumps": true,
		"currentScaling": object{
			"effectiveAutoscalingMode": "vertical", "effectiveMinReplicaMemoryGb": 16.0, "effectiveMaxReplicaMemoryGb": 120.0,
			"effectiveMinReplicas": 3.0, "effectiveMaxReplicas": 3.0, "effectiveIdleScaling": true, "effectiveIdleTimeoutMinutes": 15.0,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("service (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(object{"backupPeriodInHours": 24.0, "backupRetentionPeriodInHours": 24.0}, c.ok("GET", "/services/"+service["id"].(string)+"/backupConfiguration", nil)); diff != "" {
		t.Errorf("backup configuration (-want +got):\n%s", diff)
	}
}

// TestPatchServiceLists runs patches one after the other on one service: removals come first, identity is the source, the key
// or the id, order is the order of arrival, and spelling is kept.
func TestPatchServiceLists(t *testing.T) {
	steps := []struct {
		name  string
		patch object
		field string
		want  []any
	}{
		{
			"spelling and order are kept",
			object{"ipAccessList": object{"add": []any{object{"source": "10.1.2.3/8"}, object{"source": "0.0.0.0/0", "description": "any"}, object{"source": "10.1.2.3"}}}},
			"ipAccessList",
			[]any{object{"source": "10.1.2.3/8"}, object{"source": "0.0.0.0/0", "description": "any"}, object{"source": "10.1.2.3"}},
		},
		{
			"a removal needs no description, and precedes the addition of the same source",
			object{"ipAccessList": object{"add": []any{object{"source": "0.0.0.0/0", "description": "all"}}, "remove": []any{object{"source": "0.0.0.0/0"}}}},
			"ipAccessList",
			[]any{object{"source": "10.1.2.3/8"}, object{"source": "10.1.2.3"}, object{"source": "0.0.0.0/0", "description": "all"}},
		},
		{
			"removing what is not there changes nothing",
			object{"ipAccessList": object{"remove": []any{object{"source": "10.1.2.3/32"}, object{"source": "1.1.1.1"}}}},
			"ipAccessList",
			[]any{object{"source": "10.1.2.3/8"}, object{"source": "10.1.2.3"}, object{"source": "0.0.0.0/0", "description": "all"}},
		},
		{
			"tags are added",
			object{"tags": object{"add": []any{object{"key": "b", "value": "1"}, object{"key": "a"}, object{"key": "c", "value": ""}}}},
			"tags",
			[]any{object{"key": "b", "value": "1"}, object{"key": "a"}, object{"key": "c"}},
		},
		{
			"a tag is removed by key alone and may come back in the same patch",
			object{"tags": object{"remove": []any{object{"key": "b", "value": "other"}, object{"key": "nope"}}, "add": []any{object{"key": "b", "value": "2"}}}},
			"tags",
			[]any{object{"key": "a"}, object{"key": "c"}, object{"key": "b", "value": "2"}},
		},
		{
			"endpoints are attached",
			object{"privateEndpointIds": object{"add": []any{"vpce-2", "vpce-1"}}},
			"privateEndpointIds",
			[]any{"vpce-2", "vpce-1"},
		},
		{
			"and detached first",
			object{"privateEndpointIds": object{"add": []any{"vpce-2"}, "remove": []any{"vpce-2", "vpce-9"}}},
			"privateEndpointIds",
			[]any{"vpce-1", "vpce-2"},
		},
	}
	_, c, _ := start(t, sim.Config{})
	c.ok("PATCH", "", object{"privateEndpoints": object{"add": []any{
		object{"id": "vpce-1", "cloudProvider": "aws", "region": "us-east-1"},
		object{"id": "vpce-2", "cloudProvider": "aws", "region": "us-east-1"},
		object{"id": "vpce-3", "cloudProvider": "aws", "region": "us-east-2"},
		object{"id": "vpce-4", "cloudProvider": "aws", "region": "us-east-1"},
	}}})
	id := c.newService("lists")
	for _, step := range steps {
		c.ok("PATCH", "/services/"+id, step.patch)
		if diff := cmp.Diff(step.want, c.service(id)[step.field]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	if diff := cmp.Diff([]any{"vpce-4"}, c.service(id)["availablePrivateEndpointIds"]); diff != "" {
		t.Errorf("available endpoints (-want +got):\n%s", diff)
	}
}

// TestDuplicateKnobs has what is refused by default accepted.
func TestDuplicateKnobs(t *testing.T) {
	_, c, _ := start(t, sim.Config{Statuses: sim.Statuses{DuplicateSource: 200, DuplicateTag: 200, AttachedEndpoint: 200}})
	id := c.newService("knobs", object{"ipAccessList": []any{object{"source": "10.0.0.1"}}, "tags": []any{object{"key": "a", "value": "1"}}})
	c.ok("POST", "/services/"+id+"/privateEndpoint", object{"id": "vpce-1"})
	c.ok("PATCH", "/services/"+id, object{
		"ipAccessList": object{"add": []any{object{"source": "10.0.0.1", "description": "new"}}}, "tags": object{"add": []any{object{"key": "a", "value": "2"}}},
		"privateEndpointIds": object{"add": []any{"vpce-1"}},
	})
	want := object{
		"ipAccessList": []any{object{"source": "10.0.0.1", "description": "new"}}, "tags": []any{object{"key": "a", "value": "2"}},
		"privateEndpointIds": []any{"vpce-1"},
	}
	if diff := cmp.Diff(want, pick(c.service(id), "ipAccessList", "tags", "privateEndpointIds")); diff != "" {
		t.Errorf("service (-want +got):\n%s", diff)
	}
}

// TestPatchIsAtomic has a patch fail in its last part: nothing of it may stay.
func TestPatchIsAtomic(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	id := c.newService("whole", object{"ipAccessList": []any{object{"source": "10.0.0.1"}}})
	before := c.control("GET", "/state", nil)
	a := c.do("PATCH", "/services/"+id, object{
		"name": "half", "ipAccessList": object{"remove": []any{object{"source": "10.0.0.1"}}},
		"privateEndpointIds": object{"add": []any{"vpce-9", "vpce-9"}},
	})
	if a.Status != http.StatusBadRequest {
		t.Fatalf("status %d", a.Status)
	}
	if diff := diffStates(before, c.control("GET", "/state", nil)); diff != "" {
		t.Errorf("state (-before +after):\n%s", diff)
	}
}

func TestServiceFilters(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	c.newService("one", object{"tags": []any{object{"key": "team", "value": "a"}, object{"key": "prod"}}})
	c.newService("two", object{"tags": []any{object{"key": "team", "value": "b"}}})
	c.newService("three")
	tests := map[string][]string{
		"":                                 {"one", "two", "three"},
		"?filter=tag:team":                 {"one", "two"},
		"?filter=tag:team%3Db":             {"two"},
		"?filter=tag:team&filter=tag:prod": {"one"},
		"?filter=tag:none":                 {},
		"?filter=team%3Da":                 {"one", "two", "three"}, // ignored: the trap of the real API
	}
	for query, want := range tests {
		got := []string{}
		for _, s := range c.list("/services" + query) {
			got = append(got, s["name"].(string))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
}

func TestMySQLEndpoint(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	id := c.newService("protocols")
	protocols := func() []string {
		var names []string
		for _, e := range c.service(id)["endpoints"].([]any) {
			names = append(names, e.(object)["protocol"].(string))
		}
		return names
	}
	for _, enabled := range []bool{true, true, false} {
		c.ok("PATCH", "/services/"+id, object{"endpoints": []any{object{"protocol": "mysql", "enabled": enabled}}})
		want := []string{"nativesecure", "https"}
		if enabled {
			want = append(want, "mysql")
		}
		if diff := cmp.Diff(want, protocols()); diff != "" {
			t.Errorf("enabled %v (-want +got):\n%s", enabled, diff)
		}
	}
}

func TestCoreDumpsFollowTheOrganization(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	c.ok("PATCH", "", object{"enableCoreDumps": false})
	id := c.newService("dumps")
	if got := c.service(id)["enableCoreDumps"]; got != false {
		t.Errorf("a new service has enableCoreDumps %v", got)
	}
	c.refused("PATCH", "/services/"+id, object{"enableCoreDumps": true}, 400, "BAD_REQUEST: core dumps are disabled for the organization")
	c.refused("POST", "/services", object{"name": "x", "provider": "aws", "region": "us-east-1", "ipAccessList": []any{}, "enableCoreDumps": true},
		400, "BAD_REQUEST: core dumps are disabled for the organization")
	c.ok("PATCH", "/services/"+id, object{"enableCoreDumps": false})
}

func TestWarehouses(t *testing.T) {
	srv, c, _ := start(t, sim.Config{WarehouseLimit: 3})
	primary := c.newService("primary")
	warehouse := c.service(primary)["dataWarehouseId"].(string)
	join := object{"dataWarehouseId": warehouse}
	created := c.ok("POST", "/services", object{"name": "reader", "provider": "aws", "region": "us-east-1", "ipAccessList": []any{}, "dataWarehouseId": warehouse, "isReadonly": true})
	if _, has := created["password"]; has {
		t.Error("a secondary gets a password of its own")
	}
	reader := created["service"].(object)["id"].(string)
	want := object{"isPrimary": false, "isReadonly": true, "dataWarehouseId": warehouse}
	if diff := cmp.Diff(want, pick(c.service(reader), "isPrimary", "isReadonly", "dataWarehouseId")); diff != "" {
		t.Errorf("secondary (-want +got):\n%s", diff)
	}

	body := object{"name": "x", "provider": "aws", "region": "us-east-2", "ipAccessList": []any{}, "dataWarehouseId": warehouse}
	c.refused("POST", "/services", body, 400, "BAD_REQUEST: the services of a warehouse must be in the same provider and region: aws us-east-1")
	c.newService("third", join)
	body["region"] = "us-east-1"
	c.refused("POST", "/services", body, 400, "BAD_REQUEST: the warehouse has reached its limit of 3 services")

	const noSchedule = "BAD_REQUEST: a secondary service has no backup configuration"
	c.refused("GET", "/services/"+reader+"/backupConfiguration", nil, 400, noSchedule)
	c.refused("PATCH", "/services/"+reader+"/backupConfiguration", object{}, 400, noSchedule)
	if got := c.list("/services/" + reader + "/backups"); len(got) != 0 {
		t.Errorf("a secondary has backups: %v", got)
	}
	c.refused("PATCH", "/services/"+primary+"/state", object{"command": "stop"}, 400, "BAD_REQUEST: a primary service cannot be stopped while its warehouse has other services")
	if _, err := srv.Edit(sim.Edit{Kind: "service", ID: primary, Set: object{"state": "stopped"}}); err != nil {
		t.Fatal(err)
	}
	c.refused("DELETE", "/services/"+primary, nil, 400, "BAD_REQUEST: a primary service cannot be deleted while its warehouse has other services")

	password, _ := c.ok("PATCH", "/services/"+reader+"/password", object{})["password"].(string)
	for _, name := range []string{"primary", "reader"} {
		if ok, mysql, err := srv.VerifyPassword(name, password); err != nil || !ok || !mysql {
			t.Errorf("the warehouse's password does not open %s: %v %v %v", name, ok, mysql, err)
		}
	}
}

func TestPasswords(t *testing.T) {
	const (
		sha256Test  = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=" // of "test"
		doubleTest  = "94bdcebe19083ce2a1f959fd02f964c7af4cfc29"     // of "test"
		sha256Other = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" // of ""
	)
	tests := map[string]struct {
		body          object
		generated     bool
		ok, mysql     bool // whether "test" opens the service
		mysqlPassword string
	}{
		"both hashes":      {object{"newPasswordHash": sha256Test, "newDoubleSha1Hash": doubleTest}, false, true, true, "test"},
		"one hash":         {object{"newPasswordHash": sha256Test}, false, true, false, ""},
		"another hash":     {object{"newPasswordHash": sha256Other}, false, false, false, ""},
		"mysql hash alone": {object{"newDoubleSha1Hash": doubleTest}, true, false, false, ""},
		"none":             {object{}, true, false, false, ""},
	}
	srv, c, _ := start(t, sim.Config{})
	id := c.newService("secret")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			password, generated := c.ok("PATCH", "/services/"+id+"/password", test.body)["password"].(string)
			if generated != test.generated {
				t.Errorf("generated %v, want %v", generated, test.generated)
			}
			ok, mysql, err := srv.VerifyPassword("secret", "test")
			if err != nil || ok != test.ok || mysql != test.mysql {
				t.Errorf("VerifyPassword = %v, %v, %v; want %v, %v", ok, mysql, err, test.ok, test.mysql)
			}
			if generated {
				if ok, mysql, _ := srv.VerifyPassword(id, password); !ok || !mysql {
					t.Error("the generated password does not open the service")
				}
			}
		})
	}
}

func TestBackupConfiguration(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	id := c.newService("backups")
	steps := []struct {
		name        string
		patch, want object
	}{
		{"absent keeps", object{}, object{"backupPeriodInHours": 24.0, "backupRetentionPeriodInHours": 24.0}},
		{"set", object{"backupPeriodInHours": 12, "backupRetentionPeriodInHours": 1080}, object{"backupPeriodInHours": 12.0, "backupRetentionPeriodInHours": 1080.0}},
		{"null resets one", object{"backupRetentionPeriodInHours": nil}, object{"backupPeriodInHours": 12.0, "backupRetentionPeriodInHours": 24.0}},
		{"null resets another", object{"backupPeriodInHours": nil}, object{"backupPeriodInHours": 24.0, "backupRetentionPeriodInHours": 24.0}},
		{"start with period", object{"backupPeriodInHours": 48, "backupStartTime": "23:00"}, object{"backupPeriodInHours": 48.0, "backupRetentionPeriodInHours": 24.0, "backupStartTime": "23:00"}},
		{"start alone resets the period", object{"backupStartTime": "05:00"}, object{"backupPeriodInHours": 24.0, "backupRetentionPeriodInHours": 24.0, "backupStartTime": "05:00"}},
		{"start cleared", object{"backupStartTime": nil}, object{"backupPeriodInHours": 24.0, "backupRetentionPeriodInHours": 24.0}},
	}
	path := "/services/" + id + "/backupConfiguration"
	for _, step := range steps {
		if diff := cmp.Diff(step.want, c.ok("PATCH", path, step.patch)); diff != "" {
			t.Errorf("%s: reply (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff(step.want, c.ok("GET", path, nil)); diff != "" {
			t.Errorf("%s: read (-want +got):\n%s", step.name, diff)
		}
	}
	const wrongPeriod = "BAD_REQUEST: customBackupPeriod must be 24 or 48 hours when customBackupStartTime is set"
	c.ok("PATCH", path, object{"backupPeriodInHours": 12})
	c.refused("PATCH", path, object{"backupStartTime": "05:00"}, 400, wrongPeriod)
	c.ok("PATCH", path, object{"backupStartTime": "05:00", "backupPeriodInHours": 24})
	c.refused("PATCH", path, object{"backupPeriodInHours": 12}, 400, wrongPeriod)
}

func TestBackupsFollowTheSchedule(t *testing.T) {
	_, c, clk := start(t, sim.Config{})
	id := c.newService("kept")
	c.ok("PATCH", "/services/"+id+"/backupConfiguration", object{"backupPeriodInHours": 12, "backupRetentionPeriodInHours": 48})
	clk.advance(5*24*time.Hour + 30*time.Second)
	backups := c.list("/services/" + id + "/backups")
	var got []string
	for _, b := range backups {
		got = append(got, b["startedAt"].(string)+" "+b["status"].(string))
	}
	want := []string{
		"2026-03-06T12:00:00Z in_progress", "2026-03-06T00:00:00Z done", "2026-03-05T12:00:00Z done", "2026-03-05T00:00:00Z done",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("backups (-want +got):\n%s", diff)
	}
	c.ok("PATCH", "/services/"+id+"/backupConfiguration", object{"backupPeriodInHours": nil, "backupStartTime": "03:00"})
	var starts []string
	for _, b := range c.list("/services/" + id + "/backups") {
		starts = append(starts, b["startedAt"].(string))
	}
	if diff := cmp.Diff([]string{"2026-03-06T03:00:00Z", "2026-03-05T03:00:00Z"}, starts); diff != "" {
		t.Errorf("backups at three o'clock (-want +got):\n%s", diff)
	}
	c.ok("PATCH", "/services/"+id+"/backupConfiguration", object{"backupPeriodInHours": 12, "backupStartTime": nil})

	restore := object{"backupId": backups[1]["id"], "region": "us-east-2"}
	c.refused("POST", "/services", object{"name": "r", "provider": "aws", "ipAccessList": []any{}, "region": "us-east-2", "backupId": backups[1]["id"]},
		400, "BAD_REQUEST: a backup can only be restored in its own region: aws us-east-1")
	delete(restore, "region")
	c.newService("restored", restore)
	c.refused("POST", "/services", object{"name": "r", "provider": "aws", "ipAccessList": []any{}, "region": "us-east-1", "backupId": backups[0]["id"]},
		400, "BAD_REQUEST: backup "+backups[0]["id"].(string)+" is not finished")
}

func TestBYOC(t *testing.T) {
	srv, c, _ := start(t, sim.Config{})
	if _, err := srv.Edit(sim.Edit{Kind: "organization", Set: object{"byocConfig": []any{object{"id": "byoc-1", "state": "infra-ready"}}}}); err != nil {
		t.Fatal(err)
	}
	const wrong = "BAD_REQUEST: minReplicaMemoryGb and maxReplicaMemoryGb must be one of 48, 116, 172, 232 with byocId"
	body := object{"name": "own", "provider": "aws", "region": "us-east-1", "ipAccessList": []any{}, "byocId": "byoc-1", "minReplicaMemoryGb": 48}
	c.refused("POST", "/services", body, 400, wrong)
	body["maxReplicaMemoryGb"] = 64
	c.refused("POST", "/services", body, 400, wrong)
	body["maxReplicaMemoryGb"] = 116
	id := c.ok("POST", "/services", body)["service"].(object)["id"].(string)
	if got := c.service(id)["byocId"]; got != "byoc-1" {
		t.Errorf("byocId %v", got)
	}
}

func TestCustomerKeysAreForAWS(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	body := object{"name": "own", "provider": "gcp", "region": "us-east1", "ipAccessList": []any{}, "encryptionKey": "k"}
	c.refused("POST", "/services", body, 400, "BAD_REQUEST: customer managed encryption keys are available on aws only")
}

func TestPrivateEndpoints(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	id := c.newService("private")
	entry := object{"id": "vpce-1", "description": "one", "cloudProvider": "aws", "region": "us-east-1"}
	if diff := cmp.Diff(entry, c.ok("POST", "/services/"+id+"/privateEndpoint", object{"id": "vpce-1", "description": "one"})); diff != "" {
		t.Errorf("registration (-want +got):\n%s", diff)
	}
	c.refused("POST", "/services/"+id+"/privateEndpoint", object{"id": "vpce-1"}, 400, "BAD_REQUEST: private endpoint vpce-1 is attached already")
	c.refused("PATCH", "", object{"privateEndpoints": object{"remove": []any{entry}}}, 400, "BAD_REQUEST: private endpoint vpce-1 is attached to a service")
	c.refused("PATCH", "", object{"privateEndpoints": object{"add": []any{entry}}}, 400, "BAD_REQUEST: private endpoint vpce-1 is registered already in aws us-east-1")

	// Deleting the service frees the endpoint but keeps its registration.
	c.ok("PATCH", "/services/"+id+"/state", object{"command": "stop"})
	c.ok("DELETE", "/services/"+id, nil)
	if diff := cmp.Diff([]any{entry}, c.ok("GET", "", nil)["privateEndpoints"]); diff != "" {
		t.Errorf("registry (-want +got):\n%s", diff)
	}
	other := object{"id": "vpce-1", "cloudProvider": "gcp", "region": "us-east1"}
	c.ok("PATCH", "", object{"privateEndpoints": object{"add": []any{other}}})
	removal := object{"id": "vpce-1", "cloudProvider": "aws", "region": "us-east-1"}
	changed := object{"id": "vpce-1", "description": "uno", "cloudProvider": "aws", "region": "us-east-1"}
	c.ok("PATCH", "", object{"privateEndpoints": object{"remove": []any{removal}, "add": []any{changed}}})
	if diff := cmp.Diff([]any{other, changed}, c.ok("GET", "", nil)["privateEndpoints"]); diff != "" {
		t.Errorf("registry (-want +got):\n%s", diff)
	}
}

// TestUnregisteredEndpoint: attaching by PATCH registers, without a description, what is not registered where the service is;
// or refuses it, as the knob says, and changes nothing.
func TestUnregisteredEndpoint(t *testing.T) {
	srv, c, _ := start(t, sim.Config{Statuses: sim.Statuses{UnregisteredEndpoint: 400}})
	id := c.newService("private")
	elsewhere := object{"id": "vpce-1", "cloudProvider": "aws", "region": "us-east-2"}
	c.ok("PATCH", "", object{"privateEndpoints": object{"add": []any{elsewhere}}})
	attach := object{"privateEndpointIds": object{"add": []any{"vpce-1"}}}
	before := c.control("GET", "/state", nil)
	c.refused("PATCH", "/services/"+id, attach, 400, "BAD_REQUEST: private endpoint vpce-1 is not registered in aws us-east-1")
	if diff := diffStates(before, c.control("GET", "/state", nil)); diff != "" {
		t.Errorf("a refused request changed something (-before +after):\n%s", diff)
	}

	srv.SetConfig(sim.Config{})
	c.ok("PATCH", "/services/"+id, attach)
	here := object{"id": "vpce-1", "cloudProvider": "aws", "region": "us-east-1"}
	if diff := cmp.Diff([]any{elsewhere, here}, c.ok("GET", "", nil)["privateEndpoints"]); diff != "" {
		t.Errorf("registry (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{"vpce-1"}, c.service(id)["privateEndpointIds"]); diff != "" {
		t.Errorf("attached (-want +got):\n%s", diff)
	}
}

// TestIPListLaw holds random patches against a model: what was removed is gone, what was added stands at the end in order, the
// rest keeps its place.
func TestIPListLaw(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	id := c.newService("law")
	source := rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.1/32", "10.0.0.0/8", "10.1.2.3/8", "0.0.0.0/0", "192.168.0.7"})
	rapid.Check(t, func(rt *rapid.T) {
		var before []string
		for _, e := range c.service(id)["ipAccessList"].([]any) {
			before = append(before, e.(object)["source"].(string))
		}
		removed := rapid.SliceOfDistinct(source, rapid.ID).Draw(rt, "remove")
		added := rapid.SliceOfDistinct(source, rapid.ID).Draw(rt, "add")
		kept := slices.DeleteFunc(slices.Clone(before), func(s string) bool { return slices.Contains(removed, s) })
		clash := slices.ContainsFunc(added, func(s string) bool { return slices.Contains(kept, s) })
		a := c.do("PATCH", "/services/"+id, object{"ipAccessList": object{"add": entries(added), "remove": entries(removed)}})
		want, status := append(kept, added...), http.StatusOK
		if clash {
			want, status = before, http.StatusBadRequest
		}
		var after []string
		for _, e := range c.service(id)["ipAccessList"].([]any) {
			after = append(after, e.(object)["source"].(string))
		}
		if a.Status != status || strings.Join(want, " ") != strings.Join(after, " ") {
			rt.Fatalf("before %v, remove %v, add %v: status %d, after %v; want %d, %v", before, removed, added, a.Status, after, status, want)
		}
	})
}

func entries(sources []string) []any {
	list := make([]any, 0, len(sources))
	for _, s := range sources {
		list = append(list, object{"source": s})
	}
	return list
}
