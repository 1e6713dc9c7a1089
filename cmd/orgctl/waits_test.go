package main

import (
	"strings"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// TestChangeOfAProvisioningService: somebody has created the service at the console a moment ago. Its change waits until it
// is up, instead of being refused.
func TestChangeOfAProvisioningService(t *testing.T) {
	t.Parallel()
	api := sim.New(sim.Config{Delays: sim.Delays{Provision: time.Hour}})
	if _, err := api.Edit(sim.Edit{Kind: "service", Create: true, Name: "orders"}); err != nil {
		t.Fatal(err)
	}
	p := newProgram(t, credentials(t, api)...)
	p.env = append(p.env, "ORGCTL_TICK=100ms")
	p.write(t, "org.yaml", manifest("spec: {services: [{name: orders, numReplicas: 5}]}"))

	running := p.start(t, nil, "apply", "--yes", "-f", "org.yaml")
	running.stderr.await(t, "service/orders: update: waiting (provisioning, ")
	api.Advance(time.Hour)
	if code := running.wait(t); code != exitOK {
		t.Errorf("exit code %d\n%s", code, running.stderr)
	}
	if out := running.stdout.String(); !strings.HasSuffix(out, "converged\n") {
		t.Errorf("%s", out)
	}
	for _, r := range api.Requests() {
		if r.Status >= 400 {
			t.Errorf("%s %s: %d", r.Method, r.Path, r.Status)
		}
	}
}
