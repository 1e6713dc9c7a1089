package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/apply/store"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// target is an API and what a run needs to speak to it.
type target struct {
	provider     *provider
	url          string
	credentials  client.Credentials
	transport    http.RoundTripper // nil for the network
	rate         client.Rate
	tick         time.Duration
	userAgent    string      // of this run alone
	sandbox      sandboxFile // of the embedded simulator, or ""
	organization string      // id that the environment asks for, or ""
	secretsDir   string      // where secrets go unless told otherwise: beside the sandbox's state, else nowhere
	ephemeral    bool        // a sandbox without state: its secrets are worth nothing
}

// sandboxFile is what --sandbox names: the state file of an embedded simulator, or "" for none.
type sandboxFile string

// ephemeralSandbox is the sandbox that keeps no state.
const ephemeralSandbox sandboxFile = ":memory:"

// kept reports whether there is a file with the state.
func (f sandboxFile) kept() bool { return f != "" && f != ephemeralSandbox }

// sandboxTick makes the waits of an embedded sandbox without delays short: nothing there takes time.
const sandboxTick = 10 * time.Millisecond

// absence says what a command makes of an embedded sandbox whose file does not exist.
type absence int

const (
	createAbsent  absence = iota // apply begins it
	imagineAbsent                // plan looks at a fresh one, which is not kept
	refuseAbsent                 // drift and export have nothing to look at
)

// exists is an error that says how to begin a sandbox where there is none.
func (f sandboxFile) exists() error {
	if _, err := os.Stat(string(f)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no sandbox %s; this begins it: orgctl apply --sandbox %s -f PATH", f, f)
	}
	return nil
}

// provider is whose API the simulator that keeps its state in a file stands in for; whatever the file does not tell is the first.
func (f sandboxFile) provider() *provider {
	var head struct {
		API string `json:"api"`
	}
	if data, err := os.ReadFile(string(f)); err == nil {
		_ = json.Unmarshal(data, &head) // whoever opens it has the better message
	}
	return cmp.Or(providers.named(head.API), providers[0])
}

// open opens the simulator that keeps its state in a file. What only reads makes no file: its name may be misspelt.
func (f sandboxFile) open(e *env, p *provider, absent absence) (*simulator, error) {
	missing := f.exists()
	switch {
	case f == ephemeralSandbox, absent == createAbsent, missing == nil:
		return p.sandbox(string(f))
	case absent == refuseAbsent:
		return nil, missing
	}
	if _, err := os.Stat(filepath.Dir(string(f))); err != nil {
		return nil, fmt.Errorf("open sandbox: %w", err)
	}
	_ = view.Message(e.notes(), string(f)+" does not exist yet: planned against a fresh sandbox, which is not kept; apply begins it")
	return p.sandbox(string(ephemeralSandbox))
}

// newTarget finds out where an API is and what it takes to speak to it, without sending anything.
func newTarget(e *env, o connectionOptions, p *provider, absent absence) (*target, error) {
	e.provider = p
	for _, name := range o.given {
		if why := p.useless[name]; why != "" {
			return nil, usage("%s means nothing for %s: %s", typed(name), p.api.Title, why)
		}
	}
	t := &target{provider: p, url: p.defaultURL, rate: p.dialect.Rate, tick: time.Second, userAgent: newUserAgent(e.version)}
	var err error
	if o.sandbox != "" {
		err = t.embed(e, o.sandbox, absent)
	} else {
		err = t.obey(e)
	}
	if err != nil {
		return nil, err
	}
	if t.tick, err = e.tick(t.tick); err != nil {
		return nil, err
	}
	switch rate := e.value("ORGCTL_RATE"); {
	case o.rate != nil:
		t.rate = *o.rate
	case rate != "" && t.transport == nil:
		if t.rate, err = client.ParseRate(rate); err != nil {
			return nil, usage("ORGCTL_RATE: %w", err)
		}
	}
	return t, nil
}

// embed takes the embedded simulator in the place of the API.
func (t *target) embed(e *env, file sandboxFile, absent absence) error {
	simulator, err := file.open(e, t.provider, absent)
	if err != nil {
		return err
	}
	t.url, t.transport, t.rate = simulator.url, simulator.transport, client.Rate{}
	t.credentials, t.organization = simulator.credentials, simulator.organization
	t.sandbox, t.ephemeral = file, file == ephemeralSandbox
	t.secretsDir = strings.TrimSuffix(string(file), ".json") + ".secrets"
	if simulator.instant {
		t.tick = sandboxTick
	}
	return nil
}

// obey takes what the environment says.
func (t *target) obey(e *env) (err error) {
	p := t.provider
	if t.credentials, err = e.credentials(p); err != nil {
		return err
	}
	if p.keyID != "" && t.credentials.KeyID == "" || t.credentials.KeySecret.Empty() {
		return usage("no credentials: set %s, or try --sandbox FILE%s", p.keyVariables(), providers.others(e, p))
	}
	if url := e.value(p.url); url != "" {
		if _, err := t.provider.dialect.CanonicalURL(url); err != nil {
			return fmt.Errorf("%s: %w", p.url, err)
		}
		t.url = url
	}
	if t.url == "" {
		return usage("no address: set %s to the URL of the API, or try --sandbox FILE", p.url)
	}
	t.organization, err = e.organizationID(p)
	return err
}

