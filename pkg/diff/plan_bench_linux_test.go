package diff_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// The budgets for CPU and memory are ratios to decoding the same bytes into any, taken in one run: whatever else the machine
// does weighs on both sides. The kernel's view of memory is Linux's, hence the name of this file.

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
func (w workload) unmarshal(b *testing.B) {
	b.Helper()
	all := make([]any, len(w.files))
	for i, f := range w.files {
		if err := yaml.Unmarshal(f.Data, &all[i]); err != nil {
			b.Fatal(err)
		}
	}
}

// cost is what something took.
type cost struct {
	wall, cpu time.Duration // cpu is of all threads, the collector's included
	peak      int           // KiB by which the resident memory rose at its worst moment, garbage not yet collected included
}

func (c *cost) add(other cost) {
	c.wall += other.wall
	c.cpu += other.cpu
	c.peak += other.peak
}

// measure gives the cost of f in a process that has given all free memory back to the system, like one that has just begun.
// What f starts from is there before and does not count. The kernel tells the peak, since the collector looks at its heap only
// at times of its own choosing.
func measure(b *testing.B, f func()) cost {
	b.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // the peak is now what is resident
		b.Fatal(err)
	}
	resident, cpu, start := residentPeak(b), cpuTime(b), time.Now()
	f()
	return cost{wall: time.Since(start), cpu: cpuTime(b) - cpu, peak: residentPeak(b) - resident}
}

// residentPeak is the most KiB of memory that this process had resident since the last reset.
func residentPeak(b *testing.B) int {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		var kib int
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib
		}
	}
	b.Fatal("the kernel does not tell the peak")
	return 0
}

// cpuTime is what this process has used so far.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkValidate reports how many times the time, the CPU time and the peak memory of decoding it takes to load and to
// validate; the budget is 1.5.
func BenchmarkValidate(b *testing.B) {
	w := newWorkload(b, 1000, drifts[0].drift)
	w.live = nil
	var validate, unmarshal cost
	for b.Loop() {
		unmarshal.add(measure(b, func() { w.unmarshal(b) }))
		validate.add(measure(b, func() { w.load(b) }))
	}
	b.ReportMetric(0, "ns/op") // of both together, which says nothing
	b.ReportMetric(validate.wall.Seconds()/float64(b.N), "s/validate")
	b.ReportMetric(float64(validate.peak)/1024/float64(b.N), "MiB-peak/validate")
	b.ReportMetric(validate.wall.Seconds()/unmarshal.wall.Seconds(), "x-time")
	b.ReportMetric(validate.cpu.Seconds()/unmarshal.cpu.Seconds(), "x-cpu")
	b.ReportMetric(float64(validate.peak)/float64(unmarshal.peak), "x-peak")
}

// BenchmarkPlan reports how many times the time, the CPU time and the peak memory of decoding a plan takes; the budget is 3.
func BenchmarkPlan(b *testing.B) {
	for _, d := range drifts {
		b.Run("live="+d.live, func(b *testing.B) {
			w := newWorkload(b, 1000, d.drift)
			var plan, unmarshal cost
			for b.Loop() {
				unmarshal.add(measure(b, func() { w.unmarshal(b) }))
				plan.add(measure(b, func() { w.plan(b) }))
			}
			b.ReportMetric(0, "ns/op") // of both together, which says nothing
			b.ReportMetric(plan.wall.Seconds()/float64(b.N), "s/plan")
			b.ReportMetric(float64(plan.peak)/1024/float64(b.N), "MiB-peak/plan")
			b.ReportMetric(plan.wall.Seconds()/unmarshal.wall.Seconds(), "x-time")
			b.ReportMetric(plan.cpu.Seconds()/unmarshal.cpu.Seconds(), "x-cpu")
			b.ReportMetric(float64(plan.peak)/float64(unmarshal.peak), "x-peak")
		})
	}
}

// BenchmarkPlanGrowth reports how many times the CPU time and the peak memory of one service of 1,000 each of 10,000 takes;
// what grows linearly gives 1.
func BenchmarkPlanGrowth(b *testing.B) {
	for _, d := range drifts {
		b.Run("live="+d.live, func(b *testing.B) {
			// The few come first: next to the many, the collector would let far more garbage lie.
			const rounds = 5
			var small, large cost
			few := newWorkload(b, 1000, d.drift)
			for range rounds {
				small.add(measure(b, func() { few.plan(b) }))
			}
			many := newWorkload(b, 10_000, d.drift)
			for b.Loop() {
				large.add(measure(b, func() { many.plan(b) }))
			}
			plans := float64(b.N)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(large.wall.Seconds()/plans, "s/plan")
			b.ReportMetric(float64(large.peak)/1024/plans, "MiB-peak/plan")
			b.ReportMetric(large.cpu.Seconds()/plans/10/(small.cpu.Seconds()/rounds), "x-cpu-per-service")
			b.ReportMetric(float64(large.peak)/plans/10/(float64(small.peak)/rounds), "x-peak-per-service")
		})
	}
}
