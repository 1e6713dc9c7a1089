package diff

import (
	"fmt"
	"slices"

	"github.com/orgctl/orgctl/pkg/spec"
)

// StatusHealth is the key of spec.Resource.Status under which an observation reports a state that needs a person:
// degraded or failed (FACTS 8.1).
const StatusHealth = "health"

// inspect adds the findings that come from single objects rather than from fields or from the plan as a whole: what no
// organization can satisfy, what somebody should look at. What a plan may do to the organization is judged by Check.
func (c *computation) inspect(pairs []pair) {
	for _, p := range pairs {
		if p.live == nil {
			c.inspectNeeds(p.desired)
			continue
		}
		if health, ok := p.live.Status[StatusHealth].(string); ok && !p.desired.Intent.Absent {
			c.find(Finding{
				Code: CodeUnhealthy, Severity: SeverityWarning, Address: p.desired.Address, Pos: p.desired.Intent.Pos,
				Message: fmt.Sprintf("the %s is %s", p.live.Address.Kind, health),
				Hint:    "changes to it may fail until it has recovered",
			})
		}
	}
}

// inspectNeeds finds what the API would miss of an object to be created because of what else the manifest says of it.
func (c *computation) inspectNeeds(d spec.Resource) {
	kind := c.api.Kind(d.Address.Kind)
	if d.Intent.Absent {
		return
	}
	if f := kind.Roles(); f != nil && c.legacyRoles() {
		if roles, ok := d.Spec[f.Path].([]any); ok && len(roles) == 0 {
			c.find(Finding{
				Code: CodeIncomplete, Severity: SeverityError, Address: d.Address, Pos: d.FieldPos(f.Path),
				Message: "cannot be created without a role in an organization of legacy roles", Hint: incompleteHint(kind, f.Path),
			})
		}
	}
	if kind.Needs == nil {
		return
	}
	for _, need := range kind.Needs(d.Spec) {
		c.find(Finding{
			Code: CodeIncomplete, Severity: SeverityError, Address: d.Address, Pos: d.Intent.Pos,
			Message: fmt.Sprintf("cannot be created with %s and without %s", need.With, need.Path), Hint: incompleteHint(kind, need.Path),
		})
	}
}

// legacyRoles reports that the organization has not migrated to custom roles: its roles have no ids but their names (FACTS 6).
func (c *computation) legacyRoles() bool {
	return len(c.live.Roles) > 0 && !slices.ContainsFunc(c.live.Roles, func(r spec.Role) bool { return r.ID != r.Name })
}

// policy collects what the guards need of the manifests. A declared object without a live one is all that is looked for when
// judging a pruned collection: one that is ambiguous is known to the organization, and so is an invitation that its person has
// accepted.
func (c *computation) policy(pairs []pair) Policy {
	from := c.desired.Policy
	out := Policy{MinAdmins: from.MinAdmins, MaxDeletes: MaxDeletes(from.MaxDeletes)}
	declared, missing := map[string]int{}, map[string]int{}
	for _, r := range c.desired.Resources {
		if !r.Intent.Absent {
			declared[c.api.People.One(r.Address.Kind)]++
		}
		if r.Intent.Protect {
			out.Protected = append(out.Protected, r.Address)
		}
	}
	known, distinct := map[spec.Address]bool{}, distinguish(c.live)
	for _, p := range pairs {
		d := p.desired
		if !d.Intent.Absent && p.live == nil {
			missing[c.api.People.One(d.Address.Kind)]++
		}
		if p.live == nil {
			continue
		}
		known[d.Address] = true
		if p.live.Status[spec.StatusNameless] != nil && !d.Intent.Absent {
			out.Members = append(out.Members, p.live.ID)
		}
		if d.Intent.Protect {
			out.Protected = append(out.Protected, p.live.Address)
		}
		if d.Intent.Closed {
			out.Closed = append(out.Closed, distinct(p.live))
		}
	}
	for _, r := range c.desired.Resources {
		for _, former := range r.Intent.Previously {
			if r.Intent.Protect && !known[r.Address] { // which of them it is nobody knows
				out.Protected = append(out.Protected, spec.Address{Kind: r.Address.Kind, Name: former})
			}
		}
	}
	out.Protected, out.Closed = compactAddresses(out.Protected), compactAddresses(out.Closed)
	slices.Sort(out.Members)
	out.AllowDelete = slices.Compact(slices.Sorted(slices.Values(from.AllowDelete)))
	for _, kind := range c.api.Kinds {
		if !slices.Contains(from.Prune, kind.Collection) {
			continue
		}
		prune := Prune{Collection: kind.Collection}
		// Without a line of its own a collection is not known, whatever the other list of people says.
		if _, known := c.desired.Declared[kind.Collection]; known {
			of := c.api.People.One(kind.Name)
			prune.Declared, prune.Matched = declared[of], declared[of]-missing[of]
		}
		out.Prune = append(out.Prune, prune)
	}
	return out
}
