package spec

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Export writes a live organization as one manifest that is valid and plans empty right after, and of which whatever changes
// later is drift: a field without a value is written as such, and collections are exclusive. It is held to the rules by being
// loaded: what they refuse is left unmanaged, and a comment says its value and the reason. Comments also name what was not read,
// and live objects that share the name of an exported one. What is missing is said once more in short, a sentence each.
func Export(live *Live) (manifest []byte, missing []string, err error) {
	api := cmp.Or(live.API, ClickHouse)
	e := exporter{
		api: api, live: live, joined: map[string]bool{}, ids: map[Address][]string{}, undeclared: map[string]bool{}, root: &block{}, spec: &block{},
	}
	for _, r := range live.Resources {
		if r.Address.Kind == api.People.Joined {
			e.joined[r.Address.Name] = true
		}
		e.ids[r.Address] = append(e.ids[r.Address], r.ID)
	}
	e.write()
	for {
		e.setPolicy()
		manifest, err = encodeYAML(e.root)
		if err != nil {
			return nil, nil, err
		}
		_, problems := load([]File{{Name: "export", Data: manifest}}, []*API{api})
		problems = slices.DeleteFunc(problems, func(d Diagnostic) bool { return d.Severity != SeverityError })
		if len(problems) == 0 {
			return manifest, e.missing(), nil
		}
		if !e.leaveOut(manifest, problems) {
			return nil, nil, fmt.Errorf("write manifest: it would not be valid: %s", problems[0])
		}
	}
}

type exporter struct {
	api    *API
	live   *Live
	joined map[string]bool
	ids    map[Address][]string // all ids of a name, the lowest first, which stands for it

	undeclared map[string]bool // collections that hold live objects which the manifest does not declare

	root, spec *block
	unread     []unreadDetails // an entry for each object
	left       int             // what is live and cannot be said
}

type unreadDetails struct {
	kind   *Kind
	reason string
}

// block is a mapping in the order of writing, with a comment above it.
type block struct {
	comment string
	keys    []string
	values  []any             // string, bool, int64, float64, nil, []any and *block
	above   map[string]string // comments above keys
	of      Resource          // the object that it is the entry of
	gone    bool              // not to be written after all
}

func (b *block) put(key string, value any) {
	b.keys, b.values = append(b.keys, key), append(b.values, value)
}

func (b *block) value(key string) any {
	if i := slices.Index(b.keys, key); i >= 0 {
		return b.values[i]
	}
	return nil
}

// drop takes a key away; it reports whether there was one.
func (b *block) drop(key string) bool {
	i := slices.Index(b.keys, key)
	if i < 0 {
		return false
	}
	b.keys, b.values = slices.Delete(b.keys, i, i+1), slices.Delete(b.values, i, i+1)
	return true
}

func (b *block) remark(format string, args ...any) {
	b.comment = commented(b.comment, fmt.Sprintf(format, args...))
}

func (b *block) remarkAbove(key, format string, args ...any) {
	if b.above == nil {
		b.above = map[string]string{}
	}
	b.above[key] = commented(b.above[key], fmt.Sprintf(format, args...))
}

// commented adds a line to a comment. Whatever a server puts into it stays within that line.
func commented(comment, line string) string {
	line = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || hidden(r) != "" {
			return utf8.RuneError
		}
		return r
	}, line)
	return strings.TrimPrefix(comment+"\n"+line, "\n")
}

func (e *exporter) write() {
	if e.api != ClickHouse {
		e.spec.put("api", e.api.Name)
	}
	for _, r := range e.live.Resources {
		if kind := e.api.Organization(); r.Address.Kind == kind.Name {
			e.spec.of = r
			if reason := unread(r); reason != "" {
				e.unread = append(e.unread, unreadDetails{kind, reason})
				e.root.remark("%s", notRead(details(kind), reason))
			}
			e.fields(e.spec, kind, r)
		}
	}
	for _, kind := range e.api.Kinds {
		if kind.Collection == "" {
			continue
		}
		if reason, refused := e.live.NotChecked[kind.Collection]; refused {
			e.root.remark("%s", notRead(kind.Collection, reason))
			continue
		}
		e.spec.put(kind.Collection, e.collection(kind))
	}
	metadata := &block{}
	metadata.put("name", handle(e.live.OrganizationName))
	metadata.put("id", e.live.OrganizationID)
	e.root.put("apiVersion", APIVersion)
	e.root.put("kind", "Organization")
	e.root.put("metadata", metadata)
	e.root.put("spec", e.spec)
}

