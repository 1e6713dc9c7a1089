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
func (j *judgement) pruned(kind *spec.Kind) (pruned, live int) {
	for i := range j.plan.Changes {
		if d := &j.plan.Changes[i]; d.Pruned && d.Address.Kind == kind.Name {
			pruned++
		}
	}
	for range ofKind(j.live, kind.Name) {
		live++
	}
	return pruned, live
}

// protected refuses what protect forbids, under whichever name: the one that the object has, or that of the entry which takes it
// away or stops it. A blocked change stays in the plan, so that the reader sees what is being refused.
func (j *judgement) protected() {
	protected := map[spec.Address]bool{}
	for _, a := range j.plan.Policy.Protected {
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
		j.block(f)
	}
	for i := range j.live.Resources {
		r := &j.live.Resources[i]
		change := j.projected.change(r)
		if change == nil || !change.withdraws(j.api) {
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
func (j *judgement) maxDeletes() {
	bound := j.plan.Policy.MaxDeletes
	for _, kind := range j.api.Kinds {
		pruned, live := j.pruned(kind)
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
		j.block(Finding{
			Code: CodeMaxDeletes, Address: j.plan.organization(),
			Message: fmt.Sprintf("%d of %d %s%s would be deleted, the limit is %s", pruned, live, kind.Collection, share, strings.Join(limits, " and ")),
			Hint:    "raise policy.maxDeletes, declare with ensure: absent what is to go, or delete in smaller portions with --only",
		})
	}
}

// adoption asks for a sign that manifests and organization belong together before the manifests' silence deletes anything: an
// empty checkout, the wrong directory and the first run against a grown organization all declare nothing that is live.
func (j *judgement) adoption() {
	for _, p := range j.plan.Policy.Prune {
		i := slices.IndexFunc(j.api.Kinds, func(k *spec.Kind) bool { return k.Collection == p.Collection })
		if i < 0 || p.Matched > 0 {
			continue
		}
		pruned, live := j.pruned(j.api.Kinds[i])
		if pruned == 0 {
			continue
		}
		f := Finding{
			Code: CodeEmptyDesired, Address: j.plan.organization(),
			Message: fmt.Sprintf("no %s are declared, and %d of %d live ones would be deleted", p.Collection, pruned, live),
			Hint:    fmt.Sprintf("declare with ensure: absent what is to go, or take %s out of policy.prune", p.Collection),
		}
		if p.Declared > 0 {
			f.Code = CodeFirstAdoption
			f.Message = fmt.Sprintf("none of the %d declared %s is live, and %d of %d live ones would be deleted", p.Declared, p.Collection, pruned, live)
			f.Hint = fmt.Sprintf("declare what is to stay (orgctl export writes it) and with ensure: absent what is to go, or take %s out of policy.prune",
				p.Collection)
		}
		j.block(f)
	}
}
