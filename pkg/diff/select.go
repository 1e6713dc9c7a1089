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

// Match reports whether an address is in the selection.
func (s Selection) Match(a spec.Address) bool {
	return (len(s.Only) == 0 || MatchAny(s.Only, a)) && !MatchAny(s.Except, a)
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
