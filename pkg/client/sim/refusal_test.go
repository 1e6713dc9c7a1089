package sim_test

import (
	"strings"
	"testing"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// TestRefusals is the catalogue of error texts: {id} in a path is a running primary, {idle} one without idling.
func TestRefusals(t *testing.T) {
	const nilID = "00000000-0000-0000-0000-000000000000"
	create := func(more string) string {
		return `{"name":"x","provider":"aws","region":"us-east-1","ipAccessList":[]` + more + `}`
	}
	long := strings.Repeat("n", 51)
	tests := map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"malformed id":        {"GET", "/services/7", "", 400, "BAD_REQUEST: Invalid service id"},
		"nil id":              {"GET", "/services/" + nilID, "", 400, "BAD_REQUEST: Invalid service id"},
		"unknown service":     {"GET", "/services/" + unknownID, "", 404, "NOT_FOUND: " + unknownID},
		"unknown key":         {"GET", "/keys/" + unknownID, "", 404, "NOT_FOUND: " + unknownID},
		"unknown member":      {"GET", "/members/samlp%7Cx%7Ca@b", "", 404, "NOT_FOUND: samlp|x|a@b"},
		"nil member":          {"GET", "/members/" + nilID, "", 400, "BAD_REQUEST: Invalid user id"},
		"unknown invitation":  {"DELETE", "/invitations/" + unknownID, "", 404, "NOT_FOUND: " + unknownID},
		"unknown role":        {"GET", "/roles/" + unknownID, "", 404, "NOT_FOUND: " + unknownID},
		"unknown quota":       {"GET", "/quotas/clouds", "", 404, "NOT_FOUND: clouds"},
		"unknown backup":      {"GET", "/services/{id}/backups/" + unknownID, "", 404, "NOT_FOUND: " + unknownID},
		"unknown activity":    {"GET", "/activities/" + unknownID, "", 404, "NOT_FOUND: " + unknownID},
		"short activity id":   {"GET", "/activities/12345678", "", 400, "BAD_REQUEST length is too small: 8 < 20"},
		"activity date":       {"GET", "/activities?from_date=yesterday", "", 400, "BAD_REQUEST: yesterday"},
		"other organization":  {"GET", "/v1/organizations/" + unknownID + "/services", "", 404, "NOT_FOUND: " + unknownID},
		"bad organization":    {"GET", "/v1/organizations/acme/services", "", 400, "BAD_REQUEST: Invalid organization id"},
		"no such operation":   {"GET", "/services/{id}/scalingSchedule", "", 404, "NOT_FOUND: no such operation: GET {org}/services/{id}/scalingSchedule"},
		"role writes":         {"POST", "/roles", `{}`, 404, "NOT_FOUND: no such operation: POST {org}/roles"},
		"trailing slash":      {"GET", "/services/", "", 404, "NOT_FOUND: no such operation: GET {org}/services/"},
		"body no JSON":        {"PATCH", "", `{`, 400, "BAD_REQUEST: request body is not valid JSON"},
		"body twice":          {"PATCH", "", `{}{}`, 400, "BAD_REQUEST: request body is not valid JSON"},
		"body no object":      {"PATCH", "", `[]`, 400, "BAD_REQUEST: request body value is not an object: []"},
		"organization name":   {"PATCH", "", `{"name":""}`, 400, `BAD_REQUEST: request body.name must be one line of text: ""`},
		"organization lines":  {"PATCH", "", `{"name":"a\nb"}`, 400, `BAD_REQUEST: request body.name must be one line of text: "a\nb"`},
		"blank key":           {"POST", "/keys", `{"name":" "}`, 400, `BAD_REQUEST: request body.name must be one line of text: " "`},
		"key lines":           {"POST", "/keys", `{"name":"a\nb"}`, 400, `BAD_REQUEST: request body.name must be one line of text: "a\nb"`},
		"blank service":       {"PATCH", "/services/{id}", `{"name":" "}`, 400, `BAD_REQUEST: request body.name: must be an alphanumerical string with whitespaces: " "`},
		"service lines":       {"PATCH", "/services/{id}", `{"name":"a\nb"}`, 400, `BAD_REQUEST: request body.name: must be an alphanumerical string with whitespaces: "a\nb"`},
		"organization field":  {"PATCH", "", `{"nom":"x"}`, 400, "BAD_REQUEST: request body.nom is not a known field"},
		"organization null":   {"PATCH", "", `{"name":null}`, 400, "BAD_REQUEST: request body.name value is not a string: null"},
		"registry array":      {"PATCH", "", `{"privateEndpoints":[]}`, 400, "BAD_REQUEST: request body.privateEndpoints is an array."},
		"registry region":     {"PATCH", "", `{"privateEndpoints":{"add":[{"id":"a","cloudProvider":"gcp","region":"us-east-1"}]}}`, 400, `BAD_REQUEST: request body.privateEndpoints.add[0].region value is not a region of gcp: "us-east-1"`},
		"registry incomplete": {"PATCH", "", `{"privateEndpoints":{"remove":[{"id":"a"}]}}`, 400, "BAD_REQUEST: request body.privateEndpoints.remove[0].cloudProvider is required"},
		"endpoint config":     {"GET", "/privateEndpointConfig?cloud_provider=gcp&region_id=us-east1", "", 400, "BAD_REQUEST: organization has no created instances in gcp us-east1"},
		"endpoint provider":   {"GET", "/privateEndpointConfig?cloud_provider=gpc&region_id=us-east1", "", 400, `BAD_REQUEST: query parameter cloud_provider value is not a provider: "gpc"`},
		"endpoint region":     {"GET", "/privateEndpointConfig?cloud_provider=gcp", "", 400, "BAD_REQUEST: query parameter region_id is required"},
		"metrics filter":      {"GET", "/prometheus?filtered_metrics=yes", "", 400, `BAD_REQUEST: query parameter filtered_metrics value is not a boolean: "yes"`},

		"create without IP list": {"POST", "/services", `{"name":"x","provider":"aws","region":"us-east-1"}`, 400, "BAD_REQUEST: request body.ipAccessList value is not an array: undefined"},
		"create IP object":       {"POST", "/services", `{"name":"x","provider":"aws","region":"us-east-1","ipAccessList":{}}`, 400, "BAD_REQUEST: request body.ipAccessList value is not an array: {}"},
		"create without name":    {"POST", "/services", `{"provider":"aws","region":"us-east-1","ipAccessList":[]}`, 400, "BAD_REQUEST: request body.name is required"},
		"create long name":       {"POST", "/services", `{"name":"` + long + `","provider":"aws","region":"us-east-1","ipAccessList":[]}`, 400, "BAD_REQUEST: request body.name: length must be between 1 and 50 <number:51>"},
		"create odd name":        {"POST", "/services", `{"name":"a/b","provider":"aws","region":"us-east-1","ipAccessList":[]}`, 400, `BAD_REQUEST: request body.name: must be an alphanumerical string with whitespaces: "a/b"`},
		"create provider":        {"POST", "/services", `{"name":"x","provider":"oci","region":"us-east-1","ipAccessList":[]}`, 400, `BAD_REQUEST: request body.provider value is not one of ["aws","gcp","azure"]: "oci"`},
		"create region":          {"POST", "/services", `{"name":"x","provider":"gcp","region":"us-east-1","ipAccessList":[]}`, 400, `BAD_REQUEST: request body.region value is not a region of gcp: "us-east-1"`},
		"create tier":            {"POST", "/services", create(`,"tier":"production"`), 400, "BAD_REQUEST: Service tier is not supported in this organization."},
		"create unknown field":   {"POST", "/services", create(`,"replicas":3`), 400, "BAD_REQUEST: request body.replicas is not a known field"},
		"create nested unknown":  {"POST", "/services", create(`,"tags":[{"key":"a","color":"b"}]`), 400, "BAD_REQUEST: request body.tags[0].color is not a known field"},
		"create backup config":   {"POST", "/services", create(`,"backupConfiguration":{}`), 400, "BAD_REQUEST: request body.backupConfiguration is not a known field"},
		"create tags object":     {"POST", "/services", create(`,"tags":{"add":[]}`), 400, `BAD_REQUEST: request body.tags value is not an array: {"add":[]}`},
		"create tag key":         {"POST", "/services", create(`,"tags":[{"key":"a b"}]`), 400, `BAD_REQUEST: request body.tags[0].key value is not a tag key: "a b"`},
		"create tag value":       {"POST", "/services", create(`,"tags":[{"key":"a","value":"b:c"}]`), 400, `BAD_REQUEST: request body.tags[0].value value is not a tag value: "b:c"`},
		"create tag twice":       {"POST", "/services", create(`,"tags":[{"key":"a"},{"key":"a"}]`), 400, "BAD_REQUEST: request body.tags[1].key exists already: a"},
		"create 51 tags":         {"POST", "/services", create(`,"tags":[` + strings.TrimSuffix(manyTags(51), ",") + `]`), 400, "BAD_REQUEST: request body.tags: a service has at most 50 tags <number:51>"},
		"create bad source":      {"POST", "/services", `{"name":"x","provider":"aws","region":"us-east-1","ipAccessList":[{"source":"10.0.0.300"}]}`, 400, `BAD_REQUEST: request body.ipAccessList[0].source value is not an IPv4 address or CIDR: "10.0.0.300"`},
		"create IPv6 source":     {"POST", "/services", `{"name":"x","provider":"aws","region":"us-east-1","ipAccessList":[{"source":"2001:db8::/32"}]}`, 400, `BAD_REQUEST: request body.ipAccessList[0].source value is not an IPv4 address or CIDR: "2001:db8::/32"`},
		"create source twice":    {"POST", "/services", `{"name":"x","provider":"aws","region":"us-east-1","ipAccessList":[{"source":"10.0.0.1"},{"source":"10.0.0.1"}]}`, 400, "BAD_REQUEST: request body.ipAccessList[1].source exists already: 10.0.0.1"},
		"create other protocol":  {"POST", "/services", create(`,"endpoints":[{"protocol":"https","enabled":true}]`), 400, `BAD_REQUEST: request body.endpoints[0].protocol value is not one of ["mysql"]: "https"`},
		"create read-only":       {"POST", "/services", create(`,"isReadonly":true`), 400, "BAD_REQUEST: isReadonly is only possible together with dataWarehouseId"},
		"create no warehouse":    {"POST", "/services", create(`,"dataWarehouseId":"w"`), 400, "BAD_REQUEST: dataWarehouseId w does not exist"},
		"create no backup":       {"POST", "/services", create(`,"backupId":"` + unknownID + `"`), 400, "BAD_REQUEST: backupId " + unknownID + " does not exist"},
		"create no endpoint":     {"POST", "/services", create(`,"privateEndpointIds":["vpce-9"]`), 400, "BAD_REQUEST: private endpoint vpce-9 is not registered in aws us-east-1"},
		"create no byoc":         {"POST", "/services", create(`,"byocId":"b","minReplicaMemoryGb":48,"maxReplicaMemoryGb":48`), 400, "BAD_REQUEST: byocId b does not exist"},
		"create 0 replicas":      {"POST", "/services", create(`,"numReplicas":0`), 400, "BAD_REQUEST: request body.numReplicas: Number of replicas must be greater than 1 <number:0>"},
		"create 21 replicas":     {"POST", "/services", create(`,"numReplicas":21`), 400, "BAD_REQUEST: request body.numReplicas: Number of replicas must be less than 20 <number:21>"},
		"create half replica":    {"POST", "/services", create(`,"numReplicas":1.5`), 400, "BAD_REQUEST: request body.numReplicas value is not an integer: 1.5"},
		"create text replicas":   {"POST", "/services", create(`,"numReplicas":"3"`), 400, `BAD_REQUEST: request body.numReplicas value is not a number: "3"`},
		"create odd memory":      {"POST", "/services", create(`,"minReplicaMemoryGb":10`), 400, "BAD_REQUEST: request body.minReplicaMemoryGb: must be a multiple of 4 between 8 and 356 <number:10>"},
		"create much memory":     {"POST", "/services", create(`,"maxReplicaMemoryGb":360`), 400, "BAD_REQUEST: request body.maxReplicaMemoryGb: must be a multiple of 4 between 8 and 356 <number:360>"},
		"create odd total":       {"POST", "/services", create(`,"minTotalMemoryGb":28`), 400, "BAD_REQUEST: request body.minTotalMemoryGb: must be a multiple of 12 between 24 and 1068 <number:28>"},
		"create both memories":   {"POST", "/services", create(`,"minTotalMemoryGb":24,"minReplicaMemoryGb":8`), 400, "BAD_REQUEST: request body: total memory and replica memory cannot be set together"},

		"patch tags array":        {"PATCH", "/services/{id}", `{"tags":[{"key":"a"}]}`, 400, "BAD_REQUEST: request body.tags is an array."},
		"patch IP array":          {"PATCH", "/services/{id}", `{"ipAccessList":[]}`, 400, "BAD_REQUEST: request body.ipAccessList is an array."},
		"patch endpoints array":   {"PATCH", "/services/{id}", `{"privateEndpointIds":[]}`, 400, "BAD_REQUEST: request body.privateEndpointIds is an array."},
		"patch immutable":         {"PATCH", "/services/{id}", `{"region":"us-east-2"}`, 400, "BAD_REQUEST: request body.region is not a known field"},
		"patch scaling field":     {"PATCH", "/services/{id}", `{"numReplicas":2}`, 400, "BAD_REQUEST: request body.numReplicas is not a known field"},
		"patch source again":      {"PATCH", "/services/{id}", `{"ipAccessList":{"add":[{"source":"10.0.0.0/8"}]}}`, 400, "BAD_REQUEST: request body.ipAccessList.add[0].source exists already: 10.0.0.0/8"},
		"patch tag again":         {"PATCH", "/services/{id}", `{"tags":{"add":[{"key":"team","value":"b"}]}}`, 400, "BAD_REQUEST: request body.tags.add[0].key exists already: team"},
		"patch TDE key":           {"PATCH", "/services/{id}", `{"transparentDataEncryptionKeyId":"k"}`, 400, "BAD_REQUEST: transparent data encryption is not enabled for this service"},
		"patch release channel":   {"PATCH", "/services/{id}", `{"releaseChannel":"edge"}`, 400, `BAD_REQUEST: request body.releaseChannel value is not one of ["slow","default","fast"]: "edge"`},
		"command missing":         {"PATCH", "/services/{id}/state", `{}`, 400, "BAD_REQUEST: request body.command is required"},
		"command unknown":         {"PATCH", "/services/{id}/state", `{"command":"pause"}`, 400, `BAD_REQUEST: request body.command value is not one of ["start","stop","awake"]: "pause"`},
		"command in wrong state":  {"PATCH", "/services/{id}/state", `{"command":"start"}`, 409, "CONFLICT: cannot start a service in state 'running'"},
		"delete running":          {"DELETE", "/services/{id}", "", 409, "CONFLICT: Only instance in one of the following states: 'provisioning','starting','awaking','idle','stopped','degraded','failed' can be terminated. Current state: 'running'"},
		"password hash":           {"PATCH", "/services/{id}/password", `{"newPasswordHash":"secret"}`, 400, "BAD_REQUEST: request body.newPasswordHash is not the base64 of a SHA-256 hash"},
		"password SHA-1":          {"PATCH", "/services/{id}/password", `{"newDoubleSha1Hash":"secret"}`, 400, "BAD_REQUEST: request body.newDoubleSha1Hash is not the hex of a SHA-1 hash"},
		"password plain":          {"PATCH", "/services/{id}/password", `{"password":"secret"}`, 400, "BAD_REQUEST: request body.password is not a known field"},
		"backup start minute":     {"PATCH", "/services/{id}/backupConfiguration", `{"backupStartTime":"02:30"}`, 400, "BAD_REQUEST: customBackupStartTime must be a valid time (HH:00)"},
		"backup start hour":       {"PATCH", "/services/{id}/backupConfiguration", `{"backupStartTime":"24:00"}`, 400, "BAD_REQUEST: customBackupStartTime must be a valid time (HH:00)"},
		"backup start and period": {"PATCH", "/services/{id}/backupConfiguration", `{"backupStartTime":"02:00","backupPeriodInHours":12}`, 400, "BAD_REQUEST: customBackupPeriod must be 24 or 48 hours when customBackupStartTime is set"},
		"backup retention":        {"PATCH", "/services/{id}/backupConfiguration", `{"backupRetentionPeriodInHours":30}`, 400, "BAD_REQUEST: request body.backupRetentionPeriodInHours: must be a multiple of 24 between 24 and 1080 <number:30>"},
		"backup no period":        {"PATCH", "/services/{id}/backupConfiguration", `{"backupPeriodInHours":0}`, 400, "BAD_REQUEST: request body.backupPeriodInHours: must be greater than 0 <number:0>"},
		"endpoint without id":     {"POST", "/services/{id}/privateEndpoint", `{"description":"x"}`, 400, "BAD_REQUEST: request body.id is required"},

		"count and band":            {"PATCH", "/services/{id}/replicaScaling", `{"numReplicas":2,"minReplicas":2,"maxReplicas":2}`, 400, "BAD_REQUEST: request body: numReplicas cannot be set together with minReplicas and maxReplicas"},
		"half a band":               {"PATCH", "/services/{id}/replicaScaling", `{"minReplicas":2}`, 400, "BAD_REQUEST: request body: minReplicas and maxReplicas must be set together"},
		"band upside down":          {"PATCH", "/services/{id}/replicaScaling", `{"minReplicas":3,"maxReplicas":2}`, 400, "BAD_REQUEST: request body: minReplicas must not be greater than maxReplicas"},
		"band in vertical":          {"PATCH", "/services/{id}/replicaScaling", `{"minReplicas":2,"maxReplicas":3}`, 400, "BAD_REQUEST: request body: minReplicas and maxReplicas must be equal with vertical autoscaling"},
		"horizontal without band":   {"PATCH", "/services/{id}/replicaScaling", `{"autoscalingMode":"horizontal"}`, 400, "BAD_REQUEST: request body: minReplicas and maxReplicas are required for horizontal autoscaling"},
		"horizontal with count":     {"PATCH", "/services/{id}/replicaScaling", `{"autoscalingMode":"horizontal","numReplicas":2}`, 400, "BAD_REQUEST: request body: numReplicas cannot be set with horizontal autoscaling"},
		"horizontal memory range":   {"PATCH", "/services/{id}/replicaScaling", `{"autoscalingMode":"horizontal","minReplicas":2,"maxReplicas":3}`, 400, "BAD_REQUEST: request body: minReplicaMemoryGb and maxReplicaMemoryGb must be equal with horizontal autoscaling"},
		"memory upside down":        {"PATCH", "/services/{id}/replicaScaling", `{"minReplicaMemoryGb":32,"maxReplicaMemoryGb":16}`, 400, "BAD_REQUEST: request body: minReplicaMemoryGb must not be greater than maxReplicaMemoryGb"},
		"memory above stored bound": {"PATCH", "/services/{id}/replicaScaling", `{"minReplicaMemoryGb":124}`, 400, "BAD_REQUEST: request body: minReplicaMemoryGb must not be greater than maxReplicaMemoryGb"},
		"short timeout":             {"PATCH", "/services/{id}/replicaScaling", `{"idleTimeoutMinutes":4}`, 400, "BAD_REQUEST: request body.idleTimeoutMinutes: must be at least 5 <number:4>"},
		"timeout without idling":    {"PATCH", "/services/{id}/replicaScaling", `{"idleScaling":false,"idleTimeoutMinutes":5}`, 400, "BAD_REQUEST: request body.idleTimeoutMinutes cannot be set when idleScaling is false"},
		"timeout while not idling":  {"PATCH", "/services/{idle}/replicaScaling", `{"idleTimeoutMinutes":5}`, 400, "BAD_REQUEST: request body.idleTimeoutMinutes cannot be set when idleScaling is false"},
		"totals at replicaScaling":  {"PATCH", "/services/{id}/replicaScaling", `{"minTotalMemoryGb":24}`, 400, "BAD_REQUEST: request body.minTotalMemoryGb is not a known field"},
		"replicas at scaling":       {"PATCH", "/services/{id}/scaling", `{"minReplicaMemoryGb":8}`, 400, "BAD_REQUEST: request body.minReplicaMemoryGb is not a known field"},

		"key without name":     {"POST", "/keys", `{}`, 400, "BAD_REQUEST: request body.name is required"},
		"key legacy roles":     {"POST", "/keys", `{"name":"k","roles":["admin"]}`, 400, "Organization has migrated to Custom Roles. Use 'assignedRoleIds' instead of 'roles'."},
		"key unknown role":     {"POST", "/keys", `{"name":"k","assignedRoleIds":["` + unknownID + `"]}`, 400, "BAD_REQUEST: request body.assignedRoleIds: unknown role <" + unknownID + ">"},
		"key state":            {"POST", "/keys", `{"name":"k","state":"off"}`, 400, `BAD_REQUEST: request body.state value is not one of ["enabled","disabled"]: "off"`},
		"key born expired":     {"POST", "/keys", `{"name":"k","expireAt":"2026-03-01T12:00:00Z"}`, 400, `BAD_REQUEST: request body.expireAt has passed: 2026-03-01T12:00:00Z`},
		"key date":             {"POST", "/keys", `{"name":"k","expireAt":"2027-06-30"}`, 400, `BAD_REQUEST: request body.expireAt value is not a timestamp: "2027-06-30"`},
		"key IP patch":         {"POST", "/keys", `{"name":"k","ipAccessList":{"add":[]}}`, 400, `BAD_REQUEST: request body.ipAccessList value is not an array: {"add":[]}`},
		"key half a hash":      {"POST", "/keys", `{"name":"k","hashData":{"keyIdHash":"n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="}}`, 400, "BAD_REQUEST: request body.hashData.keyIdSuffix is required"},
		"key plain suffix":     {"POST", "/keys", `{"name":"k","hashData":{"keyIdHash":"n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=","keyIdSuffix":"abcde","keySecretHash":"n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="}}`, 400, `BAD_REQUEST: request body.hashData.keyIdSuffix must be the last 4 characters of the key id: "abcde"`},
		"member legacy role":   {"PATCH", "/members/{admin}", `{"role":"developer"}`, 400, "Organization has migrated to Custom Roles. Use 'assignedRoleIds' instead of 'role'."},
		"last admin demoted":   {"PATCH", "/members/{admin}", `{"assignedRoleIds":[]}`, 400, "BAD_REQUEST: the organization must keep at least one admin"},
		"last admin removed":   {"DELETE", "/members/{admin}", "", 400, "BAD_REQUEST: the organization must keep at least one admin"},
		"own key deleted":      {"DELETE", "/keys/{own}", "", 400, "BAD_REQUEST: the API key that authenticates the request cannot be deleted"},
		"invitation email":     {"POST", "/invitations", `{"email":"ana","assignedRoleIds":[]}`, 400, `BAD_REQUEST: request body.email value is not an email address: "ana"`},
		"invitation role":      {"POST", "/invitations", `{"email":"ana@example.com"}`, 400, "BAD_REQUEST: request body: a role is required"},
		"invitation legacy":    {"POST", "/invitations", `{"email":"ana@example.com","role":"admin"}`, 400, "Organization has migrated to Custom Roles. Use 'assignedRoleIds' instead of 'role'."},
		"invitation of member": {"POST", "/invitations", `{"email":"ADMIN@example.com","assignedRoleIds":[]}`, 409, "CONFLICT: admin@example.com is a member already"},
	}
	_, c, _ := start(t, sim.Config{})
	id := c.newService("base", object{
		"ipAccessList": []any{object{"source": "10.0.0.0/8"}}, "tags": []any{object{"key": "team", "value": "a"}},
	})
	places := strings.NewReplacer(
		"{org}", c.org, "{id}", id, "{idle}", c.newService("awake", object{"idleScaling": false}),
		"{admin}", c.list("/members")[0]["userId"].(string), "{own}", c.list("/keys")[0]["id"].(string),
	)
	before := c.control("GET", "/state", nil)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var body any
			if test.body != "" {
				body = test.body
			}
			sub := *c
			sub.t = t
			if strings.Contains(test.want, "no such operation") {
				sub.rt = c.bare
			}
			sub.refused(test.method, places.Replace(test.path), body, test.status, places.Replace(test.want))
		})
	}
	after := c.control("GET", "/state", nil)
	if diff := diffStates(before, after); diff != "" {
		t.Errorf("refused requests changed something (-before +after):\n%s", diff)
	}
}

func manyTags(n int) string {
	var list strings.Builder
	for i := range n {
		list.WriteString(`{"key":"k` + strings.Repeat("x", i) + `"},`)
	}
	return list.String()
}
