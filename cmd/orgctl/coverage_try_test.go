package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

// origin is a document that orgctl was made from, with the endpoints that it has.
type origin struct {
	title     string
	api       string // of which tries has a trial
	endpoints func(*covered) []originEndpoint
}

// tries are how the commands of each API are tried.
var tries = map[string]func(t *testing.T, operations []coveredOperation) *trial{"clickhouse": tryCloud, "locktera": tryLocktera}

// originEndpoint is an endpoint, and the command that reaches it; by another one if by is that.
type originEndpoint struct{ name, command, by string }

func (e originEndpoint) String() string {
	if e.by != "" {
		return "`" + e.command + "`, by `" + e.by + "`"
	}
	return "`" + e.command + "`"
}

// origins are all.
var origins = []origin{
	{
		title: "ClickHouse Cloud, the older reference of the whole API", api: "clickhouse",
		endpoints: cloudEndpoints(
			"GET /v1/organizations", "GET …", "PATCH …", "GET …/prometheus",
			"GET …/services", "POST …/services", "GET …/services/{serviceId}", "PATCH …/services/{serviceId}", "DELETE …/services/{serviceId}",
			"GET …/services/{serviceId}/privateEndpointConfig", "PATCH …/services/{serviceId}/state", "PATCH …/services/{serviceId}/scaling",
			"PATCH …/services/{serviceId}/replicaScaling", "PATCH …/services/{serviceId}/password", "GET …/services/{serviceId}/prometheus",
			"GET …/services/{serviceId}/backups", "GET …/services/{serviceId}/backups/{backupId}",
			"GET …/services/{serviceId}/backupConfiguration", "PATCH …/services/{serviceId}/backupConfiguration",
			"GET …/keys", "POST …/keys", "GET …/keys/{keyId}", "PATCH …/keys/{keyId}", "DELETE …/keys/{keyId}",
			"GET …/members", "GET …/members/{userId}", "PATCH …/members/{userId}", "DELETE …/members/{userId}",
			"GET …/invitations", "POST …/invitations", "GET …/invitations/{invitationId}", "DELETE …/invitations/{invitationId}",
			"GET …/activities", "GET …/activities/{activityId}", "GET …/privateEndpointConfig",
		),
	},
	{
		title: "ClickHouse Cloud, the page of organizations, in English, Chinese and Russian", api: "clickhouse",
		endpoints: cloudEndpoints("GET /v1/organizations", "GET …", "PATCH …", "GET …/activities", "GET …/activities/{activityId}"),
	},
	{
		title: "Locktera, the page of organizations, with the API keys and tags that it names", api: "locktera",
		endpoints: func(*covered) []originEndpoint { return lockteraEndpoints },
	},
}

// lockteraEndpoints are endpoints of Locktera's organization API, of which there is no document that the page could be held to.
var lockteraEndpoints = []originEndpoint{
	{name: "GET /orgs/{org_id}", command: "orgctl get organization"},
	{name: "PATCH /orgs/{org_id}", command: applying},
	{name: "DELETE /orgs/{org_id}", command: deleting},
	{name: "GET /orgs/{org_id}/access_log", command: "orgctl get access-log"},
	{name: "GET /orgs/{org_id}/children_audit", command: "orgctl get children-audit"},
	{name: "GET /orgs/{org_id}/consumption", command: "orgctl get consumption"},
	{name: "GET /orgs/{org_id}/customizations", command: "orgctl get customizations"},
	{name: "PUT /orgs/{org_id}/customizations", command: applying},
	{name: "GET /orgs/{org_id}/api_keys", command: "orgctl get api-keys"},
	{name: "POST /orgs/{org_id}/api_keys", command: applying},
	{name: "DELETE /orgs/{org_id}/api_keys/{key_id}", command: applying},
	{name: "GET /orgs/{org_id}/tags", command: "orgctl get tags"},
}

// cloudEndpoints are endpoints of ClickHouse Cloud, whose uses say which command reaches them.
func cloudEndpoints(names ...string) func(*covered) []originEndpoint {
	return func(c *covered) []originEndpoint {
		endpoints := make([]originEndpoint, len(names))
		for i, name := range names {
			endpoints[i] = originEndpoint{name: name, command: applying}
			switch u := c.uses[name]; {
			case u.how == isReadable:
				endpoints[i].command = strings.Trim(u.what, "`")
			case strings.HasSuffix(u.what, byReplica):
				endpoints[i].by = "PATCH …/services/{serviceId}/replicaScaling"
			}
		}
		return endpoints
	}
}

// applying is the command that makes all writes but those that are made on purpose alone.
const (
	applying = "orgctl apply"
	deleting = "orgctl delete-organization ID --confirm ID"
)