// dial makes the client of the API, without sending anything.
func (t *target) dial(e *env, o connectionOptions, p *progress, extra ...client.Option) (api, error) {
	opts := append(p.options(), client.WithUserAgent(t.userAgent), client.WithRate(t.rate), client.WithTick(t.tick))
	if t.transport != nil {
		opts = append(opts, client.WithTransport(t.transport))
	} else if sends := e.openSends(t); sends != nil {
		opts = append(opts, client.WithSends(sends))
	}
	if o.debug {
		opts = append(opts, client.WithDebug(e.stderr))
	}
	c, err := client.New(t.provider.dialect, t.url, t.credentials, slices.Concat(opts, extra)...)
	if err != nil {
		return nil, err
	}
	p.paced(t.rate, c.Limiter())
	return t.provider.connect(e, c, t)
}

// newUserAgent is what activity records show of one run of orgctl. The mark tells it from other runs of this version.
func newUserAgent(version string) string {
	mark := make([]byte, 4)
	_, _ = rand.Read(mark) // never fails
	return fmt.Sprintf("orgctl/%s (run %x)", version, mark)
}

// wanted is the id of the organization that the manifest or the environment insists on, or "".
func (t *target) wanted(desired *spec.Organization) (string, error) {
	if t.organization != "" && desired.ID != "" && !t.provider.api.SameID(t.organization, desired.ID) {
		what := "the plan"
		if !desired.Pos.IsZero() {
			what = desired.Pos.String() + ": the manifest"
		}
		return "", fmt.Errorf("%s is of organization %s, %s says %s", what, desired.ID, t.provider.organization, t.organization)
	}
	wanted := cmp.Or(desired.ID, t.organization)
	if wanted == "" && t.provider.mustName {
		return "", usage("no organization: set %s to its id, or metadata.id in the manifest", t.provider.organization)
	}
	return wanted, nil
}

// reader is a backend for commands that only read: its client cannot write.
func (t *target) reader(e *env, o connectionOptions, desired *spec.Organization) (*connection, error) {
	wanted, err := t.wanted(desired)
	if err != nil {
		return nil, err
	}
	p, err := newProgress(e, o.debug)
	if err != nil {
		return nil, err
	}
	api, err := t.dial(e, o, p, client.ReadOnly())
	if err != nil {
		return nil, err
	}
	return &connection{p, api.backend(work{organization: wanted, journal: journal.Memory(store.Scope{}), limits: apply.DefaultLimits()})}, nil
}

// connection is a backend that also plans.
type connection struct {
	progress *progress
	apply.Backend
}

// Observe is that of the backend, and shown.
func (b *connection) Observe(ctx context.Context, opts apply.ObserveOptions) (*spec.Live, error) {
	defer b.progress.show("reading the organization")()
	return b.Backend.Observe(ctx, opts)
}

// plan observes what is asked for and compares, and gives what it observed too.
func (b *connection) plan(ctx context.Context, opts apply.ObserveOptions, desired *spec.Organization, sel diff.Selection) (*diff.Plan, *spec.Live, error) {
	live, err := b.Observe(ctx, opts)
	if err != nil {
		return nil, nil, err
	}
	p, err := diff.Compute(desired, live, sel)
	return p, live, err
}

// fits refuses patterns of kinds that the API of what is desired has not, before anything is asked of that.
func fits(desired *spec.Organization, patterns ...diff.Selection) error {
	for _, s := range patterns {
		if err := s.Fits(cmp.Or(desired.API, spec.ClickHouse)); err != nil {
			return usage("%w", err)
		}
	}
	return nil
}

// selected refuses a pattern that nothing declared or live matches: with a misspelt --only a plan would pass for "no changes",
// with a misspelt --except it would hold what was to be left out. So it is with patterns that leave nothing over. Plans made after changes are not asked: what they deleted is
// matched no more.
func selected(sel diff.Selection, desired *spec.Organization, live *spec.Live) error {
	api, all := cmp.Or(desired.API, spec.ClickHouse), slices.Concat(desired.Resources, live.Resources)
	for _, flag := range []struct {
		name     string
		patterns []string
	}{{"--only", sel.Only}, {"--except", sel.Except}} {
		for _, pattern := range flag.patterns {
			if !slices.ContainsFunc(all, func(r spec.Resource) bool { return diff.Names(api, pattern, r) }) {
				return usage("%s %s matches nothing that is declared or live", flag.name, pattern)
			}
		}
	}
	if !slices.ContainsFunc(all, func(r spec.Resource) bool { return sel.Holds(api, r) }) {
		return usage("--only and --except leave nothing that is declared or live")
	}
	return nil
}
