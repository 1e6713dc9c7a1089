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