// trial is what commands have sent.
type trial struct {
	mu         sync.Mutex
	operations []coveredOperation
	made       map[string]map[string]bool // command -> operation
	sent       map[string]map[string]bool // operation -> field
}

// note adds to one of the maps of a trial.
func note(to map[string]map[string]bool, key, what string) {
	if to[key] == nil {
		to[key] = map[string]bool{}
	}
	to[key][what] = true
}

// operation is the name of that of a request; of two that fit, the one with more of its path fixed.
func (tr *trial) operation(method, path string) string {
	best := ""
	for _, op := range tr.operations {
		template := regexp.QuoteMeta(strings.Replace(op.name, "…", organizationPath, 1))
		pattern := regexp.MustCompile(`\\\{[a-zA-Z_]+\\\}`).ReplaceAllString(template, `[^/]+`)
		if regexp.MustCompile(`^`+pattern+`$`).MatchString(method+" "+path) && (best == "" || strings.Count(op.name, "{") < strings.Count(best, "{")) {
			best = op.name
		}
	}
	return best
}

// watch takes note of the bodies that a server gets.
func (tr *trial) watch(server http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(data))
		var body any
		if err == nil && json.Unmarshal(data, &body) == nil {
			tr.mu.Lock()
			tr.noteFields(tr.operation(r.Method, r.URL.Path), "", body)
			tr.mu.Unlock()
		}
		server.ServeHTTP(w, r)
	})
}

func (tr *trial) noteFields(operation, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			tr.noteFields(operation, strings.TrimPrefix(path+"."+name, "."), value)
		}
	case []any:
		for _, e := range v {
			if _, isObject := e.(map[string]any); isObject {
				tr.noteFields(operation, path+"[]", e)
			} else {
				note(tr.sent, operation, path)
			}
		}
	default:
		note(tr.sent, operation, path)
	}
}

// stand is an organization on which commands are tried.
type stand struct {
	*trial
	*program
	server *sim.Server
}

func (tr *trial) stand(t *testing.T, config sim.Config) *stand {
	t.Helper()
	server := sim.New(config)
	listener := httptest.NewServer(tr.watch(server))
	t.Cleanup(listener.Close)
	c := server.Credentials()
	return &stand{tr, newProgram(t,
		"CLICKHOUSE_API_URL="+listener.URL, "CLICKHOUSE_CLOUD_API_KEY="+c.KeyID, "CLICKHOUSE_CLOUD_API_SECRET="+c.KeySecret,
	), server}
}

// run runs a command and takes note of what the simulator has answered meanwhile under the name of it.
func (s *stand) run(t *testing.T, name string, want int, args ...string) string {
	t.Helper()
	s.server.ResetRequests()
	r := s.program.run(t, append(args, "--rate", "1000/1s")...)
	if r.code != want {
		t.Fatalf("orgctl %s: exit code %d, want %d\n%s\n%s", strings.Join(args, " "), r.code, want, r.stdout, r.stderr)
	}
	for _, request := range s.server.Requests() {
		if request.Status == http.StatusOK {
			note(s.made, name, s.operation(request.Method, request.Path))
		}
	}
	return r.stdout
}

// apply applies the spec of a manifest.
func (s *stand) apply(t *testing.T, want int, spec string) {
	t.Helper()
	s.write(t, "org.yaml", manifest(spec))
	s.run(t, applying, want, "apply", "-f", "org.yaml", "--yes", "--secrets-out", "secrets", "--allow-delete", "service/*")
}

func (s *stand) edit(t *testing.T, e sim.Edit) {
	t.Helper()
	if _, err := s.server.Edit(e); err != nil {
		t.Fatal(err)
	}
}

// get runs a command of the page. ID stands for that of the first which the command alone lists.
func (s *stand) get(t *testing.T, command string) {
	t.Helper()
	args := strings.Fields(strings.TrimPrefix(command, "orgctl "))
	if last := len(args) - 1; args[last] == "ID" {
		first := s.run(t, "orgctl "+strings.Join(args[:last], " "), exitOK, append(slices.Clone(args[:last]), "--limit", "1", "-o", "name")...)
		args[last] = strings.TrimSpace(first[strings.LastIndex(first, "/")+1:])
	}
	s.run(t, command, exitOK, args...)
}

