package spec

import (
	"maps"
	"slices"
	"strings"
)

// intentKeys say something about an object besides its fields; they never enter its tree.
var intentKeys = []string{"id", "previously", "ensure", "protect", "access", "role"}

// resolve turns a draft into the desired state. It assumes nothing of a draft that has problems: the result is then
// thrown away, and resolving it only serves to find the problems of its IP lists.
func (d *draft) resolve(name string) *Organization {
	id, _ := d.metadata["id"].value.(string)
	o := &Organization{
		API: d.api, Name: name, ID: id, Pos: d.docs[0].pos(), Declared: d.declared, Policy: d.resolvePolicy(),
	}
	o.Resources = append(o.Resources, d.organization(o))
	for _, kind := range d.api.Kinds {
		shared := d.sharedLists(kind)
		for _, object := range d.objects[kind.Collection] {
			o.Resources = append(o.Resources, d.resource(kind, object, shared))
		}
	}
	slices.SortStableFunc(o.Resources, func(a, b Resource) int { return a.Address.Compare(b.Address) })
	return o
}

func (d *draft) organization(o *Organization) Resource {
	r := Resource{
		Address: Address{d.api.Organization().Name, o.Name}, ID: o.ID, Spec: Tree{},
		Intent: Intent{Pos: o.Pos, Fields: map[string]Pos{}},
	}
	for path, s := range d.scalars {
		Put(r.Spec, path, s.value)
		_, key, nested := strings.Cut(path, ".")
		if !nested {
			key = path
		}
		r.Intent.Fields[path] = s.in.key(key)
	}
	return r
}

// sharedLists are the IP lists that the defaults of a kind give to its objects, checked and expanded once.
func (d *draft) sharedLists(kind *Kind) map[string][]any {
	out := map[string][]any{}
	for _, f := range kind.Fields {
		if list, ok := d.defaults[kind.Defaults][f.Path]; ok && f.List == ipList {
			out[f.Path] = d.ipList(list.in.at(f.Path), list.value)
		}
	}
	return out
}

// resource takes over what is said of an object: fields with their places, and intent.
func (d *draft) resource(kind *Kind, o object, shared map[string][]any) Resource {
	r := Resource{
		Address: Address{kind.Name, kind.nameOf(o.tree)}, Spec: make(Tree, len(o.settings)),
		Intent: Intent{
			Absent:  o.absent(),
			Protect: o.settings["protect"].value == true,
			Closed:  o.settings["access"].value == "closed",
			Pos:     o.pos(),
			Fields:  make(map[string]Pos, len(o.settings)),
		},
	}
	if kind.pins() {
		r.ID = d.api.CanonicalID(text(o.tree, "id"))
	}
	former, _ := o.tree["previously"].([]any)
	for _, f := range former {
		if name, ok := f.(string); ok {
			r.Intent.Previously = append(r.Intent.Previously, CanonicalName(name))
		}
	}
	if role, ok := o.settings["role"]; ok {
		r.Spec["roles"] = []any{role.value}
		r.Intent.Fields["roles"] = role.in.key("role")
	}
	for key, s := range o.settings {
		if slices.Contains(intentKeys, key) && (key != "id" || kind.pins()) {
			continue
		}
		nested, isTree := s.value.(Tree)
		if !isTree {
			r.Spec[key] = d.fieldValue(kind, o, key, s.value, shared)
			r.Intent.Fields[key] = s.in.key(key)
			continue
		}
		for sub, value := range nested { // an empty object manages nothing
			Put(r.Spec, key+"."+sub, value)
			r.Intent.Fields[key+"."+sub] = s.in.key(key, sub)
		}
	}
	return r
}

// fieldValue is the value of a field in its canonical form: names are composed, and IP lists expanded.
func (d *draft) fieldValue(kind *Kind, o object, key string, value any, shared map[string][]any) any {
	f := kind.Field(key)
	if f != nil && f.List == ipList {
		if list, own := o.tree[key]; own {
			return d.ipList(o.at(key), list)
		}
		return shared[key]
	}
	if key == kind.NameField() && kind.Key != nil && len(kind.KeyFields) == 1 {
		return kind.nameOf(o.tree)
	}
	name, isText := value.(string)
	if isText && (key == "name" || f != nil && f.Ref != "" && f.List == nil) {
		return CanonicalName(name)
	}
	return value
}

func (d *draft) resolvePolicy() Policy {
	p := Policy{MinAdmins: 1, MaxDeletes: MaxDeletes{Percent: 25}}
	if n, ok := d.policy["minAdmins"].value.(int64); ok {
		p.MinAdmins = int(n)
	}
	if n, ok := d.deletes["count"].value.(int64); ok {
		count := int(n)
		p.MaxDeletes.Count = &count
	}
	if n, ok := d.deletes["percent"].value.(int64); ok {
		p.MaxDeletes.Percent = int(n)
	}
	p.Prune = d.policyWords("prune")
	p.Exclusive = d.policyWords("exclusive")
	p.AllowDelete = d.policyWords("allowDelete")
	return p
}

// policyWords joins a list of words over all documents, as a sorted set.
func (d *draft) policyWords(key string) []string {
	words := map[string]bool{}
	for _, doc := range d.docs {
		root, _ := doc.value.(Tree)
		policy, _ := root["policy"].(Tree)
		list, _ := policy[key].([]any)
		for _, e := range list {
			if word, ok := e.(string); ok {
				words[CanonicalName(word)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(words))
}
