package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// Plan writes a plan for a person: changes with their details, the gravest first, then everything else to know, and as its
// last line a summary that begins with "Plan:" or "No changes". The digest stands above a summary of changes.
func Plan(w io.Writer, p *diff.Plan, o Options) error {
	t := textPlan{pen: pen{o.Color}, width: o.Width}
	t.changes(p.Definition(), byWeight(p.Changes))
	t.findings(gravestFirst(p.Findings))
	t.requirements(p.Requirements)
	t.unmanaged(p.Unmanaged)
	t.notChecked(collections(p.NotChecked))
	head := ""
	if t.b.Len() > 0 {
		head = t.pen.bold("Plan for "+handle(p)) + t.organization(p) + "\n\n"
	}
	return emit(w, head+t.b.String()+selection(p)+proof(p, o.Proofs)+summary(p))
}

// selection says of a narrowed plan what it is about.
func selection(p *diff.Plan) string {
	if p.Narrowed == nil || p.Empty() && p.Converged() {
		return ""
	}
	return fmt.Sprintf("Selection: %s; %s.\n", visible(options(p.Narrowed)), unselected(p.Narrowed, "is", "are"))
}

// proof says in one line what no part of the plan takes away. A plan without changes takes nothing.
func proof(p *diff.Plan, proofs []diff.Proof) string {
	if p.Empty() || len(proofs) == 0 {
		return ""
	}
	return fmt.Sprintf("Proof: %s.\n", statements(proofs))
}

func statements(proofs []diff.Proof) string {
	said := make([]string, len(proofs))
	for i, f := range proofs {
		said[i] = visible(f.Statement)
	}
	return strings.Join(said, "; ")
}

// summary is the end of the text of a plan. Its last line is one for grep and keeps its form.
func summary(p *diff.Plan) string {
	switch {
	case !p.Empty():
		return fmt.Sprintf("Digest: %s\nPlan: %s.\n", visible(p.Digest), counts(p))
	case p.Converged() && p.Narrowed != nil:
		return fmt.Sprintf("No changes among what is selected%s.\n", besides(p.Narrowed, "is", "are"))
	case p.Converged():
		return fmt.Sprintf("No changes. %s is as declared.\n", handle(p))
	default:
		return fmt.Sprintf("No changes to apply, %s.\n", strings.Join(concerns(p), ", "))
	}
}

// textPlan gathers the text of one plan, section by section; a section without content leaves nothing.
type textPlan struct {
	b     strings.Builder
	pen   pen
	width int
}

