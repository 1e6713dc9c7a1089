package cloud_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/client/sim"
)

const faultsBefore = `
spec:
  services:
    - {name: stays, provider: aws, region: us-east-1, numReplicas: 1, ipAccessList: [{source: 203.0.113.1}, {source: 203.0.113.2}]}
    - {name: goes-1, provider: aws, region: us-east-1, ipAccessList: []}
    - {name: goes-2, provider: aws, region: us-east-1, ipAccessList: []}
  keys:
    - {name: leaves-1, roles: [developer], ipAccessList: []}
    - {name: leaves-2, roles: [developer], ipAccessList: []}
  invitations: [{email: c@example.com, role: developer}]
`

const faultsAfter = `
spec:
  name: Acme
  privateEndpoints: [{id: vpce-1, cloudProvider: aws, region: us-east-1, description: x}]
  services:
    - {name: stays, numReplicas: 3, ipAccessList: [{source: 203.0.113.2, description: kept}, {source: 203.0.113.3}]}
    - {name: new-1, provider: aws, region: us-east-1, ipAccessList: [], tags: [{key: team, value: x}], backupConfiguration: {backupPeriodInHours: 12}}
    - {name: new-2, provider: aws, region: us-east-1, ipAccessList: [{source: 203.0.113.9}], privateEndpointIds: [vpce-1]}
    - {name: new-3, provider: aws, region: us-east-1, ipAccessList: [], state: stopped}
    - {name: new-4, provider: aws, region: us-east-1, ipAccessList: [], endpoints: [{protocol: mysql, enabled: true}]}
    - {name: new-5, warehouse: new-2, ipAccessList: []}
    - {name: goes-1, ensure: absent}
    - {name: goes-2, ensure: absent}
  keys:
    - {name: key-1, roles: [developer], ipAccessList: [{source: 0.0.0.0/0}]}
    - {name: key-2, roles: [admin], ipAccessList: [{source: 0.0.0.0/0}]}
    - {name: key-3, roles: [], ipAccessList: [{source: 0.0.0.0/0}]}
    - {name: leaves-1, ensure: absent}
    - {name: leaves-2, ensure: absent}
  invitations:
    - {email: a@example.com, role: admin}
    - {email: b@example.com, role: developer}
    - {email: c@example.com, role: admin}
policy: {allowDelete: ["service/goes-*"]}
`

// faults are the ways to go wrong of the matrix, each alone and all together.
func faults(probability float64) map[string][]sim.Fault {
	out := map[string][]sim.Fault{}
	var mixed []sim.Fault
	for _, kind := range []sim.FaultKind{
		sim.Fault500Before, sim.Fault500After, sim.Fault502Plain, sim.FaultCutBefore, sim.FaultCutAfter, sim.FaultTruncated,
		sim.Fault429, sim.FaultSlow,
	} {
		f := sim.Fault{Kind: kind, Probability: probability}
		if kind == sim.FaultSlow {
			f.Delay = 20 * time.Second
		}
		out[string(kind)] = []sim.Fault{f}
		f.Probability /= 8
		mixed = append(mixed, f)
	}
	conflicts := sim.Fault{Kind: sim.Fault409, Method: "DELETE", Path: "**/services/*", Probability: probability}
	out[string(sim.Fault409)] = []sim.Fault{conflicts}
	out["mixed"] = append(mixed, conflicts)
	out["stale reads"] = nil
	return out
}

// TestFaultMatrix applies through every fault and demands what docs/reliability.md promises: the run converges or says
// truthfully that it did not; nothing is ever there twice; no request exceeds the rate; and once the faults are over, the
// next run converges, with every secret in the sink. In every fourth run another host has made one of the services in the
// meantime, so that ours has to give way.
func TestFaultMatrix(t *testing.T) {
	runs, injected, converged := 0, 0, 0
	for _, probability := range []float64{0.05, 0.3} {
		for name, rules := range faults(probability) {
			t.Run(fmt.Sprintf("%s/%v", name, probability), func(t *testing.T) {
				for seed := range faultSeeds {
					cfg := sim.Config{Faults: rules, Seed: int64(seed)}
					cfg.Delays.Provision, cfg.Delays.Stop, cfg.Delays.Delete, cfg.Delays.DeleteRefusal = 90*time.Second, 20*time.Second, 30*time.Second, 15*time.Second
					if name == "stale reads" || name == "mixed" {
						cfg.Delays.Lag = 10 * time.Second
					}
					synctest.Test(t, func(t *testing.T) {
						n, ok := faultRun(t, cfg, seed%4 == 1)
						runs, injected = runs+1, injected+n
						if ok {
							converged++
						}
					})
				}
			})
		}
	}
	t.Logf("%d runs, %d faults injected, %d runs converged in spite of them and the rest in the next run", runs, injected, converged)
	if injected < 250*faultSeeds {
		t.Errorf("only %d faults were injected", injected)
	}
}

