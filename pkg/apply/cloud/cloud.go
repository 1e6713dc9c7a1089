// Package cloud is the backend of ClickHouse Cloud: it brings what the API reports into canonical trees, and turns each
// change into calls of package cloudapi, one file per kind.
//
// Finding out what an unanswered call has done is its business; pacing and repeating reads is the transport's.
package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/apply/store"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// Options are the settings of a Backend.
type Options struct {
	// OrganizationID is the organization that is meant. Empty takes the one that the key belongs to.
	OrganizationID string
	// Identified, unless nil, is that organization as Identify has read it a moment ago: the first observation does not read it
	// again.
	Identified *cloudapi.Organization
	// KeyID is the id of the API key in use, by whose suffix the key is recognised among the live ones.
	KeyID string
	// Secrets is where the secrets of created objects go. Nil makes every change that needs one fail before its first call.
	Secrets secrets.Sink
	// ServerSecrets lets the API generate the secrets of keys, for an API that does not take hashes.
	ServerSecrets bool
	// Journal remembers creations until their outcome is known, and says whose the stored secrets are. It is never nil:
	// journal.Memory is the least.
	Journal *journal.Journal
	// UserAgent is what our calls bear, and nobody else's: the activity log shows it.
	UserAgent string
	// Tick is what one second of every interval lasts.
	Tick time.Duration
	// Limits are how long services are waited for.
	Limits apply.Limits
	// Settle is how many ticks a creation without an answer is looked for before it counts as not having happened.
	Settle int
}

// Backend is one ClickHouse Cloud organization. Observe comes before Steps: steps use the ids and roles that it saw.
type Backend struct {
	api      *cloudapi.API
	opts     Options
	watch    *watch
	twinKeys *twinKeys

	unstored atomic.Bool // a secret could not be stored

	mu         sync.Mutex
	identified *cloudapi.Organization  // as just read, until the first observation has taken it
	last       *observation            // nil before the first
	made       map[spec.Address]string // address of a creation since then -> id of what it has made
	warehouses map[string]string       // id of a service made since then -> id of its data warehouse
	remarks    []string
}

// New makes the backend of one organization. It sends nothing.
func New(api *cloudapi.API, opts Options) *Backend {
	b := &Backend{api: api, opts: opts, identified: opts.Identified}
	b.watch = newWatch(opts.Tick, time.Duration(opts.Settle)*opts.Tick, func(ctx context.Context) ([]cloudapi.Service, error) {
		return api.ListServices(ctx, b.organization())
	})
	b.twinKeys = newTwinKeys(opts.Tick, func(ctx context.Context) ([]cloudapi.APIKey, error) { return api.ListKeys(ctx, b.organization()) })
	return b
}

// ServerTime implements apply.Backend.
func (b *Backend) ServerTime() time.Time { return b.api.ServerTime() }

// AskTime implements apply.Backend.
func (b *Backend) AskTime(ctx context.Context) error {
	_, err := b.api.GetOrganization(ctx, b.organization())
	return err
}

// NextRound implements apply.Rounds.
func (b *Backend) NextRound() { b.watch.next(nil) }

// Longest implements apply.Backend.
func (b *Backend) Longest(p *diff.Plan) time.Duration { return apply.Longest(p, b.steps) }

func (b *Backend) steps(c diff.Change) ([]apply.Step, error) {
	k := bindingOf(c.Address.Kind)
	if k == nil {
		return nil, fmt.Errorf("%s: ClickHouse Cloud has no such kind", c.Address)
	}
	return k.steps(b, c)
}

// Steps implements apply.Backend.
func (b *Backend) Steps(c diff.Change) ([]apply.Step, error) {
	if c.MakesSecret(spec.ClickHouse) && b.opts.Secrets == nil {
		return nil, fmt.Errorf("%s: no place to store its secret", c.Address)
	}
	out, err := b.steps(c)
	for i := range out {
		if call := out[i].Do; call != nil {
			// What has not been sent when the run is stopped is not sent any more.
			out[i].Do = func(ctx context.Context) error { return call(client.WithBegin(ctx, apply.Begin(ctx))) }
		}
	}
	return out, err
}

// organization is the id of the one that was observed, or that is wanted.
func (b *Backend) organization() string {
	if o := b.observed(); o != nil {
		return o.organization.ID
	}
	return b.opts.OrganizationID
}

// Log implements apply.Backend.
func (b *Backend) Log() apply.Log { return NewLog(b.api, b.organization(), b.opts.UserAgent) }

// observed is the last observation, nil before the first. It is not written to any more.
func (b *Backend) observed() *observation {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
}

