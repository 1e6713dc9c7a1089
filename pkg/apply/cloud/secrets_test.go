package cloud_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/cloud"
	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/diff"
)

const oneKey = "spec: {keys: [{name: ci, roles: [developer], ipAccessList: []}]}\n"

// With secrets made by the server, the answer is stored at once; an answer that is lost takes the secret with it, and the
// report says which key to delete.
func TestServerMadeSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{})
		b.options = func(o *cloud.Options) { o.ServerSecrets = true }
		b.backend = b.connect(b.checked(b.server.Transport()))
		b.converge(manifest(t, oneKey))
		records := b.sink.Records()
		if len(records) != 1 || records[0].ID == "" || !b.server.VerifyKey(records[0].KeyID, records[0].KeySecret.Reveal()) {
			t.Errorf("stored %+v", records)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{Faults: []sim.Fault{{Kind: sim.FaultCutAfter, Method: "POST", Path: "**/keys", Nth: 1}}})
		b.options = func(o *cloud.Options) { o.ServerSecrets = true }
		b.backend = b.connect(b.server.Transport())
		_, report := b.apply(manifest(t, oneKey))
		if r := report.Results[0]; r.Status == apply.Applied || !strings.Contains(r.Error, "delete it and apply again") {
			t.Errorf("got %+v", r)
		}
		if n := len(b.sink.Records()); n != 0 {
			t.Errorf("%d records of a secret that nobody knows", n)
		}
	})
}

func TestQuotas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{ServiceQuota: 2})
		desired := manifest(t, `spec: {services: [{name: a, provider: aws, region: us-east-1, ipAccessList: []},
  {name: b, provider: aws, region: us-east-1, ipAccessList: []}, {name: c, provider: aws, region: us-east-1, ipAccessList: []}]}`)
		p := b.plan(desired)
		quotas, err := b.backend.Quotas(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.GuardQuotas(quotas)
		if p.Worst() != diff.SeverityBlocked || p.Findings[0].Message != "0 of 2 services exist and 3 would be created" {
			t.Errorf("got %s", encode(t, p.Findings))
		}
		two := b.plan(manifest(t, `spec: {services: [{name: a, provider: aws, region: us-east-1, ipAccessList: []}]}`))
		if two.GuardQuotas(quotas); two.Worst() != "" {
			t.Errorf("got %s", encode(t, two.Findings))
		}
	})
}

// What somebody does at the console during a run is said, and what another run of orgctl does; what we do ourselves is not.
func TestForeignWritesAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{})
		organization := b.server.Credentials().OrganizationID
		log, another := cloud.NewLog(b.api, organization, userAgent), cloud.NewLog(b.api, organization, userAgent+" (run 2)")
		pass(t, 5*time.Second)
		b.plan(manifest(t, oneKey)) // a run begins by reading, which tells it the API's time
		log.Mark(t.Context())
		another.Mark(t.Context())
		pass(t, time.Second)
		b.converge(manifest(t, oneKey))
		if got := log.Foreign(t.Context()); len(got) != 0 {
			t.Errorf("our own writes are taken for foreign ones: %q", got)
		}
		if got := another.Foreign(t.Context()); len(got) != 1 || !strings.HasPrefix(got[0], "key_create by api sandbox") {
			t.Errorf("another run of orgctl wrote, and it saw %q", got)
		}
		b.edit(sim.Edit{Kind: "organization", Set: map[string]any{"name": "Changed"}})
		got := log.Foreign(t.Context())
		if len(got) != 1 || !strings.HasPrefix(got[0], "organization_update_name by user admin@example.com") {
			t.Errorf("got %q", got)
		}
	})
}

// A server of the older document does not record what a call was made with: what was done with a key may have been done by
// us, and is not said to be somebody else's.
func TestOwnWritesWithoutUserAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{OldAPI: true})
		log := cloud.NewLog(b.api, b.server.Credentials().OrganizationID, userAgent)
		pass(t, 5*time.Second)
		b.plan(manifest(t, oneKey))
		log.Mark(t.Context())
		pass(t, time.Second)
		b.converge(manifest(t, "spec: {members: [{email: admin@example.com, id: "+b.founder(t)+"}], invitations: [{email: new@example.com, role: developer}]}"))
		b.edit(sim.Edit{Kind: "organization", Set: map[string]any{"name": "Changed"}})
		got := log.Foreign(t.Context())
		if len(got) != 1 || got[0] != "organization_update_name by user admin@example.com from 127.0.0.1" {
			t.Errorf("got %q", got)
		}
	})
}

// The log shows what was done up to half a minute late: what was done before a run began was not done meanwhile.
func TestLateRecordsAreNotOfMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{Delays: sim.Delays{ActivityLag: 20 * time.Second}})
		b.edit(sim.Edit{Kind: "organization", Set: map[string]any{"name": "Before"}})
		pass(t, 5*time.Second)
		log := cloud.NewLog(b.api, b.server.Credentials().OrganizationID, userAgent)
		b.plan(manifest(t, oneKey))
		log.Mark(t.Context())
		pass(t, 5*time.Second)
		b.edit(sim.Edit{Kind: "organization", Set: map[string]any{"name": "Meanwhile"}})
		pass(t, 30*time.Second)
		if got := log.Foreign(t.Context()); len(got) != 1 {
			t.Errorf("got %q", got)
		}
	})
}
