package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/spec"
)

// details is how many requests for single fields of services are under way at a time.
const details = 8

// observation is everything that one round of reads brought.
type observation struct {
	organization cloudapi.Organization
	services     []cloudapi.Service
	keys         []cloudapi.APIKey
	members      []cloudapi.Member
	invitations  []cloudapi.Invitation // the pending and the expired ones
	pending      []cloudapi.Invitation
	expired      []cloudapi.Invitation
	roles        []cloudapi.Role
	notChecked   map[string]string
	leftOut      []string          // collections that were not asked for
	earlier      []string          // collections taken from the observation before
	rolesKnown   bool              // the roles were asked for
	details      map[string]detail // by the id of the service
}

// detail is what the requests for single fields of a service brought: the fields, or why they are not known.
type detail struct {
	backups             spec.Tree // nil when not known
	refused, unreadable string
}

// Observe implements apply.Backend. At most it sends six requests whatever the size of the organization, five of them side by
// side, plus one per service whose detail fields are wanted.
func (b *Backend) Observe(ctx context.Context, scope apply.Scope) (*spec.Live, error) {
	o, err := b.read(ctx, scope)
	if err != nil {
		return nil, err
	}
	migrated := o.migrated()
	live := &spec.Live{
		OrganizationID:   o.organization.ID,
		OrganizationName: o.organization.Name,
		NotChecked:       o.notChecked,
		LeftOut:          o.leftOut,
		Earlier:          o.earlier,
		Expired:          each(o.expired, func(i cloudapi.Invitation) spec.Address { return invitationResource(i, false).Address }),
		Caller:           spec.Caller{KeySuffix: suffix(b.opts.KeyID)},
	}
	live.Resources = slices.Concat(
		[]spec.Resource{organizationResource(o.organization)},
		each(o.organization.PrivateEndpoints, endpointResource),
		serviceResources(o.services, b.api.ServerTime()),
		each(o.keys, func(k cloudapi.APIKey) spec.Resource { return keyResource(k, migrated) }),
		each(o.members, func(m cloudapi.Member) spec.Resource { return memberResource(m, migrated) }),
		each(o.pending, func(i cloudapi.Invitation) spec.Resource { return invitationResource(i, migrated) }),
	)
	if !o.rolesKnown && scope.Roles && o.mayHaveCustomRoles() {
		if refused, err := b.listRoles(ctx, o); refused != nil {
			return nil, rolesMissing(refused)
		} else if err != nil {
			return nil, err
		}
	}
	live.Roles = o.knownRoles()
	if err := b.readDetails(ctx, live.Resources, scope, o); err != nil {
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

// listOf says which list holds the objects of a kind; the organization itself is the one without a collection.
func listOf(kind string) string {
	if kind == "organization" || kind == "privateEndpoint" {
		return organizationList
	}
	return spec.KindOf(kind).Collection
}

const organizationList = ""

// read reads the lists that a scope asks for, or takes them from the observation before.
func (b *Backend) read(ctx context.Context, scope apply.Scope) (*observation, error) {
	before := b.before(scope)
	changed := map[string]bool{}
	for _, c := range scope.Applied {
		changed[listOf(c.Address.Kind)] = true
	}
	o := &observation{notChecked: map[string]string{}, details: map[string]detail{}}
	var err error
	if before != nil && !changed[organizationList] {
		o.organization = before.organization
		if scope.Enough == nil || slices.Contains(scope.Enough, "privateEndpoints") {
			o.earlier = append(o.earlier, "privateEndpoints")
		}
	} else if o.organization, err = b.identify(ctx); err != nil {
		return nil, err
	}
	if before != nil {
		o.roles, o.rolesKnown, o.details = before.roles, before.rolesKnown, before.details
	}
	org := o.organization.ID
	g, ctx := errgroup.WithContext(ctx)
	lists := []struct {
		collection, permission string
		read                   func(ctx context.Context) error
		take                   func(from *observation)
	}{
		{
			"services", "control-plane:service:view",
			func(ctx context.Context) (err error) { o.services, err = b.api.ListServices(ctx, org); return err },
			func(from *observation) { o.services = from.services },
		},
		{
			"keys", "to view API keys",
			func(ctx context.Context) (err error) { o.keys, err = b.api.ListKeys(ctx, org); return err },
			func(from *observation) { o.keys = from.keys },
		},
		{
			"members", "to view members",
			func(ctx context.Context) (err error) { o.members, err = b.api.ListMembers(ctx, org); return err },
			func(from *observation) { o.members = from.members },
		},
		{
			"invitations", "to view invitations",
			func(ctx context.Context) (err error) {
				o.invitations, err = b.api.ListInvitations(ctx, org)
				return err
			},
			func(from *observation) { o.invitations = from.invitations },
		},
	}
	failures := make([]error, len(lists))
	for i, l := range lists {
		switch {
		case scope.Enough != nil && !slices.Contains(scope.Enough, l.collection):
			o.leftOut = append(o.leftOut, l.collection)
		case before != nil && !changed[l.collection]:
			l.take(before)
			o.earlier = append(o.earlier, l.collection)
			if reason, ok := before.notChecked[l.collection]; ok {
				o.notChecked[l.collection] = reason
			}
		default:
			g.Go(func() error {
				err := l.read(ctx)
				if errors.Is(err, client.ErrForbidden) {
					failures[i] = err
					return nil
				}
				if err != nil {
					return fmt.Errorf("list %s: %w", l.collection, err)
				}
				return nil
			})
		}
	}
	var rolesRefused error
	if scope.Enough == nil && !o.rolesKnown {
		g.Go(func() (err error) {
			rolesRefused, err = b.listRoles(ctx, o)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	o.pending, o.expired = sortInvitations(o.invitations, b.api.ServerTime())
	var missing []error
	for i, l := range lists {
		switch {
		case failures[i] == nil:
		case slices.Contains(scope.Needed, l.collection):
			missing = append(missing, fmt.Errorf("list %s: %w: the manifest declares %s and the API key has no permission %s (%w)",
				l.collection, apply.ErrPermission, l.collection, l.permission, failures[i]))
		default:
			o.notChecked[l.collection] = "the API key has no permission " + l.permission
		}
	}
	if rolesRefused != nil && scope.Roles && o.mayHaveCustomRoles() {
		missing = append(missing, rolesMissing(rolesRefused))
	}
	return o, errors.Join(missing...)
}

// before is the observation that a scope builds on, if any.
func (b *Backend) before(scope apply.Scope) *observation {
	if scope.Applied == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
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
	return len(o.keys)+len(o.members)+len(o.invitations) == 0 || o.migrated()
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
		names := each(all, func(o cloudapi.Organization) string { return fmt.Sprintf("%s (%s)", o.ID, o.Name) })
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

// readDetails reads the fields that need a request of their own, of the services that want them. An answer that is an error
// is kept as the reason why a service's details are unknown: it concerns that service alone, and must not hide the rest.
func (b *Backend) readDetails(ctx context.Context, resources []spec.Resource, scope apply.Scope, o *observation) error {
	if scope.Detail == nil {
		return nil
	}
	applied := map[string]bool{}
	for _, c := range scope.Applied {
		applied[c.ID] = true
	}
	earlier := o.details
	o.details = map[string]detail{}
	var mu sync.Mutex // of o.details
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(details)
	for i := range resources {
		r := &resources[i]
		if r.Address.Kind != "service" || !scope.Detail(*r) || r.Spec["warehouse"] != nil {
			continue
		}
		g.Go(func() (err error) {
			found, ok := earlier[r.ID]
			if !ok || applied[r.ID] {
				if found, err = b.readDetail(ctx, o.organization.ID, r); err != nil {
					return err
				}
			}
			found.show(r)
			mu.Lock()
			defer mu.Unlock()
			o.details[r.ID] = found
			return nil
		})
	}
	return g.Wait()
}

func (b *Backend) readDetail(ctx context.Context, organization string, r *spec.Resource) (detail, error) {
	configuration, err := b.api.GetBackupConfiguration(ctx, organization, r.ID)
	var answer *client.Error
	var other *client.ReplyError
	switch {
	case errors.Is(err, client.ErrForbidden):
		return detail{refused: "the API key has no permission control-plane:service:view-backups"}, nil
	case errors.As(err, &answer) && !errors.Is(err, client.ErrUnauthorized):
		return detail{unreadable: fmt.Sprintf("the API answers %d %s", answer.Status, answer.Message)}, nil
	case errors.As(err, &other) && other.Status != http.StatusUnauthorized:
		return detail{unreadable: fmt.Sprintf("the API answers %d, and %s", other.Status, other.Reason)}, nil
	case err != nil:
		return detail{}, fmt.Errorf("read the backup configuration of %s: %w", r.Address, err)
	}
	return detail{backups: backupTree(configuration)}, nil
}

// show adds the details of a service to what is known of it.
func (d detail) show(r *spec.Resource) {
	switch {
	case d.refused != "":
		r.Status[spec.StatusRefused] = d.refused
	case d.unreadable != "":
		r.Status[spec.StatusUnreadable] = d.unreadable
	default:
		r.Spec["backupConfiguration"] = d.backups
	}
}

// assigned are all roles that anybody is shown to have.
func (o *observation) assigned() []cloudapi.AssignedRole {
	var out []cloudapi.AssignedRole
	for _, v := range o.keys {
		out = append(out, v.AssignedRoles...)
	}
	for _, v := range o.members {
		out = append(out, v.AssignedRoles...)
	}
	for _, v := range o.invitations {
		out = append(out, v.AssignedRoles...)
	}
	return out
}

func (b *Backend) migrated() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.session.migrated
}

// remember keeps what steps need to know.
func (b *Backend) remember(o *observation) {
	s := session{
		organization: o.organization.ID,
		serviceIDs:   map[string]bool{},
		keys:         map[string]bool{},
		invitations:  map[string]bool{},
		expired:      map[string][]string{},
		migrated:     o.migrated(),
		warehouses:   map[string]string{},
		made:         map[spec.Address]string{},
	}
	for _, v := range o.services {
		s.warehouses[v.ID] = v.DataWarehouseID
		s.serviceIDs[v.ID] = true
	}
	for _, v := range o.keys {
		s.keys[v.ID] = true
	}
	for _, v := range o.invitations {
		s.invitations[v.ID] = true
	}
	for _, v := range o.expired {
		email := strings.ToLower(v.Email)
		s.expired[email] = append(s.expired[email], v.ID)
	}
	if slices.Contains(o.earlier, "services") {
		b.watch.next(nil)
	} else {
		b.watch.next(o.services)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.session, b.last = s, o
}

func each[T, R any](list []T, f func(T) R) []R {
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
