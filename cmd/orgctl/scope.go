package main

import (
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/spec"
)

// scope is what a plan has to read: the lists of what is declared, and details where a manifest manages them. Whatever else the
// key may list is read too, since a plan says what it could not check.
func scope(desired *spec.Organization) apply.Scope {
	var needed []string
	for collection := range desired.Declared {
		needed = append(needed, collection)
	}
	// What must hold nothing undeclared has to be seen whole.
	needed = append(needed, desired.Policy.Exclusive...)
	needed = append(needed, desired.Policy.Prune...)
	// People are one list that the API shows as two.
	if slices.Contains(needed, "members") || slices.Contains(needed, "invitations") {
		needed = append(needed, "members", "invitations")
	}
	detailed := map[string]bool{}
	roles := false
	for _, r := range desired.Resources {
		if named, _ := r.Spec["roles"].([]any); len(named) > 0 && !r.Intent.Absent {
			roles = true
		}
		if r.Address.Kind != "service" || r.Spec["backupConfiguration"] == nil {
			continue
		}
		detailed[r.Address.Name], detailed[r.ID] = true, true
		for _, former := range r.Intent.Previously {
			detailed[former] = true
		}
	}
	return apply.Scope{Needed: needed, Roles: roles, Detail: func(live spec.Resource) bool {
		return detailed[live.Address.Name] || detailed[live.ID] && live.ID != ""
	}}
}

// scope is what an apply has to read, where every request counts: what is declared, whatever may refer to that, and the keys, of
// which the one in use must outlast the plan. A selection and a saved plan add what they name: a pattern must match something, and
// what was undeclared may have gone.
func (g *goal) scope() apply.Scope {
	out := scope(g.desired)
	out.Enough = append(slices.Clone(out.Needed), "keys")
	for _, kind := range spec.Kinds() {
		refers := func(f spec.Field) bool {
			to := spec.KindOf(f.Ref)
			return to != nil && slices.Contains(out.Needed, to.Collection)
		}
		if slices.ContainsFunc(kind.Fields, refers) {
			out.Enough = append(out.Enough, kind.Collection)
		}
	}
	for _, pattern := range slices.Concat(g.sel.Only, g.sel.Except) {
		kind, _, _ := strings.Cut(pattern, "/")
		out.Enough = append(out.Enough, spec.KindOf(kind).Collection)
	}
	if g.reviewed != nil {
		for _, u := range g.reviewed.Unmanaged {
			out.Enough = append(out.Enough, u.Collection)
		}
	}
	return out
}
