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
// The worst state on the way is the one after every revocation. A grant counts there only if all revocations wait for it;
// one that some of them do not wait for may come too late.
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
	waiting := map[spec.Address]int{}
	for _, r := range revoked {
		for _, a := range r.DependsOn {
			waiting[a]++
		}
	}
	sure := 0
	for _, g := range granted {
		if waiting[g.Address] == len(revoked) {
			sure++
		}
	}
	end, worst, least := before+len(granted)-len(revoked), before+sure-len(revoked), max(1, c.plan.Policy.MinAdmins)
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

// waysIn keeps services reachable: one that has an IP entry or a private endpoint does not lose the last of them, unless its
// manifest says that this is meant. An endpoint that is deleted is no way in, whether or not the service lets go of it.
func (c *check) waysIn() {
	deleted := map[string][]*Change{} // by endpoint id
	for i := range c.plan.Changes {
		if d := &c.plan.Changes[i]; d.Address.Kind == "privateEndpoint" && d.Action == Delete {
			id, _ := d.Before["id"].(string)
			deleted[id] = append(deleted[id], d)
		}
	}
	closed := map[spec.Address]bool{}
	for _, a := range c.plan.Policy.Closed {
		closed[a] = true
	}
	for r := range each(c.live, "service") {
		address, change := r.Address, c.outcome.change(r)
		entries, _ := r.Spec["ipAccessList"].([]any)
		endpoints, _ := r.Spec["privateEndpointIds"].([]any)
		if change != nil {
			address = change.Address
		}
		if len(entries)+len(endpoints) == 0 || closed[address] {
			continue
		}
		// Deletions that do not wait for the service's own change may find it as it is now; all find it as it will be.
		early := func(d *Change) bool { return change == nil || !d.after(change) }
		late := func(*Change) bool { return true }
		moment := ""
		switch {
		case c.outcome.stays(r) && !open(c.outcome.list(r, "ipAccessList"), c.outcome.list(r, "privateEndpointIds"), deleted, late):
		case !open(entries, endpoints, deleted, early):
			moment = " for a while"
		default:
			continue
		}
		c.block(Finding{
			Code: CodeWayIn, Address: address, Pos: wayInPos(change),
			Message: "would have no way in" + moment + ": no IP entry and no private endpoint",
			Hint:    "keep an IP entry or an endpoint, or write access: closed if nobody is to connect",
		})
	}
}

// open reports whether anything lets clients in once the endpoints whose deletion counts are gone.
func open(entries, endpoints []any, deleted map[string][]*Change, counts func(*Change) bool) bool {
	return len(entries) > 0 || slices.ContainsFunc(names(endpoints), func(id string) bool {
		return !slices.ContainsFunc(deleted[id], counts)
	})
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