// tryCloud runs, against simulators of ClickHouse Cloud, every command that reads, and an apply of whatever a manifest can say.
func tryCloud(t *testing.T, operations []coveredOperation) *trial {
	t.Helper()
	tr := &trial{operations: operations, made: map[string]map[string]bool{}, sent: map[string]map[string]bool{}}
	s := tr.stand(t, sim.Config{})
	s.apply(t, exitOK, everything)
	if _, err := s.server.AcceptInvitation("ana@example.com"); err != nil {
		t.Fatal(err)
	}
	s.server.Advance(26 * time.Hour) // for backups to be there
	s.edit(t, sim.Edit{Kind: "service", Name: "orders", Set: map[string]any{
		"serviceQueryEndpoint": map[string]any{"id": "q", "openApiKeys": []any{}, "roles": []any{"sql_console_admin"}, "allowedOrigins": "*"},
		"upgradeWindow":        map[string]any{"weekday": 6, "startHourUtc": 12},
		"backupBucket":         map[string]any{"id": "b", "bucketProvider": "AWS", "bucketPath": "s3://backups"},
	}})
	for _, u := range operationUses {
		if u.use.how == isReadable {
			s.get(t, strings.Trim(u.use.what, "`"))
		}
	}
	s.apply(t, exitOK, everythingElse)
	s.apply(t, exitOK, nothing)

	// What only some organizations may say is refused by this one.
	for _, field := range []string{"tier: production", "byocId: none, minReplicaMemoryGb: 48, maxReplicaMemoryGb: 48", "backupId: 8a6b80d2-5dfa-4da2-bb2a-5e822bce93cf"} {
		s.apply(t, exitPartial, "spec: {services: [{name: refused, provider: aws, region: us-east-1, ipAccessList: [], "+field+"}]}")
	}
	s.edit(t, sim.Edit{Kind: "service", Name: "half", Create: true, Set: map[string]any{
		"provider": "aws", "region": "us-east-1", "ipAccessList": []any{}, "tags": []any{map[string]any{"key": "orgctl-op", "value": "x"}},
		"endpoints": []any{map[string]any{"protocol": "mysql", "enabled": true}},
	}})
	s.apply(t, exitOK, "spec: {services: [{name: half, endpoints: [{protocol: mysql, enabled: true}]}]}")

	legacy := tr.stand(t, sim.Config{LegacyRoles: true})
	legacy.apply(t, exitOK, "spec: {keys: [{name: ci, roles: [developer], ipAccessList: []}], invitations: [{email: ana@example.com, role: developer}]}")
	if _, err := legacy.server.AcceptInvitation("ana@example.com"); err != nil {
		t.Fatal(err)
	}
	legacy.apply(t, exitOK, "spec: {keys: [{name: ci, roles: [admin]}], members: [{email: ana@example.com, role: admin}]}")
	return tr
}

// tryLocktera runs, against a simulator of Locktera, every command that reads, an apply of whatever a manifest can say, and the
// deletion of an organization.
func tryLocktera(t *testing.T, _ []coveredOperation) *trial {
	t.Helper()
	tr := &trial{made: map[string]map[string]bool{}}
	for _, e := range lockteraEndpoints {
		tr.operations = append(tr.operations, coveredOperation{name: e.name})
	}
	b := benchLocktera(t, locktera.Config{}, nil)
	run := func(name string, args ...string) {
		t.Helper()
		b.server.ResetRequests()
		b.ok(t, args...)
		for _, r := range b.server.Requests() {
			if r.Status == http.StatusOK {
				note(tr.made, name, tr.operation(r.Method, strings.TrimPrefix(r.Path, b.server.Prefix())))
			}
		}
	}
	for _, e := range lockteraEndpoints {
		if args, reads := strings.CutPrefix(e.command, "orgctl get "); reads {
			run(e.command, "get", args)
		}
	}
	for _, keys := range []string{"[{name: ci, permissions: [read]}]", "[{name: ci, ensure: absent}]"} {
		b.write(t, "org.yaml", manifest("spec:\n  api: locktera/v1\n  name: Acme\n  customizations: {theme: dark}\n  keys: "+keys+"\n"))
		run(applying, "apply", "-f", "org.yaml", "--yes", "--secrets-out", "secrets", "--allow-delete", "key/*")
	}
	if tr.made[applying]["DELETE /orgs/{org_id}"] {
		t.Error("an apply deletes an organization")
	}
	id := b.add(t, "Berlin", "", "group")
	run(deleting, "delete-organization", id, "--confirm", id, "--yes")
	return tr
}

