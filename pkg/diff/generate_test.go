package diff_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// world draws a desired organization and a live one that overlap in names, so that creations, updates, renames, deletions
// and satisfied objects all occur.
func world(t *rapid.T) (*spec.Organization, *spec.Live) {
	desired := &spec.Organization{Name: "acme", Pos: spec.Pos{File: "acme.yaml", Line: 1, Column: 1}, Declared: map[string]spec.Pos{}, Policy: spec.Policy{
		Prune: rapid.SliceOfDistinct(rapid.SampledFrom(collections()), rapid.ID[string]).Draw(t, "prune"), MinAdmins: 1,
		Exclusive: rapid.SliceOfDistinct(rapid.SampledFrom(collections()), rapid.ID[string]).Draw(t, "exclusive"),
	}}
	live := &spec.Live{OrganizationID: "org-1", OrganizationName: "Acme", Roles: roles("Admin", "Developer")}
	live.Resources = append(live.Resources, spec.Resource{
		Address: spec.Address{Kind: "organization", Name: "org-1"}, ID: "org-1",
		Spec: spec.Tree{"name": rapid.SampledFrom([]string{"Acme", "Other"}).Draw(t, "liveOrg"), "enableCoreDumps": true},
	})
	desired.Resources = append(desired.Resources, spec.Resource{
		Address: spec.Address{Kind: "organization", Name: "acme"}, Spec: spec.Tree{"name": "Acme"},
	})
	for _, c := range collections() {
		if rapid.Bool().Draw(t, "declare "+c) {
			desired.Declared[c] = spec.Pos{File: "a.yaml", Line: 1, Column: 1}
		}
	}
	for _, kind := range []string{"privateEndpoint", "service", "key", "member", "invitation"} {
		collection := spec.ClickHouse.Kind(kind).Collection
		for _, name := range names(t, "live "+kind) {
			live.Resources = append(live.Resources, spec.Resource{
				Address: address(kind, name), ID: kind + "-" + name, Spec: reported(t, kind, name), Status: spec.Tree{},
			})
		}
		if _, ok := desired.Declared[collection]; !ok {
			continue
		}
		for _, name := range names(t, "desired "+kind) {
			r := spec.Resource{Address: address(kind, name), Spec: declared(t, kind, name)}
			if kind == "invitation" && slices.ContainsFunc(desired.Resources, func(o spec.Resource) bool {
				return o.Address == address("member", name)
			}) {
				continue // validation refuses one person in both lists
			}
			if rapid.IntRange(0, 5).Draw(t, "absent") == 0 {
				r.Intent.Absent = true
			} else if kind == "service" && rapid.IntRange(0, 4).Draw(t, "renamed") == 0 {
				r.Intent.Previously = []string{"old-" + name}
			}
			desired.Resources = append(desired.Resources, r)
		}
	}
	sortWorld(desired, live)
	return desired, live
}

func sortWorld(desired *spec.Organization, live *spec.Live) {
	byAddress := func(a, b spec.Resource) int { return a.Address.Compare(b.Address) }
	slices.SortFunc(desired.Resources, byAddress)
	slices.SortFunc(live.Resources, byAddress)
}

func collections() []string {
	var out []string
	for _, k := range spec.ClickHouse.Kinds {
		if k.Collection != "" {
			out = append(out, k.Collection)
		}
	}
	return out
}

func names(t *rapid.T, label string) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "old-a", "old-b"}), 0, 4, rapid.ID[string]).Draw(t, label)
}

func address(kind, name string) spec.Address {
	switch kind {
	case "privateEndpoint":
		name = spec.PrivateEndpointName("aws", "us-east-1", name)
	case "member", "invitation":
		name += "@example.com"
	}
	return spec.Address{Kind: kind, Name: name}
}

// reported is a full object as a server shows it; declared any part of one as a manifest might.
func reported(t *rapid.T, kind, name string) spec.Tree { return object(t, kind, name, true) }

func declared(t *rapid.T, kind, name string) spec.Tree {
	out := object(t, kind, name, false)
	for _, f := range spec.ClickHouse.Kind(kind).ToCreate {
		if _, ok := out[f]; !ok {
			full := object(t, kind, name, true)
			out[f] = full[f]
		}
	}
	return out
}

func object(t *rapid.T, kind, name string, full bool) spec.Tree {
	out := spec.Tree{}
	put := func(field string, value func() any) {
		if full || rapid.Bool().Draw(t, "has "+field) {
			out[field] = value()
		}
	}
	pick := func(values ...any) func() any {
		return func() any { return rapid.SampledFrom(values).Draw(t, "value") }
	}
	switch kind {
	case "privateEndpoint":
		out["id"], out["cloudProvider"], out["region"] = name, "aws", "us-east-1"
		put("description", pick("one", "two"))
	case "service":
		out["name"], out["provider"], out["region"] = name, "aws", "us-east-1"
		put("state", pick("running", "stopped"))
		put("releaseChannel", pick("default", "fast"))
		put("numReplicas", pick(int64(1), int64(3)))
		if full {
			out["autoscalingMode"] = "vertical"
		}
		put("minReplicaMemoryGb", pick(int64(8), int64(16)))
		put("maxReplicaMemoryGb", pick(int64(16), int64(32)))
		put("idleScaling", pick(true, false))
		put("idleTimeoutMinutes", pick(int64(5), int64(15)))
		put("ipAccessList", func() any { return entries(t, full) })
		put("privateEndpointIds", func() any { return texts(t, "a", "b", "c") })
		put("tags", func() any { return tags(t) })
		put("endpoints", func() any {
			return []any{spec.Tree{"protocol": "mysql", "enabled": rapid.Bool().Draw(t, "mysql")}}
		})
		put("enableCoreDumps", pick(true, false))
	case "key":
		out["name"] = name
		put("state", pick("enabled", "disabled"))
		put("roles", func() any { return texts(t, "Admin", "Developer") })
		put("ipAccessList", func() any { return entries(t, full) })
		if rapid.Bool().Draw(t, "expires") {
			out["expireAt"] = rapid.SampledFrom([]any{"2027-01-01T00:00:00Z", "2027-01-01T01:00:00+01:00", "2028-01-01T00:00:00Z"}).Draw(t, "expireAt")
		} else if !full && rapid.Bool().Draw(t, "reset expiry") {
			out["expireAt"] = nil
		}
	default:
		out["email"] = name + "@example.com"
		put("roles", func() any { return texts(t, "Admin", "Developer") })
	}
	return out
}

