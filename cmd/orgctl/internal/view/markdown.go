package view

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/diff"
)

// Bounds of a Markdown document. Code hosts refuse a comment that is too long, the strictest of the common ones above
// 65,536 characters; bytes are never fewer than characters. MinLimit leaves room for the verdict.
const (
	DefaultLimit = 60_000
	MinLimit     = 4_000
)

// Markdown writes a plan as a comment for a pull request: a hidden marker by which a later run finds and replaces it, the
// verdict, what calls for caution, a table of all changes, and their details folded away.
//
// A plan too large for Options.Limit loses parts in a fixed order, the least important first: unmanaged objects, field diffs of
// creations and the rows of the kind with the most of them, and only then what is done to live objects, deletions last. The
// document then says what it lacks and its marker has truncated=true; an approval of such a comment is no approval of the plan.
func Markdown(w io.Writer, p *diff.Plan, o Options) error {
	limit := o.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	d := newDocument(p, max(limit, MinLimit), o)
	// Parts are laid out in the order of importance, so that whatever finds no more room matters less than all before it.
	caution := d.caution()
	warning := d.warning()
	findings := d.findings()
	required := d.requirements()
	unchecked := d.notChecked()
	table, details := d.shown()
	unmanaged := d.unmanaged()
	parts := []string{d.head(), caution, warning, table, findings, required, unchecked, unmanaged, details, d.omissions(), d.foot()}
	return emit(w, strings.Join(parts, ""))
}

// document fills a bounded Markdown text part by part.
type document struct {
	proofs  []diff.Proof
	plan    *diff.Plan
	changes []diff.Change
	limit   int
	left    int      // bytes that may still be used
	omitted []string // what found no room
	full    bool     // a part of the plan found no room, so nothing that matters less gets any
}

// room for what is only known in the end: what was omitted, and the marker's truncated=false.
const reserve = 700

func newDocument(p *diff.Plan, limit int, o Options) *document {
	d := &document{plan: p, changes: byWeight(p.Changes), limit: limit, proofs: o.Proofs}
	d.left = limit - len(d.head()) - len(d.foot()) - reserve
	return d
}

// digest needs no bound of its own: it is computed here or checked when a plan is read, and never foreign text.
func (d *document) digest() string { return visible(d.plan.Digest) }

func (d *document) head() string {
	title := counts(d.plan)
	if d.plan.Empty() {
		title = strings.Join(append([]string{"no changes"}, concerns(d.plan)...), ", ")
	}
	head := fmt.Sprintf("<!-- orgctl:plan org=%s digest=%s truncated=%t -->\n### orgctl plan for %s: %s\n\n",
		url.PathEscape(handle(d.plan)), url.PathEscape(d.digest()), len(d.omitted) > 0, code(handle(d.plan)), title)
	switch {
	case d.plan.Narrowed != nil:
		subject, is := "This plan is about what is selected", ""
		if d.plan.Converged() {
			subject, is = "What is selected", " is as declared"
		}
		head += fmt.Sprintf("%s (%s)%s; %s.\n\n", subject, code(excerpt(options(d.plan.Narrowed), 0, optionsLimit)), is, unselected(d.plan.Narrowed, "is", "are"))
	case d.plan.Converged():
		head += "The organization is as declared.\n\n"
	}
	return disarm(head, `\x23`)
}

func (d *document) foot() string {
	if d.plan.Empty() {
		return ""
	}
	if d.plan.Blocked() || d.plan.Worst() == diff.SeverityError {
		return fmt.Sprintf("Digest %s. Apply refuses this plan as it is.\n", code(d.digest()))
	}
	foot := fmt.Sprintf("Digest %s. To apply exactly this plan:\n%s\n", code(d.digest()), d.command())
	if len(d.proofs) > 0 {
		foot = fmt.Sprintf("Proof: %s.\n\n", statements(d.proofs)) + foot
	}
	return disarm(foot, `\x23`)
}