// known are the ids under which objects of a kind were live before this run changed anything.
func (b *Backend) known(kind string) map[string]bool {
	if o := b.observed(); o != nil {
		return o.known[kind]
	}
	return nil
}

// remark notes what a report has to say beside the results.
func (b *Backend) remark(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remarks = append(b.remarks, fmt.Sprintf(format, args...))
}

// Remarks implements apply.Backend: which passwords, stored by other runs, this one has put out of force.
func (b *Backend) Remarks() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.remarks)
}

// Unsettled implements apply.Backend: what is half made is a change of the next plan.
func (b *Backend) Unsettled() []string { return nil }

// scope is whose the secrets are that are stored.
func (b *Backend) scope() store.Scope { return b.opts.Journal.Scope() }

// stored gives what can be read back of the secrets of an object; an empty mark matches any.
func (b *Backend) stored(ctx context.Context, kind, name, mark string) ([]secrets.Record, error) {
	return b.opts.Secrets.Find(ctx, secrets.Query{Scope: b.scope(), Kind: kind, Name: name, Mark: mark})
}

// store stores a new secret.
func (b *Backend) store(ctx context.Context, r secrets.Record) (secrets.Record, error) {
	stored, err := b.opts.Secrets.Store(ctx, r)
	if err != nil {
		b.unstored.Store(true)
	}
	return stored, err
}

// CheckSecrets implements apply.Backend.
func (b *Backend) CheckSecrets(ctx context.Context, p *diff.Plan) error {
	if b.opts.Secrets == nil {
		return nil // what needs one is not permitted
	}
	var refused []error
	for _, c := range p.Changes {
		if !c.MakesSecret(spec.ClickHouse) {
			continue
		}
		if mark, ok := bindingOf(c.Address.Kind).secretOf(b, c); ok {
			_, err := b.stored(ctx, c.Address.Kind, c.Address.Name, mark)
			refused = append(refused, err)
		}
	}
	return errors.Join(refused...)
}

// referred gives the ids of what a field of a change refers to: those that the plan has found, and of what the plan itself
// creates the one that its creation has recorded. Nothing is looked up by name, and no name may be left without an id.
func (b *Backend) referred(c diff.Change, path string) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := []string{}
	for _, ref := range c.References {
		if ref.Path != path {
			continue
		}
		id := ref.ID
		if id == "" {
			id = b.made[ref.Address]
		}
		if id == "" {
			return nil, fmt.Errorf("%s: %s has not been created", path, ref.Address)
		}
		ids = append(ids, id)
	}
	names := 1
	if list, ok := c.After[path].([]any); ok {
		names = len(list)
	}
	if len(ids) < names {
		return nil, fmt.Errorf("%s: the plan has found %d of the %d that it names: plan again", path, len(ids), names)
	}
	return ids, nil
}

// bind gives the wire form of some top-level fields of a tree: manifests use the API's own names.
func bind[T any](t spec.Tree, fields ...string) (T, error) {
	part := spec.Tree{}
	for _, f := range fields {
		if v, ok := t[f]; ok && v != nil {
			part[f] = v
		}
	}
	var out T
	data, err := json.Marshal(part)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		return out, fmt.Errorf("encode %s: %w", strings.Join(slices.Sorted(maps.Keys(part)), ", "), err)
	}
	return out, nil
}

// patchOf gives the wire form of a list's additions and removals. When a call is sent again because its first outcome is
// unknown, what it adds is also removed: the server removes first and takes the removal of something absent as done
// (FACTS 5.4), so the second sending ends in the same state whether or not the first one arrived.
func patchOf[T any](f diff.FieldChange, again bool) (*cloudapi.Patch[T], error) {
	remove := f.Remove
	if again {
		remove = slices.Concat(f.Remove, f.Add)
	}
	data, err := json.Marshal(map[string]any{"add": f.Add, "remove": remove})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", f.Path, err)
	}
	var out cloudapi.Patch[T]
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("encode %s: %w", f.Path, err)
	}
	return &out, nil
}

// changed finds the change of one field.
func changed(c diff.Change, path string) (diff.FieldChange, bool) {
	for _, f := range c.Fields {
		if f.Path == path {
			return f, true
		}
	}
	return diff.FieldChange{}, false
}

// changedPaths are the paths of a change that are among some, in the order of those.
func changedPaths(c diff.Change, among []string) []string {
	var out []string
	for _, path := range among {
		if _, ok := changed(c, path); ok {
			out = append(out, path)
		}
	}
	return out
}

// do is a step of a single call with nothing to wait for.
func do(title string, call func(ctx context.Context) error) apply.Step {
	return apply.Step{Title: title, Do: call}
}
