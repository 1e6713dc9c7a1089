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
	l := &linking{changes: changes, objects: o, created: map[spec.Address]*Change{}, changed: map[string]*Change{}}
	for i := range changes {
		if c := &changes[i]; c.Action == Create {
			l.created[c.Address] = c
		} else {
			l.changed[identity(l.objects.api, c.Address.Kind, c.ID)] = c
		}
	}
	for i := range changes {
		c := &changes[i]
		for _, ref := range c.References {
			target := l.changed[identity(l.objects.api, ref.Address.Kind, ref.ID)]
			switch {
			case !c.gains(ref):
			case ref.ID == "" && l.created[ref.Address] != nil:
				c.follows(l.created[ref.Address])
			case target != nil && target.renames():
				c.follows(target)
			}
		}
		for _, key := range o.released(c) {
			if target := l.changed[key]; target != nil && target.withdraws(o.api) {
				target.follows(c)
			}
		}
	}
	if own := rulesOf(o.api).link; own != nil {
		own(l)
	}
	for i := range changes {
		changes[i].DependsOn = compactAddresses(changes[i].DependsOn)
	}
}

// linking is the work in progress of one link.
type linking struct {
	changes []Change
	objects *objects
	created map[spec.Address]*Change
	changed map[string]*Change // updates and deletions, see identity
}

// released are the live objects that a change ceases to refer to.
func (o *objects) released(c *Change) []string {
	r := o.byID[identity(o.api, c.Address.Kind, c.ID)]
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
			out = append(out, identity(o.api, f.Ref, r.Refs[f.Path]))
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
			out = append(out, identity(o.api, f.Ref, target.ID))
		}
	}
	return out
}

// compactAddresses sorts and drops repetitions.
func compactAddresses(list []spec.Address) []spec.Address {
	slices.SortFunc(list, spec.Address.Compare)
	return slices.Compact(list)
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
