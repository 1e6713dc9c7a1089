// Package locktera is the backend of Locktera's organization API: it brings what the API reports into canonical trees, and turns
// each change into calls of package client/locktera, one file per kind.
//
// It is built from documents and was never seen live. An answer of success is no proof that anything has changed, so that every
// write is followed by a reading that could show the contrary.
package locktera

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/locktera"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// Options are the settings of a Backend.
type Options struct {
	OrganizationID string           // the node that is managed; never empty, since the API tells no key which one is its own
	Secrets        secrets.Sink     // where the secrets of keys go; nil makes every creation of one fail before its call
	Journal        *journal.Journal // never nil: journal.Memory is the least
	Tick           time.Duration    // what one second of every interval lasts
	Settle         int              // ticks for which a write that was accepted, or whose answer was lost, is looked for
}

// Backend is one organization. Observe comes before Steps: a creation uses the keys that it saw.
type Backend struct {
	api  *locktera.API
	opts Options

	// creating holds whoever makes and finds a key, one at a time: whatever is new then and not theirs is somebody else's.
	creating chan struct{}

	mu      sync.Mutex
	known   []locktera.APIKey // those that were live when they were last observed, and those made since
	shown   spec.Tree         // the customizations when they were last observed
	left    map[int]leftover  // of earlier runs, by the number of the intent
	remarks []string
}

// New makes the backend of one organization. It sends nothing.
func New(api *locktera.API, opts Options) *Backend {
	return &Backend{api: api, opts: opts, creating: make(chan struct{}, 1), left: map[int]leftover{}}
}

// IsPerson reports whether a node is taken for somebody: organizations, groups and people are one tree. The role says which it is.
// One that no document has may be a person's, and so may a node without a role that has what people have.
func IsPerson(o locktera.Organization) bool {
	switch strings.ToLower(o.Role) {
	case "org", "group":
		return false
	case "":
		return o.FirstName != "" || o.LastName != "" || o.Email != ""
	default:
		return true
	}
}

// Identify reads the node that is meant and refuses a person's, whose id is as good as any other to the API.
func Identify(ctx context.Context, api *locktera.API, id string) (locktera.Organization, error) {
	const instead = "set LOCKTERA_ORG_ID to the id of an organization or group"
	o, err := api.GetOrganization(ctx, id)
	switch {
	case err != nil:
		return o, err
	case o.ID != "" && o.ID != id:
		return o, fmt.Errorf("%w: asked for %s, it answers with %s", apply.ErrOtherOrganization, id, o.ID)
	case IsPerson(o) && slices.Contains([]string{"user", "user_admin", "org_admin"}, strings.ToLower(o.Role)):
		return o, fmt.Errorf("%s is a person (role %s), not an organization: %s", id, o.Role, instead)
	case IsPerson(o) && o.Role != "":
		return o, fmt.Errorf("%s has the role %s, which is neither org nor group, and may be a person: %s", id, o.Role, instead)
	case IsPerson(o):
		return o, fmt.Errorf("%s has no role, and a first name, last name or e-mail address as people have: %s", id, instead)
	}
	return o, nil
}

