package spec

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// draft is one organization as its documents say it: their lists joined, nothing resolved yet. Values of the wrong type are
// passed over everywhere, since the schema has reported them.
type draft struct {
	docs     []document
	complete bool // every document could be read: a name that is not declared is really not declared

	entries  map[string][]entry // by collection, in order of declaration
	services []service          // entries["services"] with defaults
	declared map[string]Pos     // by collection
	sets     map[string]*ipSet
	metadata settings
	scalars  settings // of spec
	defaults settings // spec.serviceDefaults
	policy   settings // scalars of policy
	deletes  settings // policy.maxDeletes

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

func newDraft(docs []document, complete bool) *draft {
	d := &draft{
		docs: docs, complete: complete, room: maxExpanded,
		entries: map[string][]entry{}, declared: map[string]Pos{}, sets: map[string]*ipSet{},
		metadata: settings{}, scalars: settings{}, defaults: settings{}, policy: settings{}, deletes: settings{},
	}
	for _, doc := range docs {
		root, _ := doc.value.(Tree)
		metadata, _ := root["metadata"].(Tree)
		if id, ok := metadata["id"].(string); ok {
			d.merge(d.metadata, doc.at("metadata"), Tree{"id": strings.ToLower(id)}, CodeOrganization, "id")
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
	for _, e := range d.entries["services"] {
		d.services = append(d.services, d.withDefaults(e))
	}
	d.joinWarehouses()
	return d
}

func (d *draft) addSpec(in place, spec Tree) {
	d.merge(d.scalars, in, spec, CodeConflict, "name", "enableCoreDumps")
	if defaults, ok := spec["serviceDefaults"].(Tree); ok {
		d.merge(d.defaults, in.at("serviceDefaults"), defaults, CodeConflict, slices.Collect(maps.Keys(defaults))...)
	}
	if sets, ok := spec["ipSets"].(Tree); ok {
		for _, name := range slices.Sorted(maps.Keys(sets)) {
			d.addSet(in.at("ipSets"), name, sets[name])
		}
	}
	for _, kind := range Kinds() {
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
		value, ok := tree[key]
		if !ok {
			continue
		}
		earlier, twice := into[key]
		switch {
		case !twice:
			into[key] = setting{in, value}
		case !reflect.DeepEqual(earlier.value, value):
			d.report(code, in.key(key), fmt.Sprintf("%s is %s here and %s elsewhere", key, shown(value), shown(earlier.value)),
				"say it in one place", Related{"the other place", earlier.in.key(key)})
		}
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

// naturalKey is what addresses an entry, in its canonical form, or "" where the manifest does not say enough. keyField is where
// it is written.
func naturalKey(collection string, e entry) (name, keyField string) {
	switch collection {
	case "members", "invitations":
		return CanonicalName(strings.ToLower(text(e.tree, "email"))), "email"
	case "privateEndpoints":
		provider, region, id := text(e.tree, "cloudProvider"), text(e.tree, "region"), text(e.tree, "id")
		if provider == "" || region == "" || id == "" {
			return "", "id"
		}
		return PrivateEndpointName(provider, region, id), "id"
	default:
		return CanonicalName(text(e.tree, "name")), "name"
	}
}
