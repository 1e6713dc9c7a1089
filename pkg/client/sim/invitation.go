package sim

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// emailPattern refuses what is plainly no address; deciding more than that is the mail system's business.
var emailPattern = regexp.MustCompile(`^[^\s@<>"]+@[^\s@<>"]+\.[^\s@<>".]+$`)

const invitationTTL = 7 * 24 * time.Hour

func (d Delays) invitationTTL() time.Duration {
	if d.InvitationTTL == 0 {
		return invitationTTL
	}
	return d.InvitationTTL
}

type invitationView struct {
	ID            string              `json:"id"`
	Email         string              `json:"email"`
	Role          string              `json:"role,omitempty"`
	CreatedAt     time.Time           `json:"createdAt"`
	ExpireAt      time.Time           `json:"expireAt"`
	AssignedRoles *[]assignedRoleView `json:"assignedRoles,omitempty"`
}

func (c *call) viewInvitation(i *invitation) invitationView {
	return invitationView{i.ID, i.Email, i.legacyRole(), i.CreatedAt, i.ExpireAt, c.assignedRoles(i.grants)}
}

func (i *invitation) expired(at time.Time) bool { return !at.Before(i.ExpireAt) }

// shownInvitations are those that reads show: expired ones have vanished unless the configuration keeps them.
func (c *call) shownInvitations() []*invitation {
	list := make([]*invitation, 0, len(c.st.Invitations))
	for _, i := range c.st.Invitations {
		if c.cfg.ExpiredInvitationsListed || !i.expired(c.at) {
			list = append(list, i)
		}
	}
	return list
}

func (c *call) invitation() (*invitation, error) {
	id, err := c.id("invitationId")
	if err != nil {
		return nil, err
	}
	i := find(c.shownInvitations(), func(i *invitation) bool { return i.ID == id })
	if i == nil {
		return nil, notFound(id)
	}
	return i, nil
}

func listInvitations(c *call) (any, error) {
	views := []invitationView{}
	for _, i := range c.shownInvitations() {
		views = append(views, c.viewInvitation(i))
	}
	return views, nil
}

func getInvitation(c *call) (any, error) {
	i, err := c.invitation()
	if err != nil {
		return nil, err
	}
	return c.viewInvitation(i), nil
}

func createInvitation(c *call) (any, error) {
	f, err := parseBody(c.body)
	if err != nil {
		return nil, err
	}
	f.require("email")
	email := strings.ToLower(deref(f.str("email")))
	if !emailPattern.MatchString(email) {
		f.fail(badRequest("request body.email value is not an email address: %s", shown(email)))
	}
	granted := c.readGrants(f, "role", grants{})
	if granted == nil {
		f.fail(badRequest("request body: a role is required"))
	}
	if err := f.done(c.cfg.Lenient); err != nil {
		return nil, err
	}
	if find(c.st.Invitations, func(i *invitation) bool { return i.Email == email && !i.expired(c.now) }) != nil {
		if err := unless(c.cfg.Statuses.DuplicateInvitation, http.StatusConflict, "%s is invited already", email); err != nil {
			return nil, err
		}
	}
	if c.st.memberByEmail(email) != nil {
		if err := unless(c.cfg.Statuses.JoinedInvitation, http.StatusConflict, "%s is a member already", email); err != nil {
			return nil, err
		}
	}
	i := &invitation{ID: stage.NewID(), Email: email, CreatedAt: c.now, ExpireAt: c.now.Add(c.cfg.Delays.invitationTTL()), grants: *granted}
	c.st.Invitations = append(c.st.Invitations, i)
	c.did(activity{Type: "organization_invite_create"})
	return c.viewInvitation(i), nil
}

func deleteInvitation(c *call) (any, error) {
	i, err := c.invitation()
	if err != nil {
		return nil, err
	}
	c.st.Invitations = remove(c.st.Invitations, i)
	c.did(activity{Type: "organization_invite_delete"})
	return nil, nil
}

// AcceptInvitation turns the pending invitation of the given id or email into a member, as the invited person does in the
// console, and gives the member's user id.
func (s *Server) AcceptInvitation(idOrEmail string) (userID string, err error) {
	err = s.outOfBand("", func(c *call) error {
		i := c.st.pendingInvitation(idOrEmail, c.now)
		if i == nil {
			return fmt.Errorf("accept invitation: none is pending for %q", idOrEmail)
		}
		m := &member{UserID: stage.NewID(), Email: i.Email, JoinedAt: c.now, grants: i.grants}
		m.Name, _, _ = strings.Cut(i.Email, "@")
		if c.cfg.SAMLMembers {
			m.UserID = "samlp|" + m.UserID + "|" + m.Email
		}
		userID = m.UserID
		c.st.Invitations = remove(c.st.Invitations, i)
		c.st.Members = append(c.st.Members, m)
		c.actor.ActorID, c.actor.ActorDetails = m.UserID, m.Email
		c.did(activity{Type: "organization_member_join"})
		return nil
	})
	return userID, err
}

// ExpireInvitation ends the pending invitation of the given id or email now.
func (s *Server) ExpireInvitation(idOrEmail string) error {
	return s.outOfBand("", func(c *call) error {
		i := c.st.pendingInvitation(idOrEmail, c.now)
		if i == nil {
			return fmt.Errorf("expire invitation: none is pending for %q", idOrEmail)
		}
		expired := *i
		expired.ExpireAt = c.now
		replace(c.st.Invitations, i, &expired)
		return nil
	})
}

func (st *state) pendingInvitation(idOrEmail string, now time.Time) *invitation {
	return find(st.Invitations, func(i *invitation) bool {
		return (i.ID == idOrEmail || strings.EqualFold(i.Email, idOrEmail)) && !i.expired(now)
	})
}
