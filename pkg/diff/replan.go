package diff

import (
	"slices"

	"github.com/orgctl/orgctl/pkg/spec"
)

// Desired gives the desired state that a plan speaks of: the objects that it changes, as they are to be, and nothing else.
// Computing it anew against a fresh observation gives the same digest as long as nothing that the plan rests on has moved,
// and an empty plan once it has been applied: a saved plan needs no manifests to be judged or verified.
func (p *Plan) Desired() *spec.Organization {
	out := &spec.Organization{Name: p.Organization.Handle, ID: p.Organization.ID, Declared: map[string]spec.Pos{}}
	organization := spec.Resource{Address: spec.Address{Kind: "organization", Name: p.Organization.Handle}, Spec: spec.Tree{}}
	for _, c := range p.Changes {
		r := spec.Resource{Address: c.Address, ID: c.ID, Spec: c.After, Intent: spec.Intent{
			Absent: c.Action == Delete, Pos: c.Pos, Fields: map[string]spec.Pos{},
		}}
		for _, ref := range c.References {
			if kind := spec.KindOf(c.Address.Kind); ref.ID != "" && kind.Field(ref.Path).List == nil {
				if r.Refs == nil {
					r.Refs = map[string]string{}
				}
				r.Refs[ref.Path] = ref.ID
			}
		}
		for _, f := range c.Fields {
			r.Intent.Fields[f.Path] = f.Pos
		}
		if c.Action == Delete {
			r.Spec = spec.Tree{}
		}
		if c.Address.Kind == "organization" {
			organization = r
			organization.ID = ""
			continue
		}
		out.Resources = append(out.Resources, r)
		if collection := spec.KindOf(c.Address.Kind).Collection; collection != "" {
			out.Declared[collection] = c.Pos
		}
	}
	out.Resources = append([]spec.Resource{organization}, out.Resources...)
	return out
}

// Inherit completes a plan that was computed anew from what a saved one desires (see Desired) with what only the saved one
// knows, and judges it by that: the policy, which changes are prunings, what stands in the way of objects that it leaves alone,
// and what was undeclared or unread. All of that which decides anything is in the digest. Where nothing has moved, the outcome
// has the digest of the saved plan.
func (p *Plan) Inherit(saved *Plan, live *spec.Live) {
	p.Policy = saved.Policy
	was := map[spec.Address]*Change{}
	for i := range saved.Changes {
		was[saved.Changes[i].Address] = &saved.Changes[i]
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		if s := was[c.Address]; s != nil && s.Action == c.Action && s.ID == c.ID {
			c.Reason, c.DeclaredAs, c.Pruned = s.Reason, s.DeclaredAs, s.Pruned
		}
	}
	for _, f := range saved.Findings {
		if was[f.Address] == nil && !f.derived() {
			p.Findings = append(p.Findings, f)
		}
	}
	for _, n := range saved.NotChecked {
		if was[n.Address] == nil && !slices.Contains(p.NotChecked, n) {
			p.NotChecked = append(p.NotChecked, n)
		}
	}
	still := map[string]bool{}
	for _, r := range live.Resources {
		still[identity(r.Address.Kind, r.ID)] = true
	}
	p.Unmanaged = slices.DeleteFunc(slices.Clone(saved.Unmanaged), func(u Unmanaged) bool { return !still[identity(u.Address.Kind, u.ID)] })
	p.Guard(live, Caller{})
}

// Moved lists what differs between a plan and the same plan computed anew: the addresses whose change is no longer the one
// that was reviewed, is no longer needed, or is new.
func Moved(reviewed, now *Plan) []spec.Address {
	essence := func(p *Plan) map[spec.Address]string {
		out := map[spec.Address]string{}
		for _, c := range p.Changes {
			out[c.Address] = hash(essences([]Change{c}))
		}
		return out
	}
	before, after := essence(reviewed), essence(now)
	var out []spec.Address
	for _, p := range []*Plan{reviewed, now} {
		for _, c := range p.Changes {
			if before[c.Address] != after[c.Address] {
				out = append(out, c.Address)
			}
		}
	}
	return compactAddresses(out)
}