func faultRun(t *testing.T, cfg sim.Config, contended bool) (injected int, converged bool) {
	t.Helper()
	b := newBench(t.Context(), t, sim.Config{RateLimit: sim.RateLimit{Requests: 10, Window: 10 * time.Second}})
	b.rate = cloudapi.Dialect().Rate
	b.backend = b.connect(b.server.Transport())
	b.converge(manifest(t, faultsBefore))
	desired := manifest(t, faultsAfter)
	b.server.SetConfig(withLimit(cfg, b.server.Config()))
	b.server.ResetRequests()

	var meanwhile []func()
	if contended {
		meanwhile = append(meanwhile, func() { b.elder("new-1") })
	}
	report := b.tryApply(desired, meanwhile...)
	for _, r := range b.server.Requests() {
		if r.Fault != "" {
			injected++
		}
		if r.Status == 429 && r.Fault == "" {
			t.Errorf("a request beyond the rate: %s %s", r.Method, r.Path)
		}
	}
	quiet := cfg
	quiet.Faults, quiet.Delays.Lag = nil, 0
	b.server.SetConfig(withLimit(quiet, b.server.Config()))
	b.run().CheckOnce()
	if report != nil {
		b.run().CheckTruth(report, desired)
		if contended && statusOf(report, "service/new-1") == apply.Applied {
			t.Error("both runs are said to have created new-1")
		}
		converged = report.Converged
	}
	if _, err := b.backend.Recover(b.ctx); err != nil {
		t.Fatal(err)
	}
	b.converge(desired)
	b.run().CheckOnce()
	if contended && report != nil {
		b.checkSecrets(t, "service new-1") // made by the other host, which has its secret
	} else {
		b.checkSecrets(t)
	}
	if t.Failed() {
		t.Fatalf("config %s\nreport %s", encode(t, cfg), encode(t, report))
	}
	return injected, converged
}

func withLimit(cfg, old sim.Config) sim.Config {
	cfg.RateLimit = old.RateLimit
	return cfg
}

// elder lets another host create a service now, a second ahead of whatever comes next.
func (b *bench) elder(name string) {
	b.edit(sim.Edit{Kind: "service", Create: true, Name: name})
	if err := apply.Sleep(b.ctx, time.Second); err != nil {
		b.t.Fatal(err)
	}
}

func statusOf(report *apply.Report, address string) apply.Status {
	for _, r := range report.Results {
		if r.Address.String() == address {
			return r.Status
		}
	}
	return ""
}

// checkSecrets opens every created object with what the sink holds, except those that somebody else has created.
func (b *bench) checkSecrets(t *testing.T, foreign ...string) {
	t.Helper()
	opened := map[string]bool{}
	for _, r := range b.sink.Records() {
		if r.Kind == secrets.Key && b.server.VerifyKey(r.KeyID, r.KeySecret.Reveal()) {
			opened["key "+r.Name] = true
		}
		if r.Kind == secrets.Service {
			if ok, _, err := b.server.VerifyPassword(r.Name, r.Password.Reveal()); err == nil && ok {
				opened["service "+r.Name] = true
			}
		}
	}
	for _, want := range strings.Split("key key-1,key key-2,key key-3,service new-1,service new-2,service new-3,service new-4", ",") {
		if !opened[want] && !slices.Contains(foreign, want) {
			t.Errorf("no stored secret opens %s", want)
		}
	}
}

// The younger of two services gives way although its stop fails once: it is stopped again, and does not stay behind running
// and paid for.
func TestTwinGivesWayAfterAFailedStop(t *testing.T) {
	for _, kind := range []sim.FaultKind{sim.Fault500Before, sim.Fault500After, sim.FaultCutBefore, sim.Fault409} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, sim.Config{
					Delays: sim.Delays{Provision: time.Minute, Stop: 20 * time.Second, DeleteRefusal: 15 * time.Second},
					Faults: []sim.Fault{{Kind: kind, Method: "PATCH", Path: "**/state", Count: 1}},
				})
				desired := manifest(t, "spec: {services: [{name: a, provider: aws, region: us-east-1, ipAccessList: []}]}")
				begun := time.Now()
				report := b.tryApply(desired, func() { b.elder("a") })
				b.run().CheckOnce()
				r := report.Results[0]
				if r.Status != apply.Failed || !strings.Contains(r.Error, "another run created a service of this name first") {
					t.Errorf("got %s: %s", r.Status, r.Error)
				}
				if took := time.Since(begun); took > 5*time.Minute {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}
