package cloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

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

func invitationResource(i cloudapi.Invitation, migrated bool) spec.Resource {
	email := spec.CanonicalName(strings.ToLower(i.Email))
	return spec.Resource{
		Address: spec.Address{Kind: "invitation", Name: email}, ID: i.ID,
		Spec:   spec.Tree{"email": email, "roles": roleList(migrated, i.AssignedRoles, i.Role)},
		Status: spec.Tree{},
	}
}

// sortInvitations tells invitations that can still be accepted from those that have expired by the API's own clock, which some
// servers go on listing (FACTS 6.3). That clock tells whole seconds: what expires within the one that it shows may have expired,
// and is of no use to anybody. The zero Time is no clock: then none has.
func sortInvitations(all []cloudapi.Invitation, now time.Time) (pending, expired []cloudapi.Invitation) {
	for _, i := range all {
		if at, err := time.Parse(time.RFC3339Nano, i.ExpireAt); err == nil && !now.IsZero() && at.Before(now.Add(time.Second)) {
			expired = append(expired, i)
		} else {
			pending = append(pending, i)
		}
	}
	return pending, expired
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

// invitationSteps withdraws and sends: there is no PATCH, so an update is both (FACTS 6.3).
func invitationSteps(b *Backend, c diff.Change) ([]apply.Step, error) {
	withdraw := func(id string) apply.Step {
		return do("withdraw invitation", func(ctx context.Context) error {
			return b.resend(ctx, func(ctx context.Context, _ bool) error {
				return gone(b.api.DeleteInvitation(ctx, b.organization(), id))
			})
		})
	}
	send := do("send invitation", func(ctx context.Context) error { return b.invite(ctx, c) })
	switch c.Action {
	case diff.Create:
		var steps []apply.Step
		for _, id := range b.expiredInvitations(c.Address.Name) {
			steps = append(steps, withdraw(id))
		}
		return append(steps, send), nil
	case diff.Update:
		return []apply.Step{withdraw(c.ID), send}, nil
	case diff.Delete:
		return []apply.Step{withdraw(c.ID)}, nil
	default:
		return nil, fmt.Errorf("%s: unknown action %q", c.Address, c.Action)
	}
}

// expiredInvitations are the ids of a person's invitations that nobody can accept any more and the API still lists.
func (b *Backend) expiredInvitations(email string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.session.expired[email]
}

func (b *Backend) invite(ctx context.Context, c diff.Change) error {
	email, _ := c.After["email"].(string)
	known := b.known(func(s session) map[string]bool { return s.invitations })
	return b.withRoles(ctx, c, func(r roles) error {
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
