package cloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
)

// learnRoles takes note of roles that an object shows. Their mere presence, even as an empty list, says that the
// organization has migrated to custom roles and that its legacy role fields are frozen (FACTS 6.2).
func (s *session) learnRoles(assigned []cloudapi.AssignedRole) {
	if assigned == nil {
		return
	}
	s.migrated = true
	for _, r := range assigned {
		s.learnRole(r.RoleName, r.RoleID)
	}
}

func (s *session) learnRole(name, id string) {
	key := strings.ToLower(name)
	if !slices.Contains(s.roles[key], id) {
		s.roles[key] = append(s.roles[key], id)
	}
}

// legacyRoles are all roles of an organization without custom roles (FACTS 6.1).
var legacyRoles = []string{"admin", "developer", "query_endpoints"}

// roleNames are the roles that a manifest may name, empty when they cannot be listed.
func (b *Backend) roleNames(o *observation) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.session.migrated {
		return legacyRoles
	}
	if len(o.roles) == 0 {
		return nil
	}
	var names []string
	for _, r := range o.roles {
		names = append(names, r.Name)
	}
	for _, r := range o.assigned() {
		names = append(names, r.RoleName) // a role that somebody has is there, listed or not
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// roles are references in the one form that an organization takes: ids once it has custom roles, else legacy names.
type roles struct {
	ids    []string // nil for legacy
	legacy []string
}

// withRoles resolves role names and sends them. An organization may migrate between observation and sending: then the API
// refuses the legacy form, and the call is sent once more with ids.
func (b *Backend) withRoles(ctx context.Context, names []any, send func(roles) error) error {
	resolved, err := b.resolve(names)
	if err != nil {
		return err
	}
	err = send(resolved)
	if resolved.ids != nil || !migrationRefusal(err) {
		return err
	}
	all, listErr := b.api.ListRoles(ctx, b.organization())
	if listErr != nil {
		return errors.Join(err, listErr)
	}
	b.mu.Lock()
	b.session.migrated = true
	for _, r := range all {
		b.session.learnRole(r.Name, r.ID)
	}
	b.mu.Unlock()
	if resolved, err = b.resolve(names); err != nil {
		return err
	}
	return send(resolved)
}

func migrationRefusal(err error) bool {
	var refusal *client.Error
	return errors.As(err, &refusal) && strings.Contains(refusal.Message, "migrated to Custom Roles")
}

func (b *Backend) resolve(names []any) (roles, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := roles{legacy: []string{}}
	if b.session.migrated {
		out = roles{ids: []string{}}
	}
	for _, n := range names {
		name, _ := n.(string)
		if !b.session.migrated {
			out.legacy = append(out.legacy, strings.ToLower(name))
			continue
		}
		ids := b.session.roles[strings.ToLower(name)]
		switch len(ids) {
		case 0:
			return roles{}, fmt.Errorf("no role %q is known: the organization has none, or the API key may not list roles", name)
		case 1:
			out.ids = append(out.ids, ids[0])
		default:
			return roles{}, fmt.Errorf("%d roles are named %q (%s): give them names of their own first", len(ids), name, strings.Join(ids, ", "))
		}
	}
	return out, nil
}

// single gives the one legacy role that a person can have.
func (r roles) single() (string, error) {
	if len(r.legacy) != 1 {
		return "", fmt.Errorf("without custom roles a person has exactly one role, not %d", len(r.legacy))
	}
	return r.legacy[0], nil
}

// roleList gives what an object's roles are: the assigned ones in an organization that has migrated, none if it shows none;
// the legacy ones elsewhere. After a migration the legacy fields are frozen and say nothing (FACTS 6.1, 6.2).
func roleList(migrated bool, assigned []cloudapi.AssignedRole, legacy ...string) []any {
	out := []any{}
	if migrated {
		for _, r := range assigned {
			out = append(out, r.RoleName)
		}
		return out
	}
	for _, r := range legacy {
		if r != "" {
			out = append(out, r)
		}
	}
	return out
}
