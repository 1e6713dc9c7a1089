package diff

import (
	"fmt"

	"github.com/orgctl/orgctl/pkg/spec"
)

// Quota is a limit of the organization as the API reports it (FACTS 7).
type Quota struct {
	Code  string // services-per-organization
	Limit int
	Used  int
}

// GuardQuotas adds a finding for every quota that the plan's creations would exceed. What the plan deletes does not count:
// creations may come first.
func (p *Plan) GuardQuotas(quotas []Quota) {
	for _, kind := range p.Definition().Kinds {
		created := p.created(kind)
		for _, q := range quotas {
			if kind.Quota == "" || q.Code != kind.Quota || created == 0 || q.Used+created <= q.Limit {
				continue
			}
			p.Findings = append(p.Findings, Finding{
				Code: CodeQuota, Severity: SeverityBlocked, Address: p.organization(),
				Message: fmt.Sprintf("%d of %d %s exist and %d would be created", q.Used, q.Limit, kind.Collection, created),
				Hint:    fmt.Sprintf("delete %s first, or have the quota raised by the vendor's support", kind.Collection),
			})
		}
	}
	p.seal()
}

// created counts the objects of a kind that the plan makes.
func (p *Plan) created(kind *spec.Kind) int {
	n := 0
	for _, c := range p.Changes {
		if c.Action == Create && c.Address.Kind == kind.Name {
			n++
		}
	}
	return n
}

// keysPerOrganization is the limit of an organization whose owner has not agreed on another one with the vendor (FACTS 6.1). No
// quota tells it.
const keysPerOrganization = 100

// keyLimit warns where there would be more keys than an organization usually may have, if only for a moment: creations need not
// wait for deletions.
func (c *check) keyLimit() {
	exist, created := 0, c.plan.created(c.api.Kind("key"))
	for range each(c.live, "key") {
		exist++
	}
	if created == 0 || exist+created <= keysPerOrganization {
		return
	}
	c.verdict.Findings = append(c.verdict.Findings, Finding{
		Code: CodeKeyLimit, Severity: SeverityWarning, Address: c.plan.organization(),
		Message: fmt.Sprintf("%d keys exist and %d would be created, %d are allowed unless agreed otherwise", exist, created, keysPerOrganization),
		Hint:    "delete keys first, in an apply of its own, or have the limit raised by the vendor's support",
	})
}
