package cloud_test

import (
	"context"
	"net/http"
	"os"
	"sync"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/backendtest"
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
type tester = backendtest.T

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
	connection, err := client.New(cloudapi.Dialect(), "http://127.0.0.1", client.Credentials{
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
	return backendtest.Manifest(t, body)
}

// run is a run with the backend of the last connect. What it sends must stand in its plan.
func (b *bench) run() backendtest.Run {
	b.recorder.take()
	return backendtest.Run{T: b.t, Context: b.ctx, Backend: b.backend, Applied: b.checkSent}
}

func (b *bench) plan(desired *spec.Organization) *diff.Plan {
	b.t.Helper()
	return b.run().Plan(desired)
}

func (b *bench) apply(desired *spec.Organization) (*diff.Plan, *apply.Report) {
	b.t.Helper()
	return b.run().Apply(desired)
}

// converge is an apply that must succeed.
func (b *bench) converge(desired *spec.Organization) *diff.Plan {
	b.t.Helper()
	return b.run().Converge(desired)
}

// tryApply is an apply of which nothing is demanded, with something that happens between its plan and its first call; nil when it
// could not even plan.
func (b *bench) tryApply(desired *spec.Organization, meanwhile ...func()) *apply.Report {
	return b.run().TryApply(desired, meanwhile...)
}

// exported is what an export of everything reads back as.
func (b *bench) exported() *spec.Organization {
	b.t.Helper()
	return b.run().Exported()
}

func (b *bench) edit(e sim.Edit) {
	b.t.Helper()
	if _, err := b.server.Edit(e); err != nil {
		b.t.Fatal(err)
	}
}

func encode(t tester, v any) string {
	t.Helper()
	return backendtest.Encode(t, v)
}
