package diff

import "fmt"

// Quota is a limit of the organization as the API reports it (FACTS 7).
type Quota struct {
	Code  string // services-per-organization
	Limit int
	Used  int
}

// ServicesQuota is the code of the quota on the number of services.
const ServicesQuota = "services-per-organization"

// GuardQuotas adds a finding for every quota that the plan's creations would exceed. What the plan deletes does not count:
// creations may come first.
func (p *Plan) GuardQuotas(quotas []Quota) {
	created := 0
	for _, c := range p.Changes {
		if c.Action == Create && c.Address.Kind == "service" {
			created++
		}
	}
	for _, q := range quotas {
		if q.Code != ServicesQuota || created == 0 || q.Used+created <= q.Limit {
			continue
		}
		p.Findings = append(p.Findings, Finding{
			Code: CodeQuota, Severity: SeverityBlocked, Address: p.organization(),
			Message: fmt.Sprintf("%d of %d services exist and %d would be created", q.Used, q.Limit, created),
			Hint:    "delete services first, or have the quota raised by the vendor's support",
		})
	}
	p.seal()
}

// keysPerOrganization is the limit of an organization whose owner has not agreed on another one with the vendor (FACTS 6.1). No
// quota tells it.
const keysPerOrganization = 100

// keyLimit warns where there would be more keys than an organization usually may have, if only for a moment: creations need not
// wait for deletions.
func (c *check) keyLimit() {
	exist, created := 0, 0
	for range each(c.live, "key") {
		exist++
	}
	for _, change := range c.plan.Changes {
		if change.Address.Kind == "key" && change.Action == Create {
			created++
		}
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
