package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/spec"
)

// ErrOtherOrganization is matched by the error of an observation with the credentials of another organization.
var ErrOtherOrganization = errors.New("the API key belongs to another organization")

// ErrPermission is matched by the error of an observation that may not read what the manifest needs.
var ErrPermission = errors.New("permission missing")

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
}

// Observe implements apply.Backend. It sends six requests whatever the size of the organization, five of them side by side,
// plus one per service whose detail fields are wanted.
func (b *Backend) Observe(ctx context.Context, scope apply.Scope) (*spec.Live, error) {
	o, err := b.read(ctx, scope)
	if err != nil {
		return nil, err
	}
	b.watch.next(o.services)
	b.remember(o)
	live := &spec.Live{
		OrganizationID:   o.organization.ID,
		OrganizationName: o.organization.Name,
		NotChecked:       o.notChecked,
		Expired:          each(o.expired, func(i cloudapi.Invitation) spec.Address { return invitationResource(i, false).Address }),
		Caller:           spec.Caller{KeySuffix: suffix(b.opts.KeyID)},
		Roles:            o.knownRoles(),
	}
	migrated := o.migrated()
	live.Resources = slices.Concat(
		[]spec.Resource{organizationResource(o.organization)},
		each(o.organization.PrivateEndpoints, endpointResource),
		serviceResources(o.services, b.api.ServerTime()),
		each(o.keys, func(k cloudapi.APIKey) spec.Resource { return keyResource(k, migrated) }),
		each(o.members, func(m cloudapi.Member) spec.Resource { return memberResource(m, migrated) }),
		each(o.pending, func(i cloudapi.Invitation) spec.Resource { return invitationResource(i, migrated) }),
	)
	if err := b.readDetails(ctx, live.Resources, scope.Detail); err != nil {
		return nil, err
	}
	slices.SortFunc(live.Resources, func(a, c spec.Resource) int {
		if d := a.Address.Compare(c.Address); d != 0 {
			return d
		}
		return strings.Compare(a.ID, c.ID)
	})
	return live, nil
}

func (b *Backend) read(ctx context.Context, scope apply.Scope) (*observation, error) {
	organization, err := Identify(ctx, b.api, b.opts.OrganizationID)
	if err != nil {
		return nil, err
	}
	o := &observation{organization: organization, notChecked: map[string]string{}}
	org := organization.ID
	var failures [4]error
	var rolesRefused error
	g, ctx := errgroup.WithContext(ctx)
	lists := []struct {
		collection, permission string
		read                   func() error
	}{
		{"services", "control-plane:service:view", func() (err error) { o.services, err = b.api.ListServices(ctx, org); return err }},
		{"keys", "to view API keys", func() (err error) { o.keys, err = b.api.ListKeys(ctx, org); return err }},
		{"members", "to view members", func() (err error) { o.members, err = b.api.ListMembers(ctx, org); return err }},
		{"invitations", "to view invitations", func() (err error) { o.invitations, err = b.api.ListInvitations(ctx, org); return err }},
	}
	for i, l := range lists {
		g.Go(func() error {
			err := l.read()
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
	g.Go(func() error {
		// Only organizations with custom roles have the list; without it the roles that objects show are all that is known.
		roles, err := b.api.ListRoles(ctx, org)
		if errors.Is(err, client.ErrForbidden) {
			rolesRefused = err
		}
		if unavailable := errors.Is(err, client.ErrNotFound) || errors.Is(err, client.ErrForbidden) || errors.Is(err, client.ErrBadRequest); err != nil && !unavailable {
			return fmt.Errorf("list roles: %w", err)
		}
		o.roles = roles
		return nil
	})
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
				l.collection, ErrPermission, l.collection, l.permission, failures[i]))
		default:
			o.notChecked[l.collection] = "the API key has no permission " + l.permission
		}
	}
	if rolesRefused != nil && scope.Roles && o.mayHaveCustomRoles() {
		missing = append(missing, fmt.Errorf("list roles: %w: the manifest names roles and the API key has no permission to view roles (%w)",
			ErrPermission, rolesRefused))
	}
	return o, errors.Join(missing...)
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
	for _, o := range all {
		if wanted == "" || strings.EqualFold(o.ID, wanted) {
			return o, nil
		}
	}
	return cloudapi.Organization{}, fmt.Errorf("%w: it is of %s (%s), not of %s", ErrOtherOrganization, all[0].ID, all[0].Name, wanted)
}

// readDetails reads the fields that need a request of their own, of the services that want them. An answer that is an error
// is kept as the reason why a service's details are unknown: it concerns that service alone, and must not hide the rest.
func (b *Backend) readDetails(ctx context.Context, resources []spec.Resource, wanted func(spec.Resource) bool) error {
	if wanted == nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(details)
	for i := range resources {
		r := &resources[i]
		if r.Address.Kind != "service" || !wanted(*r) || r.Spec["warehouse"] != nil {
			continue
		}
		g.Go(func() error {
			configuration, err := b.api.GetBackupConfiguration(ctx, b.organization(), r.ID)
			var answer *client.Error
			var other *client.ReplyError
			switch {
			case errors.Is(err, client.ErrForbidden):
				r.Status[spec.StatusRefused] = "the API key has no permission control-plane:service:view-backups"
			case errors.As(err, &answer) && !errors.Is(err, client.ErrUnauthorized):
				r.Status[spec.StatusUnreadable] = fmt.Sprintf("the API answers %d %s", answer.Status, answer.Message)
			case errors.As(err, &other) && other.Status != http.StatusUnauthorized:
				r.Status[spec.StatusUnreadable] = fmt.Sprintf("the API answers %d, and %s", other.Status, other.Reason)
			case err != nil:
				return fmt.Errorf("read the backup configuration of %s: %w", r.Address, err)
			default:
				r.Spec["backupConfiguration"] = backupTree(configuration)
			}
			return nil
		})
	}
	return g.Wait()
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
	b.mu.Lock()
	defer b.mu.Unlock()
	b.session = s
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
