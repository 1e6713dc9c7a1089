package diff

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// Selection narrows a plan: an address is in it when it matches any of Only (or Only is empty) and none of Except. Patterns
// are KIND/GLOB as ParseSelector accepts them.
type Selection struct {
	Only   []string `json:"only,omitempty"`
	Except []string `json:"except,omitempty"`
}

// Narrowed is what a selection has made of a plan. It enters no digest: the changes that were reviewed are what counts.
type Narrowed struct {
	Selection
	// LeftOut counts the changes that the plan would have as well without it, when it was made.
	LeftOut int `json:"leftOut"`
}

// All reports that nothing is left out.
func (s Selection) All() bool { return len(s.Only) == 0 && len(s.Except) == 0 }

// match reports whether an object is in the selection, under whichever of its names.
func (s Selection) match(o named) bool {
	return (len(s.Only) == 0 || o.matches(s.Only)) && !o.matches(s.Except)
}

// Holds reports whether a selection holds an object of an API, by its name or as NAME#ID.
func (s Selection) Holds(api *spec.API, r spec.Resource) bool {
	return s.match(named{api, []spec.Address{r.Address}, r.ID})
}

// names reports whether an object is selected by the name that it has, and not merely by one that a manifest gives it.
func (s Selection) names(o named) bool {
	return len(s.Only) == 0 || named{o.api, o.names[:1], o.id}.matches(s.Only)
}

// named is an object by all that it may be called: first the name that it has, then those that entries give it, and of several
// of one name NAME#ID.
type named struct {
	api   *spec.API
	names []spec.Address
	id    string // the server's, "" of an object that is not live
}

// Names reports whether a pattern means an object of an API, by its name or as NAME#ID.
func Names(api *spec.API, pattern string, r spec.Resource) bool {
	return named{api, []spec.Address{r.Address}, r.ID}.matches([]string{pattern})
}

func (o named) matches(patterns []string) bool {
	for _, p := range patterns {
		for _, a := range o.names {
			// A pattern without # means a name: it must not hit an id by accident, as service/*0 would.
			if o.called(p, a) || strings.Contains(p, "#") && o.id != "" && o.called(p, twin(a, o.id)) {
				return true
			}
		}
	}
	return false
}

// twin is the address of one of several live objects of one name: only the id tells them apart. Two services named orders are
// service/orders#1f0a and service/orders#9c3e.
func twin(a spec.Address, id string) spec.Address {
	a.Name += "#" + id
	return a
}

// distinguish gives the addresses that tell live objects apart: NAME#ID where several of a kind have one name.
func distinguish(live *spec.Live) func(*spec.Resource) spec.Address {
	count := map[spec.Address]int{}
	for _, r := range live.Resources {
		count[r.Address]++
	}
	return func(r *spec.Resource) spec.Address {
		if count[r.Address] > 1 {
			return twin(r.Address, r.ID)
		}
		return r.Address
	}
}

// Fits refuses a selection that names a kind which the API lacks.
func (s Selection) Fits(api *spec.API) error {
	for _, pattern := range slices.Concat(s.Only, s.Except) {
		if kind, _, _ := strings.Cut(pattern, "/"); api.Kind(kind) == nil {
			return noKind(pattern, api)
		}
	}
	return nil
}

func noKind(pattern string, api *spec.API) error {
	known := make([]string, len(api.Kinds))
	for i, k := range api.Kinds {
		known[i] = k.Name
	}
	return fmt.Errorf("%q names no kind; the kinds are %s", pattern, strings.Join(known, ", "))
}

// ParseSelector checks a pattern KIND/GLOB; a bare KIND stands for all of that kind. The glob language is that of path.Match,
// where * and ? match no slash. KIND is one of any API: which one is meant, the manifests say (see Selection.Fits).
func ParseSelector(pattern string) (string, error) {
	kind, glob, narrowed := strings.Cut(pattern, "/")
	if !slices.ContainsFunc(spec.APIs(), func(api *spec.API) bool { return api.Kind(kind) != nil }) {
		return "", noKind(pattern, spec.ClickHouse)
	}
	if !narrowed {
		return kind, nil
	}
	if _, err := path.Match(glob, ""); err != nil || glob == "" {
		return "", fmt.Errorf("%q is not of the form KIND/GLOB", pattern)
	}
	return kind + "/" + spec.CanonicalName(glob), nil
}

// called reports whether a pattern matches an address, as a whole. Of kinds whose names are paths a pattern without slashes also
// matches the last part, so that privateEndpoint/vpce-* need not spell provider and region.
func (o named) called(pattern string, a spec.Address) bool {
	kind, glob, narrowed := strings.Cut(pattern, "/")
	if kind != a.Kind || !narrowed {
		return kind == a.Kind
	}
	matches := func(name string) bool { ok, err := path.Match(glob, name); return err == nil && ok }
	return matches(a.Name) || o.api.Kind(kind).Paths && matches(a.Name[strings.LastIndex(a.Name, "/")+1:])
}
