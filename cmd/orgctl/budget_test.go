package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// whole declares something of every collection, so that all of them have to be read.
const whole = `spec:
  name: Acme
  privateEndpoints: [{id: vpce-1, cloudProvider: aws, region: us-east-1, description: old}]
  services:
    - {name: orders, provider: aws, region: us-east-1, ipAccessList: [{source: 203.0.113.1}], numReplicas: 3, idleTimeoutMinutes: 15}
    - {name: events, provider: aws, region: us-east-1, ipAccessList: [{source: 203.0.113.1}], privateEndpointIds: [vpce-1]}
    - {name: etl, warehouse: orders, ipAccessList: []}
  keys:
    - {name: ci, roles: [developer], state: enabled, ipAccessList: [{source: 203.0.113.1}]}
    - {name: cd, roles: [developer], ipAccessList: [{source: 203.0.113.1}]}
  members: [{email: admin@example.com, role: admin}, {email: ana@example.com, role: developer}]
  invitations: [{email: new@example.com, role: developer}]
`

// TestRequestBudgets holds an apply to what it may cost, by the simulator's log (docs/performance.md): ten requests are one
// window of the rate limit, so that what keeps to them never waits. Where roles are named, an organization with custom roles costs
// one more.
func TestRequestBudgets(t *testing.T) {
	t.Parallel()
	alone := "spec: {services: [{name: orders, provider: aws, region: us-east-1, ipAccessList: [{source: 203.0.113.1}], numReplicas: 3}]}\n"
	many := func(collection, object string, n int) string {
		var out strings.Builder
		fmt.Fprintf(&out, "spec:\n  %s:\n", collection)
		for i := range n {
			fmt.Fprintf(&out, "    - "+object+"\n", i)
		}
		return out.String()
	}
	edited := func(manifest string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(manifest) }
	for name, tc := range map[string]struct {
		before, after string
		requests      int
		roles         bool
	}{
		"nothing to do, everything declared":       {whole, whole, 5, true},
		"nothing to do, services declared":         {alone, alone, 3, false},
		"an entry, services declared":              {alone, edited(alone, "203.0.113.1", "203.0.113.2"), 5, false},
		"a size, services declared":                {alone, edited(alone, "numReplicas: 3", "numReplicas: 5"), 5, false},
		"an entry, everything declared":            {whole, edited(whole, "idleTimeoutMinutes: 15", "idleTimeoutMinutes: 30"), 7, true},
		"three services":                           {whole, edited(whole, "ipAccessList: [{source: 203.0.113.1}], numReplicas", "ipAccessList: [{source: 203.0.113.2}], numReplicas", "ipAccessList: [{source: 203.0.113.1}], privateEndpointIds", "ipAccessList: [{source: 203.0.113.3}], privateEndpointIds", "ipAccessList: []", "ipAccessList: [{source: 203.0.113.4}]"), 9, true},
		"two services and a key":                   {whole, edited(whole, "numReplicas: 3", "numReplicas: 5", "ipAccessList: []", "ipAccessList: [{source: 203.0.113.4}]", "state: enabled", "state: disabled"), 10, true},
		"the organization's name, a key, a person": {whole, edited(whole, "name: Acme", "name: Other", "state: enabled", "state: disabled", "ana@example.com, role: developer", "ana@example.com, role: admin"), 11, true},
		"a service, a key and a person":            {whole, edited(whole, "numReplicas: 3", "numReplicas: 5", "state: enabled", "state: disabled", "ana@example.com, role: developer", "ana@example.com, role: admin"), 11, true},
		"the first service":                        {"spec: {name: Acme}", alone, 9, false},
		"a service, everything declared":           {whole, edited(whole, "  keys:", "    - {name: fresh, provider: aws, region: us-east-1, ipAccessList: []}\n  keys:"), 10, true},
		"a secondary":                              {alone, strings.Replace(alone, "]}\n", ", {name: etl, warehouse: orders, ipAccessList: []}]}\n", 1), 9, false},
		"ten keys":                                 {"spec: {name: Acme}", many("keys", "{name: k%02d, roles: [developer], ipAccessList: []}", 10), 2 + 1 + 10 + 2, true},
		"ten invitations":                          {"spec: {name: Acme}", many("invitations", "{email: p%02d@example.com, role: developer}", 10), 4 + 1 + 10 + 1, true},
		"ten services":                             {"spec: {name: Acme}", many("services", "{name: s%02d, provider: aws, region: us-east-1, ipAccessList: []}", 10), 3 + 1 + 1 + 20 + 2, false},
	} {
		for _, legacy := range []bool{true, false} {
			budget := tc.requests
			if tc.roles && !legacy {
				budget++
			}
			t.Run(fmt.Sprintf("%s, legacy roles %t", name, legacy), func(t *testing.T) {
				t.Parallel()
				holdApply(t, sim.Config{LegacyRoles: legacy}, tc.before, tc.after, budget)
			})
		}
	}
}

// holdApply applies one manifest and then, counted, another. Rounds of polling services are not counted beyond the first.
func holdApply(t *testing.T, cfg sim.Config, before, after string, budget int) {
	t.Helper()
	api := sim.New(cfg)
	editing(t, api, sim.Edit{Kind: "member", Name: "ana@example.com", Create: true, Set: map[string]any{"roles": []any{"developer"}}})
	p := newProgram(t, credentials(t, api)...)
	p.write(t, "before.yaml", manifest(before))
	p.write(t, "after.yaml", manifest(after))
	p.ok(t, "apply", "--yes", "-f", "before.yaml", "--secrets-out", "secrets")
	p.env = append(p.env, "ORGCTL_TICK=1s", "ORGCTL_RATE=1000/1s") // so that the log is not asked for what is over at once
	api.ResetRequests()
	if r := p.ok(t, "apply", "--yes", "-f", "after.yaml", "--secrets-out", "secrets"); r.lastLine() != "converged" {
		t.Errorf("%s", r.stdout)
	}
	var log []string
	rounds := 0
	for _, r := range api.Requests() {
		if r.Status != http.StatusOK {
			t.Errorf("%s %s: %d", r.Method, r.Path, r.Status)
		}
		if r.Method == http.MethodGet && strings.HasSuffix(r.Path, "/services") {
			if rounds++; rounds > 3 { // before, the first round, after
				continue
			}
		}
		log = append(log, fmt.Sprintf("%s %s %d", r.Method, r.Path, r.Status))
	}
	if len(log) > budget {
		t.Errorf("%d requests, at most %d:\n%s", len(log), budget, strings.Join(log, "\n"))
	}
	t.Logf("%d requests", len(log))
}
