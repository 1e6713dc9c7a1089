package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/orgctl/orgctl/schemas"
)

// API is one organization API as manifests, plans and everything between them know it: a value that the engine is given, and
// of which it knows no part by name. How calls are made is said by the API's client and backend.
type API struct {
	Name   string  // what a manifest calls it in spec.api
	Title  string  // what people call it
	Schema []byte  // JSON Schema of its manifests
	Kinds  []*Kind // in the order in which outputs list them; the first is that of the organization itself
	People People  // the zero value where the API knows no people
	// Callers are the collections among whose live objects the key in use may be recognised; none where the API does not tell.
	Callers []string
	Admin   string // the role that may do everything, by name, the same in every organization; "" where there is none

	// OpaqueIDs says that ids are text of the server's, compared to the letter; else they are UUIDs, in which case does not count.
	OpaqueIDs bool

	complete func(*draft) // gives objects what they have from others; nil when nothing
	check    func(*draft) // rules of its own; nil when there are none

	compiling sync.Once
	compiled  *compiledSchema
}

// APIs are all that there are. The first is that of manifests that name none.
func APIs() []*API { return []*API{ClickHouse, Locktera} }

// APIByName finds an API by what manifests call it, "" being the first, or nil.
func APIByName(name string) *API { return named(APIs(), name) }

func named(apis []*API, name string) *API {
	for _, a := range apis {
		if name == "" || a.Name == name {
			return a
		}
	}
	return nil
}

// People are the two kinds in which an API shows its people, who are one list by e-mail address: whoever is invited becomes
// somebody who has joined by accepting.
type People struct {
	Joined, Invited string
	Email           string // the field that holds the address in both
}

// One is the name under which objects of a kind are counted: people are one list, whether or not they have joined.
func (p People) One(kind string) string {
	if p.Has(kind) {
		return p.Joined
	}
	return kind
}

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

// CanonicalID is the one form of an id, by which it is looked up.
func (a *API) CanonicalID(written string) string {
	if a.OpaqueIDs {
		return written
	}
	return strings.ToLower(written)
}

// Equal reports whether two are one; nil is ClickHouse, as in an Organization.
func (a *API) Equal(b *API) bool { return cmp.Or(a, ClickHouse) == cmp.Or(b, ClickHouse) }

// SameID reports whether two ids are one.
func (a *API) SameID(x, y string) bool { return a.CanonicalID(x) == a.CanonicalID(y) }

// Nameless is the kind whose live objects may have no name that the API shows, "" where there is none.
func (a *API) Nameless() string {
	for _, k := range a.Kinds {
		if k.Nameless {
			return k.Name
		}
	}
	return ""
}

// Organization is the kind of the organization itself: one object, which is neither made nor deleted.
func (a *API) Organization() *Kind { return a.Kinds[0] }

// choose finds the API of an organization, which all of its documents have in common: the one that any of them names. Nil is one
// that nobody knows, about which there is a diagnostic.
func choose(apis []*API, docs []document) (*API, Diagnostics) {
	var found *API
	var first place
	var diags Diagnostics
	for _, doc := range docs {
		root, _ := doc.value.(Tree)
		spec, _ := root["spec"].(Tree)
		name, stated := spec["api"].(string)
		if !stated {
			continue
		}
		at := doc.at("spec", "api")
		api := named(apis, name)
		switch {
		case api == nil || name == "":
			diags = append(diags, unknownAPI(apis, name, at.pos()))
		case found != nil && found != api:
			diags = append(diags, Diagnostic{
				Severity: SeverityError, Code: CodeConflict, Pos: at.pos(),
				Message: fmt.Sprintf("api is %s here and %s elsewhere", quoted(name), quoted(found.Name)),
				Hint:    "an organization is behind one API", Related: []Related{{"the other place", first.pos()}},
			})
		case found == nil:
			found, first = api, at
		}
	}
	switch {
	case len(diags) > 0:
		return nil, diags
	case found == nil:
		found = apis[0]
	}
	return found, nil
}

func unknownAPI(apis []*API, name string, pos Pos) Diagnostic {
	known := make([]string, len(apis))
	for i, a := range apis {
		known[i] = a.Name
	}
	hint := didYouMean(name, known)
	for _, k := range known { // the part before the slash says which is meant
		if product, _, _ := strings.Cut(k, "/"); hint == "" && Nearest(strings.Split(name, "/")[0], []string{product}) != "" {
			hint = fmt.Sprintf("did you mean %q?", k)
		}
	}
	return Diagnostic{
		Severity: SeverityError, Code: CodeEnum, Pos: pos, Hint: hint,
		Message: fmt.Sprintf("api must be %s, not %s", oneOf(known), quoted(name)),
	}
}

// embedded is a schema that is part of the program.
func embedded(name string) []byte {
	text, err := schemas.FS.ReadFile(name)
	if err != nil {
		panic(err) // a broken build, not a run-time condition
	}
	return text
}
