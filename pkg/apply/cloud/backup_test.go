package cloud_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// Where a start time resets the period even of the same request, the reply shows another period than was asked for, and the
// period is sent once more. Where it does not, one request is enough.
func TestStartTimeThatResetsThePeriod(t *testing.T) {
	const declared = `
spec:
  services:
    - {name: a, provider: aws, region: us-east-1, ipAccessList: [], backupConfiguration: {backupPeriodInHours: 48, backupStartTime: "02:00"}}
`
	for _, resets := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t.Context(), t, sim.Config{StartTimeResetsPeriod: resets})
			b.converge(manifest(t, declared))
			want := 1
			if resets {
				want = 2
			}
			if n := b.count(http.MethodPatch, "/backupConfiguration"); n != want {
				t.Errorf("resets %v: %d requests for a creation, want %d", resets, n, want)
			}
			b.converge(manifest(t, strings.Replace(declared, "02:00", "05:00", 1)))
			if n := b.count(http.MethodPatch, "/backupConfiguration"); n != 2*want {
				t.Errorf("resets %v: %d requests in all, want %d", resets, n, 2*want)
			}
			if p := b.plan(manifest(t, strings.Replace(declared, "02:00", "05:00", 1))); !p.Empty() {
				t.Errorf("resets %v: %s", resets, encode(t, p.Changes))
			}
		})
	}
}

// count says how many requests of a sort were made.
func (b *bench) count(method, suffix string) int {
	n := 0
	for _, r := range b.server.Requests() {
		if r.Method == method && strings.HasSuffix(r.Path, suffix) {
			n++
		}
	}
	return n
}

// A start time resets the period on the server. A period that no manifest manages stays what it is: it goes along, and the plan
// shows it.
func TestStartTimeKeepsAnUnmanagedPeriod(t *testing.T) {
	for _, resets := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t.Context(), t, sim.Config{StartTimeResetsPeriod: resets})
			const service = "spec: {services: [{name: a, provider: aws, region: us-east-1, ipAccessList: [], backupConfiguration: {%s}}]}"
			b.converge(manifest(t, strings.Replace(service, "%s", "backupPeriodInHours: 48", 1)))
			p := b.converge(manifest(t, strings.Replace(service, "%s", `backupStartTime: "05:00"`, 1)))
			if reason := p.Changes[0].Reason; !strings.Contains(reason, "backupPeriodInHours: 48") {
				t.Errorf("resets %v: the plan says %q", resets, reason)
			}
			if p := b.plan(manifest(t, strings.Replace(service, "%s", "backupPeriodInHours: 48", 1))); !p.Empty() {
				t.Errorf("resets %v: the period has changed: %s", resets, encode(t, p.Changes))
			}
		})
	}
}
