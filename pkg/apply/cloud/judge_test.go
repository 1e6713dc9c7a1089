package cloud_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/diff"
)

// rewritten changes replies on their way, as another server might word them.
type rewritten struct {
	http.RoundTripper
	from, to string
}

func (r rewritten) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.RoundTripper.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	var body bytes.Buffer
	_, err = body.ReadFrom(resp.Body)
	resp.Body = readCloser{strings.NewReader(strings.ReplaceAll(body.String(), r.from, r.to))}
	resp.ContentLength = -1
	return resp, err
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// In a migrated organization somebody who shows no assigned roles has none, whatever the frozen legacy field still says: a
// member who once was administrator is no reason to dismiss the only one that is left.
func TestFrozenRolesAreNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{})
		b.edit(sim.Edit{Kind: "member", Create: true, Set: map[string]any{"email": "ghost@example.com", "roles": []any{}}})
		b.backend = b.connect(rewritten{b.server.Transport(), `"assignedRoles":[]`, `"role":"admin"`})
		p := b.plan(manifest(t, "spec: {members: [{email: admin@example.com, role: developer}]}"))
		if p.Worst() != diff.SeverityBlocked {
			t.Errorf("the last administrator may go: %s", encode(t, p))
		}
		if p := b.plan(manifest(t, "spec: {members: [{email: ghost@example.com, role: admin}]}")); len(p.Changes) != 1 {
			t.Errorf("a frozen role counts: %s", encode(t, p.Changes))
		}
	})
}

// A registration that a service still uses is not taken away, neither by a service that does not manage its endpoints nor by
// a selection that leaves the detaching out.
func TestEndpointInUseStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{})
		b.converge(manifest(t, `
spec:
  privateEndpoints: [{id: vpce-1, cloudProvider: aws, region: us-east-1}]
  services: [{name: a, provider: aws, region: us-east-1, ipAccessList: [], privateEndpointIds: [vpce-1]}]
`))
		p := b.plan(manifest(t, "spec: {privateEndpoints: [{id: vpce-1, cloudProvider: aws, region: us-east-1, ensure: absent}]}"))
		if p.Worst() != diff.SeverityBlocked || p.Findings[0].Code != diff.CodeEndpointInUse {
			t.Errorf("got %s", encode(t, p))
		}
		detached := `
spec:
  privateEndpoints: [{id: vpce-1, cloudProvider: aws, region: us-east-1, ensure: absent}]
  services: [{name: a, privateEndpointIds: [], access: closed}]
`
		b.converge(manifest(t, detached))
	})
}

// Whether attaching registers an endpoint or needs one that is registered (UnregisteredEndpoint), nothing is left to it: what is
// declared is registered, described, attached, detached and removed in one order, and what nobody has registered is not attached.
func TestEndpointRules(t *testing.T) {
	for rule, status := range map[string]int{"attaching registers": http.StatusOK, "attaching refuses": http.StatusBadRequest} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, sim.Config{Statuses: sim.Statuses{UnregisteredEndpoint: status}})
				b.converge(manifest(t, `
spec:
  privateEndpoints:
    - {id: vpce-1, cloudProvider: aws, region: us-east-1, description: VPC}
    - {id: vpce-1, cloudProvider: aws, region: us-east-2}
  services: [{name: a, provider: aws, region: us-east-1, ipAccessList: [], privateEndpointIds: [vpce-1]}]
`))
				p := b.plan(manifest(t, "spec: {services: [{name: a, privateEndpointIds: [vpce-1, vpce-2]}]}"))
				if p.Worst() != diff.SeverityBlocked || p.Findings[0].Code != diff.CodeNoTarget || len(p.Changes) != 0 {
					t.Errorf("an endpoint that is registered nowhere: %s", encode(t, p))
				}
				b.converge(manifest(t, `
spec:
  privateEndpoints:
    - {id: vpce-1, cloudProvider: aws, region: us-east-1, ensure: absent}
    - {id: vpce-1, cloudProvider: aws, region: us-east-2, ensure: absent}
    - {id: vpce-3, cloudProvider: aws, region: us-east-1, description: VPC}
  services: [{name: a, privateEndpointIds: [vpce-3]}]
`))
			})
		})
	}
}

// Finishing a creation that was interrupted is work for apply, and no drift.
func TestHalfMadeIsNoDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{})
		desired := manifest(t, "spec: {services: [{name: a, provider: aws, region: us-east-1, ipAccessList: []}]}")
		b.converge(desired)
		b.edit(sim.Edit{Kind: "service", Name: "a", Set: map[string]any{"tags": []any{map[string]any{"key": "orgctl-op", "value": "nonce"}}}})
		p := b.plan(desired)
		if len(p.Changes) != 1 || p.Drifted() {
			t.Errorf("%d changes, drifted %v", len(p.Changes), p.Drifted())
		}
		b.converge(desired)
	})
}