// optionsLimit is how many characters of --only and --except a comment takes.
const optionsLimit = 500

// command is what applies this very plan in a pipeline, which nobody can answer and where a secret needs a place. What else apply
// needs, such as --allow-delete, is for somebody to decide.
func (d *document) command() string {
	words := []string{"orgctl apply --expect-digest", d.digest(), "-f PATH"}
	narrowing := options(d.plan.Narrowed)
	if narrowing != "" && len(narrowing) <= optionsLimit {
		words = append(words, narrowing)
	}
	words = append(words, "--yes")
	if slices.ContainsFunc(d.changes, func(c diff.Change) bool { return c.MakesSecret(d.plan.Definition()) }) {
		words = append(words, "--secrets-out DIR")
	}
	command := code(strings.Join(words, " "))
	if len(narrowing) > optionsLimit {
		command += ", with the same --only and --except"
	}
	return command
}

func (d *document) omissions() string {
	if len(d.omitted) == 0 {
		return ""
	}
	return fmt.Sprintf("> [!IMPORTANT]\n> This comment is incomplete, since it may hold %d bytes at most. Left out: %s. Read the whole with `orgctl plan` before you approve it.\n\n",
		d.limit, strings.Join(d.omitted, ", "))
}

// fit gives items as far as there is room for them beside their title, at most share bytes, and a last item that counts the
// others. Nothing comes of no items.
func (d *document) fit(what, title string, items []string, share int, more string) string {
	if len(items) == 0 {
		return ""
	}
	const moreRoom = 80
	room := min(share, d.left) - moreRoom - len(title)
	if room < 0 {
		d.omitted = append(d.omitted, plural(len(items), what))
		return ""
	}
	var b strings.Builder
	b.WriteString(title)
	for i, item := range items {
		item = disarm(item, `\x23`)
		if room -= len(item); room < 0 {
			rest := len(items) - i
			fmt.Fprintf(&b, more, rest)
			d.omitted = append(d.omitted, plural(rest, what))
			break
		}
		b.WriteString(item)
	}
	d.left -= b.Len()
	return b.String()
}

// share is what one list of remarks may take, so that none of them crowds out the table.
func (d *document) share() int { return d.limit / 10 }

const (
	moreQuoted = "> - %d not shown here\n"
	moreListed = "- %d not shown here\n"
	moreRows   = "| | | | %d not shown here | |\n"
)

func (d *document) caution() string {
	var blocking, left, deletes, lockout, passwords []string
	for _, f := range gravestFirst(d.plan.Findings) {
		switch item := "> - " + finding(f) + "\n"; {
		case f.OfObject():
			left = append(left, item)
		case f.Severity == diff.SeverityError, f.Severity == diff.SeverityBlocked:
			blocking = append(blocking, item)
		}
	}
	for _, c := range d.changes {
		item := "> - " + code(address(c.Address))
		if c.Reason != "" {
			item += ": " + prose(excerpt(c.Reason, 0, valueLimit))
		}
		if c.Action == diff.Delete {
			deletes = append(deletes, item+"\n")
		}
		if c.Risk == diff.RiskLockout {
			lockout = append(lockout, item+"\n")
		}
		if c.SetsPassword {
			passwords = append(passwords, item+"\n")
		}
	}
	return d.alert("CAUTION",
		d.fit("blocking finding", fmt.Sprintf("> **Blocked by %s:**\n", plural(len(blocking), "finding")), blocking, d.share(), moreQuoted),
		d.fit("finding of an object", fmt.Sprintf("> **Left as they are (%s), while other objects are changed:**\n", plural(len(left), "finding")), left, d.share(), moreQuoted),
		d.fit("deletion", fmt.Sprintf("> **Deletes %s:**\n", plural(len(deletes), "object")), deletes, d.share(), moreQuoted),
		d.fit("lockout risk", "> **Touches administrators or the calling key:**\n", lockout, d.share(), moreQuoted),
		d.fit("new password", "> **Sets a new password for user default:**\n", passwords, d.share(), moreQuoted))
}

