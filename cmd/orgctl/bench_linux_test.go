package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// These benchmarks measure orgctl as it is released, not the test binary that the tests run under its name. What a process
// has used is told in the units of Linux.

// binary is a stripped orgctl in a directory of its own.
type binary struct {
	dir string
	env []string
}

func buildRelease(b *testing.B) *binary {
	b.Helper()
	o := &binary{dir: b.TempDir()}
	o.env = []string{"HOME=" + o.dir, "TMPDIR=" + o.dir}
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", o.path("orgctl"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return o
}

func (o *binary) path(name string) string { return filepath.Join(o.dir, name) }

func (o *binary) command(b *testing.B, args ...string) *exec.Cmd {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), o.path("orgctl"), args...)
	cmd.Dir, cmd.Env = o.dir, o.env
	return cmd
}

func (o *binary) run(b *testing.B, args ...string) *os.ProcessState {
	b.Helper()
	cmd := o.command(b, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("orgctl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return cmd.ProcessState
}

// BenchmarkVersion reports how long the command that does least takes and how large the binary is; the budgets are 20 ms and
// 30 MB.
func BenchmarkVersion(b *testing.B) {
	orgctl := buildRelease(b)
	info, err := os.Stat(orgctl.path("orgctl"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		orgctl.run(b, "version")
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/run")
	b.ReportMetric(float64(info.Size())/1e6, "MB-binary")
}

// BenchmarkConvergedPlan plans 200 services with 100 IP entries each that are all as declared, against a sandbox that is a
// process of its own and has no rate limit; the budget is a peak of 60 MB.
func BenchmarkConvergedPlan(b *testing.B) {
	orgctl := buildRelease(b)
	if err := os.WriteFile(orgctl.path("acme.yaml"), []byte(manyEntries(200, 100)), 0o600); err != nil {
		b.Fatal(err)
	}
	orgctl.run(b, "apply", "--sandbox", "acme.json", "--yes", "-f", "acme.yaml")
	requests := orgctl.serve(b, "acme.json")

	var cpu time.Duration
	var peak int64
	for b.Loop() {
		ended := orgctl.run(b, "plan", "--rate", "1000/1s", "--detailed-exitcode", "-f", "acme.yaml")
		cpu += ended.UserTime() + ended.SystemTime()
		peak = max(peak, peakKiB(b, ended))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/plan")
	b.ReportMetric(cpu.Seconds()*1000/float64(b.N), "cpu-ms/plan")
	b.ReportMetric(float64(peak)/1024, "MiB-peak")
	b.ReportMetric(float64(len(requests()))/float64(b.N), "requests/plan")
}

func manyEntries(services, entries int) string {
	var out strings.Builder
	out.WriteString("apiVersion: orgctl/v1\nkind: Organization\nmetadata: {name: acme}\nspec:\n  services:\n")
	for s := range services {
		fmt.Fprintf(&out, "    - name: service-%04d\n      provider: aws\n      region: us-east-1\n      numReplicas: 3\n"+
			"      tags: [{key: team, value: orders}]\n      ipAccessList:\n", s)
		for e := range entries {
			fmt.Fprintf(&out, "        - {source: 10.%d.%d.%d, description: host %d}\n", s, e/250, e%250, e)
		}
	}
	return out.String()
}

// serve starts a sandbox, points orgctl at it, and gives what asks it for the requests that it has had.
func (o *binary) serve(b *testing.B, state string) (requests func() []sim.Request) {
	b.Helper()
	sandbox := o.command(b, "sandbox", "--listen", "127.0.0.1:0", "--state", state)
	stdout, err := sandbox.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := sandbox.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = sandbox.Wait() }) // ends with the benchmark's context
	var url string
	for lines := bufio.NewScanner(stdout); len(o.env) < 6 && lines.Scan(); {
		setting, _ := strings.CutPrefix(lines.Text(), "export ")
		o.env = append(o.env, setting)
		if address, ok := strings.CutPrefix(setting, "CLICKHOUSE_API_URL="); ok {
			url = strings.TrimSuffix(address, "/v1")
		}
	}
	return func() []sim.Request {
		request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url+"/_sandbox/requests", nil)
		if err != nil {
			b.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		var all []sim.Request
		if err := json.NewDecoder(response.Body).Decode(&all); err != nil {
			b.Fatal(err)
		}
		return all
	}
}

// peakKiB is the most memory that a process had resident. The kernel lets a process begin with the peak of the one that
// started it, so that only what exceeds ours can be told.
func peakKiB(b *testing.B, ended *os.ProcessState) int64 {
	b.Helper()
	used, ok := ended.SysUsage().(*syscall.Rusage)
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil || !ok {
		b.Fatal("the kernel does not tell the peak", err)
	}
	if used.Maxrss <= own.Maxrss {
		b.Fatalf("the peak of orgctl is hidden by that of the benchmark, %d KiB", own.Maxrss)
	}
	return used.Maxrss
}
