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
