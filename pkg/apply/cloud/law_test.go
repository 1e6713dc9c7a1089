package cloud_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/apply/backendtest"
)

// drawManifest writes a valid manifest over few names, so that consecutive ones overlap.
func drawManifest(t *rapid.T, legacy bool) string {
	var b strings.Builder
	pick := func(label string, values ...string) string { return rapid.SampledFrom(values).Draw(t, label) }
	some := func(label string, values ...string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(values), 0, len(values), rapid.ID[string]).Draw(t, label)
	}
	fmt.Fprintf(&b, "spec:\n  name: %s\n  enableCoreDumps: true\n  privateEndpoints:\n", pick("organization", "Acme", "Other"))
	b.WriteString("    - {id: vpce-1, cloudProvider: aws, region: us-east-1, description: one}\n    - {id: vpce-2, cloudProvider: aws, region: us-east-1, description: two}\n")
	b.WriteString("  services:\n    - {name: keep, provider: aws, region: us-east-1, ipAccessList: []}\n")
	for _, name := range some("services", "a", "b", "c") {
		fmt.Fprintf(&b, "    - name: %s\n      provider: aws\n      region: us-east-1\n      ipAccessList: [%s]\n", name, drawEntries(t))
		if rapid.Bool().Draw(t, "scaled") {
			drawScaling(t, &b)
		}
		for _, line := range some("lines",
			"state: running", "state: stopped", "releaseChannel: fast", "privateEndpointIds: [vpce-1]", "privateEndpointIds: [vpce-2, vpce-1]",
			"tags: [{key: team, value: x}]", "tags: [{key: team, value: y}, {key: bare}]", "endpoints: [{protocol: mysql, enabled: true}]",
			"enableCoreDumps: false", "backupConfiguration: {backupPeriodInHours: 12, backupStartTime: null}", "backupConfiguration: {backupPeriodInHours: null, backupStartTime: null}",
			`backupConfiguration: {backupStartTime: "03:00", backupPeriodInHours: 24}`) {
			key, _, _ := strings.Cut(line, ":")
			if !strings.Contains(b.String()[strings.LastIndex(b.String(), "- name:"):], "\n      "+key+":") {
				b.WriteString("      " + line + "\n")
			}
		}
	}
	b.WriteString("  keys:\n    - {name: ci, roles: [developer], ipAccessList: []}\n")
	for _, name := range some("keys", "k1", "k2") {
		roles := pick("roles", "developer", "admin")
		if !legacy {
			roles = pick("custom roles", roles, "Billing, developer")
		}
		fmt.Fprintf(&b, "    - {name: %s, roles: [%s], state: %s, expireAt: %s, ipAccessList: [%s]}\n", name, roles,
			pick("state", "enabled", "disabled"), pick("expiry", "null", "2030-01-01T00:00:00Z", "2030-01-01T00:00:00.9876Z"), drawEntries(t))
	}
	b.WriteString("  invitations:\n    - {email: z@example.com, role: developer}\n")
	for _, name := range some("people", "x", "y") {
		fmt.Fprintf(&b, "    - {email: %s@example.com, role: %s}\n", name, pick("role", "admin", "developer"))
	}
	fmt.Fprintf(&b, "policy: {prune: [%s], maxDeletes: {percent: 100}}\n", strings.Join(some("prune", "services", "invitations"), ", "))
	return b.String()
}

func drawEntries(t *rapid.T) string {
	var out []string
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 5), 0, 4, rapid.ID[int]).Draw(t, "entries") {
		entry := fmt.Sprintf("{source: 203.0.113.%d", n)
		if rapid.Bool().Draw(t, "network") {
			entry += "/32"
		}
		out = append(out, entry+rapid.SampledFrom([]string{"", ", description: x", ", description: y", `, description: ""`}).Draw(t, "description")+"}")
	}
	return strings.Join(out, ", ")
}

func drawScaling(t *rapid.T, b *strings.Builder) {
	memory := rapid.SampledFrom([]int{8, 16, 32}).Draw(t, "memory")
	switch rapid.IntRange(0, 3).Draw(t, "scaling") {
	case 0:
		fmt.Fprintf(b, "      numReplicas: %d\n      minReplicaMemoryGb: %d\n      maxReplicaMemoryGb: %d\n", rapid.IntRange(1, 5).Draw(t, "replicas"), memory, 2*memory)
	case 1:
		fmt.Fprintf(b, "      minReplicas: 2\n      maxReplicas: %d\n      minReplicaMemoryGb: %d\n      maxReplicaMemoryGb: %d\n", rapid.IntRange(2, 5).Draw(t, "band"), memory, memory)
	case 2:
		b.WriteString("      idleScaling: false\n")
	default:
		fmt.Fprintf(b, "      idleScaling: true\n      idleTimeoutMinutes: %s\n", rapid.SampledFrom([]string{"5", "7.5", "30.2", "60"}).Draw(t, "timeout"))
	}
}

// edits are what somebody does at the console.
var edits = []backendtest.Edit{
	{Kind: "service", Name: "keep", Set: map[string]any{"ipAccessList": []any{map[string]any{"source": "0.0.0.0/0"}}}},
	{Kind: "service", Name: "keep", Set: map[string]any{"state": "idle"}},
	{Kind: "service", Name: "keep", Set: map[string]any{"tags": []any{map[string]any{"key": "console"}}}},
	{Kind: "service", Name: "keep", Set: map[string]any{"numReplicas": 7}},
	{Kind: "key", Name: "ci", Set: map[string]any{"state": "disabled"}},
	{Kind: "key", Name: "ci", Set: map[string]any{"roles": []any{"admin"}}},
	{Kind: "invitation", Name: "z@example.com", Delete: true},
	{Kind: "organization", Set: map[string]any{"name": "Console"}},
	{Kind: "service", Create: true, Set: map[string]any{"name": "foreign", "provider": "aws", "region": "us-east-1"}},
}

// TestLawAnyManifestConverges holds the law of the suite in every shape of the API.
func TestLawAnyManifestConverges(t *testing.T) {
	for name, cfg := range shapes {
		t.Run(name, suite(cfg).Law)
	}
}
