package apply

import (
	"cmp"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// ObserveOptions say what an observation is for. The zero value observes everything that can be listed.
type ObserveOptions struct {
	// Needed are the collections (spec.Kind.Collection) whose refusal by the API is an error.
	Needed []string
	// Enough, unless nil, are the only collections to read. Of the others nothing is known (spec.Live.LeftOut).
	Enough []string
	// Roles says that roles are named, so that an API which has ids for them must show those. Names need not be unique.
	Roles bool
	// Detail reports whether fields with a request of their own are wanted of an object (spec.Field.Detail).
	Detail func(live spec.Resource) bool
	// Applied, unless nil, are changes made since the last observation. Lists that hold none of their objects, and details of
	// other objects, are taken from that one (spec.Live.Earlier).
	Applied []diff.Change
}

// ToPlan is what a plan has to read: the lists of what is declared, and details where a manifest manages them. Whatever else the
// key may list is read too, since a plan says what it could not check.
func ToPlan(desired *spec.Organization) ObserveOptions {
	api := cmp.Or(desired.API, spec.ClickHouse)
	var needed []string
	for collection := range desired.Declared {
		needed = append(needed, collection)
	}
	// What must hold nothing undeclared has to be seen whole.
	needed = append(needed, desired.Policy.Exclusive...)
	needed = append(needed, desired.Policy.Prune...)
	// People are one list that the API shows as two.
	for _, kind := range api.Kinds {
		if api.People.Has(kind.Name) && slices.Contains(needed, kind.Collection) {
			needed = append(needed, api.Kind(api.People.Joined).Collection, api.Kind(api.People.Invited).Collection)
			break
		}
	}
	detailed, pinned := map[spec.Address]bool{}, map[string]bool{}
	roles := false
	for _, r := range desired.Resources {
		kind := api.Kind(r.Address.Kind)
		if f := kind.Roles(); f != nil && !r.Intent.Absent {
			named, _ := r.Spec[f.Path].([]any)
			roles = roles || len(named) > 0
		}
		if !detail(kind, r) {
			continue
		}
		pinned[r.ID] = true
		for _, name := range append([]string{r.Address.Name}, r.Intent.Previously...) {
			detailed[spec.Address{Kind: r.Address.Kind, Name: name}] = true
		}
	}
	return ObserveOptions{Needed: needed, Roles: roles, Detail: func(live spec.Resource) bool {
		return detailed[live.Address] || pinned[live.ID] && live.ID != ""
	}}
}

// detail reports whether a manifest manages a field that is read by a request of its own.
func detail(kind *spec.Kind, desired spec.Resource) bool {
	return slices.ContainsFunc(kind.Fields, func(f spec.Field) bool {
		top, _, _ := strings.Cut(f.Path, ".")
		return f.Detail && desired.Spec[top] != nil
	})
}

// ToApply is what an apply has to read, where every request counts: what is declared, whatever may refer to that, and what the
// caller may be recognised among, since it must outlast the plan. A selection and a plan that was reviewed, if there is one, add what they name: a
// pattern must match something, and what was undeclared may have gone.
func ToApply(desired *spec.Organization, sel diff.Selection, reviewed *diff.Plan) ObserveOptions {
	api, out := cmp.Or(desired.API, spec.ClickHouse), ToPlan(desired)
	out.Enough = append(slices.Clone(out.Needed), api.Callers...)
	for _, kind := range api.Kinds {
		refers := func(f spec.Field) bool {
			to := api.Kind(f.Ref)
			return to != nil && slices.Contains(out.Needed, to.Collection)
		}
		if slices.ContainsFunc(kind.Fields, refers) {
			out.Enough = append(out.Enough, kind.Collection)
		}
	}
	for _, pattern := range slices.Concat(sel.Only, sel.Except) {
		name, _, _ := strings.Cut(pattern, "/")
		if kind := api.Kind(name); kind != nil {
			out.Enough = append(out.Enough, kind.Collection)
		}
	}
	if reviewed != nil {
		for _, u := range reviewed.Unmanaged {
			out.Enough = append(out.Enough, u.Collection)
		}
	}
	return out
}
