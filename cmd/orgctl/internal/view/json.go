package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// PlanJSON writes the plan as it is saved: the form that schemas/plan.v1.schema.json describes, the same bytes for the same
// plan, nothing shortened. Lists without elements are [], never null.
func PlanJSON(w io.Writer, p *diff.Plan) error {
	saved := *p
	saved.Changes = list(p.Changes)
	saved.Unmanaged = list(p.Unmanaged)
	saved.Findings = list(p.Findings)
	saved.Requirements = list(p.Requirements)
	saved.NotChecked = list(p.NotChecked)
	return writeJSON(w, saved)
}

// DiagnosticsJSON writes the outcome of a validation. The manifests are valid when no diagnostic is an error.
func DiagnosticsJSON(w io.Writer, ds spec.Diagnostics) error {
	return writeJSON(w, struct {
		Valid        bool             `json:"valid"`
		ErrorCount   int              `json:"errorCount"`
		WarningCount int              `json:"warningCount"`
		Diagnostics  spec.Diagnostics `json:"diagnostics"`
	}{!ds.HasErrors(), countSeverity(ds, spec.SeverityError), countSeverity(ds, spec.SeverityWarning), list(ds)})
}

// ReportJSON writes the outcome of a run: how many changes ended in which status, then the report itself. Times are in
// nanoseconds.
func ReportJSON(w io.Writer, r *apply.Report) error {
	report := *r
	report.Results = list(r.Results)
	return writeJSON(w, struct {
		Applied int `json:"applied"`
		Failed  int `json:"failed"`
		Skipped int `json:"skipped"`
		Unknown int `json:"unknown"`
		apply.Report
	}{r.Count(apply.Applied), r.Count(apply.Failed), r.Count(apply.Skipped), r.Count(apply.Unknown), report})
}

// Version is what a binary was made of, and which formats it knows.
type Version struct {
	Version       string `json:"version"`
	Commit        string `json:"commit,omitempty"`
	Date          string `json:"date,omitempty"`     // of the commit
	Modified      bool   `json:"modified,omitempty"` // there were changes that no commit has
	Go            string `json:"go"`
	Platform      string `json:"platform"`
	APIVersion    string `json:"apiVersion"`    // of manifests
	FormatVersion string `json:"formatVersion"` // of plans
}

// VersionJSON writes what a binary was made of.
func VersionJSON(w io.Writer, v Version) error { return writeJSON(w, v) }

// list makes an absent list an empty one.
func list[S ~[]E, E any](s S) S {
	if s == nil {
		return S{}
	}
	return s
}

func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	_, err := io.WriteString(w, visibleJSON(b.String()))
	return err
}

// visibleJSON does for JSON what visible does for text, without changing any value: the characters that it spells out can
// only stand in strings, where JSON has an escape for each.
func visibleJSON(text string) string {
	return visibleQuoted(text, func(r rune) string {
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	})
}

// visibleYAML is the same for YAML, whose quoted strings have the escapes of JSON, but no pairs of them.
func visibleYAML(text string) string {
	return visibleQuoted(text, func(r rune) string { return fmt.Sprintf(`\U%08x`, r) })
}

// visibleQuoted spells out what cannot be seen, the characters beyond the first 65,536 in a way of their own.
func visibleQuoted(text string, beyond func(rune) string) string {
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range disarm(text, `\u0023`) {
		switch {
		case r == '\n' || printable(r):
			b.WriteRune(r)
		case r < utf8.RuneSelf || utf16.RuneLen(r) == 1:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(beyond(r))
		}
	}
	return b.String()
}
