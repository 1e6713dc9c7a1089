package diff

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// pruned counts the objects of a kind that go because nobody declares them, and those that are live. What a manifest declares
// absent was decided one by one, and an invitation that is sent anew is not deleted.
func (c *check) pruned(kind *spec.Kind) (pruned, live int) {
	for i := range c.plan.Changes {
		if d := &c.plan.Changes[i]; d.Pruned && d.Address.Kind == kind.Name {
			pruned++
		}
	}
	for range each(c.live, kind.Name) {
		live++
	}
	return pruned, live
}

// needs records what apply needs besides the plan and the caller has not got: a leave for every deletion that needs one, by the
// name that the object has, and a place for every secret that is made.
func (p *Plan) needs(caller Caller) []Requirement {
	out := []Requirement{}
	api, leave := p.Definition(), slices.Concat(p.Policy.AllowDelete, caller.Leave)
	for i := range p.Changes {
		c := &p.Changes[i]
		kind := api.Kind(c.Address.Kind)
		switch {
		case c.Action == Delete && kind.Leave != "" && !c.deleted(api).matches(leave):
			out = append(out, Requirement{
				Code: CodeDeleteLeave, Kind: RequireDeleteLeave, Address: c.Address,
				Message: kind.Leave,
				Hint:    fmt.Sprintf("apply with --allow-delete '%s', or list it under policy.allowDelete", c.Address),
			})
		case c.MakesSecret(api) && !caller.Sink:
			out = append(out, Requirement{
				Code: CodeSecretSink, Kind: RequireSecretSink, Address: c.Address,
				Message: fmt.Sprintf("creating a %s makes a secret that can be stored only once", c.Address.Kind),
				Hint:    "apply with --secrets-out DIR",
			})
		}
	}
	return out
}

// deleted is the object of a deletion by the name that it has.
func (c *Change) deleted(api *spec.API) named {
	a := c.Address
	a.Name = strings.TrimSuffix(a.Name, "#"+c.ID)
	return named{api, []spec.Address{a}, c.ID}
}

// protected refuses what protect forbids, under whichever name: the one that the object has, or that of the entry which takes it
// away or stops it. A blocked change stays in the plan, so that the reader sees what is being refused.
func (c *check) protected() {
	protected := map[spec.Address]bool{}
	for _, a := range c.plan.Policy.Protected {
		protected[a] = true
	}
	if len(protected) == 0 {
		return
	}
	block := func(change *Change, name spec.Address) {
		f := Finding{
			Code: CodeProtected, Address: change.Address, Pos: change.Pos,
			Message: "is protected and would be deleted or stopped",
			Hint:    "remove protect: true in a change of its own first",
		}
		if name != change.Address {
			f.Message = fmt.Sprintf("would be deleted or stopped, and %s is protected", name)
		}
		c.block(f)
	}
	for i := range c.live.Resources {
		r := &c.live.Resources[i]
		change := c.outcome.change(r)
		if change == nil || !change.withdraws(c.api) {
			continue
		}
		for _, name := range []spec.Address{change.Address, change.DeclaredAs, r.Address} {
			if protected[name] {
				block(change, name)
				break
			}
		}
	}
}

// maxDeletes bounds what one plan prunes: a manifest left out of the command line looks like a great many deletions.
func (c *check) maxDeletes() {
	bound := c.plan.Policy.MaxDeletes
	for _, kind := range c.api.Kinds {
		pruned, live := c.pruned(kind)
		share, limits := "", []string(nil)
		if bound.Count != nil && pruned > *bound.Count {
			limits = append(limits, strconv.Itoa(*bound.Count))
		}
		if live >= spec.MaxDeletesFloor && pruned*100 > bound.Percent*live {
			// Rounded up, or 27.04 % would look like the 27 % that it exceeds.
			percent := math.Ceil(float64(pruned)*1000/float64(live)) / 10
			share = fmt.Sprintf(" (%s %%)", strconv.FormatFloat(percent, 'f', -1, 64))
			limits = append(limits, fmt.Sprintf("%d %%", bound.Percent))
		}
		if len(limits) == 0 {
			continue
		}
		c.block(Finding{
			Code: CodeMaxDeletes, Address: c.plan.organization(),
			Message: fmt.Sprintf("%d of %d %s%s would be deleted, the limit is %s", pruned, live, kind.Collection, share, strings.Join(limits, " and ")),
			Hint:    "raise policy.maxDeletes, declare with ensure: absent what is to go, or delete in smaller portions with --only",
		})
	}
}

// adoption asks for a sign that manifests and organization belong together before the manifests' silence deletes anything: an
// empty checkout, the wrong directory and the first run against a grown organization all declare nothing that is live.
func (c *check) adoption() {
	for _, p := range c.plan.Policy.Prune {
		i := slices.IndexFunc(c.api.Kinds, func(k *spec.Kind) bool { return k.Collection == p.Collection })
		if i < 0 || p.Matched > 0 {
			continue
		}
		pruned, live := c.pruned(c.api.Kinds[i])
		if pruned == 0 {
			continue
		}
		f := Finding{
			Code: CodeEmptyDesired, Address: c.plan.organization(),
			Message: fmt.Sprintf("no %s are declared, and %d of %d live ones would be deleted", p.Collection, pruned, live),
			Hint:    fmt.Sprintf("declare with ensure: absent what is to go, or take %s out of policy.prune", p.Collection),
		}
		if p.Declared > 0 {
			f.Code = CodeFirstAdoption
			f.Message = fmt.Sprintf("none of the %d declared %s is live, and %d of %d live ones would be deleted", p.Declared, p.Collection, pruned, live)
			f.Hint = fmt.Sprintf("declare what is to stay (orgctl export writes it) and with ensure: absent what is to go, or take %s out of policy.prune",
				p.Collection)
		}
		c.block(f)
	}
}

// secondaries keeps warehouses whole: a primary is neither deleted nor stopped while a secondary is there (FACTS 5.12). One
// that the plan deletes has to be gone first.
func (c *check) secondaries() {
	byPrimary := map[string][]*spec.Resource{} // by the id of the primary
	for r := range each(c.live, "service") {
		if primary := r.Refs["warehouse"]; primary != "" {
			byPrimary[primary] = append(byPrimary[primary], r)
		}
	}
	planned := map[string][]spec.Address{}
	for _, made := range c.plan.Changes {
		if ref := reference(made.References, "warehouse"); made.Action == Create && ref.ID != "" {
			planned[ref.ID] = append(planned[ref.ID], made.Address)
		}
	}
	for r := range each(c.live, "service") {
		change := c.outcome.change(r)
		if change == nil || !change.withdraws(c.api) {
			continue
		}
		remaining := slices.Clone(planned[r.ID])
		for _, s := range byPrimary[r.ID] {
			if gone := c.outcome.change(s); c.outcome.stays(s) || !change.after(gone) {
				remaining = append(remaining, s.Address)
			}
		}
		if len(remaining) == 0 {
			continue
		}
		slices.SortFunc(remaining, spec.Address.Compare)
		verb := "deleted"
		if change.Action == Update {
			verb = "stopped"
		}
		c.block(Finding{
			Code: CodeSecondaries, Address: change.Address, Pos: change.Pos,
			Message: fmt.Sprintf("would be %s while it is the primary of %s", verb, enumerate(remaining)),
			Hint:    "delete its secondaries in the same plan, or keep it running",
		})
	}
}
