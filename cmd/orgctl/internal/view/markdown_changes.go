package view

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// entry is a change as the table and the diff fence show it. Where there is no room, row or diff is empty in the end.
type entry struct {
	api    *spec.API
	change diff.Change
	row    string
	diff   string
	size   int  // of the whole diff
	named  bool // its diff is left out, and the list of those says so
}

// class is the changes of one kind that matter equally, the unit in which room is given.
type class struct {
	rank    int
	kind    string
	entries []*entry
	folded  int // entries at the end that are counted instead of shown
}

// classes are ordered by what matters: deletions, then what is done to the live organization by risk, then creations, those of
// the kind with the most of them last.
func classes(entries []entry) []*class {
	var all []*class
	for i := range entries {
		e := &entries[i]
		r := rank(e.change)
		at := slices.IndexFunc(all, func(c *class) bool { return c.rank == r && c.kind == e.change.Address.Kind })
		if at < 0 {
			at = len(all)
			all = append(all, &class{rank: r, kind: e.change.Address.Kind})
		}
		all[at].entries = append(all[at].entries, e)
	}
	slices.SortStableFunc(all, func(a, b *class) int {
		if a.rank == b.rank && a.creates() {
			return cmp.Compare(len(a.entries), len(b.entries))
		}
		return cmp.Compare(a.rank, b.rank)
	})
	return all
}

// creation is the rank of what does nothing to what is live.
const creation = 8

func rank(c diff.Change) int {
	if c.Action == diff.Create && c.Risk == diff.RiskNone {
		return creation
	}
	if c.Action == diff.Delete {
		return 0
	}
	return weight(c)
}

func (c *class) creates() bool { return c.rank == creation }

func (c *class) rows() (size int) {
	for _, e := range c.entries {
		size += len(e.row)
	}
	return size
}

func (c *class) diffs() (size int) {
	for _, e := range c.entries {
		size += len(e.diff)
	}
	return size
}

// summary is the row that stands for n others.
func (c *class) summary(n int) string {
	if n == 0 {
		return ""
	}
	action := c.entries[0].change.Action
	noun := map[diff.Action]string{diff.Create: "creation", diff.Update: "update", diff.Delete: "deletion"}[action]
	if n > 1 {
		noun += "s"
	}
	kind := excerpt(visible(c.kind), 0, valueLimit)
	return disarm(fmt.Sprintf("| %s | %s | and %d more %s %s | | |\n", sign(action), code(kind), n, prose(kind), noun), `\x23`)
}

// least is what the rows of classes take where all that can be is folded.
func least(classes []*class) (size int) {
	for _, c := range classes {
		size += min(c.rows(), len(c.summary(len(c.entries))))
	}
	return size
}

// fill empties rows and diffs until the rest fits into a room. Each class takes what it needs and leaves to those below it at
// least the rows that count them. Field diffs take no rows from what is done to live objects, nor those of creations from
// other creations, unless that leaves them less than half.
func fill(all []*class, room int) {
	for i, c := range all {
		lower := all[i+1:]
		spare := room - least(lower)
		c.fold(spare)
		used := c.rows() + len(c.summary(c.folded))
		room -= used
		spare -= used
		if c.folded > 0 {
			for _, e := range c.entries {
				e.diff = ""
			}
			continue
		}
		rows, details := 0, 0
		for _, l := range lower {
			details += l.rows() + l.diffs()
			if l.creates() && !c.creates() {
				rows += least([]*class{l})
			} else {
				rows += l.rows()
			}
		}
		whole := min(spare, max(spare/2, room-rows))
		part := min(whole, max(spare/2, room-details))
		room -= c.drop(whole, part)
	}
}

// fold counts as many rows at the end as it takes to get the others into a room.
func (c *class) fold(room int) {
	if c.rows() <= room {
		return
	}
	room -= len(c.summary(len(c.entries)))
	shown := 0
	for shown < len(c.entries) && len(c.entries[shown].row) <= room {
		room -= len(c.entries[shown].row)
		shown++
	}
	for _, e := range c.entries[shown:] {
		e.row = ""
	}
	c.folded = len(c.entries) - shown
}

// drop empties the largest diffs until the rest and the names of those fit into a room, or the rest alone where the names are too
// many. The last one that is emptied keeps as many of its lines as fit into part of the room. It gives what is used.
func (c *class) drop(room, part int) (used int) {
	// Of two that are equally large, the one that matters less goes first.
	bySize := slices.Clone(c.entries)
	slices.Reverse(bySize)
	slices.SortStableFunc(bySize, func(a, b *entry) int { return cmp.Compare(b.size, a.size) })
	gone, names := c.excess(bySize, room, true)
	named := names <= room
	if !named {
		gone, names = c.excess(bySize, room, false)
	}
	for _, e := range bySize[:gone] {
		e.diff, e.named = "", named
	}
	used = c.diffs() + names
	if gone > 0 {
		last := bySize[gone-1]
		last.diff = last.beginning(part - used)
	}
	return c.diffs() + names
}

// excess is how many of the largest diffs do not fit, and how much room the names of those take.
func (c *class) excess(bySize []*entry, room int, naming bool) (gone, names int) {
	size := c.diffs()
	for gone < len(bySize) && size+names > room {
		if naming {
			names += len(bySize[gone].name()) + len(", ")
		}
		size -= bySize[gone].size
		gone++
	}
	return gone, names
}

