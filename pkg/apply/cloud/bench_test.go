package cloud_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/cloud"
	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/apply/store"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/client/secret"
	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/client/sim/openapitest"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// tester is what testing.T and rapid.T have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// bench is one simulated organization and a backend on it. Run it inside testing/synctest: hours of waiting cost nothing.
type bench struct {
	t       tester
	ctx     context.Context
	server  *sim.Server
	backend *cloud.Backend
	sink    *secrets.Memory
	journal *journal.Journal
	rate    client.Rate          // unlimited unless set before connect
	options func(*cloud.Options) // changes the defaults, if set before connect
	api     *cloudapi.API        // of the last connect

	recorder *recorder // of the last connect
}

const userAgent = "orgctl/test"

func newBench(ctx context.Context, t tester, cfg sim.Config) *bench {
	t.Helper()
	b := unconnected(ctx, t)
	b.server = sim.New(cfg)
	b.backend = b.connect(b.checked(b.server.Transport()))
	return b
}

func unconnected(ctx context.Context, t tester) *bench {
	return &bench{t: t, ctx: ctx, sink: secrets.NewMemory(), journal: journal.Memory(store.Scope{})}
}

// checker holds every request and reply to the vendor's document, closed, where ORGCTL_OPENAPI names a copy of it.
var checker = sync.OnceValues(func() (*openapitest.Checker, error) {
	path := os.Getenv("ORGCTL_OPENAPI")
	if path == "" {
		return nil, nil
	}
	return openapitest.Load(path)
})

func (b *bench) checked(transport http.RoundTripper) http.RoundTripper {
	b.t.Helper()
	c, err := checker()
	if err != nil {
		b.t.Fatal(err)
	}
	cfg := b.server.Config()
	// These shapes are not the document's: they are what clients must bear beyond it, or an older one's.
	if c == nil || cfg.FutureFields || cfg.OldAPI || cfg.EmptyDeleteBody {
		return transport
	}
	return c.RoundTripper(transport, func(err error) { b.t.Fatalf("against the official document: %v", err) })
}

func (b *bench) connect(transport http.RoundTripper) *cloud.Backend {
	b.t.Helper()
	credentials := b.server.Credentials()
	return b.connectAs(transport, credentials.KeyID, credentials.KeySecret)
}

func (b *bench) connectAs(transport http.RoundTripper, keyID, keySecret string) *cloud.Backend {
	b.t.Helper()
	b.recorder = &recorder{RoundTripper: transport, warehouses: map[string]string{}}
	connection, err := client.New("http://127.0.0.1", client.Credentials{
		KeyID: keyID, KeySecret: secret.New(keySecret),
	}, client.WithTransport(b.recorder), client.WithRate(b.rate), client.WithUserAgent(userAgent))
	if err != nil {
		b.t.Fatal(err)
	}
	b.api = cloudapi.New(connection)
	opts := cloud.Options{
		KeyID: keyID, Secrets: b.sink, Journal: b.journal, Limits: apply.DefaultLimits(),
		Tick: apply.Defaults().Tick, Settle: apply.Defaults().Settle,
	}
	if b.options != nil {
		b.options(&opts)
	}
	return cloud.New(b.api, opts)
}

// manifest loads one organization from YAML below spec:, with every collection that it names.
func manifest(t tester, body string) *spec.Organization {
	t.Helper()
	text := "apiVersion: orgctl/v1\nkind: Organization\nmetadata: {name: acme}\n" + body
	all, diagnostics := spec.Load([]spec.File{{Name: "acme.yaml", Data: []byte(text)}})
	if diagnostics.HasErrors() || len(all) != 1 {
		t.Fatalf("manifest: %v\n%s", diagnostics, text)
	}
	return all[0]
}

func (b *bench) plan(desired *spec.Organization) *diff.Plan {
	b.t.Helper()
	p, err := b.tryPlan(desired)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (b *bench) tryPlan(desired *spec.Organization) (*diff.Plan, error) {
	return b.planAfter(desired, nil)
}

// planAfter plans again after some changes, of what they may have touched.
func (b *bench) planAfter(desired *spec.Organization, applied []diff.Change) (*diff.Plan, error) {
	detailed := map[string]bool{}
	for _, r := range desired.Resources {
		detailed[r.Address.Name] = r.Spec["backupConfiguration"] != nil
	}
	live, err := b.backend.Observe(b.ctx, apply.Scope{Detail: func(r spec.Resource) bool { return detailed[r.Address.Name] }, Applied: applied})
	if err != nil {
		return nil, err
	}
	return diff.Compute(desired, live, diff.Selection{})
}

// apply plans, runs and verifies. What it sends must stand in the plan.
func (b *bench) apply(desired *spec.Organization) (*diff.Plan, *apply.Report) {
	b.t.Helper()
	p := b.plan(desired)
	opts := apply.Defaults()
	b.recorder.take()
	report := apply.Run(b.ctx, p, b.backend, opts)
	b.checkSent(p)
	apply.Verify(b.ctx, report, p, b.replan(desired, p), opts)
	return p, report
}

// replan looks first at what a plan has changed, then at everything.
func (b *bench) replan(desired *spec.Organization, p *diff.Plan) func(context.Context) (*diff.Plan, error) {
	applied := p.Changes
	return func(context.Context) (*diff.Plan, error) {
		left, err := b.planAfter(desired, applied)
		if err == nil {
			applied = nil
		}
		return left, err
	}
}

// converge is an apply that must succeed.
func (b *bench) converge(desired *spec.Organization) *diff.Plan {
	b.t.Helper()
	p, report := b.apply(desired)
	if !report.Converged {
		b.t.Fatalf("not converged: %s", encode(b.t, report))
	}
	return p
}

func (b *bench) edit(e sim.Edit) {
	b.t.Helper()
	if _, err := b.server.Edit(e); err != nil {
		b.t.Fatal(err)
	}
}

func encode(t tester, v any) string {
	t.Helper()
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var _ tester = (*testing.T)(nil)