// Observe implements apply.Backend.
func (b *Backend) Observe(ctx context.Context, opts apply.ObserveOptions) (*spec.Live, error) {
	live := &spec.Live{API: spec.Locktera, OrganizationID: b.opts.OrganizationID, NotChecked: map[string]string{}}
	wanted := opts.Enough == nil || slices.Contains(opts.Enough, keyCollection)
	var (
		organization spec.Resource
		keys         []spec.Resource
		refused      string
	)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		organization, live.OrganizationName, err = b.observeOrganization(ctx)
		return err
	})
	if wanted {
		group.Go(func() (err error) {
			keys, refused, err = b.observeKeys(ctx, slices.Contains(opts.Needed, keyCollection))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	switch {
	case !wanted:
		live.LeftOut = []string{keyCollection}
	case refused != "":
		live.NotChecked[keyCollection] = refused
	}
	live.Resources = append([]spec.Resource{organization}, keys...)
	slices.SortStableFunc(live.Resources, func(x, y spec.Resource) int {
		return cmp.Or(x.Address.Compare(y.Address), cmp.Compare(x.ID, y.ID))
	})
	return live, nil
}

// Steps implements apply.Backend.
func (b *Backend) Steps(c diff.Change) ([]apply.Step, error) {
	steps, ok := bindings[c.Address.Kind]
	if !ok {
		return nil, fmt.Errorf("%s: Locktera has no such kind", c.Address)
	}
	out, err := steps(b, c)
	for i := range out {
		call := out[i].Do
		// What has not been sent when the run is stopped is not sent any more.
		out[i].Do = func(ctx context.Context) error { return call(client.WithBegin(ctx, apply.Begin(ctx))) }
	}
	return out, err
}

// bindings says how the changes of each kind are carried out.
var bindings = map[string]func(*Backend, diff.Change) ([]apply.Step, error){
	"organization": organizationSteps,
	"key":          keySteps,
}

// Longest implements apply.Backend.
func (b *Backend) Longest(p *diff.Plan) time.Duration { return apply.Longest(p, b.Steps) }

// ServerTime implements apply.Backend.
func (b *Backend) ServerTime() time.Time { return b.api.ServerTime() }

// AskTime implements apply.Backend.
func (b *Backend) AskTime(ctx context.Context) error {
	_, err := b.api.GetOrganization(ctx, b.opts.OrganizationID)
	return err
}

// Begun implements apply.Backend: every creation is one call.
func (b *Backend) Begun(context.Context, *diff.Plan) ([]string, error) { return nil, nil }

// CheckSecrets implements apply.Backend: secrets come from the API, none is looked for.
func (b *Backend) CheckSecrets(context.Context, *diff.Plan) error { return nil }

// Quotas implements apply.Backend: the API tells of none.
func (b *Backend) Quotas(context.Context) ([]diff.Quota, error) { return nil, nil }

// Log implements apply.Backend: what the API records does not tell our calls from those of others.
func (b *Backend) Log() apply.Log { return apply.NoLog{} }

// Remarks implements apply.Backend: who else has written meanwhile, and what answers lack.
func (b *Backend) Remarks() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.remarks)
}

func (b *Backend) remark(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remarks = append(b.remarks, fmt.Sprintf(format, args...))
}

// refusal is why something may not be read, "" for an error of another sort. To a key without the right an API may well answer
// that there is nothing.
func refusal(err error) string {
	switch {
	case errors.Is(err, client.ErrForbidden):
		return "the API key may not read it (403)"
	case errors.Is(err, client.ErrNotFound):
		return "the API says that there is none (404), or the API key may not know of it"
	default:
		return ""
	}
}

// settled looks at intervals until a reading says that what was written is there, or the settling time has passed. The last answer
// is what is known then. It belongs to the write, and so goes on when a run is told to begin nothing more.
func (b *Backend) settled(ctx context.Context, read func(context.Context) (bool, error)) (there bool, err error) {
	ctx = client.WithBegin(ctx, ctx)
	deadline := time.Now().Add(time.Duration(b.opts.Settle) * b.opts.Tick)
	for backoff := b.opts.Tick; ; backoff = min(2*backoff, maxBackoff*b.opts.Tick) {
		there, err = read(ctx)
		left := time.Until(deadline)
		switch {
		case there || left <= 0:
			return there, err
		case ctx.Err() != nil: // given up early: what was not there then may come
			return false, cmp.Or(err, ctx.Err())
		}
		if err := apply.Sleep(ctx, min(backoff, left)); err != nil {
			return false, err
		}
	}
}

const maxBackoff = 10 // ticks

// value brings JSON of the API into the form of trees. A number that has none there is an *inexactError.
func value(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	v, err := exact(v)
	return spec.Normalize(v), err
}

// exact replaces the texts of numbers in a decoded value by numbers.
func exact(v any) (_ any, err error) {
	switch v := v.(type) {
	case json.Number:
		return number(v.String())
	case []any:
		for i := range v {
			if v[i], err = exact(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for name := range v {
			if v[name], err = exact(v[name]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// number is a number of JSON as an int64, or as the float64 of which it is a usual spelling.
func number(text string) (any, error) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if mantissa, _, _ := strings.Cut(strings.ToLower(text), "e"); f == 0 && !strings.ContainsAny(mantissa, "123456789") {
		return int64(0), nil
	}
	if err != nil || f == 0 {
		return nil, &inexactError{text}
	}
	spelt, _ := new(big.Rat).SetString(text)
	shortest, _ := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
	switch {
	case spelt.IsInt() && spelt.Num().IsInt64():
		return spelt.Num().Int64(), nil
	case spelt.Cmp(shortest) == 0:
		return f, nil
	default:
		return nil, &inexactError{text}
	}
}

// inexactError is a number that would be compared as another one.
type inexactError struct{ number string }

func (e *inexactError) Error() string {
	return "the number " + e.number + " has more digits, or is larger, than can be compared"
}
