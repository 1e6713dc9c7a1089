package sim

import (
	"cmp"
	"net/http"
	"strings"
	"time"
)

type memberView struct {
	UserID        string              `json:"userId"`
	Name          string              `json:"name"`
	Email         string              `json:"email"`
	Role          string              `json:"role,omitempty"`
	JoinedAt      time.Time           `json:"joinedAt"`
	AssignedRoles *[]assignedRoleView `json:"assignedRoles,omitempty"`
}

func (c *call) viewMember(m *member) memberView {
	return memberView{m.UserID, m.Name, m.Email, m.legacyRole(), m.JoinedAt, c.assignedRoles(m.grants)}
}

// member finds the member of the path. User ids need not be UUIDs.
func (c *call) member() (*member, error) {
	id := c.params["userId"]
	if id == nilUUID {
		return nil, badRequest("Invalid user id")
	}
	m := find(c.st.Members, func(m *member) bool { return m.UserID == id })
	if m == nil {
		return nil, notFound(id)
	}
	return m, nil
}

func (st *state) memberByEmail(email string) *member {
	return find(st.Members, func(m *member) bool { return strings.EqualFold(m.Email, email) })
}

func listMembers(c *call) (any, error) {
	views := make([]memberView, 0, len(c.st.Members))
	for _, m := range c.st.Members {
		views = append(views, c.viewMember(m))
	}
	return views, nil
}

func getMember(c *call) (any, error) {
	m, err := c.member()
	if err != nil {
		return nil, err
	}
	return c.viewMember(m), nil
}

func patchMember(c *call) (any, error) {
	m, err := c.member()
	if err != nil {
		return nil, err
	}
	f, err := parseBody(c.body)
	if err != nil {
		return nil, err
	}
	granted := c.readGrants(f, "role", m.grants)
	if err := f.done(c.cfg.Lenient); err != nil {
		return nil, err
	}
	if granted == nil {
		return c.viewMember(m), nil
	}
	changed := *m
	changed.grants = *granted
	if c.st.isAdmin(m.grants) && !c.st.isAdmin(changed.grants) {
		if err := c.keepAdmin(); err != nil {
			return nil, err
		}
	}
	replace(c.st.Members, m, &changed)
	kind := "organization_member_update_roles"
	if c.cfg.legacyRoles() {
		kind = "organization_member_update_role"
	}
	c.did(activity{Type: kind})
	if c.cfg.StaleMemberEcho {
		return c.viewMember(m), nil
	}
	return c.viewMember(&changed), nil
}

// keepAdmin refuses to lower the admins of the organization to none.
func (c *call) keepAdmin() error {
	if c.st.adminMembers() > 1 {
		return nil
	}
	return refuse(cmp.Or(c.cfg.Statuses.LastAdmin, http.StatusBadRequest), "the organization must keep at least one admin")
}

func deleteMember(c *call) (any, error) {
	m, err := c.member()
	if err != nil {
		return nil, err
	}
	if c.st.isAdmin(m.grants) {
		if err := c.keepAdmin(); err != nil {
			return nil, err
		}
	}
	c.st.Members = remove(c.st.Members, m)
	c.did(activity{Type: "organization_member_delete"})
	return nil, nil
}
