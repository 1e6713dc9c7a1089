package diff

import (
	"fmt"
	"slices"

	"github.com/orgctl/orgctl/pkg/spec"
)

// adminRole is the role that may do everything, the same by name in organizations with and without custom roles (FACTS 6.4).
const adminRole = "admin"

// admins keeps an organization governable: a plan may not lower the number of members who are administrators below the
// policy's least, and never to none. Invitations do not count: nobody knows whether they will be accepted. An organization
// that is below the least already is none of the plan's doing.
//
// The worst state on the way is after those revocations that wait, together, for the fewest grants. How much worse it is than
// the beginning is the number of revocations less the largest number of them that can be given a grant each, one of those
// that they wait for (Hall's theorem, in König's form).
func (c *check) admins() {
	before := 0
	var granted, revoked []*Change
	for r := range each(c.live, "member") {
		roles, _ := r.Spec["roles"].([]any)
		had, has := hasRole(roles, adminRole), c.outcome.stays(r) && hasRole(c.outcome.list(r, "roles"), adminRole)
		if had {
			before++
		}
		switch {
		case had && !has:
			revoked = append(revoked, c.outcome.change(r))
		case !had && has:
			granted = append(granted, c.outcome.change(r))
		}
	}
	end, worst, least := before+len(granted)-len(revoked), before+paired(revoked, granted)-len(revoked), max(1, c.plan.Policy.MinAdmins)
	if worst >= before || worst >= least {
		return
	}
	moment := ""
	if end >= before || end >= least {
		moment = " on the way"
	}
	who := make([]spec.Address, len(revoked))
	for i, r := range revoked {
		who[i] = r.Address
	}
	slices.SortFunc(who, spec.Address.Compare)
	hint := "make another member, one who has joined, an administrator"
	if worst > 0 {
		hint += ", or lower policy.minAdmins"
	}
	c.block(Finding{
		Code: CodeAdmins, Address: c.plan.organization(), Pos: revoked[0].Pos,
		Message: fmt.Sprintf("administrators would fall from %d to %d%s, the least is %d: %s", before, worst, moment, least, enumerate(who)),
		Hint:    hint,
	})
}

// paired gives how many changes of one sort can each be given one of another sort that it waits for, none of them twice.
func paired(waiting, first []*Change) int {
	is := map[spec.Address]bool{}
	for _, f := range first {
		is[f.Address] = true
	}
	holder := map[spec.Address]*Change{} // of those of the first sort that are given away
	var give func(w *Change, asked map[spec.Address]bool) bool
	give = func(w *Change, asked map[spec.Address]bool) bool {
		for _, a := range w.DependsOn {
			if !is[a] || asked[a] {
				continue
			}
			asked[a] = true
			if holder[a] == nil || give(holder[a], asked) {
				holder[a] = w
				return true
			}
		}
		return false
	}
	n := 0
	for _, w := range waiting {
		if give(w, map[spec.Address]bool{}) {
			n++
		}
	}
	return n
}

