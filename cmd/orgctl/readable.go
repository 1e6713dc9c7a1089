package main

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
)

// readable is something that get shows. What is special about one is said here; get knows none by name.
type readable struct {
	name    string // as it is typed and listed
	single  string // of one of them; its spelling does not matter beyond letters
	address string // what names of them begin with; those that manifests have, too, are spelt as there
	does    string

	service  bool    // the first argument is the service that it is of
	whole    bool    // the service may be left out
	optional bool    // a service may have none, which the API answers with 404
	region   bool    // --provider and --region may stand in its place
	period   *period // what --from and --to are of; nil if they mean nothing
	watched  bool    // it changes by itself
	log      bool    // a list in the order of the API, of which none has a name
	pairs    bool    // one object, whose members have a row each
	takes    string  // the last argument, which may be left out: a NAME to be found in the list, or an ID that only the API knows; "" for none

	// Below the organization; {service} and {id} stand for ids.
	path   string // of all
	one    string // of a single one; "" if only all can be read
	member string // of the object at path, which is where they are; one of them is read as it is
	rows   string // member of an object whose elements have a row each in its table, before its own; "" if it has nothing but its own
	text   bool   // what is at path is text for programs, and no object

	names   []string // fields of which the first that an object has is its name
	joined  []string // fields that together, with slashes, are its name; names then holds what is enough of it
	fold    bool     // names are the same in whatever case
	id      string   // the field of the id
	columns []column
}

// period is how the time that something is of is narrowed: by the API, or else here.
type period struct {
	days  bool                                              // it is of whole days, so that a date alone may be given
	query func(from, to, now time.Time) (url.Values, error) // the parameters of the API; a bound that is left open is the zero Time
	field string                                            // where the API has no parameters: what the time of one is in
}

var errFromAfterTo = usage("--from is after --to")

// parameters are those that the API has.
func (p *period) parameters(from, to, now time.Time) (url.Values, error) {
	switch {
	case p.query != nil:
		return p.query(from, to, now)
	case !from.IsZero() && !to.IsZero() && to.Before(from):
		return nil, errFromAfterTo
	}
	return nil, nil
}

// narrow leaves those of a period, its ends included, where the API does not do it. What does not tell its time in a form that is
// known may be of it: it is kept, and counted.
func (p *period) narrow(objects []view.Object, from, to time.Time) (kept []view.Object, unclear int) {
	if p.query != nil || from.IsZero() && to.IsZero() {
		return objects, 0
	}
	for _, o := range objects {
		at, err := time.Parse(time.RFC3339, o.Text(p.field))
		switch {
		case err != nil:
			unclear++
		case !from.IsZero() && at.Before(from), !to.IsZero() && at.After(to):
			continue
		}
		kept = append(kept, o)
	}
	return kept, unclear
}

// column is one of a table.
type column struct {
	title string
	wide  bool // only with -o wide
	text  func(view.Object) string
}

// readables are all that there are, whichever API has them.
func readables() []*readable {
	var all []*readable
	for _, p := range providers {
		for _, r := range p.readables {
			if !slices.ContainsFunc(all, func(known *readable) bool { return known.name == r.name }) {
				all = append(all, r)
			}
		}
	}
	return all
}

// readable finds what is meant by a word, in whatever case and with or without hyphens: private-endpoint is privateEndpoints.
func (p *provider) readable(word string) *readable {
	letters := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "")) }
	i := slices.IndexFunc(p.readables, func(r *readable) bool {
		return letters(word) == letters(r.name) || r.single != "" && letters(word) == letters(r.single)
	})
	if i < 0 {
		return nil
	}
	return p.readables[i]
}

// periods are what is of a time that can be told, as --from is refused for the rest.
func (p *provider) periods() []string {
	var of []string
	for _, r := range p.readables {
		switch {
		case r.period == nil:
		case r.one != "":
			of = append(of, "the list of "+r.name)
		default:
			of = append(of, r.name)
		}
	}
	return of
}

// arguments is how a thing is asked for, as the list of them and the help have it.
func (r *readable) arguments() string {
	var parts []string
	switch {
	case r.whole:
		parts = append(parts, "[SERVICE]")
	case r.service:
		parts = append(parts, "SERVICE")
	}
	if r.takes != "" {
		parts = append(parts, "["+r.takes+"]")
	}
	return strings.Join(append([]string{r.name}, parts...), " ")
}

// parts are the arguments that an address holds behind its kind: the name of an object, or a service and the id of what is of it.
func (r *readable) parts(name string) []string {
	if i := strings.LastIndex(name, "/"); i >= 0 && r.service && r.takes != "" {
		return []string{name[:i], name[i+1:]}
	}
	return []string{name}
}

// isList reports whether there are several of it.
func (r *readable) isList() bool { return r.takes != "" || r.log }

func readableTerms() []view.HelpTerm {
	var terms []view.HelpTerm
	for _, r := range readables() {
		terms = append(terms, view.HelpTerm{Name: r.name, Text: r.does})
	}
	return terms
}

// title is the name of one that is shown.
func (r *readable) title(o view.Object) string {
	if r.joined != nil {
		parts := make([]string, len(r.joined))
		for i, f := range r.joined {
			parts[i] = o.Text(f)
		}
		return strings.Join(parts, "/")
	}
	for _, f := range r.names {
		if name := o.Text(f); name != "" {
			return name
		}
	}
	return ""
}

// values are what a field of one has. What is no object is nothing but its name.
func (r *readable) values(o view.Object, path string) []string {
	if slices.Contains(r.names, "") && slices.Contains(r.names, path) && len(o.Fields()) == 0 {
		path = ""
	}
	return o.Values(path)
}

// meant reports whether a name is one of an object.
func (r *readable) meant(o view.Object, name string) bool {
	same := func(have string) bool { return have != "" && (have == name || r.fold && strings.EqualFold(have, name)) }
	title := r.title(o)
	if same(title) || r.id != "" && same(title+"#"+o.Text(r.id)) {
		return true
	}
	return r.joined != nil && same(o.Text(r.names[0]))
}

func field(path string) func(view.Object) string {
	return func(o view.Object) string { return o.Text(path) }
}

func either(paths ...string) func(view.Object) string {
	return func(o view.Object) string {
		for _, path := range paths {
			if text := o.Text(path); text != "" {
				return text
			}
		}
		return ""
	}
}

func every(path string) func(view.Object) string {
	return func(o view.Object) string { return strings.Join(o.Values(path), ", ") }
}

func count(path string) func(view.Object) string {
	return func(o view.Object) string { return strconv.Itoa(len(o.Values(path))) }
}

// band is a number that the API shows as one, or as the bounds of it.
func band(one, least, most string) func(view.Object) string {
	return func(o view.Object) string {
		low, high := o.Text(least), o.Text(most)
		switch {
		case o.Text(one) != "":
			return o.Text(one)
		case low == high:
			return low
		default:
			return low + "-" + high
		}
	}
}

// weekday is the name of a day of the week, of which the API has the number.
func weekday(o view.Object) string {
	text := o.Text("weekday")
	if n, err := strconv.Atoi(text); err == nil && n >= 0 && n <= 6 {
		return time.Weekday(n).String()
	}
	return text
}

// roles are those that are assigned, or in an organization of old the one or several that it has by name.
func roles(o view.Object) string {
	for _, path := range []string{"assignedRoles.roleName", "roles", "role"} {
		if names := o.Values(path); len(names) > 0 {
			return strings.Join(names, ", ")
		}
	}
	return ""
}
