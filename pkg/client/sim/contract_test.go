package sim_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// TestContract walks through every operation, over HTTP, with the official document watching.
func TestContract(t *testing.T) {
	check, err := checker()
	if err != nil {
		t.Fatal(err)
	}
	if check == nil {
		t.Skip("ORGCTL_OPENAPI names no OpenAPI document: the contract is not checked")
	}
	srv := sim.New(sim.Config{})
	web := httptest.NewServer(check.Middleware(srv, func(err error) { t.Errorf("contract: %v", err) }))
	defer web.Close()
	c := newCaller(t, srv)
	c.rt, c.base = http.DefaultTransport, web.URL
	everyOperation(t, c)
	srv.SetConfig(sim.Config{LegacyRoles: true})
	c.list("/keys")
	c.list("/members")
	srv.SetConfig(sim.Config{EmptyDeleteBody: true, FloatNumbers: true})
	id := c.newService("floats")
	c.service(id)
	c.ok("PATCH", "/services/"+id+"/state", object{"command": "stop"})
	c.ok("DELETE", "/services/"+id, nil)
}

// everyOperation calls each operation of the API at least once with success.
func everyOperation(t *testing.T, c *caller) {
	t.Helper()
	c.list("/v1/organizations")
	c.ok("GET", "", nil)
	c.ok("PATCH", "", object{
		"name": "Acme", "enableCoreDumps": true,
		"privateEndpoints": object{"add": []any{object{"id": "vpce-1", "description": "one", "cloudProvider": "aws", "region": "us-east-1"}}},
	})
	id := c.newService("orders", object{
		"ipAccessList": []any{object{"source": "203.0.113.0/24", "description": "HQ"}}, "tags": []any{object{"key": "team", "value": "orders"}, object{"key": "bare"}},
		"endpoints": []any{object{"protocol": "mysql", "enabled": true}}, "releaseChannel": "fast", "numReplicas": 2,
	})
	s := "/services/" + id
	c.list("/services?filter=tag:team%3Dorders&filter=tag:bare")
	c.service(id)
	c.ok("PATCH", s, object{
		"name": "orders 2", "ipAccessList": object{"remove": []any{object{"source": "203.0.113.0/24"}}, "add": []any{object{"source": "10.0.0.1"}}},
		"tags": object{"remove": []any{object{"key": "bare"}}}, "privateEndpointIds": object{"add": []any{"vpce-1"}},
		"endpoints": []any{object{"protocol": "mysql", "enabled": false}}, "releaseChannel": "slow", "enableCoreDumps": false,
	})
	c.ok("PATCH", s+"/replicaScaling", object{"autoscalingMode": "horizontal", "minReplicas": 2, "maxReplicas": 4, "minReplicaMemoryGb": 32, "maxReplicaMemoryGb": 32})
	c.ok("PATCH", s+"/replicaScaling", object{"autoscalingMode": "vertical", "numReplicas": 3})
	c.ok("PATCH", s+"/scaling", object{"minTotalMemoryGb": 24, "maxTotalMemoryGb": 48, "idleScaling": true, "idleTimeoutMinutes": 10})
	c.ok("PATCH", s+"/password", object{})
	c.ok("GET", s+"/privateEndpointConfig", nil)
	c.ok("POST", s+"/privateEndpoint", object{"id": "vpce-2", "description": "two"})
	c.ok("GET", "/privateEndpointConfig?cloud_provider=aws&region_id=us-east-1", nil)
	c.ok("GET", s+"/prometheus?filtered_metrics=true", nil)
	c.ok("GET", "/prometheus", nil)
	backups := c.list(s + "/backups")
	c.ok("GET", s+"/backups/"+backups[0]["id"].(string), nil)
	c.ok("PATCH", s+"/backupConfiguration", object{"backupPeriodInHours": 48, "backupRetentionPeriodInHours": 96, "backupStartTime": "02:00"})
	c.ok("PATCH", s+"/backupConfiguration", object{"backupStartTime": nil})
	c.ok("GET", s+"/backupConfiguration", nil)
	c.control("POST", "/edit", object{"kind": "service", "id": id, "set": object{
		"serviceQueryEndpoint": object{"id": "q", "openApiKeys": []any{unknownID}, "roles": []any{"sql_console_read_only"}, "allowedOrigins": "*"},
		"upgradeWindow":        object{"weekday": 6, "startHourUtc": 12},
		"backupBucket":         object{"id": unknownID, "bucketProvider": "AWS", "bucketPath": "s3://b", "iamRoleArn": "arn", "iamRoleSessionName": "s"},
		"clickhouseSettings":   object{"max_concurrent_queries": "500"},
	}})
	c.ok("GET", s+"/serviceQueryEndpoint", nil)
	c.ok("GET", s+"/upgradeWindow", nil)
	c.ok("GET", s+"/backupBucket", nil)
	c.ok("GET", s+"/clickhouseSettings", nil)
	c.ok("GET", s+"/clickhouseSettings/max_concurrent_queries", nil)

	created := c.ok("POST", "/keys", object{
		"name": "ci", "assignedRoleIds": []any{c.roleID("Developer")}, "expireAt": "2027-06-30T00:00:00Z", "ipAccessList": []any{object{"source": "0.0.0.0/0"}},
	})
	k := "/keys/" + created["key"].(object)["id"].(string)
	c.list("/keys")
	c.ok("PATCH", k, object{"name": "ci 2", "state": "disabled", "expireAt": nil, "ipAccessList": []any{}})
	c.ok("GET", k, nil)
	c.ok("DELETE", k, nil)

	invited := c.ok("POST", "/invitations", object{"email": "New@Example.com", "assignedRoleIds": []any{c.roleID("Member")}})
	i := "/invitations/" + invited["id"].(string)
	c.list("/invitations")
	c.ok("GET", i, nil)
	c.ok("DELETE", i, nil)
	c.ok("POST", "/invitations", object{"email": "ana@example.com", "assignedRoleIds": []any{}})
	userID := c.control("POST", "/invitations/ana@example.com/accept", nil)["userId"].(string)
	c.ok("PATCH", "/members/"+userID, object{"assignedRoleIds": []any{c.roleID("Billing")}})
	c.ok("GET", "/members/"+userID, nil)
	c.list("/members")
	c.ok("DELETE", "/members/"+userID, nil)

	c.ok("GET", "/roles/"+c.roleID("Admin"), nil)
	c.list("/quotas")
	c.ok("GET", "/quotas/services-per-organization", nil)
	c.ok("GET", "/usageCost?from_date=2026-03-01&to_date=2026-03-31", nil)
	activities := c.list("/activities?from_date=2020-01-01T00:00:00Z&to_date=2099-01-01T00:00:00Z")
	c.ok("GET", "/activities/"+activities[0]["id"].(string), nil)

	c.ok("PATCH", s+"/state", object{"command": "stop"})
	c.ok("DELETE", s, nil)
}
