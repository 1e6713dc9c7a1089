package sim_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

var scalingFields = []string{
	"autoscalingMode", "numReplicas", "minReplicas", "maxReplicas", "minReplicaMemoryGb", "maxReplicaMemoryGb", "replicaMemoryGb",
	"minTotalMemoryGb", "maxTotalMemoryGb", "idleScaling", "idleTimeoutMinutes",
}

// TestScalingShapes sends one patch after the other to one service and reads back what its mode shows.
func TestScalingShapes(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	id := c.newService("scaled", object{"minReplicaMemoryGb": 8, "maxReplicaMemoryGb": 8, "numReplicas": 1, "idleTimeoutMinutes": 5.4})
	steps := []struct {
		name, path  string
		patch, want object
	}{
		{
			"minimal body", "replicaScaling",
			object{},
			object{
				"autoscalingMode": "vertical", "numReplicas": 1.0, "minReplicaMemoryGb": 8.0, "maxReplicaMemoryGb": 8.0,
				"minTotalMemoryGb": 24.0, "maxTotalMemoryGb": 24.0, "idleScaling": true, "idleTimeoutMinutes": 5.0,
			},
		},
		{
			"a band of one width is a count", "replicaScaling",
			object{"minReplicas": 4, "maxReplicas": 4, "maxReplicaMemoryGb": 356},
			object{
				"autoscalingMode": "vertical", "numReplicas": 4.0, "minReplicaMemoryGb": 8.0, "maxReplicaMemoryGb": 356.0,
				"minTotalMemoryGb": 24.0, "maxTotalMemoryGb": 1068.0, "idleScaling": true, "idleTimeoutMinutes": 5.0,
			},
		},
		{
			"to horizontal", "replicaScaling",
			object{"autoscalingMode": "horizontal", "minReplicas": 2, "maxReplicas": 5, "minReplicaMemoryGb": 32, "maxReplicaMemoryGb": 32},
			object{
				"autoscalingMode": "horizontal", "minReplicas": 2.0, "maxReplicas": 5.0, "minReplicaMemoryGb": 32.0, "maxReplicaMemoryGb": 32.0,
				"replicaMemoryGb": 32.0, "idleScaling": true, "idleTimeoutMinutes": 5.0,
			},
		},
		{
			"the mode may be left out", "replicaScaling",
			object{"minReplicas": 3, "maxReplicas": 3, "idleScaling": false},
			object{
				"autoscalingMode": "horizontal", "minReplicas": 3.0, "maxReplicas": 3.0, "minReplicaMemoryGb": 32.0, "maxReplicaMemoryGb": 32.0,
				"replicaMemoryGb": 32.0, "idleScaling": false, "idleTimeoutMinutes": 5.0,
			},
		},
		{
			"back to vertical keeps the memory", "replicaScaling",
			object{"autoscalingMode": "vertical", "numReplicas": 2, "idleScaling": true, "idleTimeoutMinutes": 30},
			object{
				"autoscalingMode": "vertical", "numReplicas": 2.0, "minReplicaMemoryGb": 32.0, "maxReplicaMemoryGb": 32.0,
				"minTotalMemoryGb": 96.0, "maxTotalMemoryGb": 96.0, "idleScaling": true, "idleTimeoutMinutes": 30.0,
			},
		},
		{
			"totals are of three workers", "scaling",
			object{"minTotalMemoryGb": 48.0, "maxTotalMemoryGb": 360, "numReplicas": 5},
			object{
				"autoscalingMode": "vertical", "numReplicas": 5.0, "minReplicaMemoryGb": 16.0, "maxReplicaMemoryGb": 120.0,
				"minTotalMemoryGb": 48.0, "maxTotalMemoryGb": 360.0, "idleScaling": true, "idleTimeoutMinutes": 30.0,
			},
		},
	}
	for _, step := range steps {
		if diff := cmp.Diff(step.want, pick(c.ok("PATCH", "/services/"+id+"/"+step.path, step.patch), scalingFields...)); diff != "" {
			t.Errorf("%s: reply (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff(step.want, pick(c.service(id), scalingFields...)); diff != "" {
			t.Errorf("%s: read (-want +got):\n%s", step.name, diff)
		}
	}
	c.ok("PATCH", "/services/"+id+"/replicaScaling", object{"autoscalingMode": "horizontal", "minReplicas": 1, "maxReplicas": 2, "minReplicaMemoryGb": 8, "maxReplicaMemoryGb": 8})
	c.refused("PATCH", "/services/"+id+"/replicaScaling", object{"autoscalingMode": "vertical"}, 400, "BAD_REQUEST: request body: numReplicas is required for vertical autoscaling")
}

func TestCreateScaling(t *testing.T) {
	tests := map[string]struct {
		body, want object
	}{
		"least memory":   {object{"minReplicaMemoryGb": 236}, object{"autoscalingMode": "vertical", "minReplicaMemoryGb": 236.0, "maxReplicaMemoryGb": 236.0}},
		"most memory":    {object{"maxReplicaMemoryGb": 12}, object{"autoscalingMode": "vertical", "minReplicaMemoryGb": 12.0, "maxReplicaMemoryGb": 12.0}},
		"totals":         {object{"minTotalMemoryGb": 24, "maxTotalMemoryGb": 72}, object{"autoscalingMode": "vertical", "minReplicaMemoryGb": 8.0, "maxReplicaMemoryGb": 24.0}},
		"horizontal":     {object{"autoscalingMode": "horizontal", "minReplicas": 1, "maxReplicas": 2, "minReplicaMemoryGb": 16, "maxReplicaMemoryGb": 16}, object{"autoscalingMode": "horizontal", "minReplicaMemoryGb": 16.0, "maxReplicaMemoryGb": 16.0}},
		"float spelling": {object{"minReplicaMemoryGb": 8.0, "maxReplicaMemoryGb": 16.0}, object{"autoscalingMode": "vertical", "minReplicaMemoryGb": 8.0, "maxReplicaMemoryGb": 16.0}},
	}
	_, c, _ := start(t, sim.Config{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := pick(c.service(c.newService("created", test.body)), "autoscalingMode", "minReplicaMemoryGb", "maxReplicaMemoryGb")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("service (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScalingKnobs(t *testing.T) {
	horizontal := object{"autoscalingMode": "horizontal", "minReplicas": 1, "maxReplicas": 2}
	tests := map[string]struct {
		cfg    sim.Config
		body   object
		status int
		text   string
	}{
		"no entitlement":        {sim.Config{NoHorizontal: true}, horizontal, 403, "FORBIDDEN: horizontal autoscaling is not enabled for this organization"},
		"no entitlement, other": {sim.Config{NoHorizontal: true, Statuses: sim.Statuses{Horizontal: 400}}, horizontal, 400, "BAD_REQUEST: horizontal autoscaling is not enabled for this organization"},
		"unpaid":                {sim.Config{Unpaid: true}, object{"maxReplicaMemoryGb": 124}, 400, "BAD_REQUEST: request body.maxReplicaMemoryGb: must be a multiple of 4 between 8 and 120 <number:124>"},
		"basic":                 {sim.Config{Basic: true}, object{"minReplicaMemoryGb": 8, "maxReplicaMemoryGb": 12}, 400, "BAD_REQUEST: request body: minReplicaMemoryGb and maxReplicaMemoryGb must be equal in this plan"},
		"old replicas":          {sim.Config{OldAPI: true}, object{"numReplicas": 0}, 400, "BAD_REQUEST: request body.numReplicas: Number of replicas must be greater than 3 <number:0>"},
		"old memory":            {sim.Config{OldAPI: true}, object{"maxTotalMemoryGb": 732}, 400, "BAD_REQUEST: request body.maxTotalMemoryGb: must be a multiple of 12 between 24 and 720 <number:732>"},
		"band without memory":   {sim.Config{}, horizontal, 400, "BAD_REQUEST: request body: minReplicaMemoryGb and maxReplicaMemoryGb are required for horizontal autoscaling"},
		"band, half a memory":   {sim.Config{}, object{"minReplicas": 1, "maxReplicas": 2, "autoscalingMode": "horizontal", "maxReplicaMemoryGb": 64}, 400, "BAD_REQUEST: request body: minReplicaMemoryGb and maxReplicaMemoryGb are required for horizontal autoscaling"},
		"quota":                 {sim.Config{ServiceQuota: 1}, object{}, 400, "BAD_REQUEST: the organization has reached its limit of 1 services"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, c, _ := start(t, test.cfg)
			if test.cfg.ServiceQuota > 0 {
				c.newService("first")
			}
			body := object{"name": "x", "provider": "aws", "region": "us-east-1", "ipAccessList": []any{}}
			for k, v := range test.body {
				body[k] = v
			}
			c.refused("POST", "/services", body, test.status, test.text)
		})
	}
	_, c, _ := start(t, sim.Config{Basic: true})
	if got := c.service(c.newService("small"))["numReplicas"]; got != 1.0 {
		t.Errorf("a basic service has %v replicas", got)
	}
}

func TestCurrentScalingFollowsLater(t *testing.T) {
	_, c, clk := start(t, sim.Config{Delays: sim.Delays{Scale: time.Minute}, Statuses: sim.Statuses{StoppedScaling: 409}})
	id := c.newService("slow", object{"numReplicas": 2})
	c.ok("PATCH", "/services/"+id+"/replicaScaling", object{"numReplicas": 4})
	for _, want := range []float64{2, 4} {
		service := c.service(id)
		if got := service["currentScaling"].(object)["effectiveMinReplicas"]; got != want || service["numReplicas"] != 4.0 {
			t.Errorf("effective replicas %v, configured %v; want %v, 4", got, service["numReplicas"], want)
		}
		clk.advance(time.Minute)
	}
	c.ok("PATCH", "/services/"+id+"/state", object{"command": "stop"})
	c.refused("PATCH", "/services/"+id+"/replicaScaling", object{"numReplicas": 2}, 409, "CONFLICT: a stopped service cannot be scaled")
}

// TestScalingLaw sends random patches: whatever is accepted leaves a service whose fields fit its mode and each other, and
// whatever is refused leaves it as it was.
func TestScalingLaw(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	id := c.newService("law")
	replicas := rapid.IntRange(0, 21)
	memory := rapid.SampledFrom([]int{0, 4, 8, 10, 16, 32, 356, 360})
	rapid.Check(t, func(rt *rapid.T) {
		before := pick(c.service(id), scalingFields...)
		patch := object{}
		maybe := func(name string, draw func() any) {
			if rapid.Bool().Draw(rt, "has "+name) {
				patch[name] = draw()
			}
		}
		maybe("autoscalingMode", func() any { return rapid.SampledFrom([]string{"vertical", "horizontal"}).Draw(rt, "mode") })
		for _, name := range []string{"numReplicas", "minReplicas", "maxReplicas"} {
			maybe(name, func() any { return replicas.Draw(rt, name) })
		}
		for _, name := range []string{"minReplicaMemoryGb", "maxReplicaMemoryGb"} {
			maybe(name, func() any { return memory.Draw(rt, name) })
		}
		maybe("idleScaling", func() any { return rapid.Bool().Draw(rt, "idle") })
		maybe("idleTimeoutMinutes", func() any { return rapid.IntRange(0, 20).Draw(rt, "timeout") })

		a := c.do("PATCH", "/services/"+id+"/replicaScaling", patch)
		after := pick(c.service(id), scalingFields...)
		if a.Status != http.StatusOK {
			if diff := cmp.Diff(before, after); diff != "" {
				rt.Fatalf("%v was refused and changed (-before +after):\n%s", patch, diff)
			}
			return
		}
		for name, want := range patch {
			got, shown := after[name]
			collapsed := after["autoscalingMode"] == "vertical" && (name == "minReplicas" || name == "maxReplicas")
			if collapsed {
				got, shown = after["numReplicas"], true
			}
			if n, isInt := want.(int); isInt {
				want = float64(n)
			}
			if !shown || got != want {
				rt.Fatalf("%v was accepted, but %s is %v", patch, name, got)
			}
		}
		_, count := after["numReplicas"]
		_, band := after["minReplicas"]
		if horizontal := after["autoscalingMode"] == "horizontal"; count == horizontal || band != horizontal ||
			horizontal && after["minReplicaMemoryGb"] != after["maxReplicaMemoryGb"] ||
			after["minReplicaMemoryGb"].(float64) > after["maxReplicaMemoryGb"].(float64) {
			rt.Fatalf("%v was accepted and left %v", patch, after)
		}
	})
}
