package cloud_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// slow is an API in which everything takes its time.
var slow = sim.Config{Delays: sim.Delays{
	Provision: 3 * time.Minute, Start: time.Minute, Stop: time.Minute, Delete: 2 * time.Minute, DeleteRefusal: 40 * time.Second,
	Visibility: 5 * time.Second, Lag: 3 * time.Second,
}}

// shapes are the ways in which the API may answer; none may make a difference to the outcome.
var shapes = map[string]sim.Config{
	"plain":            {},
	"slow":             slow,
	"legacy roles":     {LegacyRoles: true},
	"floats":           {FloatNumbers: true},
	"whole seconds":    {WholeSeconds: true},
	"future fields":    {FutureFields: true},
	"no delete body":   {EmptyDeleteBody: true},
	"stale echo":       {StaleMemberEcho: true},
	"SAML":             {SAMLMembers: true},
	"lenient":          {Lenient: true},
	"idles on its own": {AutoIdle: true},
}

func inShapes(t *testing.T, f func(t *testing.T, cfg sim.Config)) {
	for name, cfg := range shapes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, cfg) })
		})
	}
}

const small = `
spec:
  services:
    - {name: orders, provider: aws, region: us-east-1, ipAccessList: [{source: 203.0.113.0/24}], numReplicas: 3}
    - {name: reports, warehouse: orders, ipAccessList: []}
  keys:
    - {name: ci, roles: [developer], ipAccessList: [{source: 203.0.113.0/24}]}
  invitations:
    - {email: New@Example.com, role: developer}
policy: {prune: [services, invitations]}
`

// changed is small with one of everything changed, and takenBack what leaves nothing of either.
var changed = strings.NewReplacer("numReplicas: 3", "numReplicas: 5, state: stopped", "role: developer", "role: admin",
	"    - {name: reports, warehouse: orders, ipAccessList: []}\n", "").Replace(small)

const takenBack = "spec: {services: [], invitations: [], keys: [{name: ci, ensure: absent}]}\npolicy: {prune: [services, invitations]}"

func TestWholeLife(t *testing.T) {
	inShapes(t, func(t *testing.T, cfg sim.Config) {
		b := newBench(t.Context(), t, cfg)
		desired := manifest(t, small)
		b.converge(desired)
		if p := b.plan(desired); !p.Empty() {
			t.Fatalf("not empty after an apply: %s", encode(t, p.Changes))
		}
		if n := len(b.sink.Records()); n != 2 {
			t.Errorf("%d secrets stored for one primary and one key", n)
		}
		p := b.converge(manifest(t, changed))
		want := []string{
			"update invitation/new@example.com", "delete service/reports", "update service/orders",
		}
		if d := cmp.Diff(want, actions(p)); d != "" {
			t.Error(d)
		}
		b.converge(manifest(t, strings.Replace(small, "numReplicas: 3", "numReplicas: 5, state: running", 1)))
		gone := manifest(t, takenBack)
		b.converge(gone)
		if p := b.plan(gone); !p.Empty() || len(p.Unmanaged) != 1 {
			t.Errorf("left over: %s", encode(t, p))
		}
	})
}

func actions(p *diff.Plan) []string {
	var out []string
	for _, c := range p.Changes {
		out = append(out, string(c.Action)+" "+c.Address.String())
	}
	return out
}

// founder is the id of the only member.
func (b *bench) founder(t *testing.T) string {
	t.Helper()
	return b.plan(manifest(t, "spec: {members: []}")).Unmanaged[0].ID
}

// A server of the old document knows neither tags nor per-replica memory in its replies, and no role ids.
func TestOldAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{OldAPI: true})
		desired := manifest(t, `
spec:
  name: Acme
  services:
    - {name: orders, provider: aws, region: us-east-1, ipAccessList: [{source: 203.0.113.0/24}], numReplicas: 3, idleScaling: true}
  members: [{email: admin@example.com, id: `+b.founder(t)+`}]
  invitations: [{email: new@example.com, role: developer}]
`)
		b.converge(desired)
		scaled := manifest(t, `
spec:
  services:
    - {name: orders, minReplicaMemoryGb: 16, maxReplicaMemoryGb: 64}
`)
		b.converge(scaled)
		if p := b.plan(scaled); !p.Empty() {
			t.Errorf("totals are not read: %s", encode(t, p.Changes))
		}
	})
}

func TestRename(t *testing.T) {
	inShapes(t, func(t *testing.T, cfg sim.Config) {
		b := newBench(t.Context(), t, cfg)
		b.converge(manifest(t, small))
		renamed := manifest(t, strings.NewReplacer("{name: orders,", "{name: sales, previously: [orders],",
			"warehouse: orders", "warehouse: sales", "{name: ci,", "{name: build, previously: [ci],").Replace(small))
		p := b.converge(renamed)
		if d := cmp.Diff([]string{"update service/sales", "update key/build"}, actions(p)); d != "" {
			t.Error(d)
		}
		if p := b.plan(renamed); !p.Empty() {
			t.Errorf("a former name is not ignored once the new one exists: %s", encode(t, p.Changes))
		}
	})
}

