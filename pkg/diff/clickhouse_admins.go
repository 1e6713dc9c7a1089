package diff

import (
	"fmt"
	"slices"

	"github.com/orgctl/orgctl/pkg/spec"
)

// linkAdministrators lets every dismissal of an administrator wait for an appointment, if there is any: each for one of its
// own as far as they go. Then at no time on the way have more been dismissed beyond those appointed than at the end.
func linkAdministrators(l *linking) {
	api := l.objects.api
	var appointed, dismissed []*Change
	for i := range l.changes {
		switch c := &l.changes[i]; {
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

// admins keeps an organization governable: a plan may not lower the number of members who are administrators below the
// policy's least, and never to none. Invitations do not count: nobody knows whether they will be accepted. An organization
// that is below the least already is none of the plan's doing.
//
// The worst state on the way is after those revocations that wait, together, for the fewest grants. How much worse it is than
// the beginning is the number of revocations less the largest number of them that can be given a grant each, one of those
// that they wait for (Hall's theorem, in König's form).
func (c clickhouse) admins() {
	before := 0
	var granted, revoked []*Change
	for r := range ofKind(c.live, "member") {
		roles, _ := r.Spec["roles"].([]any)
		had, has := hasRole(roles, c.api.Admin), c.projected.stays(r) && hasRole(c.projected.list(r, "roles"), c.api.Admin)
		if had {
			before++
		}
		switch {
		case had && !has:
			revoked = append(revoked, c.projected.change(r))
		case !had && has:
			granted = append(granted, c.projected.change(r))
		}
	}
	end, worst, least := before+len(granted)-len(revoked), before+paired(revoked, granted)-len(revoked), max(1, c.plan.Policy.MinAdmins)
	if worst >= before || worst >= least {
		return
	}
	moment := ""
	if end >= before || end >= least {
		moment = " on the way"
	}
	who := make([]spec.Address, len(revoked))
	for i, r := range revoked {
		who[i] = r.Address
	}
	slices.SortFunc(who, spec.Address.Compare)
	hint := "make another member, one who has joined, an administrator"
	if worst > 0 {
		hint += ", or lower policy.minAdmins"
	}
	c.block(Finding{
		Code: CodeAdmins, Address: c.plan.organization(), Pos: revoked[0].Pos,
		Message: fmt.Sprintf("administrators would fall from %d to %d%s, the least is %d: %s", before, worst, moment, least, enumerate(who)),
		Hint:    hint,
	})
}

// paired gives how many changes of one sort can each be given one of another sort that it waits for, none of them twice.
func paired(waiting, first []*Change) int {
	is := map[spec.Address]bool{}
	for _, f := range first {
		is[f.Address] = true
	}
	holder := map[spec.Address]*Change{} // of those of the first sort that are given away
	var give func(w *Change, asked map[spec.Address]bool) bool
	give = func(w *Change, asked map[spec.Address]bool) bool {
		for _, a := range w.DependsOn {
			if !is[a] || asked[a] {
				continue
			}
			asked[a] = true
			if holder[a] == nil || give(holder[a], asked) {
				holder[a] = w
				return true
			}
		}
		return false
	}
	n := 0
	for _, w := range waiting {
		if give(w, map[spec.Address]bool{}) {
			n++
		}
	}
	return n
}

func (c clickhouse) adminsAfter() int {
	n := 0
	for r := range ofKind(c.live, "member") {
		if c.projected.stays(r) && hasRole(c.projected.list(r, "roles"), c.api.Admin) {
			n++
		}
	}
	return n
}
