package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// pair is a desired object and the live one that it describes, nil where there is none.
type pair struct {
	desired spec.Resource
	live    *spec.Resource
}

// match finds the live object of each desired one: by pinned id, else by natural key, else by a former name. Names are not
// unique in the API, so a name that fits several objects is a finding that shows their ids; such an object takes no part in
// the plan, nor does one whose id or name turns out to be that of another.
func match(api *spec.API, desired []spec.Resource, live *spec.Live) ([]pair, []Finding) {
	byID := map[string]*spec.Resource{}
	byAddress := map[spec.Address][]*spec.Resource{}
	var organization *spec.Resource
	for i := range live.Resources {
		r := &live.Resources[i]
		if r.Address.Kind == api.Organization().Name {
			organization = r
		}
		byID[identity(api, r.Address.Kind, r.ID)] = r
		byAddress[r.Address] = append(byAddress[r.Address], r)
	}
	pinned := map[*spec.Resource]spec.Address{} // by whom
	nameless := map[string][]string{}           // by kind, the ids of those that no entry pins, but for people
	current := map[spec.Address]bool{}
	for _, d := range desired {
		if r := byID[identity(api, d.Address.Kind, d.ID)]; d.ID != "" && r != nil && !mistaken(d, r) {
			pinned[r] = d.Address
		}
		current[d.Address] = true
	}
	for i := range live.Resources {
		r := &live.Resources[i]
		if _, known := pinned[r]; !known && r.Status[spec.StatusNameless] != nil && !api.People.Has(r.Address.Kind) {
			nameless[r.Address.Kind] = append(nameless[r.Address.Kind], r.ID)
		}
	}
	candidates := func(a spec.Address) []*spec.Resource {
		return slices.DeleteFunc(slices.Clone(byAddress[a]), func(r *spec.Resource) bool {
			_, taken := pinned[r]
			return taken
		})
	}

	var pairs []pair
	var findings []Finding
	for _, d := range desired {
		found, how := []*spec.Resource(nil), d.Address
		r := byID[identity(api, d.Address.Kind, d.ID)]
		// What is made anew when it changes has another id afterwards.
		outlived := r == nil && api.Kind(d.Address.Kind).MadeAnew != "" && !d.Intent.Absent
		switch {
		case d.Address.Kind == api.Organization().Name:
			if organization != nil {
				found = []*spec.Resource{organization}
			}
		case d.ID != "" && !outlived:
			if r == nil && !d.Intent.Absent {
				findings = append(findings, Finding{
					Code: CodeUnknownID, Severity: SeverityBlocked, Address: d.Address, Pos: d.FieldPos("id"),
					Message: fmt.Sprintf("no live %s has the id %s", d.Address.Kind, d.ID),
					Hint:    "if it was deleted, correct the id, or remove it to match by name",
				})
				continue
			}
			if others := candidates(d.Address); r == nil && len(others) > 0 && api.Kind(d.Address.Kind).MadeAnew == "" { // it is to be absent
				findings = append(findings, Finding{
					Code: CodeUnknownID, Severity: SeverityWarning, Address: d.Address, Pos: d.FieldPos("id"),
					Message: fmt.Sprintf("no live %s has the id %s, and %s is live as %s: nothing is deleted", d.Address.Kind, d.ID, d.Address.Name, others[0].ID),
					Hint:    "correct the id if that one is meant; if the one that was meant is gone, take this entry out",
				})
			}
			if r != nil && mistaken(d, r) {
				findings = append(findings, Finding{
					Code: CodeMistakenID, Severity: SeverityError, Address: d.Address, Pos: d.FieldPos("id"),
					Message: fmt.Sprintf("would be deleted, and its id %s is that of %s", d.ID, r.Address),
					Hint:    fmt.Sprintf("correct the id or the name; if %s is meant, declare it by its own name", r.Address),
				})
				continue
			}
			if r != nil {
				found = []*spec.Resource{r}
			}
		default:
			found = candidates(d.Address)
			if taken := byAddress[d.Address]; len(taken) > 0 && len(found) == 0 && !d.Intent.Absent {
				findings = append(findings, Finding{
					Code: CodeTaken, Severity: SeverityError, Address: d.Address, Pos: d.Intent.Pos,
					Message: fmt.Sprintf("the live %s is %s by its id, and it is not created a second time", d.Address, pinned[taken[0]]),
					Hint:    "rename that one in an apply of its own first, or declare this one with the id of the object that is meant",
				})
				continue
			}
			for _, name := range d.Intent.Previously {
				former := spec.Address{Kind: d.Address.Kind, Name: name}
				if len(found) > 0 || current[former] {
					break
				}
				found, how = candidates(former), former
			}
			if ids := nameless[d.Address.Kind]; len(found) == 0 && len(ids) > 0 {
				findings = append(findings, unknown(api.Kind(d.Address.Kind), d, "name", ids))
				continue
			}
		}
		switch len(found) {
		case 0:
			pairs = append(pairs, pair{desired: d})
		case 1:
			pairs = append(pairs, pair{desired: d, live: found[0]})
		default:
			findings = append(findings, ambiguous(d, how, found))
		}
	}
	return pairs, findings
}

// mistaken reports that an entry would delete, by a pinned id, an object that has none of the entry's names: the id of another
// one was pasted. Somebody without an e-mail address has no name to tell that by.
func mistaken(d spec.Resource, r *spec.Resource) bool {
	return d.Intent.Absent && r.Status[spec.StatusNameless] == nil && !called(d.Address, r) &&
		!slices.Contains(d.Intent.Previously, r.Address.Name)
}

// called reports whether an address is the name of a live object, or what a plan calls it where that is not its own.
func called(a spec.Address, r *spec.Resource) bool {
	name := r.Address
	for len(name.Name) < len(a.Name) && r.ID != "" {
		name = twin(name, r.ID)
	}
	return a == name || a == r.Address
}

func ambiguous(d spec.Resource, name spec.Address, found []*spec.Resource) Finding {
	ids := make([]string, len(found))
	for i, r := range found {
		ids[i] = r.ID
	}
	slices.Sort(ids)
	return Finding{
		Code: CodeAmbiguous, Severity: SeverityBlocked, Address: d.Address, Pos: d.Intent.Pos,
		Message: fmt.Sprintf("%d live objects are named %s: %s", len(found), name.Name, strings.Join(ids, ", ")),
		Hint:    fmt.Sprintf("pin the one that is meant, for example id: %s", ids[0]),
	}
}

// identity is how an object is looked up by its id, which manifests may spell in any case unless the API makes one count.
func identity(api *spec.API, kind, id string) string { return kind + "/" + api.CanonicalID(id) }
