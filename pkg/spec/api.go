package spec

import "slices"

// API is one organization API as manifests, plans and everything between them know it: a value that the engine is given, and
// of which it knows no part by name. How calls are made is said by the API's client and backend.
type API struct {
	Name   string  // what a manifest calls it in spec.api
	Title  string  // what people call it
	Kinds  []*Kind // in the order in which outputs list them; the first is that of the organization itself
	People People  // the zero value where the API knows no people
	Admin  string  // the role that may do everything, by name, the same in every organization; "" where there is none
}

// People are the two kinds in which an API shows its people, who are one list by e-mail address: whoever is invited becomes
// somebody who has joined by accepting.
type People struct{ Joined, Invited string }

// Has reports whether objects of a kind are people.
func (p People) Has(kind string) bool { return kind != "" && (kind == p.Joined || kind == p.Invited) }

// Kind finds a kind by its name, or nil.
func (a *API) Kind(name string) *Kind {
	i := slices.IndexFunc(a.Kinds, func(k *Kind) bool { return k.Name == name })
	if i < 0 {
		return nil
	}
	return a.Kinds[i]
}

// Organization is the kind of the organization itself: one object, which is neither made nor deleted.
func (a *API) Organization() *Kind { return a.Kinds[0] }
