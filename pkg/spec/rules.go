package spec

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// check applies the rules that the schema cannot say, except those of IP lists, which are checked as they are expanded.
func (d *draft) check() {
	for _, kind := range Kinds() {
		d.checkNames(kind)
		d.checkFormerNames(kind)
	}
	d.checkPeople()
	for _, key := range d.entries["keys"] {
		d.checkRoles(key)
		d.checkExpiry(key)
		if roles, ok := key.tree["roles"].([]any); ok && len(roles) == 0 && !key.absent() {
			d.warn(CodeRoleless, key.at("roles").pos(), "a key without roles may call query endpoints that are bound to it, and nothing else",
				"give it a role, or leave roles out if they are not managed")
		}
	}
	d.checkServices()
	d.checkKnown()
	d.checkSpelling()
	for _, doc := range d.docs {
		d.checkAllowDelete(doc)
	}
}

// checkNames: a name is declared once, and an id pins one object.
func (d *draft) checkNames(kind *Kind) {
	names, ids := map[string]entry{}, map[string]entry{}
	for _, e := range d.entries[kind.Collection] {
		name, field := naturalKey(kind.Collection, e)
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
		id := strings.ToLower(text(e.tree, "id"))
		if id == "" || kind == privateEndpointKind {
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

// checkPeople: members and invitations are one list by e-mail address.
func (d *draft) checkPeople() {
	members := map[string]entry{}
	for _, m := range d.entries["members"] {
		email, _ := naturalKey("members", m)
		members[email] = m
		d.checkRoles(m)
	}
	for _, i := range d.entries["invitations"] {
		d.checkRoles(i)
		email, _ := naturalKey("invitations", i)
		if m, both := members[email]; both && email != "" && !m.absent() && !i.absent() {
			d.report(CodePersonTwice, i.at("email").pos(), fmt.Sprintf("%s is both a member and an invitation", quoted(email)),
				"keep the member: who has not joined is invited", Related{"the member", m.at("email").pos()})
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

func (d *draft) checkAllowDelete(doc document) {
	root, _ := doc.value.(Tree)
	policy, _ := root["policy"].(Tree)
	selectors, _ := policy["allowDelete"].([]any)
	for i, s := range selectors {
		selector, ok := s.(string)
		if !ok {
			continue
		}
		glob, isService := strings.CutPrefix(selector, "service/")
		_, err := path.Match(glob, "")
		if !isService || glob == "" || err != nil {
			d.report(CodeAllowDelete, doc.at("policy", "allowDelete", i).pos(),
				fmt.Sprintf("%s is not service/GLOB", quoted(selector)), "for example service/preview-*")
		}
	}
}

// values collects one text field of all entries, for suggestions.
func values(entries []entry, field string) []string {
	list := make([]string, 0, len(entries))
	for _, e := range entries {
		list = append(list, text(e.tree, field))
	}
	return list
}
