package diff

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// Compute gives the plan that turns live into desired. The selection narrows it to some addresses; what a selected change
// depends on is not pulled in silently but becomes a finding.
//
// The premise: first reshape desired until its objects correspond to live ones one to one (people move between two lists,
// names may be old, ids may be pinned), then compare field by field under the server's own notion of equality, then let
// references decide the order. The errors are a cycle among the changes, which names its path, and a live organization of
// another API.
func Compute(desired *spec.Organization, live *spec.Live, sel Selection) (*Plan, error) {
	api := cmp.Or(desired.API, spec.ClickHouse)
	if !api.Equal(live.API) {
		return nil, fmt.Errorf("what is wanted is of the API %s, and what was observed is of %s: use the credentials of the API that is meant",
			api.Name, cmp.Or(live.API, spec.ClickHouse).Name)
	}
	c := &computation{api: api, desired: desired, live: live, plan: &Plan{
		api:           api,
		FormatVersion: FormatVersion,
		API:           api.Name,
		Organization:  Organization{Handle: desired.Name, ID: live.OrganizationID, Name: live.OrganizationName},
		Changes:       []Change{},
		Unmanaged:     []Unmanaged{},
		Findings:      []Finding{},
		Requirements:  []Requirement{},
		NotChecked:    []NotChecked{},
	}}
	people := unitePeople(api, desired.Resources, live)
	pairs, findings := match(api, people.resources, live)
	c.plan.Findings = append(append(c.plan.Findings, people.findings...), findings...)
	c.objects = newObjects(api, people.resources, pairs, live)
	for _, p := range pairs {
		c.compare(p)
	}
	c.inspect(pairs)
	c.undeclared(pairs, people)
	c.suggestRenames()
	c.leaveAttached()
	c.notChecked()

	p := c.plan
	p.Policy = c.planPolicy(pairs)
	c.narrow(sel)
	link(p.Changes, c.objects)
	c.findAttached()
	ordered, err := order(p.Changes)
	if err != nil {
		return nil, err
	}
	p.Changes = ordered
	p.Guard(live, Caller{})
	p.Digest = p.digest()
	return p, nil
}

// computation is the work in progress of one Compute.
type computation struct {
	api     *spec.API
	desired *spec.Organization
	live    *spec.Live
	plan    *Plan
	objects *objects
}

// compare adds what one pair of desired and live differ in.
func (c *computation) compare(p pair) {
	d, l := p.desired, p.live
	kind := c.api.Kind(d.Address.Kind)
	switch {
	case d.Intent.Absent && l == nil:
	case d.Intent.Absent:
		change := Change{Reason: "declared absent", Pinned: c.objects.pinned(d, l), Pos: d.Intent.Pos}
		if d.Address != l.Address && d.Address != twin(l.Address, l.ID) {
			change.DeclaredAs = d.Address
		}
		c.delete(l, change)
	case l == nil:
		c.create(kind, d)
	default:
		c.update(kind, d, *l)
	}
}

func (c *computation) create(kind *spec.Kind, d spec.Resource) {
	after := canonical(kind, d.Spec)
	var refs []Reference
	known := true
	for i := range kind.Fields {
		if f := &kind.Fields[i]; f.Ref != "" {
			found, ok := c.refer(f, d, after, after[f.Path], nil, true)
			refs = append(refs, found...)
			known = c.share(f, d, found, after) && ok && known
		}
	}
	for _, path := range kind.ToCreate {
		if _, ok := spec.Get(after, path); ok || shared(kind, d, path) {
			continue
		}
		c.find(Finding{
			Code: CodeIncomplete, Severity: SeverityError, Address: d.Address, Pos: d.Intent.Pos,
			Message: fmt.Sprintf("cannot be created without %s", path),
			Hint:    incompleteHint(kind, path),
		})
	}
	if !known {
		return // until it is, the object is not made
	}
	if kind.Align != nil {
		kind.Align(after, spec.Tree{})
	}
	change := Change{
		Address: d.Address, Action: Create, Reason: "declared, not live", After: after, References: refs, Pos: d.Intent.Pos,
	}
	switch {
	case slices.Contains(c.live.Expired, d.Address):
		change.Reason = "its invitation has expired: it is withdrawn and sent anew"
	case kind.Name == c.api.People.Invited && d.Intent.Fields == nil:
		change.Reason = fmt.Sprintf("a %s who has not joined yet is invited", c.api.People.Joined)
	}
	c.plan.Changes = append(c.plan.Changes, change)
	c.caution(kind, d, &change)
}

