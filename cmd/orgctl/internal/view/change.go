package view

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// Signs of additions, updates and removals in text. A diff fence of Markdown spells an update otherwise, see fence.
const (
	signAdd    = "+"
	signUpdate = "~"
	signRemove = "-"
)

// valueLimit is how many characters of one value a line shows. The JSON form always has the whole.
const valueLimit = 160

// identifyingFields is how many fields of a deleted object are shown: enough to recognize what goes.
const identifyingFields = 4

func sign(a diff.Action) string {
	switch a {
	case diff.Create:
		return signAdd
	case diff.Delete:
		return signRemove
	case diff.Update:
		return signUpdate
	}
	return "?"
}

// byWeight orders changes for a reader: deletions first, then by risk, then as they would be carried out.
func byWeight(changes []diff.Change) []diff.Change {
	sorted := slices.Clone(changes)
	slices.SortStableFunc(sorted, func(a, b diff.Change) int { return cmp.Compare(weight(a), weight(b)) })
	return sorted
}

func weight(c diff.Change) int {
	risks := []diff.Risk{diff.RiskLockout, diff.RiskDestructive, diff.RiskDisruptive, diff.RiskNone}
	w := slices.Index(risks, c.Risk)
	if c.Action != diff.Delete {
		w += len(risks)
	}
	return w
}

// passwordSet is what is said of Change.SetsPassword.
const passwordSet = "password: a new one for user default"

// halfMade is what is said of Unmanaged.HalfMade.
const halfMade = "half made: its creation was interrupted, or is under way elsewhere"

// What it means to be listed as unmanaged, also for whoever has just taken an entry out of a manifest.
const (
	unmanagedTitle = "live, but not, or no longer, declared by any manifest; left as they are"
	unmanagedHint  = "to manage one, declare it (orgctl export shows how); to delete one, declare it with ensure: absent"
)

// line is one line of a change's details. Where its sign stands is up to the format.
type line struct {
	sign  string // "" where only the words matter
	depth int    // 1: a field, 2: an element of a list
	text  string
	note  string // a remark, set apart
}

// details are the lines that show what a change does: every field of a create, the differences of an update, and of a delete
// what identifies the object.
func details(api *spec.API, c diff.Change) []line {
	kind := api.Kind(c.Address.Kind)
	switch c.Action {
	case diff.Create:
		return pointed(kind, layout(kind, signAdd, whole(kind, c.After)), c)
	case diff.Update:
		lines := layout(kind, signUpdate, c.Fields)
		if c.SetsPassword {
			lines = slices.Insert(lines, 0, line{sign: signUpdate, depth: 1, text: passwordSet})
		}
		return lines
	case diff.Delete:
		return layout(kind, signRemove, identity(kind, c))
	}
	return nil
}

// pointed notes beside a name which live object it means, where the name alone does not say it.
func pointed(kind *spec.Kind, lines []line, c diff.Change) []line {
	for _, ref := range c.References {
		if f := kind.Field(ref.Path); ref.ID == "" || f == nil || f.List != nil {
			continue
		}
		for i := range lines {
			if strings.HasPrefix(lines[i].text, visible(ref.Path)+":") && lines[i].depth == 1 {
				lines[i].note = excerpt(visible(ref.ID), 0, valueLimit)
			}
		}
	}
	return lines
}

// whole turns a tree into fields in the order of the kind table, what the table does not know after them by name.
func whole(kind *spec.Kind, t spec.Tree) []diff.FieldChange {
	rest := spec.Clone(t)
	var fields []diff.FieldChange
	add := func(path string, v any) {
		f := diff.FieldChange{Path: path, After: v, Reset: v == nil}
		if list, ok := v.([]any); ok && len(list) > 0 {
			f = diff.FieldChange{Path: path, Add: list, List: true}
		}
		fields = append(fields, f)
	}
	for _, f := range kind.FieldsOf(t) {
		if v, ok := spec.Get(rest, f.Path); ok {
			add(f.Path, v)
			remove(rest, f.Path)
		}
	}
	names := make([]string, 0, len(rest))
	for name := range rest {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		add(name, rest[name])
	}
	return fields
}

// remove takes a dotted path out of a tree, and the trees on the way that it leaves empty.
func remove(t spec.Tree, path string) {
	head, rest, nested := strings.Cut(path, ".")
	if nested {
		if sub, ok := t[head].(spec.Tree); ok {
			remove(sub, rest)
			if len(sub) > 0 {
				return
			}
		}
	}
	delete(t, head)
}

