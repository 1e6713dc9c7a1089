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

// A request that the API refuses by rate is not under way: the run can be stopped while it waits, and says that the change
// was not begun.
func TestStopEndsTheWaitForTheRateLimit(t *testing.T) {
	for name, desired := range map[string]string{
		"service":         "spec: {services: [{name: a, provider: aws, region: us-east-1, ipAccessList: []}]}",
		"key":             "spec: {keys: [{name: a, roles: [developer], ipAccessList: []}]}",
		"invitation":      "spec: {invitations: [{email: a@example.com, role: developer}]}",
		"organization":    "spec: {name: Other}",
		"privateEndpoint": "spec: {privateEndpoints: [{id: vpce-1, cloudProvider: aws, region: us-east-1}]}",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, sim.Config{Faults: []sim.Fault{
					{Kind: sim.Fault429, Method: "POST", Delay: time.Minute},
					{Kind: sim.Fault429, Method: "PATCH", Delay: time.Minute},
				}})
				p := b.plan(manifest(t, desired))
				stop := make(chan struct{})
				time.AfterFunc(10*time.Second, func() { close(stop) })
				opts := apply.Defaults()
				opts.Stop = stop
				begun := time.Now()
				r := apply.Run(b.ctx, p, b.backend, opts).Results[0]
				if took := time.Since(begun); took > 11*time.Second {
					t.Errorf("it went on for %s", took)
				}
				if r.Status != apply.Skipped || !strings.Contains(r.Error, "429") {
					t.Errorf("got %s: %s", r.Status, r.Error)
				}
				if open := b.journal.Pending(); len(open) > 0 {
					t.Errorf("left open: %v", open)
				}
			})
		})
	}
}

// What went before the refusal has been done: such a change is half made, and is not called skipped.
func TestStopAfterTheFirstCallIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{Faults: []sim.Fault{{Kind: sim.Fault429, Method: "PATCH", Path: "**/replicaScaling", Delay: time.Minute}}})
		b.converge(manifest(t, "spec: {services: [{name: a, provider: aws, region: us-east-1, ipAccessList: []}]}"))
		p := b.plan(manifest(t, "spec: {services: [{name: a, releaseChannel: fast, numReplicas: 5}]}"))
		stop := make(chan struct{})
		time.AfterFunc(10*time.Second, func() { close(stop) })
		opts := apply.Defaults()
		opts.Stop = stop
		begun := time.Now()
		r := apply.Run(b.ctx, p, b.backend, opts).Results[0]
		if r.Status != apply.Unknown || time.Since(begun) > 11*time.Second {
			t.Errorf("got %s after %s: %s", r.Status, time.Since(begun), r.Error)
		}
	})
}

// A creation without an answer is looked for with the slot given back: others go on meanwhile.
func TestLookingForALostCreationHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{Faults: []sim.Fault{
			{Kind: sim.FaultCutBefore, Method: "POST", Path: "**/keys", Count: 1},
		}})
		p := b.plan(manifest(t, `
spec:
  keys: [{name: a, roles: [developer], ipAccessList: []}]
  invitations: [{email: a@example.com, role: developer}]
`))
		opts := apply.Defaults()
		opts.Parallel = 1
		waited := map[string]time.Duration{}
		begun := time.Now()
		opts.Notify = func(e apply.Event) {
			if e.Kind == apply.Finished {
				waited[e.Address.Kind] = time.Since(begun)
			}
		}
		apply.Run(b.ctx, p, b.backend, opts)
		if waited["key"] < 30*time.Second {
			t.Fatalf("the creation was not looked for: %s, %s", waited, encode(t, diff.Plan{Changes: p.Changes}))
		}
		if waited["invitation"] > 2*time.Second {
			t.Errorf("the invitation was held up for %s", waited["invitation"])
		}
	})
}