// caution says what a change leaves to be done by hand. A change that makes the secret of its object leaves nothing.
func (c *computation) caution(kind *spec.Kind, d spec.Resource, change *Change) {
	if kind.Caution == nil || change.MakesSecret(c.api) {
		return
	}
	if path, message, hint := kind.Caution(change.Before, change.After); path != "" {
		c.find(Finding{
			Code: CodeByHand, Severity: SeverityWarning, Address: d.Address, Pos: d.FieldPos(path), Message: message, Hint: hint,
		})
	}
}

func incompleteHint(kind *spec.Kind, path string) string {
	if f := kind.Field(path); f != nil && f.Missing != "" {
		return f.Missing
	}
	hint := fmt.Sprintf("write %s: in the %s", path, kind.Name)
	if kind.Defaults != "" {
		hint += fmt.Sprintf(", or in %s for all %s", kind.Defaults, kind.Collection)
	}
	return hint
}

// delete completes a change with what a deletion of the live object is.
func (c *computation) delete(l *spec.Resource, change Change) {
	change.Address, change.Action, change.ID = c.objects.addressOf(l), Delete, l.ID
	change.Before = canonical(c.api.Kind(l.Address.Kind), l.Spec)
	change.Precondition = Precondition(l.ID, identified(change.Before, l.Refs))
	c.plan.Changes = append(c.plan.Changes, change)
}

func (c *computation) update(kind *spec.Kind, d, l spec.Resource) {
	want, have := canonical(kind, d.Spec), canonical(kind, l.Spec)
	if kind.Align != nil {
		kind.Align(want, have)
	}
	before, after := spec.Tree{}, spec.Tree{}
	of := maps.Clone(have)
	maps.Copy(of, want)
	var fields []FieldChange
	var references []Reference
	known := true // what it refers to; else the object is left as it is
	for _, f := range kind.FieldsOf(want) {
		value, managed := spec.Get(want, f.Path)
		if !managed || f.Unread {
			continue
		}
		if f.Path == kind.NameField() && l.Status[spec.StatusNameless] != nil {
			spec.Put(after, f.Path, value) // the id says who is meant
			continue
		}
		if f.Detail && c.unread(kind, d, l, f.Path) {
			spec.Put(after, f.Path, value) // still wanted, by whoever can read it
			continue
		}
		reported, isReported := spec.Get(have, f.Path)
		if isReported {
			spec.Put(before, f.Path, reported)
		}
		spec.Put(after, f.Path, value)
		refers := f.Ref != "" && f.List == nil
		if f.Shown && !isReported || refers && isReported && l.Refs[f.Path] == "" {
			c.notChecks(kind, d, f.Path, "the API does not show it", Finding{
				Code: CodeUnread, Hint: "plan again later, or leave the field out of the manifest",
			})
			continue
		}
		change, differs := compareField(f, value, reported, isReported)
		var refs []Reference
		if f.Ref != "" {
			var ok bool
			refs, ok = c.refer(f, d, of, value, reported, differs)
			known = known && ok
			references = append(references, refs...)
			if f.List == nil {
				change, differs = compareReference(f, refs, value, reported, l.Refs)
			}
		}
		if !differs {
			continue
		}
		change.Pos = d.FieldPos(f.Path)
		if f.SameType && isReported && typeOf(value) != typeOf(reported) {
			c.find(otherType(d, change))
			known = false
			continue
		}
		if f.Immutable {
			change.Before, change.After = reported, value // of a list as well
			c.find(immutable(d, l, change, refs))
			continue
		}
		fields = append(fields, change)
	}
	if c.conflicts(kind, d, have, after, fields) || !known {
		return
	}
	nonce, unfinished := l.Status[spec.StatusUnfinished].(string)
	if unfinished {
		fields = finish(kind, fields, nonce)
	}
	if len(fields) == 0 {
		return
	}
	pos := d.Intent.Pos
	if kind.Collection == "" {
		pos = fields[0].Pos // an organization is declared in many places; the first file of them says nothing
	}
	change := Change{
		Address: d.Address, Action: Update, ID: l.ID, Reason: updateReason(d, l, kind) + kept(kind, d, after, fields),
		Fields: fields, Before: before, After: after, References: references,
		Precondition: Precondition(l.ID, identified(before, l.Refs)), Pinned: c.objects.pinned(d, &l), Pos: pos,
		// What is live decides: the manifest need not say whether an object has a secret of its own.
		SetsPassword: unfinished && kind.Secret != nil && kind.Secret(l.Spec),
	}
	c.plan.Changes = append(c.plan.Changes, change)
	c.caution(kind, d, &change)
}

// unread reports whether a field could not be read, and says so: it is neither equal nor different.
func (c *computation) unread(kind *spec.Kind, d, l spec.Resource, path string) bool {
	f := Finding{Code: CodeRefused, Hint: "give the key that permission, or leave the field out of the manifest"}
	reason, refused := l.Status[spec.StatusRefused].(string)
	if !refused {
		f.Code = CodeUnread
		f.Hint = fmt.Sprintf("plan again later, or leave the field out of the manifest if this %s never answers", kind.Name)
		if reason, _ = l.Status[spec.StatusUnreadable].(string); reason == "" {
			return false
		}
	}
	c.notChecks(kind, d, path, reason, f)
	return true
}

