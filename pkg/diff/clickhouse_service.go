package diff

import (
	"fmt"
	"slices"

	"github.com/orgctl/orgctl/pkg/spec"
)

// secondaries keeps warehouses whole: a primary is neither deleted nor stopped while a secondary is there (FACTS 5.12). One
// that the plan deletes has to be gone first.
func (c clickhouse) secondaries() {
	byPrimary := map[string][]*spec.Resource{} // by the id of the primary
	for r := range ofKind(c.live, "service") {
		if primary := r.Refs["warehouse"]; primary != "" {
			byPrimary[primary] = append(byPrimary[primary], r)
		}
	}
	planned := map[string][]spec.Address{}
	for _, made := range c.plan.Changes {
		if ref := reference(made.References, "warehouse"); made.Action == Create && ref.ID != "" {
			planned[ref.ID] = append(planned[ref.ID], made.Address)
		}
	}
	for r := range ofKind(c.live, "service") {
		change := c.projected.change(r)
		if change == nil || !change.withdraws(c.api) {
			continue
		}
		remaining := slices.Clone(planned[r.ID])
		for _, s := range byPrimary[r.ID] {
			if gone := c.projected.change(s); c.projected.stays(s) || !change.after(gone) {
				remaining = append(remaining, s.Address)
			}
		}
		if len(remaining) == 0 {
			continue
		}
		slices.SortFunc(remaining, spec.Address.Compare)
		verb := "deleted"
		if change.Action == Update {
			verb = "stopped"
		}
		c.block(Finding{
			Code: CodeSecondaries, Address: change.Address, Pos: change.Pos,
			Message: fmt.Sprintf("would be %s while it is the primary of %s", verb, enumerate(remaining)),
			Hint:    "delete its secondaries in the same plan, or keep it running",
		})
	}
}

// linkCoreDumps: they can be allowed for a service only while the organization allows them (FACTS 10).
func linkCoreDumps(l *linking) {
	const path = "enableCoreDumps"
	i := slices.IndexFunc(l.changes, func(c Change) bool { return c.Address.Kind == "organization" })
	if i < 0 {
		return
	}
	organization := &l.changes[i]
	for j := range l.changes {
		service := &l.changes[j]
		switch {
		case service.Address.Kind != "service":
		case organization.sets(path, true) && service.sets(path, true):
			service.follows(organization)
		case organization.sets(path, false) && service.sets(path, false):
			organization.follows(service)
		}
	}
}

// coreDumps: what the organization forbids once the plan is done, no service may switch on (FACTS 4).
func (c clickhouse) coreDumps() {
	forbidden := false
	for r := range ofKind(c.live, "organization") {
		forbidden = c.projected.value(r, "enableCoreDumps") == false
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

// tagged asks for a second sign wherever a password would be set because of a tag that anybody can write.
func (c clickhouse) tagged() {
	for r := range ofKind(c.live, "service") {
		reason, alone := r.Status[spec.StatusTaggedOnly].(string)
		change := c.projected.change(r)
		if !alone || change == nil || !change.SetsPassword || slices.Contains(c.caller.Begun, r.ID) {
			continue
		}
		c.verdict.Requirements = append(c.verdict.Requirements, Requirement{
			Code: CodeTaggedOnly, Kind: RequireCreation, Address: change.Address,
			Message: fmt.Sprintf("nothing but its tag says that its creation is unfinished, and %s; finishing it sets a new password for "+
				"user default of what may be in use", reason),
			Hint: "apply where the journal or the stored secrets know this creation; or, if it is complete, remove its tags " +
				"orgctl-op and orgctl-op-doubt in the console",
		})
	}
}
