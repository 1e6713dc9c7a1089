package cloud_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client/sim"
)

const (
	up   = "spec: {services: [{name: a, provider: aws, region: us-east-1, ipAccessList: [], state: running}]}"
	down = "spec: {services: [{name: a, provider: aws, region: us-east-1, ipAccessList: [], state: stopped}]}"
	none = "spec: {services: [{name: a, ensure: absent}]}\npolicy: {allowDelete: ['service/a']}"
)

// A wait that can no longer end well ends with what is seen, long before its limit: what else than that did somebody or the
// platform make of the service?
func TestBadEnds(t *testing.T) {
	slow := sim.Delays{
		Provision: 3 * time.Minute, Start: 3 * time.Minute, Stop: 3 * time.Minute, Delete: 3 * time.Minute, Lag: 10 * time.Second,
	}
	gone := sim.Edit{Delete: true}
	enters := func(state string) sim.Edit { return sim.Edit{Set: map[string]any{"state": state}} }
	const unhealthy, settling, warming = 30 * time.Second, time.Minute, 6 * time.Minute
	for name, tc := range map[string]struct {
		before, desired string
		edit            sim.Edit // a minute after the beginning
		within          time.Duration
		says            string
	}{
		"creation that fails":            {"", up, enters("failed"), unhealthy, "is failed"},
		"creation that ends degraded":    {"", up, enters("degraded"), unhealthy, "is degraded"},
		"creation that stays partial":    {"", up, enters("partially_running"), warming, "is partially_running"},
		"creation of what is gone":       {"", up, gone, settling, "is gone"},
		"creation of what is going":      {"", up, enters("terminating"), unhealthy, "is terminating"},
		"start that fails":               {down, up, enters("failed"), unhealthy, "is failed"},
		"start that ends degraded":       {down, up, enters("degraded"), unhealthy, "is degraded"},
		"start that ends stopped":        {down, up, enters("stopped"), settling, "is stopped"},
		"start that stays partial":       {down, up, enters("partially_running"), warming, "is partially_running"},
		"start of what is gone":          {down, up, gone, settling, "is gone"},
		"start of what is going":         {down, up, enters("terminating"), unhealthy, "is terminating"},
		"stop that fails":                {up, down, enters("failed"), settling, "is failed"},
		"stop that ends running":         {up, down, enters("running"), settling, "is running"},
		"stop that ends idle":            {up, down, enters("idle"), settling, "is idle"},
		"stop of what is gone":           {up, down, gone, settling, "is gone"},
		"deletion of what is restarted":  {up, none, enters("running"), settling, "is running"},
		"deletion of what stays partial": {up, none, enters("partially_running"), settling, "is partially_running"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, sim.Config{})
				if tc.before != "" {
					b.converge(manifest(t, tc.before))
				}
				b.server.SetConfig(sim.Config{Delays: slow})
				p := b.plan(manifest(t, tc.desired))
				tc.edit.Kind, tc.edit.Name = "service", "a"
				time.AfterFunc(time.Minute, func() { b.edit(tc.edit) })
				begun := time.Now()
				r := apply.Run(b.ctx, p, b.backend, apply.Defaults()).Results[0]
				if r.Status != apply.Failed || !strings.Contains(r.Error, tc.says) {
					t.Errorf("got %s: %s", r.Status, r.Error)
				}
				if took := time.Since(begun) - time.Minute; took > tc.within {
					t.Errorf("noticed after %s, want %s", took, tc.within)
				}
			})
		})
	}
}

// A deletion that was refused since the service is on its way is not repeated once somebody has started it again.
func TestRefusedDeletionOfARestartedService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{})
		b.converge(manifest(t, up))
		b.server.SetConfig(sim.Config{Delays: sim.Delays{Stop: 30 * time.Second, DeleteRefusal: 10 * time.Minute}})
		p := b.plan(manifest(t, none))
		time.AfterFunc(2*time.Minute, func() {
			b.edit(sim.Edit{Kind: "service", Name: "a", Set: map[string]any{"state": "running"}})
		})
		begun := time.Now()
		r := apply.Run(b.ctx, p, b.backend, apply.Defaults()).Results[0]
		if took := time.Since(begun); r.Status != apply.Failed || !strings.Contains(r.Error, "is running") || took > 3*time.Minute {
			t.Errorf("got %s after %s: %s", r.Status, took, r.Error)
		}
	})
}

