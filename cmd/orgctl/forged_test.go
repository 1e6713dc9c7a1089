package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// TestForgedPlan: whoever can write a saved plan can give it a checksum, too. What the plan says of itself is not believed: that
// which can be derived is, and the rest is bound by the digest that was reviewed.
func TestForgedPlan(t *testing.T) {
	const before = `
spec:
  services:
    - {name: orders, provider: aws, region: us-east-1, ipAccessList: [{source: 203.0.113.0/24}]}
    - {name: events, provider: aws, region: us-east-1, ipAccessList: []}
  keys:
    - {name: stray, roles: [developer], ipAccessList: []}
`
	twin := sim.Edit{Kind: "key", Name: "twin", Create: true}
	tests := []struct {
		name, after string
		forge       func(plan map[string]any)
		want        int
		says        string
	}{
		{
			name: "no leave is required", after: "spec: {services: [{name: orders, ensure: absent}]}",
			forge: func(map[string]any) {},
			want:  exitBlocked, says: "OC330",
		},
		{
			name: "a leave that nobody reviewed", after: "spec: {services: [{name: orders, ensure: absent}]}",
			forge: func(plan map[string]any) { plan["policy"].(map[string]any)["allowDelete"] = []any{"service/orders"} },
			want:  exitError, says: "changed after it was made",
		},
		{
			name: "protect is forgotten", after: "spec: {services: [{name: orders, state: stopped, protect: true}]}",
			forge: func(map[string]any) {},
			want:  exitBlocked, says: "OC311",
		},
		{
			name: "protect is taken out of the policy", after: "spec: {services: [{name: orders, state: stopped, protect: true}]}",
			forge: func(plan map[string]any) { delete(plan["policy"].(map[string]any), "protected") },
			want:  exitError, says: "changed after it was made",
		},
		{
			name:  "what no change can do is not said",
			after: "spec: {services: [{name: orders, region: eu-west-1}, {name: events, releaseChannel: fast}]}",
			forge: func(map[string]any) {},
			want:  exitError, says: "changed after it was made",
		},
		{
			name:  "what was not known is not said",
			after: "spec: {keys: [{name: twin}], services: [{name: events, releaseChannel: fast}]}",
			forge: func(map[string]any) {},
			want:  exitError, says: "changed after it was made",
		},
		{
			name: "a last way in", after: "spec: {services: [{name: orders, ipAccessList: []}]}",
			forge: func(map[string]any) {},
			want:  exitBlocked, says: "OC344",
		},
		{
			name: "closed without a manifest that says so", after: "spec: {services: [{name: orders, ipAccessList: []}]}",
			forge: func(plan map[string]any) { plan["policy"].(map[string]any)["closed"] = []any{"service/orders"} },
			want:  exitError, says: "changed after it was made",
		},
		{
			name: "a pruned collection passes for known", after: "spec: {keys: []}\npolicy: {prune: [keys]}",
			forge: func(plan map[string]any) { delete(plan["policy"].(map[string]any), "prune") },
			want:  exitError, says: "changed after it was made",
		},
		{
			name: "what is pruned passes for declared", after: "spec: {keys: [{name: sandbox}]}\npolicy: {prune: [keys], maxDeletes: {count: 0}}",
			forge: func(plan map[string]any) {
				for _, c := range plan["changes"].([]any) {
					delete(c.(map[string]any), "pruned")
				}
			},
			want: exitError, says: "changed after it was made",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := sim.New(sim.Config{})
			p := newProgram(t, credentials(t, server)...)
			p.write(t, "before.yaml", manifest(before))
			p.write(t, "after.yaml", manifest(test.after))
			p.ok(t, "apply", "-f", "before.yaml", "--yes", "--secrets-out", "secrets")
			for range 2 {
				if _, err := server.Edit(twin); err != nil {
					t.Fatal(err)
				}
			}
			p.run(t, "plan", "-f", "after.yaml", "--out", "plan.json")
			reviewed := p.forge(t, "plan.json", func(plan map[string]any) {
				plan["findings"], plan["requirements"] = []any{}, []any{}
				test.forge(plan)
			})
			server.ResetRequests()
			r := p.run(t, "apply", "plan.json", "--yes", "--expect-digest", reviewed)
			if said := r.stdout + r.stderr; r.code != test.want || !strings.Contains(said, test.says) {
				t.Errorf("exit code %d, want %d and %q\n%s", r.code, test.want, test.says, said)
			}
			for _, request := range server.Requests() {
				if request.Method != "GET" {
					t.Errorf("%s %s was sent", request.Method, request.Path)
				}
			}
		})
	}
}

// forge edits a saved plan and gives it the checksum that fits, and its digest as it was.
func (p *program) forge(t *testing.T, name string, edit func(plan map[string]any)) (digest string) {
	t.Helper()
	path := filepath.Join(p.dir, name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var plan map[string]any
	if err := json.Unmarshal(data, &plan); err != nil {
		t.Fatal(err)
	}
	edit(plan)
	plan["checksum"] = ""
	forged, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(forged)
	forged = bytes.Replace(forged, []byte(`"checksum":""`), []byte(`"checksum":"sha256:`+hex.EncodeToString(sum[:])+`"`), 1)
	if err := os.WriteFile(path, forged, 0o600); err != nil {
		t.Fatal(err)
	}
	return plan["digest"].(string)
}
