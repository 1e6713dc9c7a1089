package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// legacyRoles are all roles of an organization without custom roles, where a role is named by its name (FACTS 6.1).
var legacyRoles = []spec.Role{
	{ID: "admin", Name: "admin"}, {ID: "developer", Name: "developer"}, {ID: "query_endpoints", Name: "query_endpoints"},
}

// knownRoles are the roles that a manifest may name. One that somebody has is there, listed or not.
func (o *observation) knownRoles() []spec.Role {
	if !o.migrated {
		return legacyRoles
	}
	var out []spec.Role
	for _, r := range o.roles {
		out = append(out, spec.Role{ID: r.ID, Name: r.Name})
	}
	for _, r := range slices.Concat(o.assigned()...) {
		out = append(out, spec.Role{ID: r.RoleID, Name: r.RoleName})
	}
	slices.SortFunc(out, func(a, b spec.Role) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID)) })
	return slices.Compact(out)
}

// roles are references in the one form that an organization takes: ids once it has custom roles, else legacy names.
type roles struct {
	ids    []string // nil for legacy
	legacy []string
}

// withRoles sends the roles that the plan has found. An organization may migrate between observation and sending: then the API
// refuses the legacy names, and the call is sent once more with the ids of the roles that now have them, if each is one.
func (b *Backend) withRoles(ctx context.Context, c diff.Change, send func(roles) error) error {
	found, err := b.referred(c, "roles")
	if err != nil {
		return err
	}
	if o := b.observed(); o != nil && o.migrated {
		return send(roles{ids: found})
	}
	err = send(roles{legacy: found})
	if !migrationRefusal(err) {
		return err
	}
	all, listErr := b.api.ListRoles(ctx, b.organization())
	if listErr != nil {
		return errors.Join(err, listErr)
	}
	ids := []string{}
	for _, name := range found {
		id, err := roleNamed(all, name)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	return send(roles{ids: ids})
}

func roleNamed(all []cloudapi.Role, name string) (string, error) {
	var ids []string
	for _, r := range all {
		if strings.EqualFold(r.Name, name) {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) != 1 {
		return "", fmt.Errorf("the organization has just moved to custom roles and has %d of the name %q: plan again", len(ids), name)
	}
	return ids[0], nil
}

func migrationRefusal(err error) bool {
	var refusal *client.Error
	return errors.As(err, &refusal) && strings.Contains(refusal.Message, "migrated to Custom Roles")
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
