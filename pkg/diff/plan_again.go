package diff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// Desired gives the desired state that a plan speaks of: the objects that it changes, as they are to be, and the members whom
// its manifests know by id alone, as they are. Computing it anew against a fresh observation gives the same digest as long as
// nothing that the plan rests on has moved, and an empty plan once it has been applied: a saved plan needs no manifests to be
// judged or verified.
func (p *Plan) Desired() *spec.Organization {
	api := p.Definition()
	out := &spec.Organization{API: api, Name: p.Organization.Handle, ID: p.Organization.ID, Declared: map[string]spec.Pos{}}
	organization := spec.Resource{Address: p.organization(), Spec: spec.Tree{}}
	for _, c := range p.Changes {
		r := spec.Resource{Address: c.Address, ID: c.ID, Spec: c.After, Intent: spec.Intent{
			Absent: c.Action == Delete, Pos: c.Pos, Fields: map[string]spec.Pos{},
		}}
		for _, ref := range c.References {
			if kind := api.Kind(c.Address.Kind); ref.ID != "" && kind.Field(ref.Path).List == nil {
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
		if c.Address.Kind == api.Organization().Name {
			organization = r
			organization.ID = ""
			continue
		}
		out.Resources = append(out.Resources, r)
		if collection := api.Kind(c.Address.Kind).Collection; collection != "" {
			out.Declared[collection] = c.Pos
		}
	}
	for _, id := range p.Policy.Members {
		nameless := spec.Address{Kind: api.Nameless(), Name: id}
		if !slices.ContainsFunc(out.Resources, func(r spec.Resource) bool { return r.Address.Kind == nameless.Kind && r.ID == id }) {
			out.Resources = append(out.Resources, spec.Resource{Address: nameless, ID: id, Spec: spec.Tree{}})
		}
	}
	out.Resources = append([]spec.Resource{organization}, out.Resources...)
	return out
}

// Inherit completes a plan that was computed anew from what a saved one desires (see Desired) with what only the saved one
// knows, and judges it by that: the policy, its selection, which changes are prunings, what stands in the way of objects that it leaves alone,
// and what was undeclared or unread. All of that which decides anything is in the digest. Where nothing has moved, the result
// has the digest of the saved plan.
func (p *Plan) Inherit(saved *Plan, live *spec.Live) {
	p.Policy, p.Narrowed = saved.Policy, saved.Narrowed
	was := map[spec.Address]*Change{}
	for i := range saved.Changes {
		was[saved.Changes[i].Address] = &saved.Changes[i]
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		if s := was[c.Address]; s != nil && s.Action == c.Action && s.ID == c.ID {
			c.Reason, c.DeclaredAs, c.Pruned, c.Pinned = s.Reason, s.DeclaredAs, s.Pruned, s.Pinned
			for j := range c.References {
				ref := reference(s.References, c.References[j].Path)
				c.References[j].Pinned = ref.Pinned && ref.ID == c.References[j].ID
			}
		}
	}
	p.doubtNames(saved, live)
	for _, f := range saved.Findings {
		if f.Code == CodeRenamed && p.creates(f.Address) || was[f.Address] == nil && !p.derived(&f) {
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
		still[identity(p.Definition(), r.Address.Kind, r.ID)] = true
	}
	p.Unmanaged = slices.DeleteFunc(slices.Clone(saved.Unmanaged), func(u Unmanaged) bool { return !still[identity(p.Definition(), u.Address.Kind, u.ID)] })
	p.Guard(live, Caller{})
	p.Digest = p.digest()
}

func (p *Plan) creates(a spec.Address) bool {
	return slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Action == Create && c.Address == a })
}

// doubtNames takes back the changes of a saved plan whose objects, or what they refer to, were found by a name that other live
// objects have by now: nobody knows any more which of them its manifests mean.
func (p *Plan) doubtNames(saved *Plan, live *spec.Live) {
	o := newObjects(p.Definition(), nil, nil, live)
	others := func(name spec.Address, id string) []string {
		names := []spec.Address{name}
		if r := o.byID[identity(o.api, name.Kind, id)]; r != nil {
			names = append(names, r.Address)
		}
		return o.namesakes(id, names...)
	}
	for _, s := range saved.Changes {
		name, field, found := cmp.Or(s.DeclaredAs, s.Address), "", []string(nil)
		// What an update has made anew has another id: it is matched by its name in any case.
		there := o.byID[identity(o.api, s.Address.Kind, s.ID)] != nil
		if !s.Pinned && !s.Pruned && (s.Action == Delete || s.Action == Update && there) {
			found = others(name, s.ID)
		}
		for _, ref := range s.References {
			f := o.api.Kind(s.Address.Kind).Field(ref.Path)
			if len(found) > 0 || ref.ID == "" || ref.Pinned || f.List != nil {
				continue
			}
			value, _ := s.After[ref.Path].(string)
			name, field = f.Target(value, s.After), ref.Path+": "
			found = others(name, ref.ID)
		}
		if len(found) == 0 {
			continue
		}
		p.Changes = slices.DeleteFunc(p.Changes, func(c Change) bool {
			return c.Address == s.Address || s.ID != "" && c.Address.Kind == s.Address.Kind && c.ID == s.ID
		})
		p.Findings = append(p.Findings, Finding{
			Code: CodeAmbiguous, Severity: SeverityBlocked, Address: s.Address, Pos: s.Pos,
			Message: fmt.Sprintf("%s%s is also the name of %s", field, name.Name, strings.Join(found, ", ")),
			Hint:    "plan again; pin the one that is meant with its id",
		})
	}
}

// Fulfilled counts the changes of a reviewed plan of which nothing is left, given the same plan computed anew: what they want is so
// by now, as after they were applied, and nothing that is live puts their objects in doubt.
func Fulfilled(reviewed, now *Plan) int {
	open := map[spec.Address]bool{}
	for _, c := range now.Changes {
		open[c.Address], open[c.DeclaredAs] = true, true
	}
	for _, f := range now.Findings {
		open[f.Address] = open[f.Address] || f.stops()
	}
	n := 0
	for _, c := range reviewed.Changes {
		if !open[c.Address] {
			n++
		}
	}
	return n
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