// everything says all that can be said of what is new, everythingElse changes all of it, and nothing removes it.
const (
	everything = `spec:
  privateEndpoints: [{id: vpce-1, description: one, cloudProvider: aws, region: us-east-1}]
  services:
    - name: orders
      provider: aws
      region: us-east-1
      profile: v1-default
      complianceType: hipaa
      encryptionKey: arn:aws:kms:us-east-1:1:key/1
      encryptionAssumedRoleIdentifier: arn:aws:iam::1:role/1
      hasTransparentDataEncryption: true
      privatePreviewTermsChecked: true
      releaseChannel: fast
      enableCoreDumps: true
      endpoints: [{protocol: mysql, enabled: true}]
      autoscalingMode: vertical
      numReplicas: 3
      minReplicaMemoryGb: 16
      maxReplicaMemoryGb: 64
      idleScaling: true
      idleTimeoutMinutes: 10
      ipAccessList: [{source: 203.0.113.0/24, description: HQ}]
      privateEndpointIds: [vpce-1]
      tags: [{key: team, value: orders}]
      backupConfiguration: {backupPeriodInHours: 48, backupRetentionPeriodInHours: 48, backupStartTime: "02:00"}
    - {name: reader, warehouse: orders, isReadonly: true, ipAccessList: []}
    - {name: wide, provider: aws, region: us-east-1, ipAccessList: [], idleScaling: false, minReplicas: 2, maxReplicas: 4, minReplicaMemoryGb: 32, maxReplicaMemoryGb: 32}
  keys:
    - {name: ci, roles: [developer], state: disabled, expireAt: 2999-01-01T00:00:00Z, ipAccessList: [{source: 203.0.113.0/24, description: HQ}]}
  invitations: [{email: ana@example.com, role: developer}, {email: ben@example.com, role: developer}]
`
	everythingElse = `spec:
  name: Acme
  enableCoreDumps: false
  privateEndpoints:
    - {id: vpce-2, cloudProvider: aws, region: us-east-1}
  services:
    - name: sales
      previously: [orders]
      state: stopped
      transparentDataEncryptionKeyId: key-2
      releaseChannel: slow
      enableCoreDumps: false
      endpoints: [{protocol: mysql, enabled: false}]
      autoscalingMode: horizontal
      minReplicas: 2
      maxReplicas: 5
      minReplicaMemoryGb: 32
      maxReplicaMemoryGb: 32
      idleScaling: true
      idleTimeoutMinutes: 20
      ipAccessList: [{source: 198.51.100.0/24, description: VPN}]
      privateEndpointIds: [vpce-2]
      tags: [{key: team, value: sales}]
      backupConfiguration: {backupPeriodInHours: 24, backupRetentionPeriodInHours: 72, backupStartTime: "03:00"}
    - {name: reader, ensure: absent}
    - {name: wide, idleScaling: true, numReplicas: 3}
  keys:
    - {name: cd, previously: [ci], roles: [admin], state: enabled, expireAt: 2999-01-02T00:00:00Z, ipAccessList: [{source: 198.51.100.0/24, description: VPN}]}
  members: [{email: ana@example.com, role: admin}]
`
	nothing = `spec:
  privateEndpoints:
    - {id: vpce-1, cloudProvider: aws, region: us-east-1, ensure: absent}
    - {id: vpce-2, cloudProvider: aws, region: us-east-1, ensure: absent}
  services: [{name: sales, ensure: absent}, {name: wide, ensure: absent}]
  keys: [{name: cd, ensure: absent}]
  members: [{email: ana@example.com, ensure: absent}]
  invitations: [{email: ben@example.com, ensure: absent}]
`
)

// TestCoverageIsTrue makes every command of docs/coverage.md, and holds what was sent to what the page says: what is readable is
// read by the command that is named, what is managed or an operation is sent by an apply, field by field, and nothing else is sent.
func TestCoverageIsTrue(t *testing.T) {
	operations := operationsOfPage(readCoverage(t))
	c := coverage(t, operations)
	trials := map[string]*trial{}
	for api, try := range tries {
		trials[api] = try(t, operations)
	}
	tr := trials["clickhouse"]
	for _, op := range operations {
		command, u := applying, c.uses[op.name]
		if u.how == isReadable {
			command = strings.Trim(u.what, "`")
		}
		if u.how != isOutside && !tr.made[command][op.name] {
			t.Errorf("%s is %s, and %s does not reach it", op.name, u.how, command)
		}
		for command, made := range tr.made {
			if u.how == isOutside && made[op.name] {
				t.Errorf("%s is out of scope (%s), and %s reaches it", op.name, u.what, command)
			}
		}
		for _, field := range op.fields {
			fieldUse := c.fields[op.name][field]
			if sent := tr.sent[op.name][field]; sent != (fieldUse.how != isOutside) {
				t.Errorf("%s of %s is %s (%s) and is sent: %t", field, op.name, fieldUse.how, fieldUse.what, sent)
			}
		}
		for field := range tr.sent[op.name] {
			if !slices.Contains(op.fields, field) {
				t.Errorf("%s sends %s, which is not on the page", op.name, field)
			}
		}
	}
	for _, o := range origins {
		for _, e := range o.endpoints(c) {
			by := e.name
			if e.by != "" {
				by = e.by
			}
			if !trials[o.api].made[e.command][by] {
				t.Errorf("%s: %s does not reach %s", o.title, e.command, by)
			}
		}
	}
}