// setPolicy makes every collection exclusive that the manifest declares whole: what is added to it later is drift then.
func (e *exporter) setPolicy() {
	policy, exclusive := &block{}, []any{}
	for _, kind := range e.api.Kinds {
		_, written := e.spec.value(kind.Collection).([]any)
		switch {
		case written && e.undeclared[kind.Collection]:
			policy.remarkAbove("exclusive", "%s", notExclusive(kind.Collection))
		case written:
			exclusive = append(exclusive, kind.Collection)
		}
	}
	policy.put("exclusive", exclusive)
	e.root.drop("policy")
	e.root.put("policy", policy)
}

func notExclusive(collection string) string {
	return fmt.Sprintf("%s are not exclusive, so that further ones are no drift: not all of the live ones are declared", collection)
}

func notRead(collection, reason string) string {
	return fmt.Sprintf("%s are not exported: %s", collection, reason)
}

func (e *exporter) collection(kind *Kind) []any {
	out := []any{}
	for _, r := range e.live.Resources {
		switch {
		case r.Address.Kind != kind.Name, e.ids[r.Address][0] != r.ID:
			continue
		case kind.Name == e.api.People.Invited && e.joined[r.Address.Name]:
			continue // one entry for each person; that of the member says so
		}
		b := &block{of: r}
		if others := e.others(r); len(others) > 0 {
			e.left += len(others)
			e.undeclared[kind.Collection] = true
			b.remark("also live under this name and not managed here: %s", strings.Join(others, ", "))
		}
		if ids := e.invited(r.Address); len(ids) > 0 {
			e.left += len(ids)
			e.undeclared[e.api.Kind(e.api.People.Invited).Collection] = true
			b.remark("an invitation of this address is live, too, and not managed here: %s", strings.Join(ids, ", "))
		}
		if _, unfinished := r.Status[StatusUnfinished]; unfinished {
			b.remark("its tag orgctl-op says that its creation is not finished: the next apply may finish it")
		}
		if reason := unread(r); reason != "" {
			e.unread = append(e.unread, unreadDetails{kind, reason})
			b.remark("%s is not exported: %s", details(kind), reason)
		}
		e.fields(b, kind, r)
		out = append(out, b)
	}
	return out
}

// invited are the ids of the live invitations of somebody who has joined.
func (e *exporter) invited(joined Address) []string {
	if !e.api.People.Has(joined.Kind) || joined.Kind == e.api.People.Invited {
		return nil
	}
	return e.ids[Address{e.api.People.Invited, joined.Name}]
}

// unread says why the details of an object are missing.
func unread(r Resource) string {
	if reason, ok := r.Status[StatusRefused].(string); ok {
		return reason
	}
	reason, _ := r.Status[StatusUnreadable].(string)
	return reason
}

