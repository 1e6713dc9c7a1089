package spec_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/orgctl/orgctl/pkg/spec"
)

// manifestOf writes one organization of services with an IP list each, in the form that people write.
func manifestOf(services, entries int) []byte {
	var b bytes.Buffer
	b.WriteString("apiVersion: orgctl/v1\nkind: Organization\nmetadata:\n  name: acme\nspec:\n  services:\n")
	for s := range services {
		fmt.Fprintf(&b, "    - name: service-%05d\n      provider: aws\n      region: us-east-1\n      state: running\n"+
			"      numReplicas: 3\n      minReplicaMemoryGb: 16\n      maxReplicaMemoryGb: 64\n      idleScaling: true\n"+
			"      idleTimeoutMinutes: 15\n      tags: [{key: team, value: orders}]\n      ipAccessList:\n", s)
		for e := range entries {
			fmt.Fprintf(&b, "        - source: 10.%d.%d.%d/32\n          description: host %d\n", s%250, e/250, e%250, e)
		}
	}
	return b.Bytes()
}

// BenchmarkLoad is for profiles. What loading may cost is held together with the comparison after it: BenchmarkPlan of package
// diff.
func BenchmarkLoad(b *testing.B) {
	for _, services := range []int{100, 1000} {
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			files := []spec.File{{Name: "acme.yaml", Data: manifestOf(services, 100)}}
			b.SetBytes(int64(len(files[0].Data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, diags := spec.Load(files); diags.HasErrors() {
					b.Fatal(diags)
				}
			}
		})
	}
}
