package diff

import (
	"fmt"
	"slices"

	"github.com/orgctl/orgctl/pkg/spec"
)

// finish adds the removal of the nonce that an object bears until its creation is complete. It is part of the change of that
// list, but neither drift nor anything a manifest says.
func finish(kind *spec.Kind, fields []FieldChange, nonce string) []FieldChange {
	for i := range fields {
		if fields[i].Path == kind.Journal {
			fields[i].Remove = append(fields[i].Remove, spec.Nonce(nonce))
			return fields
		}
	}
	return append(fields, FieldChange{Path: kind.Journal, List: true, Remove: []any{spec.Nonce(nonce)}})
}

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

// tagged asks for a second sign wherever a password would be set because of a tag that anybody can write.
func (c *check) tagged() {
	for r := range each(c.live, "service") {
		reason, alone := r.Status[spec.StatusTaggedOnly].(string)
		change := c.outcome.change(r)
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
	p.seal()
}
