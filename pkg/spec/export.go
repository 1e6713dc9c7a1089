package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Export writes a live organization as one manifest that plans empty right after. What a manifest cannot say of it (a second
// object of one name, an IPv6 entry) is left unmanaged and said in a comment, rather than exported wrongly.
func Export(live *Live) (manifest []byte, missing []string, err error) {
	e := exporter{live: live, joined: map[string]bool{}, ids: map[Address][]string{}}
	for _, r := range live.Resources {
		if r.Address.Kind == memberKind.Name {
			e.joined[r.Address.Name] = true
		}
		e.ids[r.Address] = append(e.ids[r.Address], r.ID)
	}
	body := &block{}
	for _, r := range live.Resources {
		if r.Address.Kind == organizationKind.Name {
			e.fields(body, organizationKind, r)
		}
	}
	for _, kind := range Kinds() {
		if _, hidden := live.NotChecked[kind.Collection]; kind.Collection != "" && !hidden {
			body.put(kind.Collection, e.collection(kind))
		}
	}
	metadata := &block{}
	metadata.put("name", handle(live.OrganizationName))
	metadata.put("id", live.OrganizationID)
	root := &block{}
	root.put("apiVersion", "orgctl/v1")
	root.put("kind", "Organization")
	root.put("metadata", metadata)
	root.put("spec", body)
	manifest, err = encodeYAML(root)
	return manifest, nil, err
}

type exporter struct {
	live   *Live
	joined map[string]bool
	ids    map[Address][]string // all ids of a name, the lowest first, which stands for it
}

// block is a mapping in the order of writing, with a comment above it.
type block struct {
	comment string
	keys    []string
	values  []any // string, bool, int64, float64, nil, []any and *block
}

func (b *block) put(key string, value any) {
	b.keys, b.values = append(b.keys, key), append(b.values, value)
}

func (b *block) remark(format string, args ...any) {
	b.comment = strings.TrimPrefix(b.comment+"\n"+fmt.Sprintf(format, args...), "\n")
}

func (e *exporter) collection(kind *Kind) []any {
	out := []any{}
	for _, r := range e.live.Resources {
		switch {
		case r.Address.Kind != kind.Name, e.ids[r.Address][0] != r.ID:
			continue
		case kind == invitationKind && e.joined[r.Address.Name]:
			continue // satisfied; the member entry says it all
		case (kind == memberKind || kind == invitationKind) && !strings.Contains(r.Address.Name, "@"):
			continue // old servers show no e-mail, and without one there is nothing to declare
		}
		b := &block{}
		if others := e.others(r); len(others) > 0 {
			b.remark("also live under this name and not managed here: %s", strings.Join(others, ", "))
		}
		e.fields(b, kind, r)
		out = append(out, b)
	}
	return out
}

// others are the ids of further live objects of the same name.
func (e *exporter) others(r Resource) []string { return e.ids[r.Address][1:] }

// fields writes what is reported of an object, in the order of its kind, less what says nothing.
func (e *exporter) fields(b *block, kind *Kind, r Resource) {
	var nested *block
	for _, f := range kind.Fields {
		value, ok := Get(r.Spec, f.Path)
		if !ok || f.Default != nil && value == f.Default && !f.Nullable {
			continue
		}
		if f.Path == "idleTimeoutMinutes" && r.Spec["idleScaling"] == false {
			continue
		}
		if f.List == ipList {
			if value, ok = e.ipEntries(b, f.Path, value); !ok {
				continue
			}
		}
		parent, child, isNested := strings.Cut(f.Path, ".")
		if !isNested {
			b.put(f.Path, exported(value))
			if (f.Path == "name" || f.Path == "email") && len(e.others(r)) > 0 {
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

// ipEntries spells entries as manifests must: networks without host bits. A list with an entry that manifests cannot hold is
// left unmanaged, since declaring the rest would remove it.
func (e *exporter) ipEntries(b *block, path string, value any) (any, bool) {
	entries, _ := value.([]any)
	out := make([]any, 0, len(entries))
	seen := map[string]bool{}
	for _, entry := range entries {
		source := CanonicalCIDR(text(entry, "source"))
		if strings.Contains(source, ":") || !strings.Contains(source, "/") {
			b.remark("%s is not managed: a manifest cannot say %q", path, text(entry, "source"))
			return nil, false
		}
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
	return out, true
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
