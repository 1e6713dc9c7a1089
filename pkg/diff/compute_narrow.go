package diff

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/orgctl/orgctl/pkg/spec"
)

// narrow keeps what the selection wants. What a change refers to and is to be created is not pulled in silently: a change that
// cannot be applied alone says so, and so does an entry that would take out of use what is not selected by its own name.
func (c *computation) narrow(sel Selection) {
	if sel.All() {
		return
	}
	p := c.plan
	names := c.objects.names()
	wanted := func(a spec.Address) bool {
		o, known := names[a]
		if !known {
			o.api, o.names = c.api, []spec.Address{a}
		}
		return sel.match(o)
	}
	var alone []Finding
	all := len(p.Changes)
	p.Changes = slices.DeleteFunc(p.Changes, func(change Change) bool {
		if change.Action == Create {
			return !wanted(change.Address)
		}
		o := c.objects.named(c.objects.byID[identity(c.api, change.Address.Kind, change.ID)])
		if !sel.match(o) || !change.withdraws(c.api) || sel.names(o) {
			return !sel.match(o)
		}
		alone = append(alone, Finding{
			Code: CodeLeftOut, Severity: SeverityError, Address: cmp.Or(change.DeclaredAs, change.Address), Pos: change.Pos,
			Message: fmt.Sprintf("would take %s out of use, which is not selected by that name", o.names[0]),
			Hint:    fmt.Sprintf("select what is live: --only '%s'", o.names[0]),
		})
		return true
	})
	p.Narrowed = &Narrowed{Selection: sel, LeftOut: all - len(p.Changes)}
	for _, change := range p.Changes {
		for _, ref := range change.References {
			if ref.ID == "" && !wanted(ref.Address) {
				alone = append(alone, Finding{
					Code: CodeLeftOut, Severity: SeverityError, Address: change.Address, Pos: change.Pos,
					Message: fmt.Sprintf("needs %s, which does not exist yet and is not selected", ref.Address),
					Hint:    fmt.Sprintf("select it too: --only %s", ref.Address),
				})
			}
		}
	}
	p.NotChecked = slices.DeleteFunc(p.NotChecked, func(n NotChecked) bool {
		return n.Address != (spec.Address{}) && !wanted(n.Address)
	})
	p.Unmanaged = slices.DeleteFunc(p.Unmanaged, func(u Unmanaged) bool { return !wanted(u.Address) })
	p.Findings = slices.DeleteFunc(p.Findings, func(f Finding) bool {
		return f.Address != (spec.Address{}) && !wanted(f.Address)
	})
	p.Findings = append(p.Findings, alone...)
}
