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

var invitationBinding = binding{
	kind: "invitation", collection: "invitations",
	list: func(ctx context.Context, api *cloudapi.API, organization string) (objects, error) {
		all, err := api.ListInvitations(ctx, organization)
		return invitations(all), err
	},
	permission: "to view invitations",
	steps:      invitationSteps,
	find:       findInvitation,
}

type invitations []cloudapi.Invitation

func (all invitations) ids() []string {
	return mapped(all, func(i cloudapi.Invitation) string { return i.ID })
}

func (all invitations) assigned() [][]cloudapi.AssignedRole {
	return mapped(all, func(i cloudapi.Invitation) []cloudapi.AssignedRole { return i.AssignedRoles })
}

func (all invitations) resources(o *observation) (pending []spec.Resource) {
	for _, i := range all {
		if !expired(i, o.now) {
			pending = append(pending, invitationResource(i, o.migrated))
		}
	}
	return pending
}

func (all invitations) lapsed(o *observation) (out []spec.Address) {
	for _, i := range all {
		if expired(i, o.now) {
			out = append(out, invitationResource(i, o.migrated).Address)
		}
	}
	return out
}

func invitationResource(i cloudapi.Invitation, migrated bool) spec.Resource {
	email := spec.CanonicalName(strings.ToLower(i.Email))
	return spec.Resource{
		Address: spec.Address{Kind: "invitation", Name: email}, ID: i.ID,
		Spec:   spec.Tree{"email": email, "roles": roleList(migrated, i.AssignedRoles, i.Role)},
		Status: spec.Tree{},
	}
}

// expired reports whether an invitation has expired by the API's own clock, which some servers go on listing (FACTS 6.3). That
// clock tells whole seconds: what expires within the one that it shows may have expired, and is of no use to anybody. The zero
// Time is no clock: then none has.
func expired(i cloudapi.Invitation, now time.Time) bool {
	at, err := time.Parse(time.RFC3339Nano, i.ExpireAt)
	return err == nil && !now.IsZero() && at.Before(now.Add(time.Second))
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
	o := b.observed()
	if o == nil {
		return nil
	}
	all, _ := o.objects["invitation"].(invitations)
	var out []string
	for _, i := range all {
		if expired(i, o.now) && strings.ToLower(i.Email) == email {
			out = append(out, i.ID)
		}
	}
	return out
}

func (b *Backend) invite(ctx context.Context, c diff.Change) error {
	email, _ := c.After["email"].(string)
	known := b.known("invitation")
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

func findInvitation(ctx context.Context, b *Backend, i journal.Intent) (string, error) {
	invited, err := b.api.ListInvitations(ctx, b.organization())
	if err != nil {
		return "", err
	}
	return foundIf(slices.ContainsFunc(invited, func(v cloudapi.Invitation) bool { return strings.EqualFold(v.Email, i.Name) })), nil
}