func TestPeople(t *testing.T) {
	inShapes(t, func(t *testing.T, cfg sim.Config) {
		b := newBench(t.Context(), t, cfg)
		// Nobody has joined: both are invited.
		both := manifest(t, "spec:\n  members: [{email: Ana@example.com, role: developer}]\n  invitations: [{email: ben@example.com, role: developer}]\n")
		p := b.converge(both)
		if d := cmp.Diff([]string{"create invitation/ana@example.com", "create invitation/ben@example.com"}, actions(p)); d != "" {
			t.Fatal(d)
		}
		// Pending invitations satisfy both; so do accepted ones.
		for _, who := range []string{"ana@example.com", "ben@example.com"} {
			accept(t, b, who)
		}
		b.server.Advance(time.Minute)
		if p := b.plan(both); !p.Empty() {
			t.Fatalf("accepted: %s", encode(t, p.Changes))
		}
		// A member's role is compared, that of a satisfied invitation is not.
		b.edit(sim.Edit{Kind: "member", Name: "ana@example.com", Set: map[string]any{"roles": []any{"admin"}}})
		b.edit(sim.Edit{Kind: "member", Name: "ben@example.com", Set: map[string]any{"roles": []any{"admin"}}})
		b.server.Advance(time.Minute)
		if d := cmp.Diff([]string{"update member/ana@example.com"}, actions(b.converge(both))); d != "" {
			t.Error(d)
		}
		// An invitation declared absent leaves the member alone; a member declared absent goes.
		stays := manifest(t, "spec:\n  invitations: [{email: ben@example.com, ensure: absent}]\n")
		if p := b.plan(stays); !p.Empty() {
			t.Errorf("a joined member is touched: %s", encode(t, p.Changes))
		}
		b.converge(manifest(t, "spec:\n  members: [{email: ben@example.com, ensure: absent}]\n"))
		pruned := manifest(t, "spec:\n  members: [{email: admin@example.com, role: admin}]\npolicy: {prune: [members]}\n")
		if d := cmp.Diff([]string{"delete member/ana@example.com"}, actions(b.converge(pruned))); d != "" {
			t.Error(d)
		}
	})
}

func accept(t *testing.T, b *bench, who string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/_sandbox/invitations/"+who+"/accept", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := b.server.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("accept %s: %s", who, resp.Status)
	}
}

func TestAmbiguousNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{})
		b.converge(manifest(t, small))
		b.edit(sim.Edit{Kind: "key", Create: true, Set: map[string]any{"name": "ci", "roles": []any{"developer"}, "ipAccessList": []any{map[string]any{"source": "203.0.113.0/24"}}}})
		desired := manifest(t, small+"\n")
		p := b.plan(desired)
		if p.Worst() != diff.SeverityBlocked || p.Findings[0].Code != diff.CodeAmbiguous || strings.Count(p.Findings[0].Message, "-") < 8 {
			t.Fatalf("want a finding that shows both ids, got %s", encode(t, p.Findings))
		}
		live, err := b.backend.Observe(t.Context(), apply.ObserveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(live.Resources, func(r spec.Resource) bool { return r.Address.Kind == "key" && r.Address.Name == "ci" })
		pinned := manifest(t, strings.Replace(small, "{name: ci,", "{name: ci, id: "+live.Resources[i].ID+",", 1))
		if p := b.plan(pinned); !p.Empty() || p.Worst() != "" {
			t.Fatalf("pinned, and still %s", encode(t, p))
		}
	})
}

// A converged plan costs six requests and one per service that manages backups, however many services there are.
func TestRequestsOfAPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{})
		var body strings.Builder
		body.WriteString("spec:\n  services:\n")
		for i := range 200 {
			body.WriteString("    - {name: s" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + ", provider: aws, region: us-east-1, ipAccessList: []")
			if i < 3 {
				body.WriteString(", backupConfiguration: {backupPeriodInHours: 12}")
			}
			body.WriteString("}\n")
		}
		desired := manifest(t, body.String())
		b.converge(desired)
		b.server.ResetRequests()
		if p := b.plan(desired); !p.Empty() {
			t.Fatal("not converged")
		}
		if n := len(b.server.Requests()); n != 6+3 {
			t.Errorf("%d requests, want 6 and 3 for backups", n)
		}
	})
}

// While services come up, one list request serves all that wait in the same round.
func TestWaitingIsSharedByServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{Delays: sim.Delays{Provision: 100 * time.Second}})
		var body strings.Builder
		body.WriteString("spec:\n  services:\n")
		for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
			body.WriteString("    - {name: " + name + ", provider: aws, region: us-east-1, ipAccessList: []}\n")
		}
		desired := manifest(t, body.String())
		b.converge(desired)
		lists, single := 0, 0
		for _, r := range b.server.Requests() {
			switch {
			case r.Method == http.MethodGet && strings.HasSuffix(r.Path, "/services"):
				lists++
			case r.Method == http.MethodGet && strings.Contains(r.Path, "/services/"):
				single++
			}
		}
		// Looks at 1, 3, 7, 15, 25, ... 105 s, and one in each of the two plans.
		if lists > 16 || single > 6 {
			t.Errorf("%d list requests and %d single ones for six services", lists, single)
		}
	})
}
