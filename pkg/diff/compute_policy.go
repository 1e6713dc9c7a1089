package diff

import (
	"slices"

	"github.com/orgctl/orgctl/pkg/spec"
)

// planPolicy collects what the guards need of the manifests. A declared object without a live one is all that is looked for when
// judging a pruned collection: one that is ambiguous is known to the organization, and so is an invitation that its person has
// accepted.
func (c *computation) planPolicy(pairs []pair) Policy {
	from := c.desired.Policy
	out := Policy{MinAdmins: from.MinAdmins, MaxDeletes: MaxDeletes(from.MaxDeletes)}
	declared, missing := map[string]int{}, map[string]int{}
	for _, r := range c.desired.Resources {
		if !r.Intent.Absent {
			declared[c.api.People.One(r.Address.Kind)]++
		}
		if r.Intent.Protect {
			out.Protected = append(out.Protected, r.Address)
		}
	}
	known, distinct := map[spec.Address]bool{}, distinguish(c.live)
	for _, p := range pairs {
		d := p.desired
		if !d.Intent.Absent && p.live == nil {
			missing[c.api.People.One(d.Address.Kind)]++
		}
		if p.live == nil {
			continue
		}
		known[d.Address] = true
		if p.live.Status[spec.StatusNameless] != nil && !d.Intent.Absent {
			out.Members = append(out.Members, p.live.ID)
		}
		if d.Intent.Protect {
			out.Protected = append(out.Protected, p.live.Address)
		}
		if d.Intent.Closed {
			out.Closed = append(out.Closed, distinct(p.live))
		}
	}
	for _, r := range c.desired.Resources {
		for _, former := range r.Intent.Previously {
			if r.Intent.Protect && !known[r.Address] { // which of them it is nobody knows
				out.Protected = append(out.Protected, spec.Address{Kind: r.Address.Kind, Name: former})
			}
		}
	}
	out.Protected, out.Closed = compactAddresses(out.Protected), compactAddresses(out.Closed)
	slices.Sort(out.Members)
	out.AllowDelete = slices.Compact(slices.Sorted(slices.Values(from.AllowDelete)))
	for _, kind := range c.api.Kinds {
		if !slices.Contains(from.Prune, kind.Collection) {
			continue
		}
		prune := Prune{Collection: kind.Collection}
		// Without a line of its own a collection is not known, whatever the other list of people says.
		if _, known := c.desired.Declared[kind.Collection]; known {
			of := c.api.People.One(kind.Name)
			prune.Declared, prune.Matched = declared[of], declared[of]-missing[of]
		}
		out.Prune = append(out.Prune, prune)
	}
	return out
}
