package cloud

import (
	"context"
	"fmt"
	"strings"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

var memberBinding = binding{
	kind: "member", collection: "members",
	list: func(ctx context.Context, api *cloudapi.API, organization string) (objects, error) {
		all, err := api.ListMembers(ctx, organization)
		return members(all), err
	},
	permission: "to view members",
	steps:      memberSteps,
}

type members []cloudapi.Member

func (all members) ids() []string {
	return mapped(all, func(m cloudapi.Member) string { return m.UserID })
}

func (all members) assigned() [][]cloudapi.AssignedRole {
	return mapped(all, func(m cloudapi.Member) []cloudapi.AssignedRole { return m.AssignedRoles })
}

func (all members) resources(o *observation) []spec.Resource {
	return mapped(all, func(m cloudapi.Member) spec.Resource { return memberResource(m, o.migrated) })
}

func memberResource(m cloudapi.Member, migrated bool) spec.Resource {
	email, status := spec.CanonicalName(strings.ToLower(m.Email)), spec.Tree{}
	if email == "" { // as of servers of the old document; nothing else identifies a member
		email = m.UserID
		status[spec.StatusNameless] = "the API shows no e-mail address"
	}
	return spec.Resource{
		Address: spec.Address{Kind: "member", Name: email}, ID: m.UserID,
		Spec:   spec.Tree{"email": email, "roles": roleList(migrated, m.AssignedRoles, m.Role)},
		Status: status,
	}
}

// memberSteps changes roles and removes; nobody can be made a member by the API.
func memberSteps(b *Backend, c diff.Change) ([]apply.Step, error) {
	switch c.Action {
	case diff.Update:
		return []apply.Step{do("change roles", func(ctx context.Context) error {
			return b.withRoles(ctx, c, func(r roles) error {
				patch := cloudapi.MemberPatch{AssignedRoleIDs: r.ids}
				if r.ids == nil {
					role, err := r.single()
					if err != nil {
						return err
					}
					patch.Role = role
				}
				return b.resend(ctx, func(ctx context.Context, _ bool) error {
					_, err := b.api.PatchMember(ctx, b.organization(), c.ID, patch)
					return err
				})
			})
		})}, nil
	case diff.Delete:
		return []apply.Step{do("remove member", func(ctx context.Context) error {
			return b.resend(ctx, func(ctx context.Context, _ bool) error {
				return gone(b.api.DeleteMember(ctx, b.organization(), c.ID))
			})
		})}, nil
	case diff.Create:
		return nil, fmt.Errorf("%s: members join by accepting an invitation", c.Address)
	default:
		return nil, fmt.Errorf("%s: unknown action %q", c.Address, c.Action)
	}
}
