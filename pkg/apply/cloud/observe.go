package cloud

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/spec"
)

// detailsAtOnce is how many requests for details are under way at a time.
const detailsAtOnce = 8

// observation is everything that one round of reads brought.
type observation struct {
	organization cloudapi.Organization
	now          time.Time                  // by the API's clock, the zero Time where it tells nothing
	objects      map[string]objects         // by kind; none of a kind whose list was not read
	known        map[string]map[string]bool // by kind, the ids of objects
	migrated     bool                       // roles are assigned by id, legacy ones are frozen (FACTS 6)
	roles        []cloudapi.Role
	rolesKnown   bool // the roles were asked for
	notChecked   map[string]string
	leftOut      []string // collections that were not asked for
	earlier      []string // collections taken from the observation before
	details      map[detailed]detailReply
}

// detailed is an object whose details were asked for.
type detailed struct{ kind, id string }

// detailReply is what the request for the details of an object brought: its fields, or why they are not known.
type detailReply struct {
	fields              spec.Tree // nil when not known
	refused, unreadable string
}

// Observe implements apply.Backend. At most it sends six requests whatever the size of the organization, five of them side by
// side, plus one per service whose detail fields are wanted.
func (b *Backend) Observe(ctx context.Context, opts apply.ObserveOptions) (*spec.Live, error) {
	o, err := b.read(ctx, opts)
	if err != nil {
		return nil, err
	}
	live := &spec.Live{
		OrganizationID:   o.organization.ID,
		OrganizationName: o.organization.Name,
		NotChecked:       o.notChecked,
		LeftOut:          o.leftOut,
		Earlier:          o.earlier,
		Caller:           spec.Caller{KeySuffix: suffix(b.opts.KeyID)},
	}
	for _, k := range bindings {
		all := o.objects[k.kind]
		if all == nil {
			continue
		}
		live.Resources = append(live.Resources, all.resources(o)...)
		if l, ok := all.(lapsing); ok {
			live.Expired = append(live.Expired, l.lapsed(o)...)
		}
	}
	if !o.rolesKnown && opts.Roles && o.mayHaveCustomRoles() {
		if refused, err := b.listRoles(ctx, o); refused != nil {
			return nil, rolesMissing(refused)
		} else if err != nil {
			return nil, err
		}
	}
	live.Roles = o.knownRoles()
	if err := b.readDetails(ctx, live.Resources, opts, o); err != nil {
		return nil, err
	}
	b.remember(o)
	slices.SortFunc(live.Resources, func(a, c spec.Resource) int {
		if d := a.Address.Compare(c.Address); d != 0 {
			return d
		}
		return strings.Compare(a.ID, c.ID)
	})
	return live, nil
}

