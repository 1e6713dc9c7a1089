package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// needs records what apply needs besides the plan and the caller has not got: a leave for every deletion that needs one, by the
// name that the object has, and a place for every secret that is made.
func (p *Plan) needs(caller Caller) []Requirement {
	out := []Requirement{}
	api, leave := p.Definition(), slices.Concat(p.Policy.AllowDelete, caller.Leave)
	for i := range p.Changes {
		c := &p.Changes[i]
		kind := api.Kind(c.Address.Kind)
		switch {
		case c.Action == Delete && kind.Leave != "" && !c.deleted(api).matches(leave):
			out = append(out, Requirement{
				Code: CodeDeleteLeave, Kind: RequireDeleteLeave, Address: c.Address,
				Message: kind.Leave,
				Hint:    fmt.Sprintf("apply with --allow-delete '%s', or list it under policy.allowDelete", c.Address),
			})
		case c.MakesSecret(api) && !caller.Sink:
			out = append(out, Requirement{
				Code: CodeSecretSink, Kind: RequireSecretSink, Address: c.Address,
				Message: fmt.Sprintf("creating a %s makes a secret that can be stored only once", c.Address.Kind),
				Hint:    "apply with --secrets-out DIR",
			})
		}
	}
	return out
}

// deleted is the object of a deletion by the name that it has.
func (c *Change) deleted(api *spec.API) named {
	a := c.Address
	a.Name = strings.TrimSuffix(a.Name, "#"+c.ID)
	return named{api, []spec.Address{a}, c.ID}
}

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
	p.tidy()
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
