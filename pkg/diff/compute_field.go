package diff

import (
	"reflect"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// compareField gives the difference of one managed field. ok says whether the server reports it at all.
func compareField(f *spec.Field, want, have any, ok bool) (FieldChange, bool) {
	if f.List != nil {
		w, _ := want.([]any)
		h, _ := have.([]any)
		return compareList(f, w, h)
	}
	if !ok || have == nil {
		have = f.Default
	}
	if want == nil {
		// A reset has converged when the server reports nothing or the documented default.
		reset := FieldChange{Path: f.Path, Before: have, Reset: true}
		return reset, have != nil && !reflect.DeepEqual(have, f.Default)
	}
	if equalScalar(f, want, have) {
		return FieldChange{}, false
	}
	return FieldChange{Path: f.Path, Before: have, After: want}, true
}

func equalScalar(f *spec.Field, want, have any) bool {
	if f.Equal != nil {
		return f.Equal(want, have)
	}
	if x, ok := spec.Number(want); ok {
		y, ok := spec.Number(have)
		return ok && x == y
	}
	return want == have
}

// compareList gives the difference of two lists, as sets.
func compareList(f *spec.Field, want, have []any) (FieldChange, bool) {
	if alike(f, want, have) {
		return FieldChange{}, false
	}
	return difference(f, want, have)
}

// alike reports that two lists in one order differ in nothing, as almost all lists of an organization do: nobody has to find out
// in what.
func alike(f *spec.Field, want, have []any) bool {
	return slices.EqualFunc(want, have, func(w, h any) bool {
		return f.List.Key(w) == f.List.Key(h) && (f.List.Equal == nil || f.List.Equal(w, h))
	})
}

// difference compares two lists as sets under the server's notion of identity. A key that differs in its other properties
// is removed and added, since every endpoint removes before it adds (FACTS 5.4). The server may hold one key in several
// spellings: they are one entry, and all of them go when the entry does.
func difference(f *spec.Field, want, have []any) (FieldChange, bool) {
	change := FieldChange{Path: f.Path, List: true}
	held := make(map[string][]any, len(have))
	keys := make([]string, len(have))
	for i, e := range have {
		keys[i] = f.List.Key(e)
		held[keys[i]] = append(held[keys[i]], e)
	}
	wanted := make(map[string]bool, len(want))
	for _, e := range want {
		key := f.List.Key(e)
		if wanted[key] {
			continue
		}
		wanted[key] = true
		same := func(h any) bool { return f.List.Equal == nil || f.List.Equal(e, h) }
		if slices.ContainsFunc(held[key], same) {
			continue
		}
		change.Remove = append(change.Remove, held[key]...)
		change.Add = append(change.Add, e)
	}
	for i, e := range have {
		if !wanted[keys[i]] {
			change.Remove = append(change.Remove, e)
		}
	}
	sortElements(f, change.Remove)
	return change, len(change.Add)+len(change.Remove) > 0
}

// canonical copies a tree with every list in the one order of its keys: order carries no meaning, and without this the same
// manifest with its lines shuffled would make another plan.
func canonical(kind *spec.Kind, t spec.Tree) spec.Tree {
	out := spec.Clone(t)
	for i := range kind.Fields {
		f := &kind.Fields[i]
		if f.List == nil {
			continue
		}
		if list, ok := out[f.Path].([]any); ok {
			sortElements(f, list)
		}
	}
	return out
}

func sortElements(f *spec.Field, list []any) {
	if len(list) < 2 {
		return
	}
	type keyed struct {
		key     string
		element any
	}
	sorted := make([]keyed, len(list))
	for i, e := range list {
		sorted[i] = keyed{key: f.List.Key(e), element: e}
	}
	slices.SortStableFunc(sorted, func(a, b keyed) int {
		if c := strings.Compare(a.key, b.key); c != 0 {
			return c
		}
		return strings.Compare(spec.FormatValue(a.element), spec.FormatValue(b.element))
	})
	for i, s := range sorted {
		list[i] = s.element
	}
}
