package spec_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/spec"
)

// parts of a manifest before they are spread over files: the elements of each collection, the sets and the single settings.
type parts struct {
	collections map[string][]any
	sets        object
	defaults    object
	policy      object
}

// drawParts draws a valid organization.
func drawParts(t *rapid.T) parts {
	optional := func(o object, key string, value *rapid.Generator[any]) {
		if rapid.Bool().Draw(t, "with "+key) {
			o[key] = value.Draw(t, key)
		}
	}
	word := func(of ...any) *rapid.Generator[any] { return rapid.SampledFrom(of) }
	set := func(what string, of ...string) []any {
		var list []any
		for _, e := range of {
			if rapid.Bool().Draw(t, what+" "+e) {
				list = append(list, e)
			}
		}
		return append([]any{}, list...)
	}
	names := func(what string) []string {
		return rapid.SliceOfNDistinct(rapid.StringMatching(`[a-zA-Z0-9]([a-zA-Z0-9 _-]{0,20}[a-zA-Z0-9])?`), 0, 5, rapid.ID).Draw(t, what)
	}
	ipList := func(what string, sets []string) any {
		list := []any{}
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 200), 0, 4, rapid.ID).Draw(t, what) {
			entry := object{"source": fmt.Sprintf("10.0.%d.0/24", n)}
			optional(entry, "description", word("", "office", "no", "2027-06-30", "a: b # c", "two\nlines\n"))
			list = append(list, entry)
		}
		for _, name := range sets {
			if rapid.Bool().Draw(t, what+" uses "+name) {
				list = append(list, object{"set": name})
			}
		}
		return list
	}

	p := parts{collections: map[string][]any{}, sets: object{}, defaults: object{}, policy: object{}}
	for i, name := range names("sets") {
		p.sets[name] = []any{object{"source": fmt.Sprintf("192.168.%d.0/24", i), "description": name}, object{"source": fmt.Sprintf("172.16.0.%d", i)}}
	}
	sets := slices.Sorted(maps.Keys(p.sets))
	optional(p.defaults, "provider", word("aws", "gcp", "azure"))
	optional(p.defaults, "numReplicas", word(1, 3, 20))
	optional(p.defaults, "idleTimeoutMinutes", word(5, 7.5, 60))
	optional(p.defaults, "protect", word(true, false))
	p.defaults["ipAccessList"] = ipList("default addresses", sets)
	for _, name := range names("services") {
		s := object{"name": name}
		optional(s, "region", word("us-east-1", "europe-west4"))
		optional(s, "state", word("running", "stopped"))
		optional(s, "idleScaling", word(true, false))
		optional(s, "numReplicas", word(1, 3, 20))
		optional(s, "minReplicaMemoryGb", word(8, 16))
		optional(s, "maxReplicaMemoryGb", word(16, 356))
		optional(s, "access", word("closed"))
		optional(s, "tags", word([]any{}, []any{object{"key": "team"}, object{"key": "env", "value": "prod"}}))
		optional(s, "backupConfiguration", word(object{}, object{"backupPeriodInHours": nil}, object{"backupStartTime": "03:00", "backupPeriodInHours": 48}))
		if rapid.Bool().Draw(t, "own addresses") {
			s["ipAccessList"] = ipList("addresses of "+name, sets)
		}
		p.collections["services"] = append(p.collections["services"], s)
	}
	for _, name := range names("keys") {
		k := object{"name": name, "roles": set("role of "+name, "admin", "developer", "Custom role")}
		optional(k, "expireAt", word(nil, "2027-06-30T00:00:00Z"))
		optional(k, "ensure", word("absent", "present"))
		k["ipAccessList"] = ipList("addresses of key "+name, sets)
		p.collections["keys"] = append(p.collections["keys"], k)
	}
	for i, name := range names("people") {
		person := object{"email": strings.ReplaceAll(name, " ", "+") + fmt.Sprint(i) + "@Example.com"}
		optional(person, "role", word("admin", "developer"))
		collection := rapid.SampledFrom([]string{"members", "invitations"}).Draw(t, "list of "+name)
		p.collections[collection] = append(p.collections[collection], person)
	}
	optional(p.policy, "minAdmins", word(1, 3))
	p.policy["prune"] = set("prune", "services", "keys", "members")
	return p
}

