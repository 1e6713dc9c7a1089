package diff

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/orgctl/orgctl/pkg/spec"
)

// leaveAttached takes back the changes of registrations that others will still use (Field.Attaches): one changes only by being
// registered anew, and that would cut them off. What this plan detaches is registered anew afterwards.
func (c *computation) leaveAttached() {
	used := project(c.plan, c.live).attached()
	c.plan.Changes = slices.DeleteFunc(c.plan.Changes, func(change Change) bool {
		kind, by := c.api.Kind(change.Address.Kind), used[change.Address]
		if change.Action != Update || !kind.Registered || by == nil {
			return false
		}
		f := change.Fields[0]
		c.find(Finding{
			Code: CodeAttachedEndpoint, Severity: SeverityBlocked, Address: change.Address, Pos: f.Pos,
			Message: fmt.Sprintf("its %s is %s, the manifest says %s; it is not registered anew while %s use it",
				f.Path, spec.FormatValue(f.Before), spec.FormatValue(f.After), by.users.Collection),
			Hint: fmt.Sprintf("declare the live %s, or detach the %s first", f.Path, noun(kind)),
		})
		return true
	})
}

// findAttached refuses to take away what others will still use once the plan, narrowed as it is, has been carried out, or its
// registration: the API would refuse it half way.
func (c *computation) findAttached() {
	used := project(c.plan, c.live).attached()
	for _, change := range c.plan.Changes {
		kind, by := c.api.Kind(change.Address.Kind), used[change.Address]
		if by == nil || change.Action == Create || change.Action == Update && !kind.Registered {
			continue
		}
		c.find(Finding{
			Code: CodeEndpointInUse, Severity: SeverityBlocked, Address: change.Address, Pos: change.Pos,
			Message: fmt.Sprintf("%s still use the %s after this plan", by.users.Collection, noun(kind)),
			Hint:    fmt.Sprintf("take it out of their %s in the same plan", by.field.Path),
		})
	}
}

// noun is what messages call an object of a kind.
func noun(kind *spec.Kind) string { return cmp.Or(kind.Noun, kind.Name) }

// attachment is by what objects are attached to: a field of a kind (Field.Attaches).
type attachment struct {
	users *spec.Kind
	field *spec.Field
}

// attached are the objects that others are attached to after the plan.
func (o projection) attached() map[spec.Address]*attachment {
	out := map[spec.Address]*attachment{}
	for _, kind := range o.plan.Definition().Kinds {
		for i := range kind.Fields {
			if kind.Fields[i].Attaches {
				o.attach(out, &attachment{kind, &kind.Fields[i]})
			}
		}
	}
	return out
}

// attach adds to what is attached.
func (o projection) attach(to map[spec.Address]*attachment, by *attachment) {
	add := func(user spec.Tree, values any) {
		for _, value := range names(values) {
			to[by.field.Target(value, user)] = by
		}
	}
	for r := range ofKind(o.live, by.users.Name) {
		if o.stays(r) {
			add(r.Spec, o.value(r, by.field.Path))
		}
	}
	for _, c := range o.plan.Changes {
		if c.Address.Kind == by.users.Name && c.Action == Create {
			add(c.After, c.After[by.field.Path])
		}
	}
}
