package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// link fills DependsOn. The edges are data: references point from a user to what it uses, and a few rules say what references
// cannot. What begins to refer to an object follows the change that creates or renames it; a deletion (or a stop, which the
// server refuses just the same while others depend on the object) follows everything that lets go of it.
//
// The number of edges grows with the plan and not with its square: a rule links what stands in for each other, never all of
// one sort with all of another.
func link(changes []Change, o *objects) {
	created, changed := map[spec.Address]*Change{}, map[string]*Change{}
	for i := range changes {
		if c := &changes[i]; c.Action == Create {
			created[c.Address] = c
		} else {
			changed[identity(c.Address.Kind, c.ID)] = c
		}
	}
	for i := range changes {
		c := &changes[i]
		for _, ref := range c.References {
			target := changed[identity(ref.Address.Kind, ref.ID)]
			switch {
			case !c.gains(ref):
			case ref.ID == "" && created[ref.Address] != nil:
				c.follows(created[ref.Address])
			case target != nil && target.renames():
				c.follows(target)
			}
		}
		for _, key := range o.released(c) {
			if target := changed[key]; target != nil && target.withdraws(o.api) {
				target.follows(c)
			}
		}
	}
	linkAdministrators(changes, o.api)
	linkWaysIn(changes, changed, created, o)
	linkCoreDumps(changes)
	linkExpiries(changes)
	for i := range changes {
		changes[i].DependsOn = compactAddresses(changes[i].DependsOn)
	}
}

func (c *Change) follows(other *Change) { c.DependsOn = append(c.DependsOn, other.Address) }

// gains reports that a change begins to refer to something, rather than merely resting on it.
func (c *Change) gains(ref Reference) bool { return c.Action == Create || c.field(ref.Path) != nil }

// renames reports that a change gives a live object another name.
func (c *Change) renames() bool { return c.Action == Update && c.field("name") != nil }

// linkAdministrators lets every dismissal of an administrator wait for an appointment, if there is any: each for one of its
// own as far as they go. Then at no time on the way have more been dismissed beyond those appointed than at the end.
func linkAdministrators(changes []Change, api *spec.API) {
	var appointed, dismissed []*Change
	for i := range changes {
		switch c := &changes[i]; {
		case c.Address.Kind != api.People.Joined:
		case c.grants(api, api.Admin):
			appointed = append(appointed, c)
		case c.revokes(api, api.Admin):
			dismissed = append(dismissed, c)
		}
	}
	byAddress := func(a, b *Change) int { return a.Address.Compare(b.Address) }
	slices.SortFunc(appointed, byAddress)
	slices.SortFunc(dismissed, byAddress)
	for i, d := range dismissed {
		if len(appointed) > 0 {
			d.follows(appointed[i%len(appointed)])
		}
	}
}

// linkWaysIn gives a service another way in before an endpoint that it uses, maybe its only one, goes, and lets a service close
// one way in once the endpoints that it names are registered.
func linkWaysIn(changes []Change, changed map[string]*Change, created map[spec.Address]*Change, o *objects) {
	for i := range changes {
		c := &changes[i]
		if c.closes() {
			r := o.byID[identity(c.Address.Kind, c.ID)]
			ids := r.Spec["privateEndpointIds"]
			if c.field("privateEndpointIds") != nil {
				ids = c.After["privateEndpointIds"]
			}
			for _, name := range registrations(r.Spec, ids) {
				if registration := created[spec.Address{Kind: "privateEndpoint", Name: name}]; registration != nil {
					c.follows(registration)
				}
			}
		}
		if !c.opens() {
			continue
		}
		for _, key := range o.endpoints(o.byID[identity(c.Address.Kind, c.ID)]) {
			if target := changed[key]; target != nil && target.Action == Delete {
				target.follows(c)
			}
		}
	}
}

