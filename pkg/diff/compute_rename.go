package diff

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// suggestRenames says where a manifest may mean a live object that no manifest declares: a creation of the same sort of object looks
// as if its entry had been given another name, and so may an entry whose fixed fields are not those of its own object. Nobody
// can know it, so these are remarks.
func (c *computation) suggestRenames() {
	if c.desired.Pos.IsZero() {
		return // it comes from a saved plan, for which all that it does not change looks undeclared
	}
	undeclared := sorts{api: c.api, live: c.undeclaredNames(), groups: map[string]map[string][]*spec.Resource{}}
	if len(undeclared.live) == 0 {
		return
	}
	for i := range c.plan.Changes {
		if change := &c.plan.Changes[i]; change.Action == Create {
			if found := undeclared.like(change.Address.Kind, change.After, change.References); len(found) > 0 {
				c.find(c.renameNote(change, found))
			}
		}
	}
	for i := range c.plan.Findings {
		f := &c.plan.Findings[i]
		if f.Code != CodeImmutable {
			continue
		}
		declared := c.objects.pairs[f.Address].desired.Spec
		if found := undeclared.like(f.Address.Kind, declared, nil); len(found) == 1 {
			f.Hint += fmt.Sprintf("; if %s is meant, which is live, declared by no manifest and like what is declared here, declare it by its own name, "+
				"or by one that is free with previously: [%s]", found[0].Address, flow(found[0].Address.Name))
		}
	}
}

// undeclaredNames are the live objects that no manifest declares and whose names say which they are, by address. One that is still
// being created is somebody's new one.
func (c *computation) undeclaredNames() []*spec.Resource {
	var out []*spec.Resource
	add := func(kind, id string) {
		r := c.objects.byID[identity(c.api, kind, id)]
		if _, halfMade := r.Status[spec.StatusUnfinished]; !halfMade && !c.objects.declared[r.Address] && len(c.objects.byAddress[r.Address]) == 1 {
			out = append(out, r)
		}
	}
	for _, u := range c.plan.Unmanaged {
		add(u.Address.Kind, u.ID)
	}
	for _, change := range c.plan.Changes {
		if change.Pruned {
			add(change.Address.Kind, change.ID)
		}
	}
	slices.SortFunc(out, func(a, b *spec.Resource) int { return a.Address.Compare(b.Address) })
	return out
}

func (c *computation) renameNote(change *Change, found []*spec.Resource) Finding {
	const shown = 3
	named := make([]string, 0, shown)
	for _, r := range found[:min(len(found), shown)] {
		named = append(named, r.Address.String())
	}
	who := strings.Join(named, ", ")
	if more := len(found) - shown; more > 0 {
		who += fmt.Sprintf(" and %d more", more)
	}
	verb, maybe, do := "are", "one of them", "write its name here, as in previously: [%s]"
	if len(found) == 1 {
		verb, maybe, do = "is", "it", "write previously: [%s] here"
	}
	f := Finding{
		Code: CodeRenamed, Severity: SeverityNote, Address: change.Address, Pos: change.Pos,
		Message: fmt.Sprintf("%s %s live, declared by no manifest and like this one in place, size and all that is fixed at creation: "+
			"%s may be this %s under its former name", who, verb, maybe, change.Address.Kind),
		Hint: "if so, " + fmt.Sprintf(do, flow(found[0].Address.Name)) + ": it is renamed then, and nothing is created",
	}
	if slices.ContainsFunc(c.plan.Changes, func(d Change) bool { return d.Pruned && d.ID == found[0].ID }) {
		f.Hint += "; policy.prune would delete it"
	}
	return f
}

// sorts finds the live objects that are of the same sort as a declared one: as large, and the same in all that is fixed at creation,
// as far as it is declared. Where an object is has to be declared, or everything would be of its sort.
type sorts struct {
	api  *spec.API
	live []*spec.Resource
	// groups are the live objects by the fields that count and then by their values, made as such fields come up: entries of one
	// manifest tend to declare the same ones.
	groups map[string]map[string][]*spec.Resource
}

func (s *sorts) like(kind string, declared spec.Tree, refs []Reference) []*spec.Resource {
	of := s.api.Kind(kind)
	var fields []*spec.Field
	var paths, values strings.Builder
	for i := range of.Fields {
		f := &of.Fields[i]
		if f.Unread || !f.Immutable && !f.Size {
			continue
		}
		value, managed := spec.Get(declared, f.Path)
		switch {
		case f.Ref != "": // where none is declared, there is to be none
			id := reference(refs, f.Path).ID
			if managed && id == "" {
				return nil // it is of something that does not exist yet
			}
			values.WriteString(id + "\n")
		case managed:
			values.WriteString(spec.FormatValue(value) + "\n")
		case slices.Contains(of.ToCreate, f.Path):
			return nil
		default:
			continue
		}
		fields = append(fields, f)
		paths.WriteString(f.Path + "\n")
	}
	if len(fields) == 0 {
		return nil
	}
	by := kind + "\n" + paths.String()
	if s.groups[by] == nil {
		s.groups[by] = map[string][]*spec.Resource{}
		for _, r := range s.live {
			if r.Address.Kind == kind {
				key := sortOf(r, fields)
				s.groups[by][key] = append(s.groups[by][key], r)
			}
		}
	}
	return s.groups[by][values.String()]
}

// sortOf spells the values of a live object as like spells those of a declared one.
func sortOf(r *spec.Resource, fields []*spec.Field) string {
	var values strings.Builder
	for _, f := range fields {
		value, reported := spec.Get(r.Spec, f.Path)
		switch {
		case f.Ref != "" && reported && r.Refs[f.Path] == "":
			values.WriteString("unknown\n")
		case f.Ref != "":
			values.WriteString(r.Refs[f.Path] + "\n")
		case !reported || value == nil:
			values.WriteString(spec.FormatValue(f.Default) + "\n")
		default:
			values.WriteString(spec.FormatValue(value) + "\n")
		}
	}
	return values.String()
}

// unquoted is text that every reader of YAML takes for itself in a list in brackets, but for misread.
var unquoted = regexp.MustCompile(`^[A-Za-z][0-9A-Za-z_.-]*$`)

// misread are words that some reader takes for a truth value or for null.
var misread = []string{"y", "yes", "n", "no", "on", "off", "true", "false", "null"}

// flow spells a name as it is written in a list in brackets.
func flow(name string) string {
	if unquoted.MatchString(name) && !slices.Contains(misread, strings.ToLower(name)) {
		return name
	}
	return strconv.Quote(name)
}
