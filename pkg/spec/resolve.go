package spec

import (
	"maps"
	"slices"
	"strings"
)

// intentKeys say something about an object besides its fields; they never enter its tree.
var intentKeys = []string{"id", "previously", "ensure", "protect", "access", "role"}

// nameKeys hold a name, the object's own or another's; it enters the tree in its canonical form.
var nameKeys = []string{"name", "warehouse"}

// resolve turns a draft into the desired state. It assumes nothing of a draft that has problems: the result is then
// thrown away, and resolving it only serves to find the problems of its IP lists.
func (d *draft) resolve(name string) *Organization {
	id, _ := d.metadata["id"].value.(string)
	o := &Organization{
		Name: name, ID: id, Pos: d.docs[0].pos(), Declared: d.declared, Policy: d.resolvePolicy(),
	}
	o.Resources = append(o.Resources, d.organization(o))
	for _, e := range d.entries["privateEndpoints"] {
		o.Resources = append(o.Resources, privateEndpointResource(e))
	}
	defaultIPs := d.defaultIPs()
	for _, s := range d.services {
		o.Resources = append(o.Resources, d.service(s, defaultIPs))
	}
	for _, e := range d.entries["keys"] {
		r := resource(keyKind, e)
		if list, ok := e.tree["ipAccessList"]; ok {
			r.Spec["ipAccessList"] = d.ipList(e.at("ipAccessList"), list)
		}
		o.Resources = append(o.Resources, r)
	}
	for _, kind := range []*Kind{memberKind, invitationKind} {
		for _, e := range d.entries[kind.Collection] {
			r := resource(kind, e)
			r.Spec["email"] = r.Address.Name
			o.Resources = append(o.Resources, r)
		}
	}
	slices.SortStableFunc(o.Resources, func(a, b Resource) int { return a.Address.Compare(b.Address) })
	return o
}

func (d *draft) organization(o *Organization) Resource {
	r := Resource{
		Address: Address{organizationKind.Name, o.Name}, ID: o.ID, Spec: Tree{},
		Intent: Intent{Pos: o.Pos, Fields: map[string]Pos{}},
	}
	for key, s := range d.scalars {
		r.Spec[key] = s.value
		r.Intent.Fields[key] = s.in.key(key)
	}
	return r
}

func privateEndpointResource(e entry) Resource {
	r := resource(privateEndpointKind, e)
	r.ID = "" // the id of an endpoint is part of its identity, not a pin
	r.Spec["id"] = e.tree["id"]
	r.Intent.Fields["id"] = e.key("id")
	return r
}

// resource takes over what is written in an entry: fields with their places, and intent.
func resource(kind *Kind, e entry) Resource {
	written := make(settings, len(e.tree))
	for key, value := range e.tree {
		written[key] = setting{e.place, value}
	}
	return build(kind, e, written)
}

func (d *draft) service(s service, defaultIPs []any) Resource {
	r := build(serviceKind, s.entry, s.settings)
	if list, own := s.tree["ipAccessList"]; own {
		r.Spec["ipAccessList"] = d.ipList(s.at("ipAccessList"), list)
	} else if s.has("ipAccessList") {
		r.Spec["ipAccessList"] = defaultIPs
	}
	return r
}

func (d *draft) defaultIPs() []any {
	list, ok := d.defaults["ipAccessList"]
	if !ok {
		return nil
	}
	return d.ipList(list.in.at("ipAccessList"), list.value)
}

func build(kind *Kind, e entry, written settings) Resource {
	name, _ := naturalKey(kind.Collection, e)
	id := strings.ToLower(text(e.tree, "id"))
	r := Resource{
		Address: Address{kind.Name, name}, ID: id, Spec: make(Tree, len(written)),
		Intent: Intent{
			Absent:  e.absent(),
			Protect: written["protect"].value == true,
			Closed:  written["access"].value == "closed",
			Pos:     e.pos(),
			Fields:  make(map[string]Pos, len(written)),
		},
	}
	former, _ := e.tree["previously"].([]any)
	for _, f := range former {
		if name, ok := f.(string); ok {
			r.Intent.Previously = append(r.Intent.Previously, CanonicalName(name))
		}
	}
	if role, ok := written["role"]; ok {
		r.Spec["roles"] = []any{role.value}
		r.Intent.Fields["roles"] = role.in.key("role")
	}
	for key, s := range written {
		if slices.Contains(intentKeys, key) {
			continue
		}
		if name, ok := s.value.(string); ok && slices.Contains(nameKeys, key) {
			s.value = CanonicalName(name)
		}
		nested, isTree := s.value.(Tree)
		if !isTree {
			r.Spec[key] = s.value
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
