package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// Reference is the object that a value of a field means. Names are neither unique nor fixed, so a plan says which object it
// is: what is compared, ordered, reviewed and sent is the object.
type Reference struct {
	Path string `json:"path"` // of the field
	// Address is the name under which the object was observed or, of one that this plan creates, the address of its creation.
	Address spec.Address `json:"address"`
	// ID is the server's; "" of an object that this plan creates.
	ID string `json:"id,omitempty"`
	// Pinned says that an id tells the live object from others of its name, as for Change.
	Pinned bool `json:"pinned,omitempty"`
}

// objects finds what values mean.
type objects struct {
	api       *spec.API
	byID      map[string]*spec.Resource // live, see identity
	byAddress map[spec.Address][]*spec.Resource
	pairs     map[spec.Address]pair           // by declared address
	aliases   map[string][]spec.Address       // what entries call a live object, see identity
	declared  map[spec.Address]bool           // all that is declared, whether or not its live object is known
	mistaken  map[spec.Address]*spec.Resource // the objects of ids that entries have by mistake
	roles     []spec.Role
}

func newObjects(api *spec.API, desired []spec.Resource, pairs []pair, live *spec.Live) *objects {
	o := &objects{
		api:  api,
		byID: map[string]*spec.Resource{}, byAddress: map[spec.Address][]*spec.Resource{},
		pairs: map[spec.Address]pair{}, aliases: map[string][]spec.Address{},
		declared: map[spec.Address]bool{}, mistaken: map[spec.Address]*spec.Resource{}, roles: live.Roles,
	}
	for i := range live.Resources {
		r := &live.Resources[i]
		o.byID[identity(o.api, r.Address.Kind, r.ID)] = r
		o.byAddress[r.Address] = append(o.byAddress[r.Address], r)
	}
	for _, d := range desired {
		o.declared[d.Address] = true
		if r := o.byID[identity(o.api, d.Address.Kind, d.ID)]; d.ID != "" && r != nil && mistaken(d, r) {
			o.mistaken[d.Address] = r
		}
	}
	for _, p := range pairs {
		o.pairs[p.desired.Address] = p
		if p.live != nil {
			key := identity(o.api, p.live.Address.Kind, p.live.ID)
			o.aliases[key] = append(o.aliases[key], p.desired.Address)
		}
	}
	return o
}

// addressOf is how a plan calls a live object that it lists or takes away: by the name that it has, and as NAME#ID where another
// object has or is to have that name. Of what an earlier plan called NAME#ID that is the name.
func (o *objects) addressOf(r *spec.Resource) spec.Address {
	unique := twin(r.Address, r.ID)
	namesake, declared := o.pairs[r.Address]
	taken := declared && (namesake.live == nil || namesake.live.ID != r.ID)
	if _, before := o.pairs[unique]; before || taken || len(o.byAddress[r.Address]) > 1 {
		for o.means(unique, r) { // somebody has given another object that very name
			unique = twin(unique, r.ID)
		}
		return unique
	}
	return r.Address
}

// means reports whether an address is that of another object than a live one, by its name or by its entry.
func (o *objects) means(a spec.Address, r *spec.Resource) bool {
	p, declared := o.pairs[a]
	return declared && (p.live == nil || p.live.ID != r.ID) ||
		slices.ContainsFunc(o.byAddress[a], func(other *spec.Resource) bool { return other.ID != r.ID })
}

// pinned reports whether an id, and not a name alone, says which live object an entry means: that of the entry, or, where others
// have its name, those of the entries that have taken them.
func (o *objects) pinned(d spec.Resource, l *spec.Resource) bool {
	return o.api.SameID(d.ID, l.ID) || len(o.namesakes(l.ID, l.Address, d.Address)) > 0
}

