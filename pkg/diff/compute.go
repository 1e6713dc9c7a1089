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
// references decide the order. The only error is a cycle among the changes, which names its path.
func Compute(desired *spec.Organization, live *spec.Live, sel Selection) (*Plan, error) {
	api := cmp.Or(desired.API, spec.ClickHouse)
	c := &computation{api: api, desired: desired, live: live, plan: &Plan{
		api:           api,
		FormatVersion: FormatVersion,
		Organization:  Organization{Handle: desired.Name, ID: live.OrganizationID, Name: live.OrganizationName},
		Changes:       []Change{},
		Unmanaged:     []Unmanaged{},
		Findings:      []Finding{},
		Requirements:  []Requirement{},
		NotChecked:    []NotChecked{},
	}}
	people := settlePeople(api.People, desired.Resources, live)
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
	p.Policy = c.policy(pairs)
	c.narrow(sel)
	link(p.Changes, c.objects)
	c.findAttached()
	ordered, err := order(p.Changes)
	if err != nil {
		return nil, err
	}
	p.Changes = ordered
	p.Guard(live, Caller{})
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
	for i := range kind.Fields {
		f := &kind.Fields[i]
		value, managed := spec.Get(want, f.Path)
		if !managed || f.Unread {
			continue
		}
		if f.Path == c.api.People.Email && l.Status[spec.StatusNameless] != nil {
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
		if f.Immutable {
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
	for _, f := range kind.Fields {
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

// leaveAttached takes back the changes of registrations that others will still use (Field.Attaches): one changes only by being
// registered anew, and that would cut them off. What this plan detaches is registered anew afterwards.
func (c *computation) leaveAttached() {
	used := outcomeOf(c.plan, c.live).attached()
	c.plan.Changes = slices.DeleteFunc(c.plan.Changes, func(change Change) bool {
		kind, by := c.api.Kind(change.Address.Kind), used[change.Address]
		if change.Action != Update || !kind.Registered || by == nil {
			return false
		}
		f := change.Fields[0]
		c.find(Finding{
			Code: CodeAttachedEndpoint, Severity: SeverityBlocked, Address: change.Address, Pos: f.Pos,
			Message: fmt.Sprintf("its %s is %s, the manifest says %s; it is not registered anew while %s use it",
				f.Path, spec.FormatValue(f.Before), spec.FormatValue(f.After), by.users.Collection),
			Hint: fmt.Sprintf("declare the live %s, or detach the %s first", f.Path, noun(kind)),
		})
		return true
	})
}

// findAttached refuses to take away what others will still use once the plan, narrowed as it is, has been carried out, or its
// registration: the API would refuse it half way.
func (c *computation) findAttached() {
	used := outcomeOf(c.plan, c.live).attached()
	for _, change := range c.plan.Changes {
		kind, by := c.api.Kind(change.Address.Kind), used[change.Address]
		if by == nil || change.Action == Create || change.Action == Update && !kind.Registered {
			continue
		}
		c.find(Finding{
			Code: CodeEndpointInUse, Severity: SeverityBlocked, Address: change.Address, Pos: change.Pos,
			Message: fmt.Sprintf("%s still use the %s after this plan", by.users.Collection, noun(kind)),
			Hint:    fmt.Sprintf("take it out of their %s in the same plan", by.field.Path),
		})
	}
}

// noun is what messages call an object of a kind.
func noun(kind *spec.Kind) string { return cmp.Or(kind.Noun, kind.Name) }

// undeclared lists live objects that no manifest declares, in collections that manifests manage, and plans the deletion of
// those that policy.prune names. While it is uncertain what an entry of a collection means, nothing of that collection is
// pruned: what looks undeclared may be what the entry is about.
func (c *computation) undeclared(pairs []pair, people people) {
	claimed := map[string]bool{}
	for _, p := range pairs {
		if p.live != nil {
			claimed[p.live.Address.Kind+"/"+p.live.ID] = true
		}
	}
	uncertain := c.uncertain()
	if len(people.doubts) > 0 {
		joined := c.api.People.Joined
		uncertain[joined] = compactAddresses(append(uncertain[joined], people.doubts...))
	}
	for i := range c.live.Resources {
		r := &c.live.Resources[i]
		kind := c.api.Kind(r.Address.Kind)
		if kind.Collection == "" || claimed[r.Address.Kind+"/"+r.ID] || !c.desired.Manages(kind.Collection) ||
			people.meant[r.Address] && !people.pinned[r.Address] {
			continue
		}
		address := c.objects.addressOf(r)
		_, halfMade := r.Status[spec.StatusUnfinished]
		if slices.Contains(c.desired.Policy.Prune, kind.Collection) {
			doubts := uncertain[c.api.People.One(kind.Name)]
			if len(doubts) == 0 {
				reason := "not declared, and policy.prune names " + kind.Collection
				if halfMade {
					reason += "; half made, maybe by a run that is under way"
				}
				c.delete(r, Change{Reason: reason, Pruned: true})
				continue
			}
			if !slices.Contains(doubts, r.Address) {
				c.find(Finding{
					Code: CodeNotPruned, Severity: SeverityBlocked, Address: address,
					Message: fmt.Sprintf("is not declared, and not pruned while it is uncertain what is meant by %s", enumerate(doubts)),
					Hint:    "correct that first: plan without --only and --except to see what is wrong with it",
				})
			}
		}
		c.plan.Unmanaged = append(c.plan.Unmanaged, Unmanaged{
			Address: address, ID: r.ID, Collection: kind.Collection,
			Exclusive: slices.Contains(c.desired.Policy.Exclusive, kind.Collection), HalfMade: halfMade,
		})
	}
}

// uncertain gives, by spec.People.One, the declared objects that are in error, cannot be told from others or are not there
// under their id.
func (c *computation) uncertain() map[string][]spec.Address {
	out := map[string][]spec.Address{}
	for _, f := range c.plan.Findings {
		if f.Severity == SeverityError || f.Code == CodeAmbiguous || f.Code == CodeUnknownID {
			kind := c.api.People.One(f.Address.Kind)
			out[kind] = append(out[kind], f.Address)
		}
	}
	for kind := range out {
		out[kind] = compactAddresses(out[kind])
	}
	return out
}

func (c *computation) notChecked() {
	for _, kind := range c.api.Kinds {
		if reason, ok := c.live.NotChecked[kind.Collection]; ok && kind.Collection != "" {
			c.plan.NotChecked = append(c.plan.NotChecked, NotChecked{Collection: kind.Collection, Reason: reason})
		}
	}
}

func (c *computation) find(f Finding) { c.plan.Findings = append(c.plan.Findings, f) }

// narrow keeps what the selection wants. What a change refers to and is to be created is not pulled in silently: a change that
// cannot be applied alone says so, and so does an entry that would take out of use what is not selected by its own name.
func (c *computation) narrow(sel Selection) {
	if sel.All() {
		return
	}
	p := c.plan
	names := c.objects.names()
	wanted := func(a spec.Address) bool {
		o, known := names[a]
		if !known {
			o.api, o.names = c.api, []spec.Address{a}
		}
		return sel.match(o)
	}
	var alone []Finding
	all := len(p.Changes)
	p.Changes = slices.DeleteFunc(p.Changes, func(change Change) bool {
		if change.Action == Create {
			return !wanted(change.Address)
		}
		o := c.objects.named(c.objects.byID[identity(change.Address.Kind, change.ID)])
		if !sel.match(o) || !change.withdraws(c.api) || sel.names(o) {
			return !sel.match(o)
		}
		alone = append(alone, Finding{
			Code: CodeLeftOut, Severity: SeverityError, Address: cmp.Or(change.DeclaredAs, change.Address), Pos: change.Pos,
			Message: fmt.Sprintf("would take %s out of use, which is not selected by that name", o.names[0]),
			Hint:    fmt.Sprintf("select what is live: --only '%s'", o.names[0]),
		})
		return true
	})
	p.Narrowed = &Narrowed{Selection: sel, LeftOut: all - len(p.Changes)}
	for _, change := range p.Changes {
		for _, ref := range change.References {
			if ref.ID == "" && !wanted(ref.Address) {
				alone = append(alone, Finding{
					Code: CodeLeftOut, Severity: SeverityError, Address: change.Address, Pos: change.Pos,
					Message: fmt.Sprintf("needs %s, which does not exist yet and is not selected", ref.Address),
					Hint:    fmt.Sprintf("select it too: --only %s", ref.Address),
				})
			}
		}
	}
	p.NotChecked = slices.DeleteFunc(p.NotChecked, func(n NotChecked) bool {
		return n.Address != (spec.Address{}) && !wanted(n.Address)
	})
	p.Unmanaged = slices.DeleteFunc(p.Unmanaged, func(u Unmanaged) bool { return !wanted(u.Address) })
	p.Findings = slices.DeleteFunc(p.Findings, func(f Finding) bool {
		return f.Address != (spec.Address{}) && !wanted(f.Address)
	})
	p.Findings = append(p.Findings, alone...)
}

// MakesSecret reports whether applying the change, which is of a plan of that API, makes a secret, which is seen only once.
func (c *Change) MakesSecret(api *spec.API) bool {
	made := api.Kind(c.Address.Kind).Secret
	return c.SetsPassword || c.Action == Create && made != nil && made(c.After)
}

// seal brings the lists into their one order and derives summary and digest.
func (p *Plan) seal() {
	slices.SortFunc(p.Unmanaged, func(a, b Unmanaged) int { return a.Address.Compare(b.Address) })
	slices.SortStableFunc(p.Findings, func(a, b Finding) int {
		if d := severityRank(a.Severity) - severityRank(b.Severity); d != 0 {
			return d
		}
		if d := a.Address.Compare(b.Address); d != 0 {
			return d
		}
		return strings.Compare(a.Code+a.Message, b.Code+b.Message)
	})
	p.Summary = p.summarize()
	p.Digest = p.digest()
	p.Checksum = ""
	p.Checksum = hash(p)
}

func (p *Plan) summarize() Summary {
	s := Summary{Unmanaged: len(p.Unmanaged)}
	for _, c := range p.Changes {
		switch c.Action {
		case Create:
			s.Create++
		case Update:
			s.Update++
		case Delete:
			s.Delete++
		}
	}
	for _, u := range p.Unmanaged {
		if u.Exclusive {
			s.Drift++
		}
	}
	for _, f := range p.Findings {
		if f.stops() {
			s.Blocked++
		}
	}
	return s
}

func severityRank(s Severity) int {
	return slices.Index([]Severity{SeverityError, SeverityBlocked, SeverityWarning, SeverityNote}, s)
}