func texts(t *rapid.T, among ...string) []any {
	out := []any{}
	for _, s := range rapid.SliceOfNDistinct(rapid.SampledFrom(among), 0, len(among), rapid.ID[string]).Draw(t, "texts") {
		out = append(out, s)
	}
	return out
}

func entries(t *rapid.T, server bool) []any {
	out := []any{}
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 4), 0, 4, rapid.ID[int]).Draw(t, "entries") {
		e := spec.Tree{"source": fmt.Sprintf("203.0.113.%d", n)}
		if server && rapid.Bool().Draw(t, "as network") {
			e["source"] = fmt.Sprintf("203.0.113.%d/32", n)
		}
		if d := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "description"); d != "" {
			e["description"] = d
		} else if rapid.Bool().Draw(t, "empty description") {
			e["description"] = ""
		}
		out = append(out, e)
	}
	return out
}

func tags(t *rapid.T) []any {
	out := []any{}
	for _, k := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"k1", "k2", "k3"}), 0, 3, rapid.ID[string]).Draw(t, "tags") {
		out = append(out, spec.Tree{"key": k, "value": rapid.SampledFrom([]string{"", "v", "w"}).Draw(t, "tag value")})
	}
	return out
}

// carryOut is what a faithful server makes of a plan.
func carryOut(t *rapid.T, live *spec.Live, p *diff.Plan) *spec.Live {
	out := &spec.Live{OrganizationID: live.OrganizationID, OrganizationName: live.OrganizationName, Roles: live.Roles}
	changed := map[string]diff.Change{}
	for _, c := range p.Changes {
		switch c.Action {
		case diff.Create:
			r := spec.Resource{
				Address: c.Address, ID: "new-" + c.Address.String(), Spec: fill(c.Address.Kind, c.After), Status: spec.Tree{},
			}
			for _, ref := range c.References {
				if ref.Path == "warehouse" {
					r.Refs = map[string]string{ref.Path: cmp.Or(ref.ID, "new-"+ref.Address.String())}
				}
			}
			out.Resources = append(out.Resources, r)
		default:
			changed[c.Address.Kind+"/"+c.ID] = c
		}
	}
	for _, r := range live.Resources {
		c, ok := changed[r.Address.Kind+"/"+r.ID]
		if !ok {
			out.Resources = append(out.Resources, r)
			continue
		}
		if c.Action == diff.Delete {
			continue
		}
		r.Spec = spec.Clone(r.Spec)
		for _, f := range c.Fields {
			switch {
			case f.List:
				r.Spec[f.Path] = patched(t, r.Spec[f.Path], f)
			case f.Reset:
				delete(r.Spec, f.Path)
			default:
				spec.Put(r.Spec, f.Path, f.After)
			}
		}
		if name, ok := r.Spec["name"].(string); ok && r.Address.Kind != "organization" {
			r.Address.Name = name
		}
		out.Resources = append(out.Resources, r)
	}
	sortWorld(&spec.Organization{}, out)
	return out
}

// fill is what a server makes of a creation: nulls and a timeout without idling do not come back.
func fill(kind string, after spec.Tree) spec.Tree {
	out := spec.Clone(after)
	for k, v := range out {
		if v == nil {
			delete(out, k)
		}
	}
	if kind == "service" && out["autoscalingMode"] == nil {
		out["autoscalingMode"] = "vertical"
	}
	return out
}

// patched removes before it adds and matches removals by key alone, as the API does (FACTS 5.4); what it does with an addition
// that is there already nobody knows, so that a plan must never ask for one.
func patched(t *rapid.T, list any, f diff.FieldChange) []any {
	have, _ := list.([]any)
	literal := func(e any) string {
		if t, ok := e.(spec.Tree); ok {
			for _, k := range []string{"source", "key", "protocol"} {
				if s, ok := t[k].(string); ok {
					return s
				}
			}
		}
		s, _ := e.(string)
		return strings.ToLower(s)
	}
	have = slices.DeleteFunc(slices.Clone(have), func(e any) bool {
		return slices.ContainsFunc(f.Remove, func(r any) bool { return literal(r) == literal(e) })
	})
	for _, e := range f.Add {
		if slices.ContainsFunc(have, func(h any) bool { return literal(h) == literal(e) }) {
			t.Fatalf("%s: adds %v, which is there already", f.Path, e)
		}
	}
	return append(have, f.Add...)
}
