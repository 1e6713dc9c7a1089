package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says how much a diagnostic matters.
type Severity string

// Severities of a Diagnostic. Only SeverityError makes a manifest invalid.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Diagnostic is one problem of a manifest, complete enough to act on: where, which rule, what was found, what to do.
type Diagnostic struct {
	Severity Severity  `json:"severity"`
	Code     string    `json:"code"` // OC2xx, stable; docs/errors.md has a section for each
	Message  string    `json:"message"`
	Hint     string    `json:"hint,omitempty"` // "did you mean ..." or how to write it
	Pos      Pos       `json:"pos"`
	Related  []Related `json:"related,omitempty"` // the other place of a duplicate or conflict
}

// Related is a second place that a diagnostic is about.
type Related struct {
	Message string `json:"message"`
	Pos     Pos    `json:"pos"`
}

// String gives file:line:col: error OC2xx: message (hint), one line per place.
func (d Diagnostic) String() string {
	var b strings.Builder
	if p := d.Pos.String(); p != "" {
		b.WriteString(p + ": ")
	}
	fmt.Fprintf(&b, "%s %s: %s", d.Severity, d.Code, d.Message)
	if d.Hint != "" {
		b.WriteString("; " + d.Hint)
	}
	for _, r := range d.Related {
		fmt.Fprintf(&b, "\n  %s: %s", r.Pos, r.Message)
	}
	return b.String()
}

// Diagnostics are all problems of one run, ordered by place.
type Diagnostics []Diagnostic

// HasErrors reports whether any of them makes the manifests invalid.
func (ds Diagnostics) HasErrors() bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Severity == SeverityError })
}

// Sort orders by file, line, column, code and message, and drops exact repetitions.
func (ds Diagnostics) Sort() Diagnostics {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(ds, func(a, b Diagnostic) bool {
		return a.Pos == b.Pos && a.Code == b.Code && a.Message == b.Message
	})
}
