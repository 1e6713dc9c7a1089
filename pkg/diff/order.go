package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// link fills DependsOn. The edges are data: references declared in the kind table point from a user to what it uses, and a
// few rules below say what references cannot. An upsert follows the creation of what it refers to; a deletion (or a stop,
// which the server refuses just the same while others depend on the object) follows everything that lets go of it.
func link(changes []Change) {
	created, withdrawn := map[spec.Address][]int{}, map[spec.Address][]int{}
	for i := range changes {
		target := &changes[i]
		for _, as := range target.referredAs() {
			if target.Action == Create {
				created[as] = append(created[as], i)
			}
			if target.withdraws() {
				withdrawn[as] = append(withdrawn[as], i)
			}
		}
	}
	for i := range changes {
		user := &changes[i]
		for _, ref := range references(user, gained) {
			for _, j := range created[ref] {
				user.DependsOn = append(user.DependsOn, changes[j].Address)
			}
		}
		for _, ref := range references(user, lost) {
			for _, j := range withdrawn[ref] {
				changes[j].DependsOn = append(changes[j].DependsOn, user.Address)
			}
		}
	}
	for _, rule := range rules {
		var first []spec.Address
		for i := range changes {
			if rule.before(&changes[i]) {
				first = append(first, changes[i].Address)
			}
		}
		for i := range changes {
			if len(first) > 0 && rule.after(&changes[i]) {
				changes[i].DependsOn = append(changes[i].DependsOn, first...)
			}
		}
	}
	for i := range changes {
		changes[i].DependsOn = compactAddresses(changes[i].DependsOn)
	}
}

// compactAddresses sorts and drops repetitions.
func compactAddresses(list []spec.Address) []spec.Address {
	slices.SortFunc(list, spec.Address.Compare)
	return slices.Compact(list)
}

// rules are the orders that no reference expresses: every change of the first sort is applied before every one of the second.
var rules = []struct{ before, after func(*Change) bool }{
	// Somebody must be administrator before somebody else stops being it.
	{
		before: func(c *Change) bool { return c.Address.Kind == "member" && c.grants(adminRole) },
		after:  func(c *Change) bool { return c.Address.Kind == "member" && c.revokes(adminRole) },
	},
	// A key that replaces another exists before the other goes.
	{
		before: func(c *Change) bool { return c.Address.Kind == "key" && c.Action == Create },
		after:  func(c *Change) bool { return c.Address.Kind == "key" && c.Action == Delete },
	},
	// A service that is given another way in has it before an endpoint, maybe its only one, goes.
	{before: (*Change).opens, after: func(c *Change) bool { return c.Address.Kind == "privateEndpoint" && c.Action == Delete }},
	// Core dumps can be allowed for a service only while the organization allows them (FACTS 10).
	{
		before: func(c *Change) bool { return c.Address.Kind == "organization" && c.sets("enableCoreDumps", true) },
		after:  func(c *Change) bool { return c.Address.Kind == "service" && c.sets("enableCoreDumps", true) },
	},
	{
		before: func(c *Change) bool { return c.Address.Kind == "service" && c.sets("enableCoreDumps", false) },
		after:  func(c *Change) bool { return c.Address.Kind == "organization" && c.sets("enableCoreDumps", false) },
	},
}

// withdraws reports that a change takes the object out of use, if only for a moment: an endpoint changes by being registered
// anew.
func (c *Change) withdraws() bool {
	return c.Action == Delete || c.Action == Update && (c.sets("state", "stopped") || c.Address.Kind == "privateEndpoint")
}

// opens reports that an update gives a service another way in.
func (c *Change) opens() bool {
	return c.Address.Kind == "service" && slices.ContainsFunc(c.Fields, func(f FieldChange) bool {
		return (f.Path == "ipAccessList" || f.Path == "privateEndpointIds") && len(f.Add) > 0
	})
}

func (c *Change) sets(path string, value any) bool {
	if c.Action == Create {
		got, ok := spec.Get(c.After, path)
		return ok && got == value
	}
	return slices.ContainsFunc(c.Fields, func(f FieldChange) bool { return f.Path == path && f.After == value })
}

func (c *Change) grants(role string) bool {
	return slices.ContainsFunc(c.Fields, func(f FieldChange) bool { return f.Path == "roles" && hasRole(f.Add, role) })
}

func (c *Change) revokes(role string) bool {
	if c.Action == Delete {
		roles, _ := c.Before["roles"].([]any)
		return hasRole(roles, role)
	}
	return slices.ContainsFunc(c.Fields, func(f FieldChange) bool { return f.Path == "roles" && hasRole(f.Remove, role) })
}

func hasRole(roles []any, role string) bool {
	return slices.ContainsFunc(roles, func(r any) bool {
		s, ok := r.(string)
		return ok && strings.EqualFold(s, role)
	})
}

type side int

const (
	gained side = iota // references that a change makes
	lost               // references that a change ends
)

// references are the objects that a change begins or ceases to refer to, as its fields spell them.
func references(c *Change, s side) []spec.Address {
	var out []spec.Address
	for _, f := range spec.KindOf(c.Address.Kind).Fields {
		if f.Ref == "" {
			continue
		}
		for _, name := range referenced(c, f.Path, s) {
			out = append(out, spec.Address{Kind: f.Ref, Name: name})
		}
	}
	return out
}

// referredAs gives the spellings under which fields may refer to the object of a change: its name, the name that it has had so
// far, and what a Field.RefName makes of a name.
func (c *Change) referredAs() []spec.Address {
	out := []spec.Address{c.Address}
	if name, ok := c.Before["name"].(string); ok && name != c.Address.Name {
		out = append(out, spec.Address{Kind: c.Address.Kind, Name: name})
	}
	for _, kind := range spec.Kinds() {
		for _, f := range kind.Fields {
			if f.Ref == c.Address.Kind && f.RefName != nil {
				out = append(out, spec.Address{Kind: c.Address.Kind, Name: f.RefName(c.Address.Name)})
			}
		}
	}
	return out
}

func referenced(c *Change, path string, s side) []string {
	switch {
	case c.Action == Create && s == gained:
		return names(c.After[path])
	case c.Action == Delete && s == lost:
		return names(c.Before[path])
	case c.Action == Update:
		for _, f := range c.Fields {
			switch {
			case f.Path != path:
			case f.List && s == gained:
				return names(f.Add)
			case f.List:
				return names(f.Remove)
			case s == gained:
				return names(f.After)
			default:
				return names(f.Before)
			}
		}
	}
	return nil
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