// namesakes are the ids of the live objects other than one that have any of its names.
func (o *objects) namesakes(id string, names ...spec.Address) []string {
	var out []string
	for _, name := range names {
		for _, r := range o.byAddress[name] {
			if r.ID != id {
				out = append(out, r.ID)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// named is a live object by all of its names.
func (o *objects) named(r *spec.Resource) named {
	return named{o.api, append([]spec.Address{r.Address}, o.aliases[identity(o.api, r.Address.Kind, r.ID)]...), r.ID}
}

// names gives what the objects are called that this run speaks of, by the addresses under which it does.
func (o *objects) names() map[spec.Address]named {
	out := map[spec.Address]named{}
	for _, r := range o.byID {
		out[o.addressOf(r)] = o.named(r)
	}
	for a, p := range o.pairs {
		if out[a] = (named{api: o.api, names: []spec.Address{a}}); p.live != nil {
			out[a] = o.named(p.live)
		}
	}
	for a, r := range o.mistaken {
		o := o.named(r)
		o.names = append(o.names, a)
		out[a] = o
	}
	return out
}

// target gives the object that a value means in a field of an object with the tree of. resolved is the id that an earlier plan
// has found for it, if any. Where no object or more than one may be meant, it gives what is the matter instead.
func (o *objects) target(f *spec.Field, value string, of spec.Tree, resolved string) (Reference, *Finding) {
	if f.Ref == spec.RoleRef {
		return o.role(f, value)
	}
	address := f.Target(value, of)
	nothing := &Finding{
		Code: CodeNoTarget, Severity: SeverityBlocked, Message: fmt.Sprintf("%s: there is no %s", f.Path, address), Hint: "declare it, or correct the name",
	}
	if resolved != "" {
		if r := o.byID[identity(o.api, f.Ref, resolved)]; r != nil {
			return o.live(f, r)
		}
		return Reference{}, nothing
	}
	p, matched := o.pairs[address]
	switch {
	case matched && p.live != nil:
		ref, problem := o.live(f, p.live) // even if it is to go: whether it may, while something refers to it, is for the guards to say
		ref.Pinned = problem == nil && o.pinned(p.desired, p.live)
		return ref, problem
	case matched && p.desired.Intent.Absent:
		return Reference{}, nothing
	case matched:
		return Reference{Path: f.Path, Address: address}, nil
	case o.declared[address]:
		return Reference{}, &Finding{
			Code: CodeAmbiguous, Severity: SeverityBlocked, Message: fmt.Sprintf("%s: it is not known which live object is %s", f.Path, address),
			Hint: "see the finding about it",
		}
	}
	found := o.byAddress[address]
	switch len(found) {
	case 0:
		return Reference{}, nothing
	case 1:
		return o.live(f, found[0])
	default:
		several := ambiguous(spec.Resource{}, address, found)
		return Reference{}, &Finding{
			Code: CodeAmbiguous, Severity: SeverityBlocked, Message: f.Path + ": " + several.Message, Hint: "declare it with the id of the one that is meant",
		}
	}
}

// live refers to a live object. Where chains mean nothing (Field.Root), one that refers to another by the same field is not what
// that field can refer to.
func (o *objects) live(f *spec.Field, r *spec.Resource) (Reference, *Finding) {
	if own := r.Refs[f.Path]; own != "" && f.Root {
		return Reference{}, &Finding{
			Code: CodeConflict, Severity: SeverityBlocked, Message: fmt.Sprintf("%s: %s has the %s of another one itself", f.Path, r.Address, f.Path),
			Hint: fmt.Sprintf("name %s, whose %s it is", o.nameOf(r.Address.Kind, own), f.Path),
		}
	}
	return Reference{Path: f.Path, Address: r.Address, ID: r.ID}, nil
}

// nameOf is how a live object is called in messages.
func (o *objects) nameOf(kind, id string) string {
	if r := o.byID[identity(o.api, kind, id)]; r != nil {
		return r.Address.String()
	}
	return kind + " " + id
}

// role refers to a role by its name, which has no case and need not be unique (FACTS 6.4).
func (o *objects) role(f *spec.Field, name string) (Reference, *Finding) {
	var found []spec.Role
	for _, r := range o.roles {
		if f.List.Key(r.Name) == f.List.Key(name) && !slices.ContainsFunc(found, func(other spec.Role) bool { return other.ID == r.ID }) {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 1:
		return Reference{Path: f.Path, Address: spec.Address{Kind: f.Ref, Name: found[0].Name}, ID: found[0].ID}, nil
	case 0:
		names := make([]string, len(o.roles))
		for i, r := range o.roles {
			names[i] = r.Name
		}
		hint := "its roles are " + strings.Join(slices.Compact(names), ", ")
		if len(names) == 0 {
			hint = "none is known: the API key may not be allowed to list them"
		}
		return Reference{}, &Finding{Code: CodeUnknownRole, Severity: SeverityError, Message: fmt.Sprintf("the organization has no role %q", name), Hint: hint}
	default:
		ids := make([]string, len(found))
		for i, r := range found {
			ids[i] = r.ID
		}
		return Reference{}, &Finding{
			Code: CodeAmbiguous, Severity: SeverityBlocked, Message: fmt.Sprintf("%s: %d roles are named %s: %s", f.Path, len(found), name, strings.Join(ids, ", ")),
			Hint: "give them names of their own first",
		}
	}
}

// refer finds what the values of a field mean, of an object with the tree of: of a scalar always, since it is compared by that,
// of a list where it is sent. What cannot be told is a finding, unless it is live as it is: then nothing depends on it. ok says
// that the object can be changed for all of that.
func (c *computation) refer(f *spec.Field, d spec.Resource, of spec.Tree, value, live any, sent bool) (out []Reference, ok bool) {
	ok, sent = true, sent || f.List == nil
	for _, name := range names(value) {
		if name == "" || f.Target(name, of).Name == "" {
			continue // no name, which validation refuses; or nothing to tell by, since the object lacks what it needs itself
		}
		ref, problem := c.objects.target(f, name, of, d.Refs[f.Path])
		switch {
		case problem == nil && sent:
			out = append(out, ref)
		case problem != nil && (sent || problem.Code == CodeAmbiguous || !holds(f, live, name)):
			problem.Address, problem.Pos = d.Address, d.FieldPos(f.Path)
			c.find(*problem)
			ok = ok && !problem.OfObject()
		}
	}
	return out, ok
}

// holds reports whether a live list has an element.
func holds(f *spec.Field, list any, element string) bool {
	return slices.ContainsFunc(names(list), func(e string) bool { return f.List.Key(e) == f.List.Key(element) })
}

// reference is the first of one field, zero where there is none.
func reference(all []Reference, path string) Reference {
	for _, r := range all {
		if r.Path == path {
			return r
		}
	}
	return Reference{}
}

// compareReference compares a scalar by what it means, where that is known: names that are alike may be of different objects,
// and one object may be about to get another name.
func compareReference(f *spec.Field, refs []Reference, want, have any, live map[string]string) (FieldChange, bool) {
	if len(refs) == 0 || refs[0].ID != "" && refs[0].ID == live[f.Path] {
		return FieldChange{}, false
	}
	return FieldChange{Path: f.Path, Before: have, After: want}, true
}

// immutable is the finding that a field differs and can be set at creation only.
func immutable(d, l spec.Resource, f FieldChange, refs []Reference) Finding {
	before, after := spec.FormatValue(f.Before), spec.FormatValue(f.After)
	if id := l.Refs[f.Path]; id != "" && len(refs) > 0 && refs[0].ID != "" {
		before, after = fmt.Sprintf("%s (%s)", before, id), fmt.Sprintf("%s (%s)", after, refs[0].ID)
	}
	hint := "declare the live value, or create a new object under another name and move over; nothing is replaced silently"
	if d.ID == "" && slices.Contains(d.Intent.Previously, l.Address.Name) {
		hint += fmt.Sprintf("; it was found by its former name: if a new one is meant, take %s out of previously", l.Address.Name)
	}
	return Finding{
		Code: CodeImmutable, Severity: SeverityBlocked, Address: d.Address, Pos: f.Pos,
		Message: fmt.Sprintf("%s is %s and cannot become %s: it is set at creation only", f.Path, before, after),
		Hint:    hint,
	}
}

// share gives a creation what it has in common with the object that it refers to. A manifest that says otherwise asks for
// what cannot be.
func (c *computation) share(f *spec.Field, d spec.Resource, refs []Reference, after spec.Tree) (ok bool) {
	ok = true
	ref := reference(refs, f.Path)
	from := c.objects.pairs[ref.Address].desired.Spec
	if r := c.objects.byID[identity(c.objects.api, f.Ref, ref.ID)]; r != nil {
		from = r.Spec
	}
	for _, path := range f.Shares {
		theirs, known := spec.Get(from, path)
		own, declared := spec.Get(after, path)
		switch {
		case !known:
		case !declared:
			spec.Put(after, path, theirs)
		case own != theirs:
			c.find(Finding{
				Code: CodeConflict, Severity: SeverityBlocked, Address: d.Address, Pos: d.FieldPos(path),
				Message: fmt.Sprintf("%s is %s, that of its %s is %s", path, spec.FormatValue(own), f.Path, spec.FormatValue(theirs)),
				Hint:    fmt.Sprintf("leave it out: it is that of its %s", f.Path),
			})
			ok = false
		}
	}
	return ok
}

// shared reports whether a field of an object is that of another one which it refers to.
func shared(kind *spec.Kind, d spec.Resource, path string) bool {
	return slices.ContainsFunc(kind.Fields, func(f spec.Field) bool {
		return d.Spec[f.Path] != nil && slices.Contains(f.Shares, path)
	})
}

// identified is a tree in which references are ids, as preconditions compare them.
func identified(t spec.Tree, refs map[string]string) spec.Tree {
	if len(refs) == 0 {
		return t
	}
	out := spec.Clone(t)
	for path, id := range refs {
		if _, ok := spec.Get(out, path); ok {
			spec.Put(out, path, id)
		}
	}
	return out
}
