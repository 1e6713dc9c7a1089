package diff

import (
	"fmt"
	"slices"

	"github.com/orgctl/orgctl/pkg/spec"
)

// onlyFinishes reports that an update does nothing but complete an interrupted creation.
func (c *Change) onlyFinishes() bool {
	_, unfinished := c.Unfinished()
	return unfinished && len(c.Fields) == 1 && len(c.Fields[0].Add) == 0 && len(c.Fields[0].Remove) == 1
}

// Unfinished gives the nonce of a half-made object that an update completes.
func (c *Change) Unfinished() (nonce string, ok bool) {
	for _, f := range c.Fields {
		for _, e := range f.Remove {
			if nonce, ok := spec.NonceOf(e); ok {
				return nonce, true
			}
		}
	}
	return "", false
}

// LeaveTagged takes out of a plan the changes for which the caller lacks RequireCreation, and what waits for them: a tag that
// somebody has written stops its object and no other (see Finding.OfObject). Whoever has a plan of a given digest in mind compares
// it before.
func (p *Plan) LeaveTagged() {
	left := map[spec.Address]bool{}
	for _, r := range p.Requirements {
		if r.Kind == RequireCreation {
			left[r.Address] = true
			p.Findings = append(p.Findings, Finding{
				Code: r.Code, Severity: SeverityBlocked, Address: r.Address, Message: r.Message, Hint: r.Hint,
			})
		}
	}
	if len(left) == 0 {
		return
	}
	// Changes come after what they wait for, so that one pass finds all.
	p.Changes = slices.DeleteFunc(slices.Clone(p.Changes), func(c Change) bool {
		i := slices.IndexFunc(c.DependsOn, func(a spec.Address) bool { return left[a] })
		if i >= 0 && !left[c.Address] {
			left[c.Address] = true
			p.Findings = append(p.Findings, Finding{
				Code: CodeTaggedOnly, Severity: SeverityBlocked, Address: c.Address, Pos: c.Pos,
				Message: fmt.Sprintf("waits for %s, which is left as it is", c.DependsOn[i]),
			})
		}
		return left[c.Address]
	})
	p.Requirements = slices.DeleteFunc(slices.Clone(p.Requirements), func(r Requirement) bool { return left[r.Address] })
	p.tidy()
	p.Digest = p.digest()
}