func (t *textPlan) line(format string, args ...any) {
	t.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// prose writes a text under a heading line, wrapped where the terminal ends.
func (t *textPlan) prose(indent int, text string) {
	margin := strings.Repeat(" ", indent)
	width := 0
	if t.width > 0 {
		width = max(t.width-indent, 40)
	}
	for _, l := range wrap(text, width) {
		t.line("%s%s", margin, l)
	}
}

// fits reports whether a line of so many columns ends before the terminal does, which breaks what is longer, places included.
func (t *textPlan) fits(columns int) bool { return t.width == 0 || columns <= t.width }

// below writes a place, if there is one, on a line of its own.
func (t *textPlan) below(indent int, place string) {
	if place != "" {
		t.line("%s%s", strings.Repeat(" ", indent), t.pen.dim(place))
	}
}

func (t *textPlan) organization(p *diff.Plan) string {
	known := make([]string, 0, 2)
	for _, s := range []string{p.Organization.Name, p.Organization.ID} {
		if s != "" && visible(s) != handle(p) {
			known = append(known, excerpt(visible(s), 0, valueLimit))
		}
	}
	if len(known) == 0 {
		return ""
	}
	return " (" + strings.Join(known, ", ") + ")"
}

func (t *textPlan) changes(api *spec.API, changes []diff.Change) {
	names, places := 0, 0
	for _, c := range changes {
		names = max(names, min(columns(address(c.Address)), 44))
		places = max(places, min(columns(place(c.Pos)), 44))
	}
	for _, c := range changes {
		head := t.pen.paint(sign(c.Action), t.pen.bold(sign(c.Action)+" "+pad(address(c.Address), names)))
		if t.fits(max(names, columns(address(c.Address))) + max(places, columns(place(c.Pos))) + len("~     "+diff.RiskDestructive)) {
			t.line("%s  %s  %s", head, t.pen.dim(pad(place(c.Pos), places)), t.risk(c.Risk))
		} else {
			t.line("%s  %s", head, t.risk(c.Risk))
			t.below(4, place(c.Pos))
		}
		if text := why(c); text != "" {
			for _, l := range wrap(text, max(t.width-6, 0)) {
				t.line("    %s", t.pen.dim("# "+l))
			}
		}
		for _, l := range details(api, c) {
			t.detail(l)
		}
		t.line("")
	}
}

func (t *textPlan) risk(r diff.Risk) string {
	switch r {
	case diff.RiskNone:
		return ""
	case diff.RiskDisruptive:
		return t.pen.paint(signUpdate, string(r))
	case diff.RiskDestructive, diff.RiskLockout:
		return t.pen.paint(signRemove, string(r))
	}
	return visible(string(r))
}

func (t *textPlan) detail(l line) {
	text := l.text
	if l.depth > 1 {
		text = "  " + t.pen.paint(l.sign, l.sign+" "+l.text)
	}
	if l.note != "" {
		text += t.pen.dim("  # " + l.note)
	}
	t.line("    %s", text)
}

func (t *textPlan) findings(findings []diff.Finding) {
	if len(findings) == 0 {
		return
	}
	t.line("%s", t.pen.bold("Findings:"))
	for _, f := range findings {
		severity := fmt.Sprintf("%-7s", visible(string(f.Severity)))
		switch f.Severity {
		case diff.SeverityError, diff.SeverityBlocked:
			severity = t.pen.paint(signRemove, severity)
		case diff.SeverityWarning:
			severity = t.pen.paint(signUpdate, severity)
		case diff.SeverityNote:
		}
		object, pos := visible(f.Code)+"  "+address(f.Address), visible(f.Pos.String())
		if t.fits(11 + columns(object) + 2 + columns(pos)) {
			t.line("  %s  %s  %s", severity, object, t.pen.dim(pos))
		} else {
			t.line("  %s  %s", severity, object)
			t.below(6, pos)
		}
		t.explain(f.Message, f.Hint)
	}
	t.line("")
}

// explain writes what is the matter and what to do about it, below the line that names the object.
func (t *textPlan) explain(message, hint string) {
	t.prose(6, visible(message))
	if hint != "" {
		t.prose(6, "hint: "+visible(hint))
	}
}

func (t *textPlan) requirements(requirements []diff.Requirement) {
	if len(requirements) == 0 {
		return
	}
	t.line("%s", t.pen.bold("Apply will need:"))
	for _, n := range needs(requirements) {
		t.line("  %s  %s", visible(n.Code), some(n.objects, visible))
		t.explain(n.Message, n.Hint)
	}
	t.line("")
}

func (t *textPlan) unmanaged(objects []diff.Unmanaged) {
	if len(objects) == 0 {
		return
	}
	t.line("%s %s", t.pen.bold("Unmanaged:"), unmanagedTitle)
	names, ids := 0, 0
	for _, u := range objects {
		names = max(names, min(columns(address(u.Address)), 44))
		ids = max(ids, min(columns(visible(u.ID)), 44))
	}
	drift, others := driftFirst(objects)
	for _, u := range append(drift, others...) {
		var marks []string
		if u.Exclusive {
			marks = append(marks, t.pen.paint(signUpdate, "drift")+fmt.Sprintf(" (%s are exclusive)", visible(u.Collection)))
		}
		if u.HalfMade {
			marks = append(marks, halfMade)
		}
		t.line("  %s  %s  %s", pad(address(u.Address), names), t.pen.dim(pad(visible(u.ID), ids)), strings.Join(marks, "; "))
	}
	t.prose(2, "hint: "+unmanagedHint)
	t.line("")
}

func (t *textPlan) notChecked(all []diff.NotChecked) {
	if len(all) == 0 {
		return
	}
	t.line("%s", t.pen.bold("Not checked:"))
	for _, n := range all {
		t.prose(2, visible(n.Collection)+": "+visible(n.Reason))
	}
	t.line("")
}
