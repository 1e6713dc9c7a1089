package diff_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"testing"
)

// BenchmarkPlanPeak reports as x-unmarshal-peak how many times as much memory as decoding a plan takes at its worst moment; the
// budget is 3. What both start from, the bytes and the live organization, is there before and does not count.
func BenchmarkPlanPeak(b *testing.B) {
	for _, d := range drifts {
		b.Run("live="+d.live, func(b *testing.B) {
			w := newWorkload(b, 1000, d.drift)
			var plan, unmarshal float64
			for b.Loop() {
				unmarshal += peak(b, func() any { return w.unmarshal(b) })
				plan += peak(b, func() any { return w.plan(b) })
			}
			b.ReportMetric(plan/unmarshal, "x-unmarshal-peak")
			b.ReportMetric(plan/float64(b.N), "MiB-peak")
			b.ReportMetric(unmarshal/float64(b.N), "MiB-peak-unmarshal")
		})
	}
}

// peak gives by how many MiB f raises the memory that the process holds, garbage not yet collected included, as the
// kernel counts it: the collector sees its heap only at times of its own choosing.
func peak(b *testing.B, f func() any) float64 {
	b.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // the peak is now what is resident
		b.Fatal(err)
	}
	before := residentPeak(b)
	_ = f()
	return float64(residentPeak(b)-before) / 1024
}

// residentPeak is the most kibibytes that were resident since the last reset.
func residentPeak(b *testing.B) int {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(status))
	for lines.Scan() {
		var kibibytes int
		if n, _ := fmt.Sscanf(lines.Text(), "VmHWM: %d kB", &kibibytes); n == 1 {
			return kibibytes
		}
	}
	b.Fatal("the kernel does not tell the peak")
	return 0
}