// linkCoreDumps: they can be allowed for a service only while the organization allows them (FACTS 10).
func linkCoreDumps(changes []Change) {
	const path = "enableCoreDumps"
	i := slices.IndexFunc(changes, func(c Change) bool { return c.Address.Kind == "organization" })
	if i < 0 {
		return
	}
	organization := &changes[i]
	for j := range changes {
		service := &changes[j]
		switch {
		case service.Address.Kind != "service":
		case organization.sets(path, true) && service.sets(path, true):
			service.follows(organization)
		case organization.sets(path, false) && service.sets(path, false):
			organization.follows(service)
		}
	}
}

// linkExpiries lets the expiry of a key come nearer when all else has been applied: the key may be the one in use, whoever that
// is, and is still there then if something fails and has to be done again. One of these changes waits for what nothing else
// waits for, the others for that one. Nothing refers to a key.
func linkExpiries(changes []Change) {
	var nearer []*Change
	awaited := map[spec.Address]bool{}
	for i := range changes {
		c := &changes[i]
		if f := c.field("expireAt"); c.Address.Kind == "key" && f != nil && f.nearer() {
			nearer = append(nearer, c)
			awaited[c.Address] = true
			continue
		}
		for _, a := range c.DependsOn {
			awaited[a] = true
		}
	}
	if len(nearer) == 0 {
		return
	}
	first := slices.MinFunc(nearer, func(a, b *Change) int { return a.Address.Compare(b.Address) })
	for _, c := range nearer {
		if c != first {
			c.follows(first)
		}
	}
	for i := range changes {
		if c := &changes[i]; !awaited[c.Address] {
			first.follows(c)
		}
	}
}

// released are the live objects that a change ceases to refer to.
func (o *objects) released(c *Change) []string {
	r := o.byID[identity(c.Address.Kind, c.ID)]
	if r == nil || c.Action == Create {
		return nil
	}
	var out []string
	kind := o.api.Kind(c.Address.Kind)
	for i := range kind.Fields {
		f := &kind.Fields[i]
		switch change := c.field(f.Path); {
		case f.Ref == "" || c.Action == Update && change == nil:
		case f.List == nil:
			out = append(out, identity(f.Ref, r.Refs[f.Path]))
		case c.Action == Delete:
			out = append(out, o.meant(f, r, r.Spec[f.Path])...)
		default:
			out = append(out, o.meant(f, r, change.Remove)...)
		}
	}
	return out
}

// meant are the live objects that elements of a live object's list refer to.
func (o *objects) meant(f *spec.Field, r *spec.Resource, list any) []string {
	var out []string
	for _, name := range names(list) {
		for _, target := range o.byAddress[f.Target(name, r.Spec)] {
			out = append(out, identity(f.Ref, target.ID))
		}
	}
	return out
}

// endpoints are the registrations that a live service uses.
func (o *objects) endpoints(service *spec.Resource) []string {
	const path = "privateEndpointIds"
	return o.meant(spec.KindOf("service").Field(path), service, service.Spec[path])
}

// compactAddresses sorts and drops repetitions.
func compactAddresses(list []spec.Address) []spec.Address {
	slices.SortFunc(list, spec.Address.Compare)
	return slices.Compact(list)
}

// withdraws reports that a change takes the object out of use, if only for a moment: what is registered anew to change it is
// away meanwhile.
func (c *Change) withdraws(api *spec.API) bool {
	kind := api.Kind(c.Address.Kind)
	return c.Action == Delete || c.Action == Update && (kind.Registered || slices.ContainsFunc(kind.Fields, func(f spec.Field) bool {
		return f.OutOfUse != nil && c.sets(f.Path, f.OutOfUse)
	}))
}

// opens reports that an update gives a service another way in.
func (c *Change) opens() bool {
	return c.Address.Kind == "service" && slices.ContainsFunc(c.Fields, func(f FieldChange) bool {
		return (f.Path == "ipAccessList" || f.Path == "privateEndpointIds") && len(f.Add) > 0
	})
}

