package locktera_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/backendtest"
	"github.com/orgctl/orgctl/pkg/apply/journal"
	backend "github.com/orgctl/orgctl/pkg/apply/locktera"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/apply/store"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/locktera"
	"github.com/orgctl/orgctl/pkg/client/secret"
	sim "github.com/orgctl/orgctl/pkg/client/sim/locktera"

	"github.com/orgctl/orgctl/pkg/diff"
)

// world is one way in which the API may be, of those that its documents leave open, and how a user speaks to it.
type world struct {
	config  sim.Config
	options locktera.Options
	rate    client.Rate // unlimited unless set
}

// bench is one simulated organization on which several runs work. Run it inside testing/synctest: hours of waiting cost nothing.
type bench struct {
	t       backendtest.T
	ctx     context.Context
	world   world
	server  *sim.Server
	sink    *secrets.Memory
	place   secrets.Sink // where runs store secrets: sink, unless set
	journal *journal.Journal
	foreign map[string]bool // ids of keys that no run has made
}

// callerKey is the id of the key that the organization is born with.
const callerKey = "key-of-the-caller"

func newBench(ctx context.Context, t backendtest.T, w world) *bench {
	t.Helper()
	b := &bench{
		t: t, ctx: ctx, world: w, server: sim.New(w.config), sink: secrets.NewMemory(), journal: journal.Memory(store.Scope{}),
		foreign: map[string]bool{callerKey: true},
	}
	b.place = b.sink
	b.edit(sim.Edit{Kind: "key", Name: "sandbox", Set: map[string]any{"id": callerKey}})
	return b
}

// Connect implements backendtest.Fixture.
func (b *bench) Connect(wrap func(http.RoundTripper) http.RoundTripper) (apply.Backend, func(*diff.Plan)) {
	return b.connect(wrap(b.server.Transport())), nil
}

func (b *bench) connect(transport http.RoundTripper) *backend.Backend {
	b.t.Helper()
	credentials := b.server.Credentials()
	connection, err := client.New(locktera.Dialect(), "http://127.0.0.1"+b.server.Prefix(), client.Credentials{
		KeySecret: secret.New(credentials.Key),
	}, client.WithTransport(transport), client.WithRate(b.world.rate))
	if err != nil {
		b.t.Fatal(err)
	}
	return backend.New(locktera.New(connection, b.world.options), backend.Options{
		OrganizationID: credentials.OrganizationID, Secrets: b.place, Journal: b.journal,
		Tick: apply.Defaults().Tick, Settle: apply.Defaults().Settle,
	})
}

// run is one more run on the organization.
func (b *bench) run() backendtest.Run {
	b.t.Helper()
	return b.through(b.server.Transport())
}

func (b *bench) through(transport http.RoundTripper) backendtest.Run {
	b.t.Helper()
	return backendtest.Run{T: b.t, Context: b.ctx, Backend: b.connect(transport)}
}

// Edit implements backendtest.Fixture.
func (b *bench) Edit(e backendtest.Edit) {
	b.t.Helper()
	done := b.edit(sim.Edit{Kind: e.Kind, Name: e.Name, Set: e.Set, Create: e.Create, Delete: e.Delete})
	if e.Create {
		b.foreign[done.ID] = true
	}
}

func (b *bench) edit(e sim.Edit) sim.Edited {
	b.t.Helper()
	done, err := b.server.Edit(e)
	if err != nil {
		b.t.Fatal(err)
	}
	return done
}

// CatchUp implements backendtest.Fixture.
func (b *bench) CatchUp() { b.server.Advance(time.Minute) }

// Heed implements backendtest.Fixture: a key that nobody can use has to be named with its id, and is deleted.
func (b *bench) Heed(notes []string) {
	b.t.Helper()
	for _, k := range b.keys() {
		if b.foreign[k.ID] || b.opened(k) {
			continue
		}
		if !slices.ContainsFunc(notes, func(note string) bool { return strings.Contains(note, k.ID) }) {
			b.t.Fatalf("key %s (%s) opens with no stored secret, and nobody is told: %q", k.Name, k.ID, notes)
		}
		b.edit(sim.Edit{Kind: "key", ID: k.ID, Delete: true})
	}
}

// Problems implements backendtest.Fixture: whatever a run has created is there once and opens with what is stored, and nothing is
// kept in mind for ever.
func (b *bench) Problems() []string {
	b.t.Helper()
	var problems []string
	seen := map[string]bool{}
	for _, k := range b.keys() {
		if seen[k.Name] {
			problems = append(problems, "two of key "+k.Name)
		}
		seen[k.Name] = true
		if !b.foreign[k.ID] && !b.opened(k) {
			problems = append(problems, "no stored secret is that of key "+k.Name)
		}
	}
	if notes, err := b.run().Backend.Recover(b.ctx); err != nil || len(b.journal.Pending()) > 0 {
		problems = append(problems, "still in mind: "+strings.Join(notes, ", "))
	}
	return problems
}

// simulatedKey is a key as the simulator itself has it.
type simulatedKey struct{ ID, Name string }

// simulated is what the simulator has, whatever the API shows of it.
type simulated struct {
	Keys          []simulatedKey
	Organizations []struct {
		ID, Name       string
		Customizations map[string]any
	}
}

func (b *bench) keys() []simulatedKey { return b.state().Keys }

func (b *bench) state() (state simulated) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.ctx, http.MethodGet, "http://127.0.0.1/_sandbox/state", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := b.server.Transport().RoundTrip(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&state); err != nil {
		b.t.Fatal(err)
	}
	return state
}

// opened reports whether some stored answer holds the secret of a key, and is said to be of it.
func (b *bench) opened(k simulatedKey) bool {
	return slices.ContainsFunc(b.sink.Records(), func(r secrets.Record) bool { return r.ID == k.ID && b.works(r) })
}

// works reports whether some field of a stored answer is a key that works.
func (b *bench) works(r secrets.Record) bool {
	var fields map[string]any
	if json.Unmarshal([]byte(r.Answer.Reveal()), &fields) != nil {
		return false
	}
	for _, value := range fields {
		if text, ok := value.(string); ok && b.server.VerifyKey(text) {
			return true
		}
	}
	return false
}

// customizations are those of the organization as the simulator itself has them.
func (b *bench) customizations() map[string]any {
	b.t.Helper()
	id := b.server.Credentials().OrganizationID
	for _, o := range b.state().Organizations {
		if o.ID == id {
			return o.Customizations
		}
	}
	b.t.Fatal("the organization is gone")
	return nil
}