// waysIn keeps services reachable: one that has an IP entry or a private endpoint does not lose the last of them, unless its
// manifest says that this is meant. An endpoint is a way in only while it is registered, whether or not the service names it.
func (c *check) waysIn() {
	registered := map[string]bool{}
	deleted := map[string][]*Change{} // by registration
	made := map[string]*Change{}
	for r := range each(c.live, "privateEndpoint") {
		registered[r.Address.Name] = true
		if d := c.outcome.change(r); d != nil && d.Action == Delete {
			deleted[r.Address.Name] = append(deleted[r.Address.Name], d)
		}
	}
	for i := range c.plan.Changes {
		if m := &c.plan.Changes[i]; m.Address.Kind == "privateEndpoint" && m.Action == Create {
			made[m.Address.Name] = m
		}
	}
	closed, distinct := map[spec.Address]bool{}, distinguish(c.live)
	for _, a := range c.plan.Policy.Closed {
		closed[a] = true
	}
	for r := range each(c.live, "service") {
		address, change := distinct(r), c.outcome.change(r)
		entries, _ := r.Spec["ipAccessList"].([]any)
		endpoints := registrations(r.Spec, r.Spec["privateEndpointIds"])
		if change != nil {
			address = change.Address
		}
		isRegistered := func(name string) bool { return registered[name] }
		// Deletions that do not wait for the service's own change may find it as it is now; all find it as it will be.
		early := func(name string) bool {
			return registered[name] && !slices.ContainsFunc(deleted[name], func(d *Change) bool { return change == nil || !d.after(change) })
		}
		late := func(name string) bool {
			return registered[name] && len(deleted[name]) == 0 || made[name] != nil && change != nil && change.after(made[name])
		}
		if !open(entries, endpoints, isRegistered) || closed[distinct(r)] { // of namesakes only one may be meant
			continue
		}
		moment := ""
		switch {
		case c.outcome.stays(r) && !open(c.outcome.list(r, "ipAccessList"), registrations(r.Spec, c.outcome.value(r, "privateEndpointIds")), late):
		case !open(entries, endpoints, early):
			moment = " for a while"
		default:
			continue
		}
		c.block(Finding{
			Code: CodeWayIn, Address: address, Pos: wayInPos(change),
			Message: "would have no way in" + moment + ": no IP entry that admits anybody and no private endpoint that is registered",
			Hint:    "keep an IP entry or an endpoint, or write access: closed if nobody is to connect",
		})
	}
}

// open reports whether anything lets clients in, given which endpoints count. It looks at the first entry that does: most
// services have many and lose none.
func open(entries []any, endpoints []string, counts func(name string) bool) bool {
	admits := func(entry any) bool { _, _, some := admitted(entry); return some }
	return slices.ContainsFunc(entries, admits) || slices.ContainsFunc(endpoints, counts)
}

// exposed says where a plan lets every address in that there is. That may be meant.
func (c *check) exposed() {
	const path = "ipAccessList"
	warn := func(change *Change, pos spec.Pos, had, has any) {
		after, _ := has.([]any)
		families := addressesOf(after).everywhere()
		if len(families) > 0 { // almost never, so that the list from before is not looked at either
			before, _ := had.([]any)
			already := addressesOf(before).everywhere()
			families = slices.DeleteFunc(families, func(family string) bool { return slices.Contains(already, family) })
		}
		if len(families) == 0 {
			return
		}
		c.verdict.Findings = append(c.verdict.Findings, Finding{
			Code: CodeExposed, Severity: SeverityWarning, Address: change.Address, Pos: pos,
			Message: fmt.Sprintf("opens to every address: its new %s lets in all of %s", path, families[0]),
			Hint:    "list the networks that it is used from",
		})
	}
	for _, kind := range []string{"service", "key"} {
		for r := range each(c.live, kind) {
			if change := c.outcome.change(r); change != nil && change.field(path) != nil {
				warn(change, change.field(path).Pos, r.Spec[path], c.outcome.value(r, path))
			}
		}
	}
	for i := range c.plan.Changes {
		if change := &c.plan.Changes[i]; change.Action == Create {
			warn(change, change.Pos, nil, change.After[path])
		}
	}
}

// wayInPos is where a manifest takes a way in away.
func wayInPos(change *Change) spec.Pos {
	if change == nil {
		return spec.Pos{}
	}
	for _, path := range []string{"ipAccessList", "privateEndpointIds"} {
		if f := change.field(path); f != nil {
			return f.Pos
		}
	}
	return change.Pos
}

// coreDumps: what the organization forbids once the plan is done, no service may switch on (FACTS 4).
func (c *check) coreDumps() {
	forbidden := false
	for r := range each(c.live, "organization") {
		forbidden = c.outcome.value(r, "enableCoreDumps") == false
	}
	if !forbidden {
		return
	}
	for i := range c.plan.Changes {
		if change := &c.plan.Changes[i]; change.Address.Kind == "service" && change.sets("enableCoreDumps", true) {
			c.block(Finding{
				Code: CodeForbidden, Address: change.Address, Pos: change.Pos,
				Message: "enableCoreDumps is true and the organization forbids it",
				Hint:    "write enableCoreDumps: true in spec, too, or leave it out of the service",
			})
		}
	}
}
