package cloud_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/spec"
)

// BenchmarkPlan plans a converged organization over HTTP: once against an API that answers at once, and once against one that
// takes 50 ms over every answer. Each plan has a client of its own, with connections to open and the rate limit of production.
// The budgets are six requests and three round trips: by so many latencies the slow plan takes longer than the other, which
// is all computing.
func BenchmarkPlan(b *testing.B) {
	const latency = 50 * time.Millisecond
	for _, services := range []int{200, 1000} {
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			org := newBench(b.Context(), b, sim.Config{})
			desired := manifest(b, manyServices(services))
			org.converge(desired)
			api := httptest.NewServer(org.server)
			defer api.Close()
			org.rate = cloudapi.Dialect().Rate
			org.server.ResetRequests()

			var computing, slow time.Duration
			for b.Loop() {
				computing += org.timeToPlan(b, desired, api.Listener.Addr(), sim.Delays{})
				slow += org.timeToPlan(b, desired, api.Listener.Addr(), sim.Delays{Latency: latency})
			}
			plans := float64(b.N)
			b.ReportMetric(0, "ns/op") // of both together, which says nothing
			b.ReportMetric(float64(len(org.server.Requests()))/(2*plans), "requests/plan")
			b.ReportMetric(slow.Seconds()*1000/plans, "ms/plan")
			b.ReportMetric(computing.Seconds()*1000/plans, "ms-computing/plan")
			b.ReportMetric((slow-computing).Seconds()/latency.Seconds()/plans, "round-trips/plan")
		})
	}
}

func (b *bench) timeToPlan(t *testing.B, desired *spec.Organization, api net.Addr, delays sim.Delays) time.Duration {
	t.Helper()
	b.server.SetConfig(sim.Config{Delays: delays})
	b.backend = b.connect(dialing(api))
	start := time.Now()
	if p := b.plan(desired); !p.Empty() {
		t.Fatal("not converged")
	}
	return time.Since(start)
}

// manyServices declares services of the usual size.
func manyServices(n int) string {
	var out strings.Builder
	out.WriteString("spec:\n  services:\n")
	for i := range n {
		fmt.Fprintf(&out, "    - name: service-%04d\n      provider: aws\n      region: us-east-1\n      numReplicas: 3\n"+
			"      tags: [{key: team, value: orders}]\n      ipAccessList: [{source: 192.0.2.1, description: office}, {source: 198.51.100.0/24}]\n", i)
	}
	return out.String()
}

// dialing connects to one address, whatever a URL says.
func dialing(to net.Addr) http.RoundTripper {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, to.Network(), to.String())
	}}
}
