package cloud_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/backendtest"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// TestBackend holds the backend to what any must do.
func TestBackend(t *testing.T) { suite(sim.Config{}).Run(t) }

// suite is what is special about ClickHouse Cloud, in one shape of its API.
func suite(cfg sim.Config) backendtest.Suite {
	return backendtest.Suite{
		API: spec.ClickHouse,
		Fresh: func(ctx context.Context, t backendtest.T) backendtest.Fixture {
			b := unconnected(ctx, t)
			b.server = sim.New(cfg)
			return &fixture{bench: b, foreign: map[string]bool{}}
		},
		States: map[string]string{
			"nothing":    "spec: {name: Acme}",
			"small":      small,
			"changed":    changed,
			"bare":       bare,
			"taken back": takenBack,
		},
		Draw:  func(r *rapid.T) string { return drawManifest(r, cfg.LegacyRoles) },
		Edits: edits,

		Before: faultsBefore, After: faultsAfter,

		Bare: bare, Everything: everything,
		Prepare: []backendtest.Edit{{Kind: "member", Name: "ana@example.com", Create: true, Set: map[string]any{"roles": []any{"developer"}}}},
		Changed: fieldEdits, First: firstEdits, Unmanaged: exportedUnmanaged,
		There: map[string]string{
			"privateEndpoint": "vpce-1", "service": "orders", "key": "ci", "member": "ana@example.com", "invitation": "new@example.com",
		},
		Stray: "stray@example.com",
	}
}

// fixture is a bench on which several runs work.
type fixture struct {
	*bench
	foreign map[string]bool // KIND NAME of what no run has made
}

// Connect implements backendtest.Fixture.
func (f *fixture) Connect(wrap func(http.RoundTripper) http.RoundTripper) (apply.Backend, func(*diff.Plan)) {
	b := *f.bench // a recorder of its own
	b.backend = b.connect(wrap(b.checked(b.server.Transport())))
	f.api = b.api
	return b.backend, b.checkSent
}

// Edit implements backendtest.Fixture.
func (f *fixture) Edit(e backendtest.Edit) {
	f.t.Helper()
	f.edit(sim.Edit{Kind: e.Kind, Name: e.Name, Set: e.Set, Create: e.Create, Delete: e.Delete})
	if name, ok := e.Set["name"].(string); ok && e.Create {
		f.foreign[e.Kind+" "+name] = true
	}
	if e.Create {
		f.foreign[e.Kind+" "+e.Name] = true
	}
}

// Heed implements backendtest.Fixture: whatever a run left behind, the next one goes on with.
func (f *fixture) Heed([]string) {}

// CatchUp implements backendtest.Fixture.
func (f *fixture) CatchUp() { f.server.Advance(time.Minute) }

// Problems implements backendtest.Fixture: whatever a run has created is there once, carries no mark, and opens with what is
// stored.
func (f *fixture) Problems() []string {
	f.t.Helper()
	organization := f.server.Credentials().OrganizationID
	services, err := f.api.ListServices(f.ctx, organization)
	if err != nil {
		f.t.Fatal(err)
	}
	keys, err := f.api.ListKeys(f.ctx, organization)
	if err != nil {
		f.t.Fatal(err)
	}
	invitations, err := f.api.ListInvitations(f.ctx, organization)
	if err != nil {
		f.t.Fatal(err)
	}
	var problems []string
	seen := map[string]bool{}
	once := func(what string) {
		if seen[what] {
			problems = append(problems, "two of "+what)
		}
		seen[what] = true
	}
	for _, s := range services {
		once("service " + s.Name)
		if slices.ContainsFunc(s.Tags, func(t cloudapi.Tag) bool { return t.Key == spec.NonceTag }) {
			problems = append(problems, s.Name+" still has the mark")
		}
		if !f.foreign["service "+s.Name] && (s.IsPrimary == nil || bool(*s.IsPrimary)) && !f.opened(s.ID) {
			problems = append(problems, "no stored password opens "+s.Name)
		}
	}
	for _, k := range keys {
		once("key " + k.Name)
		if !f.foreign["key "+k.Name] && !strings.HasSuffix(f.server.Credentials().KeyID, k.KeySuffix) && !f.stored(k) {
			problems = append(problems, "no stored secret is that of "+k.Name)
		}
	}
	for _, i := range invitations {
		once("invitation " + strings.ToLower(i.Email))
	}
	return problems
}

// opened reports whether some stored password opens a service.
func (f *fixture) opened(id string) bool {
	return slices.ContainsFunc(f.sink.Records(), func(r secrets.Record) bool {
		if r.Kind != secrets.Service {
			return false
		}
		ok, _, err := f.server.VerifyPassword(id, r.Password.Reveal())
		return err == nil && ok
	})
}

// stored reports whether some stored secret is that of a key.
func (f *fixture) stored(k cloudapi.APIKey) bool {
	return slices.ContainsFunc(f.sink.Records(), func(r secrets.Record) bool {
		return r.Kind == secrets.Key && strings.HasSuffix(r.KeyID, k.KeySuffix) && f.server.VerifyKey(r.KeyID, r.KeySecret.Reveal())
	})
}