// read reads the organization and the lists that are asked for, or takes them from the observation before.
func (b *Backend) read(ctx context.Context, opts apply.ObserveOptions) (*observation, error) {
	before := b.before(opts)
	changed := map[string]bool{} // kinds
	for _, c := range opts.Applied {
		changed[c.Address.Kind] = true
	}
	o := &observation{objects: map[string]objects{}, notChecked: map[string]string{}, details: map[detailed]detailReply{}}
	if err := b.readOrganization(ctx, o, before, changed, opts); err != nil {
		return nil, err
	}
	if before != nil {
		o.roles, o.rolesKnown, o.details = before.roles, before.rolesKnown, before.details
	}
	g, ctx := errgroup.WithContext(ctx)
	anew, refusals := make([]objects, len(bindings)), make([]error, len(bindings))
	for i, k := range bindings {
		switch {
		case k.list == nil:
		case opts.Enough != nil && !slices.Contains(opts.Enough, k.collection):
			o.leftOut = append(o.leftOut, k.collection)
		case before != nil && !changed[k.kind]:
			o.take(before, k)
		default:
			g.Go(func() error {
				all, err := k.list(ctx, b.api, o.organization.ID)
				switch {
				case errors.Is(err, client.ErrForbidden):
					refusals[i] = err
				case err != nil:
					return fmt.Errorf("list %s: %w", k.collection, err)
				default:
					anew[i] = all
				}
				return nil
			})
		}
	}
	var rolesRefused error
	if opts.Enough == nil && !o.rolesKnown {
		g.Go(func() (err error) {
			rolesRefused, err = b.listRoles(ctx, o)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, k := range bindings {
		if anew[i] != nil {
			o.objects[k.kind] = anew[i]
		}
	}
	o.complete(b.api.ServerTime())
	var missing []error
	for i, k := range bindings {
		switch {
		case refusals[i] == nil:
		case slices.Contains(opts.Needed, k.collection):
			missing = append(missing, fmt.Errorf("list %s: %w: the manifest declares %s and the API key has no permission %s (%w)",
				k.collection, apply.ErrPermission, k.collection, k.permission, refusals[i]))
		default:
			o.notChecked[k.collection] = "the API key has no permission " + k.permission
		}
	}
	if rolesRefused != nil && opts.Roles && o.mayHaveCustomRoles() {
		missing = append(missing, rolesMissing(rolesRefused))
	}
	return o, errors.Join(missing...)
}

// readOrganization reads the organization, unless nothing that it shows has been changed since the observation before.
func (b *Backend) readOrganization(
	ctx context.Context, o, before *observation, changed map[string]bool, opts apply.ObserveOptions,
) (err error) {
	touched := before == nil || slices.ContainsFunc(bindings, func(k *binding) bool { return k.shown != nil && changed[k.kind] })
	if !touched {
		o.organization = before.organization
	} else if o.organization, err = b.identify(ctx); err != nil {
		return err
	}
	for _, k := range bindings {
		if k.shown == nil {
			continue
		}
		o.objects[k.kind] = k.shown(o.organization)
		if !touched && k.collection != "" && (opts.Enough == nil || slices.Contains(opts.Enough, k.collection)) {
			o.earlier = append(o.earlier, k.collection)
		}
	}
	return nil
}

// take takes what the observation before knows of a kind.
func (o *observation) take(before *observation, k *binding) {
	if all := before.objects[k.kind]; all != nil {
		o.objects[k.kind] = all
	}
	if reason, ok := before.notChecked[k.collection]; ok {
		o.notChecked[k.collection] = reason
	}
	o.earlier = append(o.earlier, k.collection)
}

// complete notes what follows from the lists.
func (o *observation) complete(now time.Time) {
	o.now = now
	o.migrated = slices.ContainsFunc(o.assigned(), func(roles []cloudapi.AssignedRole) bool { return roles != nil })
	o.known = map[string]map[string]bool{}
	for kind, all := range o.objects {
		o.known[kind] = map[string]bool{}
		for _, id := range all.ids() {
			o.known[kind][id] = true
		}
	}
}

// before is the observation that another one builds on, if any.
func (b *Backend) before(opts apply.ObserveOptions) *observation {
	if opts.Applied == nil {
		return nil
	}
	return b.observed()
}

// identify reads the organization, unless that was done a moment ago for this very observation.
func (b *Backend) identify(ctx context.Context) (cloudapi.Organization, error) {
	b.mu.Lock()
	known := b.identified
	b.identified = nil
	b.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	return Identify(ctx, b.api, b.opts.OrganizationID)
}

// listRoles reads the roles. Only organizations with custom roles have the list; without it the roles that objects show are all
// that is known. A refusal is given apart: it depends on what is wanted whether that is an error.
func (b *Backend) listRoles(ctx context.Context, o *observation) (refused, err error) {
	roles, err := b.api.ListRoles(ctx, o.organization.ID)
	switch {
	case errors.Is(err, client.ErrForbidden):
		refused = err
	case err != nil && !errors.Is(err, client.ErrNotFound) && !errors.Is(err, client.ErrBadRequest):
		return nil, fmt.Errorf("list roles: %w", err)
	}
	o.roles, o.rolesKnown = roles, true
	return refused, nil
}

func rolesMissing(refused error) error {
	return fmt.Errorf("list roles: %w: the manifest names roles and the API key has no permission to view roles (%w)", apply.ErrPermission, refused)
}

// mayHaveCustomRoles reports whether roles may have to be sent by id: unless people and keys are shown, and shown without
// assigned roles, nobody knows (FACTS 6.1).
func (o *observation) mayHaveCustomRoles() bool {
	return len(o.assigned()) == 0 || o.migrated
}

// Identify reads the organization of the key: the API lists exactly that one (FACTS 1.1). It fails when that is not the one
// that is wanted; an empty id wants any.
func Identify(ctx context.Context, api *cloudapi.API, wanted string) (cloudapi.Organization, error) {
	all, err := api.ListOrganizations(ctx)
	if err != nil {
		return cloudapi.Organization{}, fmt.Errorf("read the organization: %w", err)
	}
	if len(all) == 0 {
		return cloudapi.Organization{}, errors.New("read the organization: the API lists none for this key")
	}
	if wanted == "" && len(all) > 1 {
		names := mapped(all, func(o cloudapi.Organization) string { return fmt.Sprintf("%s (%s)", o.ID, o.Name) })
		return cloudapi.Organization{}, fmt.Errorf("the key reaches several organizations, %s: name the one that is meant by metadata.id or CLICKHOUSE_ORG_ID",
			strings.Join(names, ", "))
	}
	for _, o := range all {
		if wanted == "" || strings.EqualFold(o.ID, wanted) {
			return o, nil
		}
	}
	return cloudapi.Organization{}, fmt.Errorf("%w: it is of %s (%s), not of %s", apply.ErrOtherOrganization, all[0].ID, all[0].Name, wanted)
}

// readDetails reads the fields that need a request of their own, of the objects that want them. An answer that is an error
// is kept as the reason why an object's details are unknown: it concerns that object alone, and must not hide the rest.
func (b *Backend) readDetails(ctx context.Context, resources []spec.Resource, opts apply.ObserveOptions, o *observation) error {
	if opts.Detail == nil {
		return nil
	}
	applied := map[detailed]bool{}
	for _, c := range opts.Applied {
		applied[detailed{c.Address.Kind, c.ID}] = true
	}
	earlier := o.details
	o.details = map[detailed]detailReply{}
	var mu sync.Mutex // of o.details
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(detailsAtOnce)
	for i := range resources {
		r := &resources[i]
		of, d := detailed{r.Address.Kind, r.ID}, bindingOf(r.Address.Kind).detail
		if d == nil || !opts.Detail(*r) || !d.has(*r) {
			continue
		}
		g.Go(func() (err error) {
			reply, ok := earlier[of]
			if !ok || applied[of] {
				if reply, err = b.readDetail(ctx, d, o.organization.ID, r); err != nil {
					return err
				}
			}
			reply.show(r)
			mu.Lock()
			defer mu.Unlock()
			o.details[of] = reply
			return nil
		})
	}
	return g.Wait()
}

func (b *Backend) readDetail(ctx context.Context, d *detail, organization string, r *spec.Resource) (detailReply, error) {
	fields, err := d.read(ctx, b.api, organization, r.ID)
	var answer *client.Error
	var other *client.ReplyError
	switch {
	case errors.Is(err, client.ErrForbidden):
		return detailReply{refused: "the API key has no permission " + d.permission}, nil
	case errors.As(err, &answer) && !errors.Is(err, client.ErrUnauthorized):
		return detailReply{unreadable: fmt.Sprintf("the API answers %d %s", answer.Status, answer.Message)}, nil
	case errors.As(err, &other) && other.Status != http.StatusUnauthorized:
		return detailReply{unreadable: fmt.Sprintf("the API answers %d, and %s", other.Status, other.Reason)}, nil
	case err != nil:
		return detailReply{}, fmt.Errorf("read %s of %s: %w", d.what, r.Address, err)
	}
	return detailReply{fields: fields}, nil
}

// show adds the details of an object to what is known of it.
func (d detailReply) show(r *spec.Resource) {
	switch {
	case d.refused != "":
		r.Status[spec.StatusRefused] = d.refused
	case d.unreadable != "":
		r.Status[spec.StatusUnreadable] = d.unreadable
	default:
		maps.Copy(r.Spec, d.fields)
	}
}

// assigned are the roles that each key and person is shown to have; nil for one that is shown without.
func (o *observation) assigned() [][]cloudapi.AssignedRole {
	var out [][]cloudapi.AssignedRole
	for _, k := range bindings {
		if h, ok := o.objects[k.kind].(holders); ok {
			out = append(out, h.assigned()...)
		}
	}
	return out
}

// remember keeps what steps need to know.
func (b *Backend) remember(o *observation) {
	for _, k := range bindings {
		if k.observed == nil {
			continue
		}
		var anew objects
		if !slices.Contains(o.earlier, k.collection) {
			anew = o.objects[k.kind]
		}
		k.observed(b, anew)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last, b.made, b.warehouses = o, map[spec.Address]string{}, map[string]string{}
}

func mapped[T, R any](list []T, f func(T) R) []R {
	out := make([]R, len(list))
	for i, v := range list {
		out[i] = f(v)
	}
	return out
}

// fields builds a tree of what the server reports: what it leaves out stays absent.
type fields spec.Tree

func (f fields) text(key, value string) {
	if value != "" {
		f[key] = value
	}
}

func (f fields) number(key string, value *float64) {
	if value != nil {
		f[key] = spec.Normalize(*value)
	}
}

func (f fields) flag(key string, value *bool) {
	if value != nil {
		f[key] = *value
	}
}

// list adds a list that was reported, even an empty one.
func list[T any](f fields, key string, values []T, element func(T) any) {
	if values == nil {
		return
	}
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = element(v)
	}
	f[key] = out
}

func ipEntry(e cloudapi.IPAccessEntry) any {
	t := spec.Tree{"source": e.Source}
	if e.Description != "" {
		t["description"] = e.Description
	}
	return t
}

func suffix(keyID string) string {
	return keyID[max(0, len(keyID)-4):]
}
