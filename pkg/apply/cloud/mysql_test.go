package cloud_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/diff"
)

const withoutMySQL = "spec: {services: [{name: a, provider: aws, region: us-east-1, ipAccessList: []}]}"

func withEndpoints(endpoints string) string {
	return "spec: {services: [{name: a, provider: aws, region: us-east-1, ipAccessList: [], endpoints: " + endpoints + "}]}"
}

// A password is given its hash for MySQL only when it is set. Where MySQL is switched on later, the plan says that the
// password will not do there, since nobody's password is set anew in silence.
func TestMySQLSwitchedOnLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{})
		b.converge(manifest(t, withoutMySQL))
		on := manifest(t, withEndpoints("[{protocol: mysql, enabled: true}]"))
		p := b.plan(on)
		if len(p.Findings) != 1 || p.Findings[0].Code != diff.CodeByHand || p.Worst() != diff.SeverityWarning {
			t.Errorf("findings: %s", encode(t, p.Findings))
		}
		b.converge(on)
		if p := b.plan(on); !p.Empty() || len(p.Findings) > 0 {
			t.Errorf("left: %s", encode(t, p))
		}
		password := b.sink.Records()[0].Password.Reveal()
		if ok, _, err := b.server.VerifyPassword("a", password); err != nil || !ok {
			t.Errorf("the stored password opens nothing any more: %v", err)
		}
	})
}

// A creation that declares MySQL sets both hashes, and there is nothing to say of it. A secondary has its primary's users.
func TestMySQLFromTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, sim.Config{})
		on := manifest(t, withEndpoints("[{protocol: mysql, enabled: true}]"))
		if p := b.converge(on); len(p.Findings) > 0 {
			t.Errorf("findings: %s", encode(t, p.Findings))
		}
		if ok, mysql, err := b.server.VerifyPassword("a", b.sink.Records()[0].Password.Reveal()); !ok || !mysql || err != nil {
			t.Errorf("the stored password: %v, over MySQL %v, %v", ok, mysql, err)
		}
		p := b.plan(manifest(t, "spec: {services: [{name: b, warehouse: a, ipAccessList: [], endpoints: [{protocol: mysql, enabled: true}]}, {name: a}]}"))
		if len(p.Findings) != 1 || p.Findings[0].Code != diff.CodeByHand {
			t.Errorf("findings for a secondary: %s", encode(t, p.Findings))
		}
	})
}

// No entry for MySQL, one that is not enabled, and a server that reports none are one state, whoever says so.
func TestNoEndpointsAreMySQLOff(t *testing.T) {
	off := []string{"[]", "[{protocol: mysql, enabled: false}]"}
	for _, cfg := range []sim.Config{{}, {OldAPI: true}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t.Context(), t, cfg)
			b.converge(manifest(t, withoutMySQL))
			for _, endpoints := range off {
				if p := b.plan(manifest(t, withEndpoints(endpoints))); !p.Empty() {
					t.Errorf("%s: %s", endpoints, encode(t, p.Changes))
				}
			}
		})
	}
	for _, endpoints := range off {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t.Context(), t, sim.Config{})
			b.converge(manifest(t, withEndpoints("[{protocol: mysql, enabled: true}]")))
			desired := manifest(t, withEndpoints(endpoints))
			p := b.converge(desired)
			if got := actions(p); !slices.Equal(got, []string{"update service/a"}) || len(p.Findings) > 0 {
				t.Errorf("%s: %s", endpoints, encode(t, p))
			}
			if p := b.plan(desired); !p.Empty() {
				t.Errorf("%s: %s", endpoints, encode(t, p.Changes))
			}
		})
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t.Context(), t, sim.Config{})
			b.converge(manifest(t, withEndpoints(endpoints))) // a creation says so, too
		})
	}
}