// closes reports that an update takes a way in from a service.
func (c *Change) closes() bool {
	return c.Address.Kind == "service" && slices.ContainsFunc(c.Fields, func(f FieldChange) bool {
		return (f.Path == "ipAccessList" || f.Path == "privateEndpointIds") && len(f.Remove) > 0
	})
}

func (c *Change) sets(path string, value any) bool {
	if c.Action == Create {
		got, ok := spec.Get(c.After, path)
		return ok && got == value
	}
	return slices.ContainsFunc(c.Fields, func(f FieldChange) bool { return f.Path == path && f.After == value })
}

func (c *Change) grants(api *spec.API, role string) bool {
	f := c.roles(api)
	return f != nil && hasRole(f.Add, role)
}

func (c *Change) revokes(api *spec.API, role string) bool {
	if c.Action == Delete {
		return hasRole(rolesOf(api, c.Address.Kind, c.Before), role)
	}
	f := c.roles(api)
	return f != nil && hasRole(f.Remove, role)
}

// roles is the change of the roles of an object, nil where they stay as they are.
func (c *Change) roles(api *spec.API) *FieldChange {
	f := api.Kind(c.Address.Kind).Roles()
	if f == nil {
		return nil
	}
	return c.field(f.Path)
}

// rolesOf are the roles that an object has.
func rolesOf(api *spec.API, kind string, t spec.Tree) []any {
	f := api.Kind(kind).Roles()
	if f == nil {
		return nil
	}
	roles, _ := t[f.Path].([]any)
	return roles
}

func hasRole(roles []any, role string) bool {
	return slices.ContainsFunc(roles, func(r any) bool {
		s, ok := r.(string)
		return ok && strings.EqualFold(s, role)
	})
}

func names(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		out := make([]string, 0, len(v))
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	default:
		return nil
	}
}

// order sorts changes so that each comes after all it depends on; among those that are free, what builds comes before what
// deletes, then addresses decide, so that there is one order only. A cycle is an error that names its path.
func order(changes []Change) ([]Change, error) {
	waiting := map[spec.Address]int{}
	followers := map[spec.Address][]int{}
	for i, c := range changes {
		waiting[c.Address] = len(c.DependsOn)
		for _, a := range c.DependsOn {
			followers[a] = append(followers[a], i)
		}
	}
	var free []int
	for i, c := range changes {
		if waiting[c.Address] == 0 {
			free = append(free, i)
		}
	}
	earlier := func(i, j int) int {
		a, b := &changes[i], &changes[j]
		if (a.Action == Delete) != (b.Action == Delete) {
			if b.Action == Delete {
				return -1
			}
			return 1
		}
		return a.Address.Compare(b.Address)
	}
	slices.SortFunc(free, earlier)
	out := make([]Change, 0, len(changes))
	for len(free) > 0 {
		next := free[0]
		free = free[1:]
		out = append(out, changes[next])
		for _, i := range followers[changes[next].Address] {
			a := changes[i].Address
			if waiting[a]--; waiting[a] == 0 {
				at, _ := slices.BinarySearchFunc(free, i, earlier)
				free = slices.Insert(free, at, i)
			}
		}
	}
	if len(out) < len(changes) {
		return nil, fmt.Errorf("changes depend on each other in a circle: %s", cycle(changes, waiting))
	}
	return out, nil
}

// cycle walks dependencies among the changes that never became free until one repeats.
func cycle(changes []Change, waiting map[spec.Address]int) string {
	byAddress := map[spec.Address]*Change{}
	var at spec.Address
	for i := range changes {
		byAddress[changes[i].Address] = &changes[i]
		if waiting[changes[i].Address] > 0 {
			at = changes[i].Address
		}
	}
	var path []string
	for !slices.Contains(path, at.String()) {
		path = append(path, at.String())
		for _, a := range byAddress[at].DependsOn {
			if waiting[a] > 0 {
				at = a
				break
			}
		}
	}
	start := slices.Index(path, at.String())
	return strings.Join(append(path[start:], at.String()), " -> ")
}
