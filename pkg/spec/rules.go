package spec

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// check applies the rules that the schema cannot say, except those of IP lists, which are checked as they are expanded.
func (d *draft) check() {
	for _, kind := range d.api.Kinds {
		d.checkNames(kind)
		d.checkFormerNames(kind)
		d.checkProtected(kind)
	}
	d.checkPeople()
	d.checkSpelling()
	for _, doc := range d.docs {
		d.checkAllowDelete(doc)
	}
	if d.api.check != nil {
		d.api.check(d)
	}
}

// checkNames: a name is declared once, and an id pins one object.
func (d *draft) checkNames(kind *Kind) {
	names, ids := map[string]entry{}, map[string]entry{}
	for _, e := range d.entries[kind.Collection] {
		name, field := kind.nameOf(e.tree), kind.NameField()
		if first, twice := names[name]; twice && name != "" {
			hint := ""
			if written := text(e.tree, field); written != text(first.tree, field) && CanonicalName(written) == CanonicalName(text(first.tree, field)) {
				hint = "the two differ in their Unicode form alone"
			}
			d.report(CodeDuplicate, e.at(field).pos(), fmt.Sprintf("%s %s is declared twice", kind.Name, quoted(name)), hint,
				Related{"first declared here", first.at(field).pos()})
			continue
		}
		names[name] = e
		id := d.api.CanonicalID(text(e.tree, "id"))
		if id == "" || !kind.pins() {
			continue
		}
		if first, twice := ids[id]; twice {
			d.report(CodeDuplicate, e.at("id").pos(), fmt.Sprintf("id %s pins two %s", quoted(id), kind.Collection), "",
				Related{"also pinned here", first.at("id").pos()})
			continue
		}
		ids[id] = e
	}
}

// checkFormerNames: a former name is free, or else two objects would claim the same live one.
func (d *draft) checkFormerNames(kind *Kind) {
	declared, claimed := map[string]entry{}, map[string]Pos{}
	for _, e := range d.entries[kind.Collection] {
		declared[CanonicalName(text(e.tree, "name"))] = e
	}
	for _, e := range d.entries[kind.Collection] {
		former, _ := e.tree["previously"].([]any)
		for i, f := range former {
			name, _ := f.(string)
			if name = CanonicalName(name); name == "" {
				continue
			}
			pos := e.at("previously", i).pos()
			if other, ok := declared[name]; ok {
				d.report(CodePreviously, pos, fmt.Sprintf("%s %s cannot be a former name, it is declared", kind.Name, quoted(name)),
					"a name that is in use names another object", Related{"declared here", other.at("name").pos()})
			} else if first, ok := claimed[name]; ok {
				d.report(CodePreviously, pos, fmt.Sprintf("former name %s is claimed twice", quoted(name)), "",
					Related{"first claimed here", first})
			}
			claimed[name] = pos
		}
	}
}

// checkProtected: what is protected is not declared absent.
func (d *draft) checkProtected(kind *Kind) {
	for _, o := range d.objects[kind.Collection] {
		if o.absent() && o.settings["protect"].value == true {
			d.report(CodeProtected, o.entry.key("ensure"), fmt.Sprintf("a protected %s is declared absent", kind.Name),
				"write protect: false on it first", Related{"protect", o.key("protect")})
		}
	}
}

// checkPeople: those who have joined and those who are invited are one list by e-mail address.
func (d *draft) checkPeople() {
	joined, invited := d.api.Kind(d.api.People.Joined), d.api.Kind(d.api.People.Invited)
	if joined == nil || invited == nil {
		return
	}
	members := map[string]entry{}
	for _, m := range d.entries[joined.Collection] {
		members[joined.nameOf(m.tree)] = m
	}
	for _, i := range d.entries[invited.Collection] {
		email := invited.nameOf(i.tree)
		if m, both := members[email]; both && email != "" && !m.absent() && !i.absent() {
			d.report(CodePersonTwice, i.at(invited.NameField()).pos(), fmt.Sprintf("%s is both a member and an invitation", quoted(email)),
				"keep the member: who has not joined is invited", Related{"the member", m.at(joined.NameField()).pos()})
		}
	}
}

func (d *draft) checkRoles(e entry) {
	_, one := e.tree["role"]
	roles, many := e.tree["roles"].([]any)
	if one && many {
		d.report(CodeRoles, e.key("role"), "role and roles are both given", "keep roles",
			Related{"roles", e.key("roles")})
	}
	d.checkDistinct(roles, e.at("roles"), "role", roleList)
}

// checkDistinct reports elements of a list that name the same thing in the eyes of the server.
func (d *draft) checkDistinct(list []any, in place, what string, rule *List) {
	first := make(map[string]int, len(list))
	for i, element := range list {
		key := rule.Key(element)
		if key == "" {
			continue
		}
		if j, twice := first[key]; twice {
			d.report(CodeElement, in.at(i).pos(), fmt.Sprintf("%s %s is listed twice", what, quoted(key)), "",
				Related{"first listed here", in.at(j).pos()})
			continue
		}
		first[key] = i
	}
}

func (d *draft) checkExpiry(key entry) {
	value, ok := key.tree["expireAt"].(string)
	if !ok {
		return
	}
	if _, err := time.Parse(time.RFC3339Nano, value); err == nil {
		return
	}
	hint := "write it as 2027-06-30T00:00:00Z"
	if _, err := time.Parse(time.DateOnly, value); err == nil {
		hint = fmt.Sprintf("a day has no moment; write %sT00:00:00Z", value)
	} else if value == "" {
		hint = "write null for a key that never expires"
	}
	d.report(CodeTimestamp, key.at("expireAt").pos(), fmt.Sprintf("expireAt must be an RFC 3339 timestamp, not %s", quoted(value)), hint)
}

// checkAllowDelete: what may be deleted by name is of a kind that has to be allowed so.
func (d *draft) checkAllowDelete(doc document) {
	var kinds []string
	for _, k := range d.api.Kinds {
		if k.Leave != "" {
			kinds = append(kinds, k.Name)
		}
	}
	root, _ := doc.value.(Tree)
	policy, _ := root["policy"].(Tree)
	selectors, _ := policy["allowDelete"].([]any)
	for i, s := range selectors {
		selector, ok := s.(string)
		if !ok {
			continue
		}
		kind, glob, _ := strings.Cut(selector, "/")
		_, err := path.Match(glob, "")
		if !slices.Contains(kinds, kind) || glob == "" || err != nil {
			d.report(CodeAllowDelete, doc.at("policy", "allowDelete", i).pos(),
				fmt.Sprintf("%s is not %s", quoted(selector), oneOf(globs(kinds, "GLOB"))), "for example "+globs(kinds, "preview-*")[0])
		}
	}
}

// globs are selectors of some kinds with one pattern.
func globs(kinds []string, pattern string) []string {
	out := make([]string, len(kinds))
	for i, kind := range kinds {
		out[i] = kind + "/" + pattern
	}
	return out
}

// values collects one text field of all entries, for suggestions.
func values(entries []entry, field string) []string {
	list := make([]string, 0, len(entries))
	for _, e := range entries {
		list = append(list, text(e.tree, field))
	}
	return list
}
