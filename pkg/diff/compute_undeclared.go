package diff

import (
	"fmt"
	"slices"

	"github.com/orgctl/orgctl/pkg/spec"
)

// undeclared lists live objects that no manifest declares, in collections that manifests manage, and plans the deletion of
// those that policy.prune names. While it is uncertain what an entry of a collection means, nothing of that collection is
// pruned: what looks undeclared may be what the entry is about.
func (c *computation) undeclared(pairs []pair, people people) {
	claimed := map[string]bool{}
	for _, p := range pairs {
		if p.live != nil {
			claimed[p.live.Address.Kind+"/"+p.live.ID] = true
		}
	}
	uncertain := c.uncertain()
	if len(people.doubts) > 0 {
		joined := c.api.People.Joined
		uncertain[joined] = compactAddresses(append(uncertain[joined], people.doubts...))
	}
	for i := range c.live.Resources {
		r := &c.live.Resources[i]
		kind := c.api.Kind(r.Address.Kind)
		if kind.Collection == "" || claimed[r.Address.Kind+"/"+r.ID] || !c.desired.Manages(kind.Collection) ||
			people.meant[r.Address] && !people.pinned[r.Address] {
			continue
		}
		address := c.objects.addressOf(r)
		_, halfMade := r.Status[spec.StatusUnfinished]
		if slices.Contains(c.desired.Policy.Prune, kind.Collection) {
			doubts := uncertain[c.api.People.One(kind.Name)]
			if len(doubts) == 0 {
				reason := "not declared, and policy.prune names " + kind.Collection
				if halfMade {
					reason += "; half made, maybe by a run that is under way"
				}
				c.delete(r, Change{Reason: reason, Pruned: true})
				continue
			}
			if !slices.Contains(doubts, r.Address) {
				c.find(Finding{
					Code: CodeNotPruned, Severity: SeverityBlocked, Address: address,
					Message: fmt.Sprintf("is not declared, and not pruned while it is uncertain what is meant by %s", enumerate(doubts)),
					Hint:    "correct that first: plan without --only and --except to see what is wrong with it",
				})
			}
		}
		c.plan.Unmanaged = append(c.plan.Unmanaged, Unmanaged{
			Address: address, ID: r.ID, Collection: kind.Collection,
			Exclusive: slices.Contains(c.desired.Policy.Exclusive, kind.Collection), HalfMade: halfMade,
		})
	}
}

// uncertain gives, by spec.People.One, the declared objects that are in error, cannot be told from others or are not there
// under their id.
func (c *computation) uncertain() map[string][]spec.Address {
	out := map[string][]spec.Address{}
	for _, f := range c.plan.Findings {
		if f.Severity == SeverityError || f.Code == CodeAmbiguous || f.Code == CodeUnknownID {
			kind := c.api.People.One(f.Address.Kind)
			out[kind] = append(out[kind], f.Address)
		}
	}
	for kind := range out {
		out[kind] = compactAddresses(out[kind])
	}
	return out
}