// write spreads the parts over files: every list element, set and setting goes to one of them, in any order and style.
func (p parts) write(t *rapid.T) []spec.File {
	count := rapid.IntRange(1, 3).Draw(t, "files")
	specs, policies := make([]object, count), make([]object, count)
	for i := range count {
		specs[i], policies[i] = object{"ipSets": object{}, "serviceDefaults": object{}}, object{}
	}
	any1 := func(what string) int { return rapid.IntRange(0, count-1).Draw(t, "file of "+what) }
	for _, collection := range slices.Sorted(maps.Keys(p.collections)) {
		for _, element := range rapid.Permutation(p.collections[collection]).Draw(t, collection) {
			in := specs[any1(collection)]
			list, _ := in[collection].([]any)
			in[collection] = append(list, element)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.sets)) {
		sets, _ := specs[any1(name)]["ipSets"].(object)
		sets[name] = p.sets[name]
	}
	for _, key := range slices.Sorted(maps.Keys(p.defaults)) {
		defaults, _ := specs[any1(key)]["serviceDefaults"].(object)
		defaults[key] = p.defaults[key]
	}
	for _, key := range slices.Sorted(maps.Keys(p.policy)) {
		policies[any1(key)][key] = p.policy[key]
	}
	var files []spec.File
	for i := range count {
		text, err := yaml.Marshal(object{
			"apiVersion": "orgctl/v1", "kind": "Organization", "metadata": object{"name": "acme"}, "spec": specs[i], "policy": policies[i],
		})
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, spec.File{Name: fmt.Sprintf("%d.yaml", i), Data: text})
	}
	return rapid.Permutation(files).Draw(t, "order of files")
}

// TestShufflingChangesNothing: how elements are ordered and spread over files is a matter of taste.
func TestShufflingChangesNothing(t *testing.T) {
	options := cmp.Options{
		cmpopts.IgnoreTypes(spec.Pos{}),
		cmp.Transformer("keys", func(m map[string]spec.Pos) []string { return slices.Sorted(maps.Keys(m)) }),
	}
	rapid.Check(t, func(t *rapid.T) {
		p := drawParts(t)
		first, diags := spec.Load(p.write(t))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		second, diags := spec.Load(p.write(t))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if diff := cmp.Diff(first, second, options); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
	})
}

// TestPlacesAreTrue: every field of every resource is a field of its kind and stands where its place says, and every place
// belongs to a field.
func TestPlacesAreTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := drawParts(t).write(t)
		lines := map[string][]string{}
		for _, f := range files {
			lines[f.Name] = strings.Split(string(f.Data), "\n")
		}
		organizations, diags := spec.Load(files)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		for _, r := range organizations[0].Resources {
			kind := spec.KindOf(r.Address.Kind)
			managed := 0
			for _, field := range kind.Fields {
				_, inSpec := spec.Get(r.Spec, field.Path)
				pos, placed := r.Intent.Fields[field.Path]
				if inSpec != placed {
					t.Errorf("%s %s: managed %t, placed %t", r.Address, field.Path, inSpec, placed)
				}
				if !placed {
					continue
				}
				managed++
				key := field.Path[strings.LastIndexByte(field.Path, '.')+1:]
				text := lines[pos.File][pos.Line-1][pos.Column-1:]
				if !strings.HasPrefix(text, key+":") && (key != "roles" || !strings.HasPrefix(text, "role:")) {
					t.Errorf("%s %s: %s says %q", r.Address, field.Path, pos, text)
				}
			}
			if managed != len(r.Intent.Fields) {
				t.Errorf("%s: places %v of no field", r.Address, r.Intent.Fields)
			}
			if normal := spec.Normalize(r.Spec); !cmp.Equal(normal, any(r.Spec)) {
				t.Errorf("%s is not normal: %v", r.Address, r.Spec)
			}
		}
	})
}
