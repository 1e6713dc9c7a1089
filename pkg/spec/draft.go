package spec

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// draft is one organization as its documents say it: their lists joined, nothing resolved yet. Values of the wrong type are
// passed over everywhere, since the schema has reported them.
type draft struct {
	api      *API
	docs     []document
	complete bool // every document could be read: a name that is not declared is really not declared

	entries  map[string][]entry  // by collection, in order of declaration
	objects  map[string][]object // entries with the defaults of their kinds
	declared map[string]Pos      // by collection
	sets     map[string]*ipSet
	metadata settings
	scalars  settings            // the organization's own, by Field.Path
	defaults map[string]settings // by Kind.Defaults
	policy   settings            // scalars of policy
	deletes  settings            // policy.maxDeletes

	room      int // addresses that IP sets may still bring into lists; below 0 once that was said
	diags     Diagnostics
	suggested int
}

// entry is an element of a collection as written.
type entry struct {
	place
	tree Tree
}

func (e entry) absent() bool { return e.tree["ensure"] == "absent" }

// settings are keys that several documents may give as long as they agree.
type settings map[string]setting

type setting struct {
	in    place // the object that holds the key
	value any
}

// object is a declared object with the defaults of its kind applied. Its fields keep their places: a rule that a default breaks
// is reported where the default stands.
type object struct {
	entry
	settings settings
}

// written is a setting that the entry itself gives.
func (e entry) written(key string) (setting, bool) {
	value, ok := e.tree[key]
	return setting{e.place, value}, ok
}

func (o object) has(key string) bool { _, ok := o.settings[key]; return ok }

func (o object) text(key string) string { t, _ := o.settings[key].value.(string); return t }

func (o object) list(key string) []any { l, _ := o.settings[key].value.([]any); return l }

// key is where a setting is given; value is the place of its value.
func (o object) key(key string) Pos { return o.settings[key].in.key(key) }

func (o object) value(path ...any) place {
	key, _ := path[0].(string)
	return o.settings[key].in.at(path...)
}

func newDraft(api *API, docs []document, complete bool) *draft {
	d := &draft{
		api: api, docs: docs, complete: complete, room: maxExpanded,
		entries: map[string][]entry{}, objects: map[string][]object{}, declared: map[string]Pos{}, sets: map[string]*ipSet{},
		metadata: settings{}, scalars: settings{}, defaults: map[string]settings{}, policy: settings{}, deletes: settings{},
	}
	for _, doc := range docs {
		root, _ := doc.value.(Tree)
		metadata, _ := root["metadata"].(Tree)
		if id, ok := metadata["id"].(string); ok {
			d.merge(d.metadata, doc.at("metadata"), Tree{"id": api.CanonicalID(id)}, CodeOrganization, "id")
		}
		if spec, ok := root["spec"].(Tree); ok {
			d.addSpec(doc.at("spec"), spec)
		}
		if policy, ok := root["policy"].(Tree); ok {
			in := doc.at("policy")
			d.merge(d.policy, in, policy, CodeConflict, "minAdmins")
			if deletes, ok := policy["maxDeletes"].(Tree); ok {
				d.merge(d.deletes, in.at("maxDeletes"), deletes, CodeConflict, "count", "percent")
			}
		}
	}
	for _, kind := range api.Kinds {
		for _, e := range d.entries[kind.Collection] {
			d.objects[kind.Collection] = append(d.objects[kind.Collection], object{e, d.withDefaults(kind, e)})
		}
	}
	if api.complete != nil {
		api.complete(d)
	}
	return d
}

// withDefaults gives what is said of an object. What its entry says wins; lists and objects are replaced whole.
func (d *draft) withDefaults(kind *Kind, e entry) settings {
	defaults := d.defaults[kind.Defaults]
	out := make(settings, len(e.tree)+len(defaults))
	for key, value := range e.tree {
		out[key] = setting{e.place, value}
	}
	for key, inherited := range defaults {
		if _, own := e.tree[key]; !own && (kind.inherit == nil || kind.inherit(e.tree, key)) {
			out[key] = inherited
		}
	}
	return out
}

func (d *draft) addSpec(in place, spec Tree) {
	for _, f := range d.api.Organization().Fields {
		if whole, open := f.open(); open {
			tree, _ := spec[whole].(Tree)
			for _, key := range slices.Sorted(maps.Keys(tree)) {
				d.mergeKey(d.scalars, whole+"."+key, in.at(whole), key, tree[key], CodeConflict)
			}
			continue
		}
		d.merge(d.scalars, in, spec, CodeConflict, f.Path)
	}
	if sets, ok := spec["ipSets"].(Tree); ok {
		for _, name := range slices.Sorted(maps.Keys(sets)) {
			d.addSet(in.at("ipSets"), name, sets[name])
		}
	}
	for _, kind := range d.api.Kinds {
		if defaults, ok := spec[kind.Defaults].(Tree); ok {
			if d.defaults[kind.Defaults] == nil {
				d.defaults[kind.Defaults] = settings{}
			}
			d.merge(d.defaults[kind.Defaults], in.at(kind.Defaults), defaults, CodeConflict, slices.Collect(maps.Keys(defaults))...)
		}
		list, ok := spec[kind.Collection].([]any)
		if !ok {
			continue
		}
		if _, ok := d.declared[kind.Collection]; !ok {
			d.declared[kind.Collection] = in.key(kind.Collection)
		}
		elements := in.at(kind.Collection)
		for i, element := range list {
			if tree, ok := element.(Tree); ok {
				d.entries[kind.Collection] = append(d.entries[kind.Collection], entry{elements.at(i), tree})
			}
		}
	}
}

// merge adds the named keys of an object to settings, and reports those that an earlier document gives differently.
func (d *draft) merge(into settings, in place, tree Tree, code string, keys ...string) {
	for _, key := range keys {
		if value, ok := tree[key]; ok {
			d.mergeKey(into, key, in, key, value, code)
		}
	}
}

// mergeKey is merge of one key, which the settings know under a name.
func (d *draft) mergeKey(into settings, name string, in place, key string, value any, code string) {
	earlier, twice := into[name]
	switch {
	case !twice:
		into[name] = setting{in, value}
	case !reflect.DeepEqual(earlier.value, value):
		d.report(code, in.key(key), fmt.Sprintf("%s is %s here and %s elsewhere", key, shown(value), shown(earlier.value)),
			"say it in one place", Related{"the other place", earlier.in.key(key)})
	}
}

func (d *draft) report(code string, pos Pos, message, hint string, related ...Related) {
	d.diags = append(d.diags, Diagnostic{
		Severity: SeverityError, Code: code, Message: message, Hint: hint, Pos: pos, Related: related,
	})
}

func (d *draft) warn(code string, pos Pos, message, hint string) {
	d.diags = append(d.diags, Diagnostic{Severity: SeverityWarning, Code: code, Message: message, Hint: hint, Pos: pos})
}

// suggest is didYouMean for as many problems as will be shown: looking for neighbours costs as much as there are names.
func (d *draft) suggest(word string, known []string) string {
	if d.suggested++; d.suggested > maxDiagnostics {
		return ""
	}
	return didYouMean(word, known)
}