// identity picks what tells a reader which object goes: its id and the first few fields that its address does not say.
func identity(kind *spec.Kind, c diff.Change) []diff.FieldChange {
	fields := []diff.FieldChange{{Path: "id", Before: c.ID}}
	for _, f := range whole(kind, c.Before) {
		v, _ := spec.Get(c.Before, f.Path)
		if v == c.Address.Name || v == c.ID || v == nil || len(fields) > identifyingFields {
			continue
		}
		fields = append(fields, diff.FieldChange{Path: f.Path, Before: v})
	}
	return fields
}

// layout spells fields as lines, values in one column.
func layout(kind *spec.Kind, sign string, fields []diff.FieldChange) []line {
	const column = 24 // a longer name stands out of the column rather than pushing it away
	width := 0
	for _, f := range fields {
		if n := columns(visible(f.Path)); n <= column && !spread(f) {
			width = max(width, n)
		}
	}
	var lines []line
	for _, f := range fields {
		name := visible(f.Path) + ":"
		if !spread(f) {
			lines = append(lines, line{sign: sign, depth: 1, text: pad(name, width+1) + " " + scalar(sign, f)})
			continue
		}
		lines = append(lines, line{depth: 1, text: name})
		lines = append(lines, elements(kind, f)...)
	}
	return lines
}

// spread reports whether a field is shown element by element.
func spread(f diff.FieldChange) bool { return len(f.Add)+len(f.Remove) > 0 }

func scalar(sign string, f diff.FieldChange) string {
	before, after := value(f.Before), value(f.After)
	if f.Before == nil {
		before = "(none)"
	}
	if f.Reset {
		after = "default (reset)"
	}
	switch sign {
	case signAdd:
		return excerpt(after, 0, valueLimit)
	case signRemove:
		return excerpt(before, 0, valueLimit)
	default:
		at := commonPrefix(before, after)
		return excerpt(before, at, valueLimit/2) + " -> " + excerpt(after, at, valueLimit/2)
	}
}

// elements lists what leaves and what joins a list. An element that changes, one key on both sides, is shown as the old
// directly above the new.
func elements(kind *spec.Kind, f diff.FieldChange) []line {
	key := value
	if field := kind.Field(f.Path); field != nil && field.List != nil {
		key = field.List.Key
	}
	lines := make([]line, 0, len(f.Add)+len(f.Remove))
	show := func(sign string, e any) {
		text, note := element(e)
		lines = append(lines, line{sign: sign, depth: 2, text: excerpt(text, 0, valueLimit), note: excerpt(note, 0, valueLimit)})
	}
	leaving := make(map[string]bool, len(f.Remove))
	for _, e := range f.Remove {
		leaving[key(e)] = true
	}
	var joining []any
	successors := map[string][]any{} // of elements that leave, by key
	for _, e := range f.Add {
		if k := key(e); leaving[k] {
			successors[k] = append(successors[k], e)
		} else {
			joining = append(joining, e)
		}
	}
	for i, e := range f.Remove {
		show(signRemove, e)
		k := key(e)
		if i+1 < len(f.Remove) && key(f.Remove[i+1]) == k {
			continue // several live spellings of one element, next to each other by the order of plans
		}
		for _, a := range successors[k] {
			show(signAdd, a)
		}
		delete(successors, k)
	}
	for _, e := range joining {
		show(signAdd, e)
	}
	return alignNotes(lines)
}

func alignNotes(lines []line) []line {
	width := 0
	for _, l := range lines {
		if l.note != "" {
			width = max(width, min(columns(l.text), 44))
		}
	}
	for i, l := range lines {
		if l.note != "" {
			lines[i].text = pad(l.text, width)
		}
	}
	return lines
}

// gist says in a few words what changes in an object: each field on its own.
func gist(c diff.Change) []string {
	out := make([]string, 0, len(c.Fields)+1)
	if c.SetsPassword {
		out = append(out, passwordSet)
	}
	for _, f := range c.Fields {
		path := visible(f.Path)
		if !spread(f) {
			out = append(out, path+" "+scalar(signUpdate, f))
			continue
		}
		if n := len(f.Add); n > 0 {
			path += fmt.Sprintf(" +%d", n)
		}
		if n := len(f.Remove); n > 0 {
			path += fmt.Sprintf(" -%d", n)
		}
		out = append(out, path)
	}
	return out
}

