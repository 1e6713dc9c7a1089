package sim_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// TestOldAPI holds the simulated old API to the fields of the old document.
func TestOldAPI(t *testing.T) {
	srv, c, _ := start(t, sim.Config{OldAPI: true})
	created := c.ok("POST", "/services", object{"name": "old", "provider": "aws", "region": "us-east-1", "ipAccessList": []any{}, "minTotalMemoryGb": 24, "maxTotalMemoryGb": 48, "numReplicas": 3})
	id := created["service"].(object)["id"].(string)
	fields := func(o object) string {
		names := make([]string, 0, len(o))
		for n := range o {
			names = append(names, n)
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	c.ok("POST", "/invitations", object{"email": "a@example.com", "role": "developer"})
	service := c.service(id)
	for name, test := range map[string]struct {
		got  object
		want string
	}{
		"service":      {service, "createdAt dataWarehouseId endpoints iamRole id idleScaling idleTimeoutMinutes ipAccessList isPrimary maxTotalMemoryGb minTotalMemoryGb name numReplicas privateEndpointIds provider region state"},
		"scaled":       {c.ok("PATCH", "/services/"+id+"/replicaScaling", object{"maxReplicaMemoryGb": 24}), fields(service)[:strings.Index(fields(service), " maxTotal")] + " maxReplicaMemoryGb maxTotalMemoryGb minReplicaMemoryGb" + fields(service)[strings.Index(fields(service), " minTotal"):]},
		"key":          {c.list("/keys")[0], "createdAt id keySuffix name roles state usedAt"},
		"member":       {c.list("/members")[0], "joinedAt name role userId"},
		"invited":      {c.list("/invitations")[0], "createdAt email expireAt id role"},
		"organization": {c.ok("GET", "", nil), "createdAt id name privateEndpoints"},
		"activity":     {c.list("/activities")[0], "actorDetails actorId actorIpAddress actorType createdAt id organizationId serviceId type"},
	} {
		if diff := cmp.Diff(test.want, fields(test.got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if service["isPrimary"] != "true" {
		t.Errorf("isPrimary %v", service["isPrimary"])
	}
	c.refused("GET", "/quotas", nil, 404, "NOT_FOUND: no such operation: GET "+c.org+"/quotas")
	c.refused("PATCH", "/services/"+id, object{"tags": object{}}, 400, "BAD_REQUEST: request body.tags is not a known field")
	c.refused("PATCH", "/services/"+id+"/state", object{"command": "awake"}, 400, `BAD_REQUEST: request body.command value is not one of ["start","stop"]: "awake"`)
	c.refused("POST", "/keys", object{"name": "k", "roles": []any{"admin"}, "ipAccessList": []any{}}, 400, "BAD_REQUEST: request body.ipAccessList is not a known field")
	if raw := string(c.do("GET", "/services/7", nil).Raw); strings.Contains(raw, "requestId") {
		t.Errorf("an old error has a request id: %s", raw)
	}
	key := c.ok("POST", "/keys", object{"name": "k", "roles": []any{"admin"}})
	c.as(key["keyId"].(string), key["keySecret"].(string)).list("/services") // no IP lists, no denial
	c.refused("PATCH", "/keys/"+key["key"].(object)["id"].(string), object{"roles": []any{}}, 400, "BAD_REQUEST: request body.roles: at least one role is required")
	srv.SetConfig(sim.Config{})
	if got := c.service(id); got["isPrimary"] != true || got["maxReplicaMemoryGb"] != 24.0 {
		t.Errorf("the service under the current API: %v", got)
	}
}

func TestFloatNumbers(t *testing.T) {
	_, c, _ := start(t, sim.Config{FloatNumbers: true})
	id := c.newService("floats", object{"numReplicas": 2})
	var reply struct {
		Status json.RawMessage
		Result map[string]json.RawMessage
	}
	if err := json.Unmarshal(c.do("GET", "/services/"+id, nil).Raw, &reply); err != nil {
		t.Fatal(err)
	}
	got := string(reply.Status) + " " + string(reply.Result["numReplicas"]) + " " + string(reply.Result["minReplicaMemoryGb"])
	if got != "200 2.0 16.0" {
		t.Errorf("numbers read %s", got)
	}
}

func TestFutureFields(t *testing.T) {
	_, c, _ := start(t, sim.Config{FutureFields: true})
	id := c.newService("future")
	service := c.service(id)
	endpoints := service["endpoints"].([]any)
	last := endpoints[len(endpoints)-1].(object)["protocol"]
	for name, o := range map[string]object{"service": service, "listed": c.list("/services")[0], "key": c.list("/keys")[0], "organization": c.ok("GET", "", nil)} {
		if o["fieldOfTheFuture"] == nil {
			t.Errorf("%s has no unknown field: %v", name, o)
		}
	}
	if last != "protocol-of-the-future" || c.list("/activities")[0]["type"] != "activity_of_the_future" {
		t.Errorf("no unknown enum values: %v", endpoints)
	}
}

func TestEmptyDeleteBody(t *testing.T) {
	_, c, _ := start(t, sim.Config{EmptyDeleteBody: true})
	invited := c.ok("POST", "/invitations", object{"email": "a@example.com", "assignedRoleIds": []any{}})
	if a := c.do("DELETE", "/invitations/"+invited["id"].(string), nil); a.Status != http.StatusOK || len(a.Raw) != 0 {
		t.Errorf("status %d, body %q", a.Status, a.Raw)
	}
}

func TestQuotas(t *testing.T) {
	_, c, _ := start(t, sim.Config{ServiceQuota: 2})
	c.newService("one")
	want := object{"quotaCode": "services-per-organization", "scope": "organization", "value": 2.0, "usage": 1.0, "adjustable": true}
	got := c.ok("GET", "/quotas/services-per-organization", nil)
	if diff := cmp.Diff(want, pick(got, "quotaCode", "scope", "value", "usage", "adjustable")); diff != "" {
		t.Errorf("quota (-want +got):\n%s", diff)
	}
	if got := c.ok("GET", "/quotas/replicas-per-warehouse", nil); got["usage"] != nil {
		t.Errorf("quota %v", got)
	}
}

func TestMetrics(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	if got := c.do("GET", "/prometheus", nil); got.Status != 200 || len(got.Raw) != 0 || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("metrics of nothing: %d %s %q", got.Status, got.Header.Get("Content-Type"), got.Raw)
	}
	id := c.newService("measured")
	all := string(c.do("GET", "/services/"+id+"/prometheus", nil).Raw)
	filtered := string(c.do("GET", "/services/"+id+"/prometheus?filtered_metrics=true", nil).Raw)
	if !strings.Contains(all, `clickhouse_service_name="measured"`) || len(filtered) == 0 || len(filtered) >= len(all) {
		t.Errorf("metrics:\n%s\nfiltered:\n%s", all, filtered)
	}
	if got := string(c.do("GET", "/prometheus", nil).Raw); got != all {
		t.Errorf("metrics of the organization:\n%s", got)
	}
	c.ok("PATCH", "/services/"+id+"/state", object{"command": "stop"})
	if got := c.do("GET", "/services/"+id+"/prometheus", nil); got.Status != 200 || len(got.Raw) != 0 {
		t.Errorf("metrics of a stopped service: %d %q", got.Status, got.Raw)
	}
}
