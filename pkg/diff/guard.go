package diff

import (
	"fmt"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// StatusHealth is the key of spec.Resource.Status under which an observation reports a state that needs a person:
// degraded or failed (FACTS 8.1).
const StatusHealth = "health"

// StatusKeySuffix is the key of spec.Resource.Status that holds the last characters of an API key's id, the only way to
// recognise the calling key among the live ones (FACTS 6.1).
const StatusKeySuffix = "keySuffix"

// guard adds the findings that do not come from comparing fields: what protect forbids, what no organization can satisfy,
// what somebody should look at. A blocked change stays in the plan, so that the reader sees what is being refused.
func (c *computation) guard(pairs []pair) {
	for _, p := range pairs {
		c.guardRoles(p.desired)
		if p.live == nil {
			continue
		}
		if health, ok := p.live.Status[StatusHealth].(string); ok && !p.desired.Intent.Absent {
			c.find(Finding{
				Code: CodeUnhealthy, Severity: SeverityWarning, Address: p.desired.Address, Pos: p.desired.Intent.Pos,
				Message: fmt.Sprintf("the service is %s", health),
				Hint:    "changes to it may fail until it has recovered",
			})
		}
	}
}

func (c *computation) guardProtected(d spec.Resource, change *Change) {
	if !d.Intent.Protect || change.Action == Create || !change.withdraws() {
		return
	}
	c.find(Finding{
		Code: CodeProtected, Severity: SeverityBlocked, Address: change.Address, Pos: d.Intent.Pos,
		Message: "is protected and would be deleted or stopped",
		Hint:    "remove protect: true in a change of its own first",
	})
}

// guardRoles refuses role names that the organization does not have: the API takes ids, so there is nothing to send.
func (c *computation) guardRoles(d spec.Resource) {
	roles, _ := d.Spec["roles"].([]any)
	if d.Intent.Absent || len(c.live.Roles) == 0 {
		return
	}
	known := make([]any, len(c.live.Roles))
	for i, r := range c.live.Roles {
		known[i] = r
	}
	for _, role := range roles {
		name, _ := role.(string)
		if hasRole(known, name) {
			continue
		}
		c.find(Finding{
			Code: CodeUnknownRole, Severity: SeverityError, Address: d.Address, Pos: d.FieldPos("roles"),
			Message: fmt.Sprintf("the organization has no role %q", name),
			Hint:    "its roles are " + strings.Join(c.live.Roles, ", "),
		})
	}
}