// why is the remark above the details: the reason, and what has to happen first.
func why(c diff.Change) string {
	parts := make([]string, 0, 3)
	if c.Reason != "" {
		parts = append(parts, visible(c.Reason))
	}
	if c.DeclaredAs != (spec.Address{}) {
		parts = append(parts, "declared as "+address(c.DeclaredAs))
	}
	if len(c.DependsOn) > 0 {
		parts = append(parts, "after "+some(c.DependsOn, visible))
	}
	return strings.Join(parts, "; ")
}

// some names the first few of many objects, each as spell has it.
func some(objects []spec.Address, spell func(string) string) string {
	const shown = 3
	names := make([]string, 0, shown)
	for _, a := range objects[:min(len(objects), shown)] {
		names = append(names, spell(address(a)))
	}
	text := strings.Join(names, ", ")
	if n := len(objects) - shown; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// need is one requirement for all the objects that have it: a thousand new services need one place for their passwords.
type need struct {
	diff.Requirement
	objects []spec.Address
}

func needs(requirements []diff.Requirement) []need {
	var out []need
	known := map[diff.Requirement]int{}
	for _, r := range requirements {
		about := r.Address
		r.Address = spec.Address{}
		i, ok := known[r]
		if !ok {
			i = len(out)
			known[r] = i
			out = append(out, need{Requirement: r})
		}
		out[i].objects = append(out[i].objects, about)
	}
	return out
}

func address(a spec.Address) string {
	if a == (spec.Address{}) {
		return ""
	}
	return excerpt(visible(a.String()), 0, valueLimit)
}

// place is file:line, which editors, terminals and code hosts all know; the column matters for a problem only.
func place(p spec.Pos) string {
	p.Column = 0
	file := visible(filepath.ToSlash(p.File))
	if p.Line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, p.Line)
}

// gravestFirst orders findings for a reader, leaving those of one severity in plan order.
func gravestFirst(findings []diff.Finding) []diff.Finding {
	severities := []diff.Severity{diff.SeverityError, diff.SeverityBlocked, diff.SeverityWarning, diff.SeverityNote}
	sorted := slices.Clone(findings)
	slices.SortStableFunc(sorted, func(a, b diff.Finding) int {
		return cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity))
	})
	return sorted
}

// driftFirst orders unmanaged objects for a reader: what counts as drift before what is only mentioned.
func driftFirst(objects []diff.Unmanaged) (drift, others []diff.Unmanaged) {
	for _, u := range objects {
		if u.Exclusive {
			drift = append(drift, u)
		} else {
			others = append(others, u)
		}
	}
	return drift, others
}

// collections are those that were not checked. Of a single field that was not, a finding tells.
func collections(all []diff.NotChecked) []diff.NotChecked {
	return slices.DeleteFunc(slices.Clone(all), func(n diff.NotChecked) bool { return n.Field != "" })
}

// handle is how an organization is called in output.
func handle(p *diff.Plan) string {
	const limit = 40
	name := cmp.Or(p.Organization.Handle, p.Organization.Name, p.Organization.ID, "the organization")
	return excerpt(visible(name), 0, limit)
}

// counts is the verdict in numbers: what would be done, and what else there is to know.
func counts(p *diff.Plan) string {
	s := p.Summary
	parts := []string{fmt.Sprintf("%d to create", s.Create), fmt.Sprintf("%d to update", s.Update), fmt.Sprintf("%d to delete", s.Delete)}
	return strings.Join(append(parts, concerns(p)...), ", ")
}

// concerns tells what stops the plan as a whole from what stops single objects, of which there may be several findings.
func concerns(p *diff.Plan) []string {
	whole, objects := 0, map[spec.Address]bool{}
	for _, f := range p.Findings {
		switch {
		case f.OfObject():
			objects[f.Address] = true
		case f.Severity == diff.SeverityError, f.Severity == diff.SeverityBlocked:
			whole++
		}
	}
	var parts []string
	if whole > 0 {
		parts = append(parts, "blocked by "+plural(whole, "finding"))
	}
	if len(objects) > 0 {
		parts = append(parts, plural(len(objects), "object")+" blocked")
	}
	if n := p.Summary.Drift; n > 0 {
		parts = append(parts, fmt.Sprintf("%d unmanaged drift", n))
	}
	return parts
}
