package cloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

func memberResource(m cloudapi.Member, migrated bool) spec.Resource {
	email := spec.CanonicalName(strings.ToLower(m.Email))
	if email == "" {
		email = m.UserID // servers of the old document show no e-mail, and nothing else identifies a member
	}
	return spec.Resource{
		Address: spec.Address{Kind: "member", Name: email}, ID: m.UserID,
		Spec:   spec.Tree{"email": email, "roles": roleList(migrated, m.AssignedRoles, m.Role)},
		Status: spec.Tree{},
	}
}

func invitationResource(i cloudapi.Invitation, migrated bool) spec.Resource {
	email := spec.CanonicalName(strings.ToLower(i.Email))
	return spec.Resource{
		Address: spec.Address{Kind: "invitation", Name: email}, ID: i.ID,
		Spec:   spec.Tree{"email": email, "roles": roleList(migrated, i.AssignedRoles, i.Role)},
		Status: spec.Tree{},
	}
}

// memberSteps changes roles and removes; nobody can be made a member by the API.
func memberSteps(b *Backend, c diff.Change) ([]apply.Step, error) {
	switch c.Action {
	case diff.Update:
		names, _ := c.After["roles"].([]any)
		return []apply.Step{do("change roles", func(ctx context.Context) error {
			return b.withRoles(ctx, names, func(r roles) error {
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

// invitationSteps withdraws and sends: there is no PATCH, so an update is both (FACTS 6.3).
func invitationSteps(b *Backend, c diff.Change) ([]apply.Step, error) {
	withdraw := do("withdraw invitation", func(ctx context.Context) error {
		return b.resend(ctx, func(ctx context.Context, _ bool) error {
			return gone(b.api.DeleteInvitation(ctx, b.organization(), c.ID))
		})
	})
	send := do("send invitation", func(ctx context.Context) error { return b.invite(ctx, c.After) })
	switch c.Action {
	case diff.Create:
		return []apply.Step{send}, nil
	case diff.Update:
		return []apply.Step{withdraw, send}, nil
	case diff.Delete:
		return []apply.Step{withdraw}, nil
	default:
		return nil, fmt.Errorf("%s: unknown action %q", c.Address, c.Action)
	}
}

func (b *Backend) invite(ctx context.Context, person spec.Tree) error {
	names, _ := person["roles"].([]any)
	email, _ := person["email"].(string)
	known := b.known(func(s session) map[string]bool { return s.invitations })
	return b.withRoles(ctx, names, func(r roles) error {
		request := cloudapi.InvitationCreate{Email: email, AssignedRoleIDs: r.ids}
		if r.ids == nil {
			role, err := r.single()
			if err != nil {
				return err
			}
			request.Role = role
		}
		find := func(ctx context.Context) (cloudapi.Invitation, bool, error) {
			all, err := b.api.ListInvitations(ctx, b.organization())
			i := slices.IndexFunc(all, func(i cloudapi.Invitation) bool {
				return strings.EqualFold(i.Email, email) && !known[i.ID]
			})
			if i < 0 {
				return cloudapi.Invitation{}, false, err
			}
			return all[i], true, err
		}
		_, err := once(ctx, b, creation[cloudapi.Invitation]{
			intent: journal.Intent{Kind: "invitation", Name: email},
			create: func(ctx context.Context) (cloudapi.Invitation, error) {
				return b.api.CreateInvitation(ctx, b.organization(), request)
			},
			find: find,
		})
		if errors.Is(err, client.ErrConflict) || errors.Is(err, client.ErrBadRequest) {
			// Another run may have invited first; what is wanted is there then, whoever made it.
			if _, there, lookErr := find(ctx); lookErr == nil && there {
				return nil
			}
		}
		return err
	})
}
