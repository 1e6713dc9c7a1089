package sim_test

import (
	"net/http"
	"testing"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// FuzzBodies sends arbitrary bodies to every operation that takes one: each is carried out or refused, none is an internal
// error, and the organization stays readable.
func FuzzBodies(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"name":null}`, `{"ipAccessList":null}`, `{"ipAccessList":[null]}`, `{"ipAccessList":{"add":null,"remove":[1]}}`,
		`{"tags":{"add":[{"key":{}}]}}`, `{"privateEndpointIds":{"add":[{}]}}`, `{"command":null}`, `{"command":[]}`, `{"endpoints":[{"protocol":1}]}`,
		`{"numReplicas":1e400}`, `{"numReplicas":-0.0}`, `{"minReplicaMemoryGb":9007199254740993}`, `{"backupStartTime":[]}`, `{"newPasswordHash":7}`,
		`{"hashData":null}`, `{"hashData":{"keyIdHash":1}}`, `{"expireAt":0}`, `{"expireAt":""}`, `{"assignedRoleIds":[null]}`, `{"email":{}}`,
		`{"privateEndpoints":{"add":[{"id":"","cloudProvider":"aws","region":null}]}}`, `{"name":"x","provider":"aws","region":"us-east-1","ipAccessList":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, cfg := range []sim.Config{{}, {Lenient: true, LegacyRoles: true}} {
			_, c, _ := start(t, cfg)
			c = c.unchecked()
			service := "/services/" + c.newService("fuzzed")
			member := "/members/" + c.list("/members")[0]["userId"].(string)
			key := "/keys/" + c.list("/keys")[0]["id"].(string)
			for _, call := range [][2]string{
				{"PATCH", ""},
				{"POST", "/services"},
				{"PATCH", service},
				{"PATCH", service + "/replicaScaling"},
				{"PATCH", service + "/scaling"},
				{"PATCH", service + "/password"},
				{"PATCH", service + "/backupConfiguration"},
				{"POST", service + "/privateEndpoint"},
				{"PATCH", service + "/state"},
				{"PATCH", member},
				{"POST", "/invitations"},
				{"POST", "/keys"},
				{"PATCH", key}, // last: it may lock the caller out
			} {
				if a := c.do(call[0], call[1], string(body)); a.Status >= http.StatusInternalServerError {
					t.Errorf("%s %s %s: status %d: %s", call[0], call[1], body, a.Status, a.Raw)
				}
				if call[1] != key {
					c.list("/services")
				}
			}
		}
	})
}
