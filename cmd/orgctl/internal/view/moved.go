package view

import (
	"io"
	"strings"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// Moved writes what a reviewed plan and the one that would be made now do to each object on which they differ.
func Moved(w io.Writer, reviewed, now *diff.Plan, _ Options) error {
	var b strings.Builder
	for _, a := range diff.Moved(reviewed, now) {
		b.WriteString("  " + address(a) + "\n")
		b.WriteString("    reviewed: " + intent(reviewed, a) + "\n")
		b.WriteString("    now:      " + intent(now, a) + "\n")
	}
	return emit(w, b.String())
}

// intent says in one line what a plan does to an object.
func intent(p *diff.Plan, a spec.Address) string {
	for _, c := range p.Changes {
		if c.Address == a {
			return strings.TrimSuffix(string(c.Action)+", "+strings.Join(gist(c), ", "), ", ")
		}
	}
	for _, f := range p.Findings {
		switch {
		case f.Address != a:
		case f.Code == diff.CodeUnknownID:
			return "gone: " + excerpt(visible(f.Message), 0, valueLimit)
		case f.Code == diff.CodeAmbiguous:
			return "not known which is meant: " + excerpt(visible(f.Message), 0, valueLimit)
		}
	}
	return "nothing to do"
}