// details names what holds the fields that are read by requests of their own.
func details(kind *Kind) string {
	var keys []string
	for _, f := range kind.Fields {
		if key, _, _ := strings.Cut(f.Path, "."); f.Detail && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return strings.Join(keys, ", ")
}

// others are the ids of further live objects of the same name.
func (e *exporter) others(r Resource) []string { return e.ids[r.Address][1:] }

// fields writes what is known of an object, in the order of its kind.
func (e *exporter) fields(b *block, kind *Kind, r Resource) {
	var nested *block
	for _, f := range kind.FieldsOf(r.Spec) {
		value, known := observed(f, r)
		nameless := f.Path == kind.NameField() && r.Status[StatusNameless] != nil
		if nameless && !known {
			value, known = r.Address.Name, true // the id tells which one it is
		}
		if !known || f.Idle != nil && f.Idle(r.Spec) {
			continue
		}
		if id := r.Refs[f.Path]; id != "" && !e.means(f, r, value, id) {
			e.left++
			b.remark("%s: %s is left out: the one of that name that is meant, %s, is not exported", f.Path, excerpt(value), id)
			continue
		}
		if name := e.sharedRole(f, value); name != "" {
			e.left++
			b.remark("%s are left out: several roles are named %s", f.Path, excerpt(name))
			continue
		}
		if f.List == ipList {
			value = ipEntries(value)
		}
		parent, child, isNested := strings.Cut(f.Path, ".")
		if !isNested {
			b.put(f.Path, exported(value))
			if kind.Collection != "" && f.Path == kind.NameField() && kind.pins() && (nameless || len(e.others(r)) > 0) {
				b.put("id", r.ID)
			}
			continue
		}
		if nested == nil {
			nested = &block{}
			b.put(parent, nested)
		}
		nested.put(child, exported(value))
	}
}

// observed is the value of a field, or what says that it has none, so that one which it gets later is seen. Where nothing says
// so, or it was not looked at, it is not known.
func observed(f *Field, r Resource) (value any, known bool) {
	value, reported := Get(r.Spec, f.Path)
	part, _, nested := strings.Cut(f.Path, ".")
	switch {
	case reported:
		return value, true
	case f.Shown, f.Unread, nested && r.Spec[part] == nil:
		return nil, false
	case f.List != nil:
		return []any{}, true
	case f.Nullable:
		return nil, true
	default:
		return f.Default, f.Default != nil
	}
}

// means reports that a name in the manifest will mean the object of an id, as far as the name is exported at all.
func (e *exporter) means(f *Field, r Resource, value any, id string) bool {
	name, _ := value.(string)
	ids := e.ids[f.Target(name, r.Spec)]
	return len(ids) == 0 || ids[0] == id
}

// sharedRole gives a role among those of a field that shares its name with another: a manifest cannot say which one is meant.
func (e *exporter) sharedRole(f *Field, value any) string {
	names, _ := value.([]any)
	if f.Ref != "role" {
		return ""
	}
	for _, name := range names {
		name, _ := name.(string)
		ids := map[string]bool{}
		for _, r := range e.live.Roles {
			if strings.EqualFold(r.Name, name) {
				ids[r.ID] = true
			}
		}
		if len(ids) > 1 {
			return name
		}
	}
	return ""
}

// ipEntries spells entries as manifests must: each network once and without host bits.
func ipEntries(value any) []any {
	entries, _ := value.([]any)
	out := make([]any, 0, len(entries))
	seen := map[string]bool{}
	for _, entry := range entries {
		source := CanonicalCIDR(text(entry, "source"))
		if seen[source] {
			continue
		}
		seen[source] = true
		spelled := Tree{"source": strings.TrimSuffix(source, "/32")}
		if d := text(entry, "description"); d != "" {
			spelled["description"] = d
		}
		out = append(out, spelled)
	}
	return out
}

// leaveOut takes away what problems are about. It reports whether it took anything.
func (e *exporter) leaveOut(manifest []byte, problems Diagnostics) bool {
	parts := partsOf(manifest)
	before := e.left
	for _, d := range problems {
		e.leaveOutPart(parts.at(d.Pos), fmt.Sprintf("%s (%s)", d.Message, d.Code))
	}
	for i, value := range e.spec.values {
		if list, ok := value.([]any); ok {
			e.spec.values[i] = slices.DeleteFunc(list, func(entry any) bool { return entry.(*block).gone })
		}
	}
	return e.left > before
}

// leaveOutPart takes away what a path leads into: an id, a setting of the organization, or part of an object.
func (e *exporter) leaveOutPart(path []any, reason string) {
	if len(path) < 2 {
		return
	}
	key, _ := path[1].(string)
	if path[0] == "metadata" && key == "id" {
		if metadata, ok := e.root.value("metadata").(*block); ok && metadata.drop(key) {
			e.left++
			e.root.remark("metadata.id: %s is left out: %s", shown(e.live.OrganizationID), reason)
		}
		return
	}
	if list, ok := e.spec.value(key).([]any); ok && len(path) > 2 {
		i, _ := path[2].(int)
		e.leaveOutOf(list[i].(*block), key, path[3:], reason)
		return
	}
	if e.spec.drop(key) {
		e.left++
		if value, ok := e.spec.of.Spec[key]; ok {
			e.root.remark("%s: %s is left out: %s", key, excerpt(value), reason)
		} else {
			e.root.remark("%s are left out: %s", key, reason)
		}
	}
}

// leaveOutOf takes away one field of an object. A list goes as a whole, since declaring the rest of one would remove what is
// missing of it. The object goes as a whole where the path leads to what identifies it.
func (e *exporter) leaveOutOf(b *block, collection string, path []any, reason string) {
	if b.gone {
		return
	}
	var field string
	if len(path) > 0 {
		field, _ = path[0].(string)
	}
	if field == "" || e.api.Kind(b.of.Address.Kind).identifiedBy(field) {
		b.gone = true
		e.left++
		e.undeclared[collection] = true
		address := b.of.Address
		ids := e.ids[address]
		// Somebody's invitation, if the API still lists it, was to be said by whoever has joined.
		ids = slices.Concat(ids, e.invited(address))
		e.spec.remarkAbove(collection, "%s %s (%s) is left out: %s", address.Kind, quoted(address.Name), strings.Join(ids, ", "), reason)
		return
	}
	nested, isNested := b.value(field).(*block)
	if !isNested || len(path) == 1 {
		e.leaveOutField(b, b, field, field, reason)
		if f := e.api.Kind(b.of.Address.Kind).Field(field); f != nil {
			for _, path := range f.Implied {
				e.leaveOutField(b, b, path, path, "it implies an "+field)
			}
		}
		return
	}
	sub, _ := path[1].(string)
	e.leaveOutField(b, nested, sub, field+"."+sub, reason)
	if len(nested.keys) == 0 {
		b.drop(field)
	}
}

func (e *exporter) leaveOutField(b, in *block, key, path, reason string) {
	if !in.drop(key) {
		return // two rules said so
	}
	e.left++
	value, _ := Get(b.of.Spec, path)
	b.remark("%s: %s is left out: %s", path, excerpt(value), reason)
}

// excerpt shows a live value in a comment.
func excerpt(value any) string { return clipTo(FormatValue(value), 200) }

// missing says what the manifest leaves out, for whoever runs the export.
func (e *exporter) missing() []string {
	var out []string
	for _, kind := range e.api.Kinds {
		if reason, refused := e.live.NotChecked[kind.Collection]; refused && kind.Collection != "" {
			out = append(out, notRead(kind.Collection, reason))
		}
	}
	for _, kind := range e.api.Kinds {
		if e.undeclared[kind.Collection] {
			out = append(out, notExclusive(kind.Collection))
		}
	}
	count := map[unreadDetails]int{}
	for _, u := range e.unread {
		count[u]++
	}
	for _, u := range e.unread {
		switch n := count[u]; {
		case n == 0: // said
		case u.kind.Collection == "":
			out = append(out, notRead(details(u.kind), u.reason))
		default:
			out = append(out, fmt.Sprintf("%s of %s is not exported: %s", details(u.kind), counted(n, u.kind.Name), u.reason))
		}
		count[u] = 0
	}
	switch {
	case e.left == 1:
		out = append(out, "1 thing that a manifest cannot say is left out; a comment in the manifest says which and why")
	case e.left > 1:
		out = append(out, fmt.Sprintf("%d things that a manifest cannot say are left out; comments in the manifest say which and why", e.left))
	}
	return out
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// exported gives a tree value its written form: mappings in one order, the telling key first.
func exported(v any) any {
	switch v := v.(type) {
	case Tree:
		b := &block{}
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(x, y string) int {
			if telling := []string{"source", "key", "protocol"}; slices.Contains(telling, x) != slices.Contains(telling, y) {
				if slices.Contains(telling, x) {
					return -1
				}
				return 1
			}
			return strings.Compare(x, y)
		})
		for _, k := range keys {
			b.put(k, exported(v[k]))
		}
		return b
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = exported(element)
		}
		return out
	default:
		return v
	}
}

var notInHandle = regexp.MustCompile(`[^a-z0-9]+`)

// handle makes a metadata.name of an organization's name.
func handle(name string) string {
	h := strings.Trim(notInHandle.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if h == "" {
		return "organization"
	}
	return strings.TrimRight(h[:min(len(h), 60)], "-")
}