// notChecks completes the finding that a managed field is not known, with its reason, and lists the field.
func (c *computation) notChecks(kind *spec.Kind, d spec.Resource, path, reason string, f Finding) {
	f.Severity, f.Address, f.Pos = SeverityBlocked, d.Address, d.FieldPos(path)
	f.Message = fmt.Sprintf("%s is not checked: %s", path, reason)
	c.find(f)
	c.plan.NotChecked = append(c.plan.NotChecked, NotChecked{
		Collection: kind.Collection, Address: d.Address, Field: path, Reason: reason,
	})
}

// conflicts lays what a change sets over what is live and reports a result that the API would refuse. The object is left as it
// is then.
func (c *computation) conflicts(kind *spec.Kind, d spec.Resource, have, after spec.Tree, fields []FieldChange) bool {
	if kind.Conflict == nil || len(fields) == 0 {
		return false
	}
	merged := spec.Clone(have)
	for _, f := range kind.FieldsOf(after) {
		if v, ok := spec.Get(after, f.Path); ok {
			spec.Put(merged, f.Path, v)
		}
	}
	path, problem, hint := kind.Conflict(merged)
	if path == "" {
		return false
	}
	c.find(Finding{
		Code: CodeConflict, Severity: SeverityBlocked, Address: d.Address, Pos: d.FieldPos(path),
		Message: path + " " + problem, Hint: hint + "; until then the " + kind.Name + " is left as it is",
	})
	return true
}

// otherType is the finding that a value is not even of the live one's type, which is more likely a mistake than meant.
func otherType(d spec.Resource, f FieldChange) Finding {
	return Finding{
		Code: CodeConflict, Severity: SeverityBlocked, Address: d.Address, Pos: f.Pos,
		Message: fmt.Sprintf("%s is %s, %s, and cannot become %s, %s", f.Path, typeOf(f.Before), spec.FormatValue(f.Before), typeOf(f.After), spec.FormatValue(f.After)),
		Hint:    fmt.Sprintf("declare a value of the live one's type, or leave it out; until then the %s is left as it is", d.Address.Kind),
	}
}

// typeOf names the type of a tree value.
func typeOf(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case bool:
		return "a truth value"
	case int64, float64:
		return "a number"
	case []any:
		return "a list"
	case spec.Tree:
		return "an object"
	default:
		return "nothing"
	}
}

// kept says which live setting goes along with a change, since it would be reset otherwise.
func kept(kind *spec.Kind, d spec.Resource, after spec.Tree, fields []FieldChange) string {
	text := ""
	for _, f := range kind.Fields {
		value, sent := spec.Get(after, f.Path)
		_, managed := spec.Get(d.Spec, f.Path)
		if f.Along == "" || !sent || managed || slices.ContainsFunc(fields, func(changed FieldChange) bool { return changed.Path == f.Path }) {
			continue
		}
		name := f.Path[strings.LastIndex(f.Path, ".")+1:]
		text += fmt.Sprintf("; the live %s: %s is sent along, since %s", name, spec.FormatValue(value), f.Along)
	}
	return text
}

func updateReason(d, l spec.Resource, kind *spec.Kind) string {
	switch {
	case l.Status[spec.StatusUnfinished] != nil:
		return "its creation was interrupted and will be finished"
	case kind.MadeAnew != "":
		return "differs; " + kind.MadeAnew
	case l.Address.Name != d.Address.Name && kind.Field("name") != nil && kind.Collection != "":
		return "renamed from " + l.Address.Name
	default:
		return "differs from the manifest"
	}
}

func (c *computation) notChecked() {
	for _, kind := range c.api.Kinds {
		if reason, ok := c.live.NotChecked[kind.Collection]; ok && kind.Collection != "" {
			c.plan.NotChecked = append(c.plan.NotChecked, NotChecked{Collection: kind.Collection, Reason: reason})
		}
	}
}

func (c *computation) find(f Finding) { c.plan.Findings = append(c.plan.Findings, f) }

// finish adds the removal of the nonce that an object bears until its creation is complete. It is part of the change of that
// list, but neither drift nor anything a manifest says.
func finish(kind *spec.Kind, fields []FieldChange, nonce string) []FieldChange {
	for i := range fields {
		if fields[i].Path == kind.Journal {
			fields[i].Remove = append(fields[i].Remove, spec.Nonce(nonce))
			return fields
		}
	}
	return append(fields, FieldChange{Path: kind.Journal, List: true, Remove: []any{spec.Nonce(nonce)}})
}