func (d *document) warning() string {
	drift, _ := driftFirst(d.plan.Unmanaged)
	return d.alert("WARNING", d.fit("drifted object",
		fmt.Sprintf("> **Drift: %s that no manifest declares, in an exclusive collection:**\n", plural(len(drift), "live object")),
		unmanagedItems("> - ", drift), d.share(), moreQuoted))
}

// alert joins lists that are not empty to one call-out.
func (d *document) alert(kind string, lists ...string) string {
	var present []string
	for _, l := range lists {
		if l != "" {
			present = append(present, l)
		}
	}
	if len(present) == 0 {
		return ""
	}
	text := "> [!" + kind + "]\n" + strings.Join(present, ">\n") + "\n"
	d.left -= len(text) - len(strings.Join(present, ""))
	return text
}

func unmanagedItems(bullet string, objects []diff.Unmanaged) []string {
	items := make([]string, len(objects))
	for i, u := range objects {
		items[i] = bullet + code(address(u.Address))
		if u.ID != "" {
			items[i] += " (" + code(excerpt(visible(u.ID), 0, 64)) + ")"
		}
		if u.HalfMade {
			items[i] += ", " + halfMade
		}
		items[i] += "\n"
	}
	return items
}

func finding(f diff.Finding) string {
	text := code(f.Code)
	if a := address(f.Address); a != "" {
		text += " " + code(a)
	}
	if p := place(f.Pos); p != "" {
		text += " in " + code(p)
	}
	return text + ": " + remark(f.Message, f.Hint)
}

func remark(message, hint string) string {
	const limit = 500
	text := prose(excerpt(message, 0, limit))
	if hint != "" {
		text += " (" + prose(excerpt(hint, 0, limit)) + ")"
	}
	return text
}

func (d *document) findings() string {
	var items []string
	for _, f := range gravestFirst(d.plan.Findings) {
		if f.Severity == diff.SeverityWarning || f.Severity == diff.SeverityNote {
			items = append(items, "- "+visible(string(f.Severity))+" "+finding(f)+"\n")
		}
	}
	return d.section(d.fit("finding", "**Findings**\n\n", items, d.share(), moreListed))
}

func (d *document) requirements() string {
	all := needs(d.plan.Requirements)
	items := make([]string, len(all))
	for i, n := range all {
		items[i] = "- " + code(n.Code) + " " + some(n.objects, code) + ": " + remark(n.Message, n.Hint) + "\n"
	}
	return d.section(d.fit("requirement", "**Apply will need**\n\n", items, d.share(), moreListed))
}

func (d *document) notChecked() string {
	all := collections(d.plan.NotChecked)
	items := make([]string, len(all))
	for i, n := range all {
		items[i] = "- " + code(n.Collection) + ": " + remark(n.Reason, "") + "\n"
	}
	return d.section(d.fit("unchecked collection", "**Not checked**\n\n", items, d.share(), moreListed))
}

// section ends a part with the blank line that Markdown wants before the next.
func (d *document) section(text string) string {
	if text == "" {
		return ""
	}
	d.left--
	return text + "\n"
}

func (d *document) unmanaged() string {
	_, others := driftFirst(d.plan.Unmanaged)
	if len(others) > 0 && (d.full || d.left < d.share()) {
		d.omitted = append(d.omitted, plural(len(others), "unmanaged object"))
		return ""
	}
	const open, end = "<details><summary>Unmanaged (%d): " + unmanagedTitle + "</summary>\n\n", "\nHint: " + unmanagedHint + ".\n\n</details>\n\n"
	d.left -= len(end)
	text := d.fit("unmanaged object", fmt.Sprintf(open, len(others)), unmanagedItems("- ", others), d.share(), moreListed)
	if text == "" {
		return ""
	}
	return text + end
}
