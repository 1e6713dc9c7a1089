package diff

import (
	"fmt"
	"path"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// Selection narrows a plan: an address is in it when it matches any of Only (or Only is empty) and none of Except. Patterns
// are KIND/GLOB as ParseSelector accepts them.
type Selection struct {
	Only   []string
	Except []string
}

// All reports that nothing is left out.
func (s Selection) All() bool { return len(s.Only) == 0 && len(s.Except) == 0 }

// match reports whether an object is in the selection, under whichever of its names.
func (s Selection) match(o named) bool {
	return (len(s.Only) == 0 || o.matches(s.Only)) && !o.matches(s.Except)
}

// named is an object by all that it may be called: the name that it has, the one that it is to have, and of several of one name
// NAME#ID.
type named struct {
	names []spec.Address
	id    string // the server's, "" of an object that is not live
}

// Names reports whether a pattern means an object, by its name or as NAME#ID.
func Names(pattern string, r spec.Resource) bool {
	return named{[]spec.Address{r.Address}, r.ID}.matches([]string{pattern})
}

func (o named) matches(patterns []string) bool {
	for _, p := range patterns {
		for _, a := range o.names {
			// A pattern without # means a name: it must not hit an id by accident, as service/*0 would.
			if MatchAny([]string{p}, a) || strings.Contains(p, "#") && o.id != "" && MatchAny([]string{p}, twin(a, o.id)) {
				return true
			}
		}
	}
	return false
}

// twin is the address of one of several live objects of one name: only the id tells them apart.
func twin(a spec.Address, id string) spec.Address {
	a.Name += "#" + id
	return a
}

// ParseSelector checks a pattern KIND/GLOB; a bare KIND stands for KIND/*. The glob language is that of path.Match.
func ParseSelector(pattern string) (string, error) {
	kind, glob, found := strings.Cut(pattern, "/")
	if !found {
		glob = "*"
	}
	if spec.KindOf(kind) == nil {
		known := make([]string, 0, len(spec.Kinds()))
		for _, k := range spec.Kinds() {
			known = append(known, k.Name)
		}
		return "", fmt.Errorf("%q names no kind; the kinds are %s", pattern, strings.Join(known, ", "))
	}
	if _, err := path.Match(glob, ""); err != nil || glob == "" {
		return "", fmt.Errorf("%q is not of the form KIND/GLOB", pattern)
	}
	return kind + "/" + spec.CanonicalName(glob), nil
}

// MatchAny reports whether any pattern matches an address. A pattern without slashes in its glob also matches the last part
// of a name that has some, so that privateEndpoint/vpce-* need not spell provider and region.
func MatchAny(patterns []string, a spec.Address) bool {
	for _, p := range patterns {
		kind, glob, _ := strings.Cut(p, "/")
		if kind != a.Kind {
			continue
		}
		for _, name := range []string{a.Name, a.Name[strings.LastIndex(a.Name, "/")+1:]} {
			if ok, err := path.Match(glob, name); err == nil && ok {
				return true
			}
		}
	}
	return false
}
