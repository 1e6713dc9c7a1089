package diff_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// The budgets of DESIGN 11 for CPU and memory are ratios to decoding the same bytes into any, taken in one run: whatever
// else the machine does weighs on both sides.

// entriesEach is the length of every access list, and servicesPerFile keeps files below spec.MaxFileSize.
const (
	entriesEach     = 100
	servicesPerFile = 1000
)

// workload is what a plan starts from.
type workload struct {
	files []spec.File
	live  *spec.Live
}

// drifts are the organizations that a manifest is compared with, made from one that equals it.
var drifts = []struct {
	live  string
	drift func(service spec.Tree)
}{
	{"equal", func(spec.Tree) {}},
	// Every service has another size, and one entry in ten was replaced.
	{"differing", func(service spec.Tree) {
		service["numReplicas"] = int64(2)
		entries := service["ipAccessList"].([]any)
		for i := 0; i < len(entries); i += 10 {
			entries[i] = spec.Tree{"source": fmt.Sprintf("192.0.2.%d/32", i), "description": "by hand"}
		}
	}},
}

func newWorkload(b *testing.B, services int, drift func(service spec.Tree)) workload {
	b.Helper()
	var w workload
	for first := 0; first < services; first += servicesPerFile {
		w.files = append(w.files, spec.File{
			Name: fmt.Sprintf("services-%05d.yaml", first), Data: servicesManifest(first, min(servicesPerFile, services-first)),
		})
	}
	w.live = &spec.Live{OrganizationID: "org-1", OrganizationName: "Acme", Resources: []spec.Resource{{
		Address: spec.Address{Kind: "organization", Name: "org-1"}, ID: "org-1", Spec: spec.Tree{"name": "Acme"}, Status: spec.Tree{},
	}}}
	for _, r := range w.load(b).Resources[1:] {
		service := spec.Clone(r.Spec)
		service["autoscalingMode"] = "vertical"
		drift(service)
		w.live.Resources = append(w.live.Resources, spec.Resource{Address: r.Address, ID: "id-of-" + r.Address.Name, Spec: service, Status: spec.Tree{}})
	}
	return w
}

// servicesManifest writes services with an access list each, in the form that people write.
func servicesManifest(first, count int) []byte {
	var out bytes.Buffer
	out.WriteString("apiVersion: orgctl/v1\nkind: Organization\nmetadata:\n  name: acme\nspec:\n  services:\n")
	for s := first; s < first+count; s++ {
		fmt.Fprintf(&out, "    - name: service-%05d\n      provider: aws\n      region: us-east-1\n      state: running\n"+
			"      numReplicas: 3\n      minReplicaMemoryGb: 16\n      maxReplicaMemoryGb: 64\n      idleScaling: true\n"+
			"      idleTimeoutMinutes: 15\n      tags: [{key: team, value: orders}]\n      ipAccessList:\n", s)
		for e := range entriesEach {
			fmt.Fprintf(&out, "        - source: 10.%d.%d.%d/32\n          description: host %d\n", s%250, e/250, e%250, e)
		}
	}
	return out.Bytes()
}

func (w workload) size() int64 {
	var n int64
	for _, f := range w.files {
		n += int64(len(f.Data))
	}
	return n
}

func (w workload) load(b *testing.B) *spec.Organization {
	b.Helper()
	organizations, diags := spec.Load(w.files)
	if diags.HasErrors() {
		b.Fatal(diags)
	}
	return organizations[0]
}

// plan loads, validates and compares.
func (w workload) plan(b *testing.B) *diff.Plan {
	b.Helper()
	p, err := diff.Compute(w.load(b), w.live, diff.Selection{})
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// unmarshal is what the budgets are multiples of.
func (w workload) unmarshal(b *testing.B) []any {
	b.Helper()
	all := make([]any, len(w.files))
	for i, f := range w.files {
		if err := yaml.Unmarshal(f.Data, &all[i]); err != nil {
			b.Fatal(err)
		}
	}
	return all
}

// timed gives how long f takes on a heap that holds nothing of what ran before.
func timed(f func()) time.Duration {
	runtime.GC()
	start := time.Now()
	f()
	return time.Since(start)
}

// BenchmarkPlan reports as x-unmarshal-time how many times as long as decoding a plan takes; the budget is 3. It compares the
// fastest run of each, which is the one that was disturbed least.
func BenchmarkPlan(b *testing.B) {
	for _, d := range drifts {
		b.Run("live="+d.live, func(b *testing.B) {
			w := newWorkload(b, 1000, d.drift)
			b.SetBytes(w.size())
			b.ReportAllocs()
			plan, unmarshal := time.Hour, time.Hour
			for b.Loop() {
				b.StopTimer()
				unmarshal = min(unmarshal, timed(func() { w.unmarshal(b) }))
				b.StartTimer()
				plan = min(plan, timed(func() { w.plan(b) }))
			}
			b.ReportMetric(plan.Seconds()/unmarshal.Seconds(), "x-unmarshal-time")
		})
	}
}

// BenchmarkPlanGrowth reports as x-per-service how many times as long as one service of 1,000 each of 10,000 takes; cost that
// grows linearly gives 1.
func BenchmarkPlanGrowth(b *testing.B) {
	for _, d := range drifts {
		b.Run("live="+d.live, func(b *testing.B) {
			small, large := newWorkload(b, 1000, d.drift), newWorkload(b, 10_000, d.drift)
			b.SetBytes(large.size())
			fast, slow := time.Hour, time.Hour
			for b.Loop() {
				b.StopTimer()
				fast = min(fast, timed(func() { small.plan(b) }))
				b.StartTimer()
				slow = min(slow, timed(func() { large.plan(b) }))
			}
			b.ReportMetric(slow.Seconds()/(10*fast.Seconds()), "x-per-service")
		})
	}
}
