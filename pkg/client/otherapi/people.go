package otherapi

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Person is a member or an invitation.
type Person struct {
	Roles    []string // names
	Fields   Object   // the wire names but for roles
	versions []version
}

// NewPerson is a member, with a userId as people have it who sign in through SAML.
func (o *Org) NewPerson(email string, roles ...string) *Person {
	return &Person{Roles: roles, Fields: Object{
		"userId": "samlp|" + o.newID() + "|" + email, "name": email, "email": email, "joinedAt": time.Now().UTC(),
	}}
}

// Accept makes a member of whoever was invited with the address.
func (s *Server) Accept(email string) {
	s.Edit(func(o *Org) {
		for i, invitation := range o.Invitations {
			if strings.EqualFold(text(invitation.Fields["email"]), email) {
				o.Invitations = slices.Delete(o.Invitations, i, i+1)
				o.Members = append(o.Members, o.NewPerson(email, invitation.Roles...))
				return
			}
		}
	})
}

// members answers for members.
func (c *call) members() (any, error) {
	if len(c.path) == 1 && c.method == http.MethodGet {
		return c.people(c.org.Members), nil
	}
	if len(c.path) != 2 {
		return nil, unknown("route")
	}
	at := slices.IndexFunc(c.org.Members, func(p *Person) bool { return p.Fields["userId"] == c.path[1] })
	if at < 0 {
		return nil, unknown("member")
	}
	member := c.org.Members[at]
	switch c.method {
	case http.MethodGet:
		return asOf(member.versions, c.now.Add(-c.choices.GetLag)), nil
	case http.MethodPatch:
		if err := c.only("role", "assignedRoleIds"); err != nil {
			return nil, err
		}
		names, given, err := c.rolesAsked("role")
		if err != nil {
			return nil, err
		}
		before := c.person(member)
		if given {
			if !slices.Contains(names, "Admin") && c.lastAdmin(member) {
				return nil, refuse(http.StatusForbidden, "Somebody has to be in charge.")
			}
			member.Roles = names
			c.log("organization_member_update_roles", nil)
		}
		if c.choices.StaleReplies {
			return before, nil
		}
		return c.person(member), nil
	case http.MethodDelete:
		if c.lastAdmin(member) {
			return nil, refuse(http.StatusForbidden, "Somebody has to be in charge.")
		}
		c.org.Members = slices.Delete(c.org.Members, at, at+1)
		c.log("organization_member_delete", nil)
		return deleted{}, nil
	}
	return nil, unknown("route")
}

func (c *call) lastAdmin(member *Person) bool {
	for _, other := range c.org.Members {
		if other != member && slices.Contains(other.Roles, "Admin") {
			return false
		}
	}
	return slices.Contains(member.Roles, "Admin")
}

// people are members or invitations as a list shows them.
func (c *call) people(all []*Person) []Object {
	shown := []Object{}
	for _, person := range all {
		shown = append(shown, asOf(person.versions, c.now.Add(-c.choices.ListLag)))
	}
	return shown
}

func (s *Server) person(person *Person) Object {
	shown := s.roleFields(person.Roles, "role")
	maps.Copy(shown, person.Fields)
	return shown
}

// invitations answers for invitations, which are never changed.
func (c *call) invitations() (any, error) {
	if len(c.path) == 1 {
		switch c.method {
		case http.MethodGet:
			return c.people(c.org.Invitations), nil
		case http.MethodPost:
			return c.invite()
		}
		return nil, unknown("route")
	}
	at := slices.IndexFunc(c.org.Invitations, func(p *Person) bool { return p.Fields["id"] == c.path[1] })
	if at < 0 || len(c.path) > 2 {
		return nil, unknown("invitation")
	}
	switch c.method {
	case http.MethodGet:
		return c.person(c.org.Invitations[at]), nil
	case http.MethodDelete:
		c.org.Invitations = slices.Delete(c.org.Invitations, at, at+1)
		c.log("organization_invite_delete", nil)
		return deleted{}, nil
	}
	return nil, unknown("route")
}

func (c *call) invite() (any, error) {
	if err := c.only("email", "role", "assignedRoleIds"); err != nil {
		return nil, err
	}
	email := text(c.body["email"])
	if at := strings.IndexByte(email, '@'); at < 1 || at == len(email)-1 {
		return nil, refuse(http.StatusBadRequest, "%q is no address.", email)
	}
	if !c.choices.EmailsTyped {
		email = strings.ToLower(email)
	}
	names, _, err := c.rolesAsked("role")
	if err != nil {
		return nil, err
	}
	invitation := &Person{Roles: names, Fields: Object{
		"id": c.org.newID(), "email": email, "createdAt": c.now, "expireAt": c.now.Add(7 * 24 * time.Hour),
	}}
	c.org.Invitations = append(c.org.Invitations, invitation)
	c.log("organization_invite_create", nil)
	return c.person(invitation), nil
}
