package cloud_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/client/sim"
)

// TestLawApplyKeepsTheRateBusy: from the plan's first request to the last write, an apply never sends more than the rate allows
// and uses at least nine tenths of it. The share is an attribute of the test, in simulated time.
func TestLawApplyKeepsTheRateBusy(t *testing.T) {
	const objects = 200
	rate := cloudapi.Dialect().Rate
	kinds := map[string]string{
		"services":    "{name: object-%03d, provider: aws, region: us-east-1, ipAccessList: []}",
		"keys":        "{name: object-%03d, roles: [developer], ipAccessList: [{source: 0.0.0.0/0}]}",
		"invitations": "{email: object-%03d@example.com, role: developer}",
	}
	for collection, object := range kinds {
		t.Run(collection, func(t *testing.T) {
			var body strings.Builder
			fmt.Fprintf(&body, "spec:\n  %s:\n", collection)
			for i := range objects {
				fmt.Fprintf(&body, "    - "+object+"\n", i)
			}
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, sim.Config{
					RateLimit: sim.RateLimit{Requests: rate.Requests, Window: rate.Window}, KeyLimit: objects + 1,
					Delays: sim.Delays{Latency: 300 * time.Millisecond, Provision: 3 * time.Minute},
				})
				b.rate = rate
				b.backend = b.connect(b.server.Transport())
				plan := b.plan(manifest(t, body.String()))
				report := apply.Run(b.ctx, plan, b.backend, apply.Defaults())
				if n := report.Count(apply.Applied); n != objects {
					t.Fatalf("%d of %d applied", n, objects)
				}

				all := b.server.Requests()
				last := 0
				for i, r := range all {
					if r.Status == http.StatusTooManyRequests {
						t.Errorf("%s %s was refused for the rate", r.Method, r.Path)
					}
					// These are Requests + 1 sends, which must not fit into one window.
					if i >= rate.Requests && r.At.Sub(all[i-rate.Requests].At) < rate.Window {
						t.Errorf("%d requests within %s before request %d", rate.Requests+1, r.At.Sub(all[i-rate.Requests].At), i)
					}
					if r.Method != http.MethodGet {
						last = i
					}
				}
				// The first window's requests go at once and are paid for by the time after them.
				paid := float64(all[last].At.Sub(all[0].At)) / float64(rate.Window) * float64(rate.Requests)
				busy := float64(last+1-rate.Requests) / paid
				t.Attr("busy", fmt.Sprintf("%.3f", busy))
				if busy < 0.9 || busy > 1 {
					t.Errorf("%.3f of the rate was used, want 0.9 to 1", busy)
				}
			})
		})
	}
}

// Ten services, from the first request to the verdict, take no longer than their requests do at the rate, and a little: nothing
// waits for anything but its turn.
func TestTenServicesTakeWhatTheRateAllows(t *testing.T) {
	rate := cloudapi.Dialect().Rate
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{
			RateLimit: sim.RateLimit{Requests: rate.Requests, Window: rate.Window}, Delays: sim.Delays{Latency: 300 * time.Millisecond},
		})
		b.rate = rate
		b.backend = b.connect(b.server.Transport())
		began := time.Now()
		b.converge(manifest(t, manyServices(10)))
		took, all := time.Since(began), b.server.Requests()
		for _, r := range all {
			if r.Status == http.StatusTooManyRequests {
				t.Errorf("%s %s was refused for the rate", r.Method, r.Path)
			}
		}
		least := time.Duration(len(all)) * rate.Window / time.Duration(rate.Requests)
		t.Logf("%d requests, %s", len(all), took)
		if took > least*115/100 {
			t.Errorf("%d requests took %s, at the rate they take %s", len(all), took, least)
		}
	})
}
