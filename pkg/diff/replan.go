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

// Inherit adds to a plan that was computed anew from what a saved one desires (see Desired) what the saved one left open: the
// findings of objects that it does not change, and exclusive drift that is still live. Nothing else knows of them, and what
// nobody looked at again is not converged.
func (p *Plan) Inherit(saved *Plan, live *spec.Live) {
	for _, f := range saved.Findings {
		changed := slices.ContainsFunc(saved.Changes, func(c Change) bool { return c.Address == f.Address })
		if f.OfObject() && !changed {
			p.Findings = append(p.Findings, f)
		}
	}
	for _, u := range saved.Unmanaged {
		same := func(r spec.Resource) bool { return r.Address.Kind == u.Address.Kind && r.ID == u.ID }
		if !u.Exclusive || !slices.ContainsFunc(live.Resources, same) {
			continue
		}
		p.Unmanaged = slices.DeleteFunc(p.Unmanaged, func(other Unmanaged) bool {
			return other.Address.Kind == u.Address.Kind && other.ID == u.ID
		})
		p.Unmanaged = append(p.Unmanaged, u)
	}
	p.seal()
}

// Moved lists what differs between a plan and the same plan computed anew: the addresses whose change is no longer the one
// that was reviewed, is no longer needed, or is new.
func Moved(reviewed, now *Plan) []spec.Address {
	essence := func(p *Plan) map[spec.Address]string {
		out := map[spec.Address]string{}
		for _, c := range p.Changes {
			out[c.Address] = digest([]Change{c})
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