func (e *entry) name() string { return disarm(code(address(e.change.Address)), `\x23`) }

// beginning is as much of a diff as fits into a room, or nothing where that is hardly more than its head.
func (e *entry) beginning(room int) string {
	const cut = "    # %d more lines\n\n"
	lines := strings.SplitAfter(e.whole(), "\n")
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

const (
	tableHead = "| | kind | name | change | declared in |\n|:-:|---|---|---|---|\n"
	openDiffs = "<details><summary>Field diff (%s)</summary>\n\n"
	endDiffs  = "\n</details>\n\n"
	leftOut   = "Left out, largest first: "
)

// wrapping is what stands around table and diffs, at most.
func wrapping(entries []entry) int {
	bar := 3
	for _, e := range entries {
		bar = max(bar, longestRun(e.diff, "~")+1)
	}
	const numbers = 60
	return len(tableHead) + len("\n") + len(openDiffs) + numbers + len(endDiffs) + 2*bar + len("diff\n\n") + len("\n"+leftOut+".\n")
}

// shown are the table of all changes and their field diffs, folded away, as far as there is room. What matters most keeps both.
func (d *document) shown() (table, details string) {
	if len(d.changes) == 0 {
		return "", ""
	}
	entries := make([]entry, len(d.changes))
	for i, c := range d.changes {
		row := fmt.Sprintf("| %s | %s | %s | %s | %s |\n",
			sign(c.Action), code(c.Address.Kind), code(excerpt(visible(c.Address.Name), 0, valueLimit)), what(c), code(place(c.Pos)))
		entries[i] = entry{api: d.plan.Definition(), change: c, row: disarm(row, `\x23`)}
		entries[i].diff = entries[i].whole()
		entries[i].size = len(entries[i].diff)
	}
	all := classes(entries)
	room := d.left - wrapping(entries)
	if room < least(all) { // not even what counts them
		rows := make([]string, len(entries))
		for i, e := range entries {
			rows[i] = e.row
		}
		d.full = true
		table = d.section(d.fit("table row", tableHead, rows, d.left, moreRows))
		d.omitted = append(d.omitted, "field diffs of "+plural(len(entries), "change"))
		return table, ""
	}
	fill(all, room)
	return d.table(entries, all), d.details(entries)
}

func (d *document) table(entries []entry, all []*class) string {
	var b strings.Builder
	b.WriteString(tableHead)
	for _, e := range entries {
		b.WriteString(e.row)
	}
	folded := 0
	for _, c := range all {
		b.WriteString(c.summary(c.folded))
		folded += c.folded
	}
	if folded > 0 {
		d.full = true
		d.omitted = append(d.omitted, plural(folded, "table row"))
	}
	d.left -= b.Len()
	return d.section(b.String())
}

// details are the field diffs, in one fence, and the names of those that are missing or cut.
func (d *document) details(entries []entry) string {
	var b strings.Builder
	var missing []entry
	for _, action := range []diff.Action{diff.Delete, diff.Update, diff.Create} {
		for _, e := range entries {
			if e.change.Action == action {
				b.WriteString(e.diff)
			}
			if e.change.Action == action && len(e.diff) < e.size {
				missing = append(missing, e)
			}
		}
	}
	counted, list := strconv.Itoa(len(entries)), ""
	if len(missing) > 0 {
		d.full = true
		d.omitted = append(d.omitted, "field diffs of "+plural(len(missing), "change"))
		counted = fmt.Sprintf("%d of %d", len(entries)-len(missing), len(entries))
		list = names(missing)
	}
	if b.Len() == 0 {
		return ""
	}
	text := fmt.Sprintf(openDiffs, counted) + fence(strings.TrimSuffix(b.String(), "\n")) + list + endDiffs
	d.left -= len(text)
	return text
}

// names lists the diffs that are left out by name, as far as there is room for that, and counts the others.
func names(missing []entry) string {
	slices.SortStableFunc(missing, func(a, b entry) int { return cmp.Compare(b.size, a.size) })
	var list []string
	for _, e := range missing {
		if e.named {
			list = append(list, e.name())
		}
	}
	if len(list) == 0 {
		return ""
	}
	if others := len(missing) - len(list); others > 0 {
		list = append(list, fmt.Sprintf("and %d more", others))
	}
	return "\n" + leftOut + strings.Join(list, ", ") + ".\n"
}

// whole is what the diff fence says of a change, and an empty line. Only what stands in the first column is coloured, and an update
// is coloured by an exclamation mark.
func (e *entry) whole() string {
	c := e.change
	mark := map[string]string{signAdd: signAdd, signUpdate: "!", signRemove: signRemove, "": " "}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", mark[sign(c.Action)], address(c.Address))
	if p := place(c.Pos); p != "" {
		b.WriteString("  " + p)
	}
	if reason := why(c); reason != "" {
		b.WriteString("\n    # " + reason)
	}
	b.WriteString("\n")
	for _, l := range details(e.api, c) {
		b.WriteString(mark[l.sign] + strings.Repeat("  ", l.depth) + " " + l.text)
		if l.note != "" {
			b.WriteString("  # " + l.note)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	return disarm(b.String(), `\x23`)
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
