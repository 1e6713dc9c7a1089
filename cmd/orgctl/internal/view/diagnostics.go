package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// Diagnostics writes one line per problem in the form that editors and CI log matchers read,
//
//	file:line:col: error OC2xx: what is wrong; what to do
//
// a further line for each other place, and how many there are as the last line.
func Diagnostics(w io.Writer, ds spec.Diagnostics, o Options) error {
	var b strings.Builder
	pen := pen{o.Color}
	for _, d := range ds {
		if p := visible(d.Pos.String()); p != "" {
			b.WriteString(pen.bold(p+":") + " ")
		}
		tone := signRemove
		if d.Severity == spec.SeverityWarning {
			tone = signUpdate
		}
		fmt.Fprintf(&b, "%s: %s", pen.paint(tone, visible(string(d.Severity)+" "+d.Code)), visible(d.Message))
		if d.Hint != "" {
			b.WriteString("; " + visible(d.Hint))
		}
		b.WriteString("\n")
		for _, r := range d.Related {
			fmt.Fprintf(&b, "  %s: %s\n", visible(r.Pos.String()), visible(r.Message))
		}
	}
	b.WriteString(tally(ds) + "\n")
	return emit(w, b.String())
}

func tally(ds spec.Diagnostics) string {
	var parts []string
	if n := countSeverity(ds, spec.SeverityError); n > 0 {
		parts = append(parts, plural(n, "error"))
	}
	if n := countSeverity(ds, spec.SeverityWarning); n > 0 {
		parts = append(parts, plural(n, "warning"))
	}
	if len(parts) == 0 {
		return "Valid: no problems found."
	}
	if !ds.HasErrors() {
		return "Valid: " + strings.Join(parts, ", ") + "."
	}
	return "Invalid: " + strings.Join(parts, ", ") + "."
}

func countSeverity(ds spec.Diagnostics, s spec.Severity) int {
	n := 0
	for _, d := range ds {
		if d.Severity == s {
			n++
		}
	}
	return n
}
