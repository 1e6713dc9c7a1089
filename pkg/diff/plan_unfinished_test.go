package diff_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/diff"
)

// Whoever knows nothing of a creation leaves its service as it is, and what waits for it, and nothing else. Whoever knows it, by the
// service's id, goes on.
func TestLeaveTagged(t *testing.T) {
	const (
		desired = `
spec:
  enableCoreDumps: false
  services: [{name: orders, enableCoreDumps: false}, {name: other, tags: []}]`
		live = `
organization: {enableCoreDumps: true}
services:
  - {name: orders, enableCoreDumps: true, tags: [], status: {unfinished: n0nce, taggedOnly: it is idle}}
  - {name: other, tags: [{key: a}]}`
	)
	for _, c := range []struct {
		name  string
		begun []string
		want  []string
	}{
		{
			name: "known", begun: []string{"service-orders"},
			want: []string{
				`update service/orders: enableCoreDumps true -> false; tags -[{key: "orgctl-op", value: "n0nce"}], sets password`,
				`update organization/acme: enableCoreDumps true -> false after service/orders`,
				`update service/other: tags -[{key: "a"}]`,
			},
		},
		{
			name: "another is known", begun: []string{"service-other"},
			want: []string{
				`update service/other: tags -[{key: "a"}]`,
				`OC332 blocked organization/acme: waits for service/orders, which is left as it is`,
				`OC332 blocked service/orders: nothing but its tag says that its creation is unfinished, and it is idle; finishing it sets a ` +
					`new password for user default of what may be in use`,
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan(t, desired, live, diff.Selection{})
			reviewed := p.Digest
			p.Guard(observed(t, live), diff.Caller{Sink: true, Begun: c.begun})
			p.LeaveTagged()
			if d := cmp.Diff(c.want, told(p)); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			if left := len(p.Findings) > 0; left == (p.Digest == reviewed) || left != p.Drifted() && p.Empty() || p.Converged() || p.Blocked() {
				t.Errorf("digest, drift, converged or blocked do not fit %v", told(p))
			}
		})
	}
}