// A deletion that is refused until its limit is not held up beyond it by the pauses that the API asks for.
func TestLimitHoldsInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{})
		b.converge(manifest(t, down))
		b.server.SetConfig(sim.Config{Faults: []sim.Fault{
			{Kind: sim.Fault409, Method: http.MethodDelete, Count: 5},
			{Kind: sim.Fault429, Method: http.MethodDelete, Delay: 2 * time.Minute},
		}})
		p := b.plan(manifest(t, none))
		begun := time.Now()
		r := apply.Run(b.ctx, p, b.backend, apply.Defaults()).Results[0]
		if took := time.Since(begun); r.Status != apply.Unknown || took > 16*time.Minute {
			t.Errorf("got %s after %s: %s", r.Status, took, r.Error)
		}
	})
}

// Warming up takes a while and is no bad end, nor is what a late read still shows.
func TestWarmupIsNoBadEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{Delays: sim.Delays{
			Provision: time.Minute, Warmup: 4 * time.Minute, Start: time.Minute, Stop: time.Minute, Lag: 20 * time.Second, Visibility: 25 * time.Second,
		}})
		b.converge(manifest(t, up))
		b.converge(manifest(t, down))
		b.converge(manifest(t, up))
	})
}

// A service that somebody else has created, started or stopped a moment ago takes no changes yet: it is waited for, as a
// start and a stop do. One that is steady is changed at once, with not a request more.
func TestChangeOfAServiceOnItsWay(t *testing.T) {
	const scaled = "spec: {services: [{name: a, numReplicas: 5, tags: [{key: team, value: x}]}]}"
	for state, then := range map[string]string{
		"provisioning": "running", "starting": "running", "awaking": "running", "stopping": "stopped", "running": "", "idle": "",
	} {
		t.Run(state, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, sim.Config{})
				b.converge(manifest(t, up))
				b.edit(sim.Edit{Kind: "service", Name: "a", Set: map[string]any{"state": state}})
				if then != "" {
					time.AfterFunc(time.Minute, func() {
						b.edit(sim.Edit{Kind: "service", Name: "a", Set: map[string]any{"state": then}})
					})
				}
				p := b.plan(manifest(t, scaled))
				b.server.ResetRequests()
				begun := time.Now()
				r := apply.Run(b.ctx, p, b.backend, apply.Defaults()).Results[0]
				if r.Status != apply.Applied {
					t.Errorf("got %s: %s", r.Status, r.Error)
				}
				if took := time.Since(begun); then != "" && took < time.Minute {
					t.Errorf("changed after %s", took)
				}
				requests := b.server.Requests()
				for _, sent := range requests {
					if sent.Status != http.StatusOK {
						t.Errorf("%s %s: %d", sent.Method, sent.Path, sent.Status)
					}
				}
				if then == "" && len(requests) != 2 {
					t.Errorf("%d requests for two patches", len(requests))
				}
			})
		})
	}
}

// A service on its way that is deleted meanwhile ends the wait of its change.
func TestChangeOfAServiceThatGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{})
		b.converge(manifest(t, up))
		b.edit(sim.Edit{Kind: "service", Name: "a", Set: map[string]any{"state": "starting"}})
		p := b.plan(manifest(t, "spec: {services: [{name: a, numReplicas: 5}]}"))
		time.AfterFunc(time.Minute, func() { b.edit(sim.Edit{Kind: "service", Name: "a", Delete: true}) })
		begun := time.Now()
		r := apply.Run(b.ctx, p, b.backend, apply.Defaults()).Results[0]
		if r.Status != apply.Failed || !strings.Contains(r.Error, "is gone") || time.Since(begun) > 3*time.Minute {
			t.Errorf("got %s after %s: %s", r.Status, time.Since(begun), r.Error)
		}
	})
}
