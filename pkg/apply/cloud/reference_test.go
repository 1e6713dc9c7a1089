package cloud_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/diff"
)

// make creates a service behind the API's back and gives its id.
func (b *bench) make(name string) string {
	b.t.Helper()
	made, err := b.server.Edit(sim.Edit{Kind: "service", Create: true, Set: map[string]any{
		"name": name, "ipAccessList": []any{map[string]any{"source": "203.0.113.0/24"}},
	}})
	if err != nil {
		b.t.Fatal(err)
	}
	return made.ID
}

// warehouses gives the data warehouse of every service, by name#id and, of one that has its name to itself, by name.
func (b *bench) warehouses() map[string]string {
	b.t.Helper()
	all, err := b.api.ListServices(b.ctx, b.server.Credentials().OrganizationID)
	if err != nil {
		b.t.Fatal(err)
	}
	out := map[string]string{}
	for _, s := range all {
		out[s.Name], out[s.ID] = s.DataWarehouseID, s.DataWarehouseID
	}
	return out
}

// A new secondary lands in the warehouse of the object that its manifest means, whatever else has had, has or gets that name.
func TestSecondaryOfTheRightObject(t *testing.T) {
	const etl = "\n    - {name: etl, warehouse: reports, ipAccessList: []}"
	tests := []struct {
		name  string
		setup func(b *bench) (meant string, services string)
	}{
		{"one of two twins, the first", func(b *bench) (string, string) {
			first, _ := b.make("reports"), b.make("reports")
			return first, "- {name: reports, id: " + first + "}"
		}},
		{"one of two twins, the second", func(b *bench) (string, string) {
			_, second := b.make("reports"), b.make("reports")
			return second, "- {name: reports, id: " + second + "}"
		}},
		{"a blue and a green one that change names", func(b *bench) (string, string) {
			blue, green := b.make("reports"), b.make("reports-next")
			return green, "- {name: reports, id: " + green + "}\n    - {name: reports-old, id: " + blue + "}"
		}},
		{"one that takes a name which another has and keeps", func(b *bench) (string, string) {
			b.make("reports")
			meant := b.make("draft")
			return meant, "- {name: reports, id: " + meant + "}"
		}},
		{"one whose namesake is still on its way out", func(b *bench) (string, string) {
			meant, old := b.make("reports"), b.make("reports")
			b.edit(sim.Edit{Kind: "service", ID: old, Set: map[string]any{"state": "terminating"}})
			return meant, "- {name: reports}"
		}},
		{"one that is renamed in the same plan", func(b *bench) (string, string) {
			return b.make("draft"), "- {name: reports, previously: [draft]}"
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, sim.Config{})
				meant, services := test.setup(b)
				b.server.Advance(time.Minute)
				desired := manifest(t, "spec:\n  services:\n    "+services+etl)
				b.converge(desired)
				if all := b.warehouses(); all["etl"] != all[meant] {
					t.Errorf("etl is in %s, not in %s of %s", all["etl"], all[meant], meant)
				}
				if p := b.plan(desired); !p.Empty() || p.Worst() != "" {
					t.Errorf("left over: %s", encode(t, p))
				}
			})
		})
	}
}

// What a plan creates is known to what refers to it by its creation, even if others of its name are there.
func TestSecondaryOfANewPrimary(t *testing.T) {
	inShapes(t, func(t *testing.T, cfg sim.Config) {
		b := newBench(t.Context(), t, cfg)
		b.converge(manifest(t, `
spec:
  services:
    - {name: reports, provider: aws, region: us-east-1, ipAccessList: [{source: 203.0.113.0/24}]}
    - {name: etl, warehouse: reports, ipAccessList: []}
    - {name: bi, warehouse: reports, ipAccessList: []}
`))
		if all := b.warehouses(); all["etl"] != all["reports"] || all["bi"] != all["reports"] {
			t.Errorf("warehouses: %v", all)
		}
	})
}

// An organization that moves to custom roles between plan and apply gets the ids of the roles that were planned, or nothing.
func TestMigrationToCustomRolesMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{LegacyRoles: true})
		desired := manifest(t, "spec: {keys: [{name: ci, roles: [developer], ipAccessList: []}, {name: cd, roles: [query_endpoints], ipAccessList: []}]}")
		p := b.plan(desired)
		for _, c := range p.Changes {
			if len(c.References) != 1 || c.References[0].ID != c.References[0].Address.Name {
				t.Fatalf("legacy roles are named by name: %s", encode(t, c))
			}
		}
		b.server.SetConfig(sim.Config{})
		report := apply.Run(b.ctx, p, b.backend, apply.Defaults())
		got := map[string]apply.Result{}
		for _, r := range report.Results {
			got[r.Address.Name] = r
		}
		if got["ci"].Status != apply.Applied {
			t.Errorf("developer: %+v", got["ci"])
		}
		if got["cd"].Status != apply.Failed || !strings.Contains(got["cd"].Error, "plan again") {
			t.Errorf("query_endpoints, which is no custom role: %+v", got["cd"])
		}
	})
}

// A leaked key goes though a new one cannot be made, at the limit of keys for one; the next run has room for it.
func TestKeysDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{KeyLimit: 2})
		b.converge(manifest(t, "spec: {keys: [{name: leaked, roles: [developer], ipAccessList: []}]}"))
		desired := manifest(t, "spec: {keys: [{name: leaked, ensure: absent}, {name: other, roles: [developer], ipAccessList: []}]}")
		p, report := b.apply(desired)
		for i, r := range report.Results {
			if len(p.Changes[i].DependsOn) > 0 {
				t.Errorf("%s waits for %v", r.Address, p.Changes[i].DependsOn)
			}
			if r.Action == diff.Delete && r.Status != apply.Applied {
				t.Errorf("%s of %s is %s: %s", r.Action, r.Address, r.Status, r.Error)
			}
		}
		b.converge(desired)
	})
}

// A name that the plan has found no object for is never sent as if it stood for nothing.
func TestNothingIsMadeWithoutItsReferences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{})
		p := b.plan(manifest(t, "spec: {keys: [{name: ci, roles: [developer], ipAccessList: []}]}"))
		p.Changes[0].References = nil
		report := apply.Run(b.ctx, p, b.backend, apply.Defaults())
		if r := report.Results[0]; r.Status != apply.Failed || !strings.Contains(r.Error, "roles: the plan has found 0 of the 1 that it names") {
			t.Errorf("%+v", r)
		}
		keys, err := b.api.ListKeys(b.ctx, b.server.Credentials().OrganizationID)
		if err != nil || len(keys) != 1 {
			t.Errorf("keys: %+v, %v", keys, err)
		}
	})
}
