package view

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
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
// A plan too large for Options.Limit loses parts in a fixed order, the least important first: unmanaged objects, field diffs
// of one object after the other, and at last rows of the table. The document then says what it lacks and its marker has
// truncated=true; an approval of such a comment is no approval of the plan.
func Markdown(w io.Writer, p *diff.Plan, o Options) error {
	limit := o.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	d := newDocument(p, max(limit, MinLimit), o.Proofs)
	// Parts are laid out in the order of importance, so that whatever finds no more room matters less than all before it.
	caution := d.caution()
	warning := d.warning()
	findings := d.findings()
	required := d.requirements()
	unchecked := d.notChecked()
	table := d.table()
	details := d.details()
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

func newDocument(p *diff.Plan, limit int, proofs []diff.Proof) *document {
	d := &document{plan: p, changes: byWeight(p.Changes), limit: limit, proofs: proofs}
	d.left = limit - len(d.head()) - len(d.foot()) - reserve
	return d
}

// digest needs no bound of its own: it is computed here or checked when a plan is read, and never foreign text.
func (d *document) digest() string { return visible(d.plan.Digest) }

func (d *document) head() string {
	title := counts(d.plan.Summary)
	if d.plan.Empty() {
		title = strings.Join(append([]string{"no changes"}, concerns(d.plan.Summary)...), ", ")
	}
	head := fmt.Sprintf("<!-- orgctl:plan org=%s digest=%s truncated=%t -->\n### orgctl plan for %s: %s\n\n",
		url.PathEscape(handle(d.plan)), url.PathEscape(d.digest()), len(d.omitted) > 0, code(handle(d.plan)), title)
	if d.plan.Converged() {
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
	if len(d.proofs) > 0 {
		return fmt.Sprintf("Proof: %s.\n\nDigest %s. To apply exactly this plan:\n`orgctl apply --expect-digest %s -f PATH`\n",
			disarm(statements(d.proofs), `\x23`), code(d.digest()), d.digest())
	}
	return fmt.Sprintf("Digest %s. To apply exactly this plan:\n`orgctl apply --expect-digest %s -f PATH`\n", code(d.digest()), d.digest())
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

func (d *document) table() string {
	rows := make([]string, len(d.changes))
	for i, c := range d.changes {
		rows[i] = fmt.Sprintf("| %s | %s | %s | %s | %s |\n",
			sign(c.Action), code(c.Address.Kind), code(excerpt(visible(c.Address.Name), 0, valueLimit)), what(c), code(place(c.Pos)))
	}
	complete := len(d.omitted)
	text := d.fit("table row", "| | kind | name | change | declared in |\n|:-:|---|---|---|---|\n", rows, d.left, moreRows)
	d.full = len(d.omitted) > complete
	return d.section(text)
}

// what is the table's word on a change.
func what(c diff.Change) string {
	const fields, width = 3, 60
	text := string(c.Action)
	if all := gist(c); len(all) > 0 {
		short := make([]string, 0, fields)
		for _, g := range all[:min(len(all), fields)] {
			short = append(short, code(excerpt(g, 0, width)))
		}
		text = strings.Join(short, ", ")
		if n := len(all) - fields; n > 0 {
			text += fmt.Sprintf(" and %d more", n)
		}
	}
	if c.DeclaredAs != (spec.Address{}) {
		text += ", declared as " + code(address(c.DeclaredAs))
	}
	if c.Risk != diff.RiskNone {
		text += " (**" + prose(string(c.Risk)) + "**)"
	}
	return text
}

// details are the field diffs, in one fence. Where there is no room for all of them, objects are left out and named, the
// largest first, so that as many as possible can be reviewed; the last one to be left out is shown as far as it goes.
func (d *document) details() string {
	if len(d.changes) == 0 {
		return ""
	}
	var diffs []fieldDiff
	missing := make([]string, len(d.changes))
	if !d.full {
		diffs = d.fieldDiffs()
		missing = drop(diffs, d.left-wrapping(diffs))
	}
	var b strings.Builder
	for _, f := range diffs {
		b.WriteString(f.text)
	}
	counted, list := strconv.Itoa(len(diffs)), ""
	if len(missing) > 0 {
		d.full = true
		d.omitted = append(d.omitted, "field diffs of "+plural(len(missing), "change"))
		counted = fmt.Sprintf("%d of %d", len(diffs)-len(missing), len(diffs))
		list = "\n" + leftOut + strings.Join(missing, ", ") + ".\n"
	}
	if b.Len() == 0 {
		return ""
	}
	text := fmt.Sprintf(openDiffs, counted) + fence(strings.TrimSuffix(b.String(), "\n")) + list + endDiffs
	d.left -= len(text)
	return text
}

const (
	openDiffs = "<details><summary>Field diff (%s)</summary>\n\n"
	endDiffs  = "\n</details>\n\n"
	leftOut   = "Left out, largest first: "
)

// wrapping is what stands around diffs, at most.
func wrapping(diffs []fieldDiff) int {
	bar := 3
	for _, f := range diffs {
		bar = max(bar, longestRun(f.text, "~")+1)
	}
	const numbers = 30
	return len(openDiffs) + numbers + len(endDiffs) + 2*bar + len("diff\n\n")
}

// drop empties the largest diffs until the rest and the names of those fit into a room, and gives these names. The last one
// that is emptied keeps as many of its lines as there is room for.
func drop(diffs []fieldDiff, room int) (missing []string) {
	size := 0
	bySize := make([]*fieldDiff, len(diffs))
	for i := range diffs {
		bySize[i] = &diffs[i]
		size += len(diffs[i].text)
	}
	// Of two that are equally large, the one that matters less goes first.
	slices.Reverse(bySize)
	slices.SortStableFunc(bySize, func(a, b *fieldDiff) int { return cmp.Compare(len(b.text), len(a.text)) })
	for _, f := range bySize {
		if size <= room {
			break
		}
		if len(missing) == 0 {
			room -= len(leftOut) + len("\n.\n")
		}
		name := disarm(code(address(f.address)), `\x23`)
		missing = append(missing, name)
		room -= len(name) + len(", ")
		size -= len(f.text)
		f.text = f.beginning(room - size)
		size += len(f.text)
	}
	return missing
}

// fieldDiff is what a diff fence says of one change, and an empty line.
type fieldDiff struct {
	address spec.Address
	text    string
}

// beginning is as much of a diff as fits into a room, or nothing where that is hardly more than its head.
func (f fieldDiff) beginning(room int) string {
	const cut = "    # %d more lines\n\n"
	lines := strings.SplitAfter(f.text, "\n")
	room -= len(cut) + 10
	n := 0
	for n < len(lines) && len(lines[n]) <= room {
		room -= len(lines[n])
		n++
	}
	if n < 4 {
		return ""
	}
	return strings.Join(lines[:n], "") + fmt.Sprintf(cut, len(lines)-n-2) // the last two are the empty line and nothing
}

// fieldDiffs are the lines of the diff fence, deletions first, then updates, then creations. Only what stands in the first
// column is coloured, and an update is coloured by an exclamation mark.
func (d *document) fieldDiffs() []fieldDiff {
	mark := map[string]string{signAdd: signAdd, signUpdate: "!", signRemove: signRemove, "": " "}
	diffs := make([]fieldDiff, 0, len(d.changes))
	for _, action := range []diff.Action{diff.Delete, diff.Update, diff.Create} {
		for _, c := range d.changes {
			if c.Action != action {
				continue
			}
			var b strings.Builder
			fmt.Fprintf(&b, "%s %s", mark[sign(action)], address(c.Address))
			if p := place(c.Pos); p != "" {
				b.WriteString("  " + p)
			}
			if reason := why(c); reason != "" {
				b.WriteString("\n    # " + reason)
			}
			b.WriteString("\n")
			for _, l := range details(c) {
				b.WriteString(mark[l.sign] + strings.Repeat("  ", l.depth) + " " + l.text)
				if l.note != "" {
					b.WriteString("  # " + l.note)
				}
				b.WriteString("\n")
			}
			b.WriteString("\n")
			diffs = append(diffs, fieldDiff{c.Address, disarm(b.String(), `\x23`)})
		}
	}
	return diffs
}

func (d *document) unmanaged() string {
	_, others := driftFirst(d.plan.Unmanaged)
	if len(others) > 0 && (d.full || d.left < d.share()) {
		d.omitted = append(d.omitted, plural(len(others), "unmanaged object"))
		return ""
	}
	const open, end = "<details><summary>Unmanaged (%d): live, declared by no manifest, left as they are</summary>\n\n", "\n</details>\n\n"
	d.left -= len(end)
	text := d.fit("unmanaged object", fmt.Sprintf(open, len(others)), unmanagedItems("- ", others), d.share(), moreListed)
	if text == "" {
		return ""
	}
	return text + end
}
