package spec_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/diff"
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
			kind := spec.ClickHouse.Kind(r.Address.Kind)
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

// drawLive draws what an API may report: names that nobody would choose, several objects of one name, values that were raised for
// a customer or come from a newer API, and references to what is not listed. Without odd values it is what a manifest can say.
func drawLive(t *rapid.T, odd bool) *spec.Live {
	live := liveOf()
	live.OrganizationName = "Acme"
	ids := 0
	id := func() string { ids++; return fmt.Sprintf("00000000-0000-4000-8000-%012d", ids) }
	pick := func(what string, plain []any, oddities ...any) any {
		if odd {
			plain = append(slices.Clip(plain), oddities...)
		}
		return rapid.SampledFrom(plain).Draw(t, what)
	}
	optional := func(o spec.Tree, key string, plain []any, oddities ...any) {
		if rapid.Bool().Draw(t, "with "+key) {
			spec.Put(o, key, pick(key, plain, oddities...))
		}
	}
	add := func(kind, name string, fields spec.Tree) {
		if kind != "privateEndpoint" {
			name = spec.CanonicalName(name) // as observations have it
		}
		live.Resources = append(live.Resources, spec.Resource{
			Address: spec.Address{Kind: kind, Name: name}, ID: id(), Spec: fields, Status: spec.Tree{},
		})
	}
	names := func(what string) []string {
		plain := rapid.SampledFrom([]string{"a", "b", "orders", "Überlauf", "2027-06-30", "yes", "<<", "=", "~", "1e3", "0o7", "12:30:45", "a: b", "# a", "null", "1.10", "x y", "-", "'", `"`, "*a", "&a", "!a", "%a", "@a", "`"})
		anything := rapid.OneOf(plain, rapid.SampledFrom([]string{" a", "a ", "", "a\nb", "a\tb", "a\r", "\u202ea", "a\u200b", "a\u2028b", "a\u0085", "\ufeffa", "\x00", "a", "b", "e\u0301", "\u00e9"}), rapid.String())
		if odd {
			return rapid.SliceOfN(anything, 0, 5).Draw(t, what)
		}
		return rapid.SliceOfNDistinct(plain, 0, 5, rapid.ID[string]).Draw(t, what)
	}
	list := func(what string, plain []any, oddities ...any) any {
		out := []any{}
		for range rapid.IntRange(0, 3).Draw(t, what) {
			if e := pick(what, plain, oddities...); odd || !slices.ContainsFunc(out, func(o any) bool { return cmp.Equal(o, e) }) {
				out = append(out, e)
			}
		}
		return out
	}
	ips := func() any {
		return list("address", []any{spec.Tree{"source": "203.0.113.0/24", "description": "HQ"}, spec.Tree{"source": "0.0.0.0/0"}, spec.Tree{"source": "198.51.100.7/32"}},
			spec.Tree{"source": "::/0"}, spec.Tree{"source": "203.0.113.9/24"}, spec.Tree{"source": "everywhere"}, spec.Tree{"source": "0.0.0.0"},
			spec.Tree{"source": "10.0.0.0/8", "description": "a\u2028# b\n- c"}, spec.Tree{"source": "203.0.113.0/24", "description": "other"})
	}
	numbers := func(n ...int64) []any {
		out := make([]any, len(n))
		for i, v := range n {
			out[i] = v
		}
		return out
	}

	organization := spec.Tree{"name": pick("organization", []any{"Acme"}, " Acme", "", "A\u202e")}
	optional(organization, "enableCoreDumps", []any{true})
	live.Resources = append(live.Resources, spec.Resource{Address: spec.Address{Kind: "organization", Name: organizationID}, ID: organizationID, Spec: organization})
	for _, name := range names("endpoints") {
		region := fmt.Sprint(pick("region", []any{"us-east-1"}, "eu-west-1", "mars north", ""))
		address := spec.PrivateEndpointName("aws", region, name)
		if slices.ContainsFunc(live.Resources, func(r spec.Resource) bool { return r.Address.Name == address }) {
			continue // the triple is unique in the API
		}
		e := spec.Tree{"id": name, "cloudProvider": "aws", "region": region}
		optional(e, "description", []any{"", "prod"}, "two\nlines", "a\u200b")
		add("privateEndpoint", address, e)
	}
	primaries := []spec.Resource{}
	if odd && rapid.Bool().Draw(t, "a primary on its way out") {
		primaries = append(primaries, spec.Resource{ID: id(), Spec: spec.Tree{"name": "leaving"}})
	}
	for _, name := range names("services") {
		var refs map[string]string
		s := spec.Tree{"name": name, "provider": pick("provider", []any{"aws"}, "oci", ""), "region": "us-east-1", "ipAccessList": ips()}
		optional(s, "state", []any{"running", "stopped"}, "paused")
		optional(s, "releaseChannel", []any{"default", "fast", "slow"}, "turbo")
		optional(s, "tier", []any{"production"}, "galactic")
		optional(s, "numReplicas", numbers(1, 3, 20), int64(0), int64(64), 2.5)
		optional(s, "minReplicaMemoryGb", numbers(8, 16), int64(1), int64(9))
		optional(s, "maxReplicaMemoryGb", numbers(16, 356), int64(720), int64(4))
		optional(s, "autoscalingMode", []any{"vertical"}, "horizontal", "diagonal")
		if odd && rapid.Bool().Draw(t, "band") {
			s["minReplicas"], s["maxReplicas"] = pick("least", numbers(1, 3)), pick("most", numbers(1, 3, 40))
			if s["autoscalingMode"] == nil {
				s["autoscalingMode"] = "horizontal" // as observations have it
			}
		}
		optional(s, "idleScaling", []any{true, false})
		optional(s, "idleTimeoutMinutes", []any{int64(5), 7.5}, int64(1), int64(0))
		optional(s, "privateEndpointIds", []any{[]any{}}, []any{"vpce-hidden"}, []any{"a", "a"}, []any{"b", " "})
		optional(s, "endpoints", []any{[]any{spec.Tree{"protocol": "mysql", "enabled": true}}}, []any{spec.Tree{"protocol": "postgres", "enabled": true}})
		s["tags"] = list("tag", []any{spec.Tree{"key": "team", "value": "x"}, spec.Tree{"key": "pinned"}}, spec.Tree{"key": "http://x", "value": "y"}, spec.Tree{"key": "team", "value": "\u202e"})
		if rapid.Bool().Draw(t, "secondary") && len(primaries) > 0 {
			primary := rapid.SampledFrom(primaries).Draw(t, "primary")
			s["warehouse"], refs = spec.CanonicalName(fmt.Sprint(primary.Spec["name"])), map[string]string{"warehouse": primary.ID}
			if provider, ok := primary.Spec["provider"]; ok {
				s["provider"] = provider // the services of a warehouse are in one place
			}
			optional(s, "isReadonly", []any{true, false})
		} else if odd && rapid.IntRange(0, 3).Draw(t, "hidden primary") == 0 {
			s["warehouse"], refs = "", map[string]string{"warehouse": ""}
			optional(s, "isReadonly", []any{true, false})
		}
		if s["warehouse"] == nil && rapid.Bool().Draw(t, "backups") {
			optional(s, "backupConfiguration.backupPeriodInHours", numbers(24, 48), int64(12), int64(5))
			optional(s, "backupConfiguration.backupRetentionPeriodInHours", numbers(24, 168), int64(12), int64(30))
			optional(s, "backupConfiguration.backupStartTime", []any{"03:00"}, "03:30", "3")
		}
		add("service", name, s)
		r := &live.Resources[len(live.Resources)-1]
		if r.Refs = refs; refs == nil {
			primaries = append(primaries, *r)
		}
	}
	for _, name := range names("keys") {
		k := spec.Tree{"name": name, "roles": list("role", []any{"Admin", "Developer"}, "developer", "", " "), "ipAccessList": ips()}
		optional(k, "state", []any{"enabled", "disabled"}, "revoked")
		optional(k, "expireAt", []any{"2030-01-01T00:00:00Z", "2030-01-01T00:00:00.5+02:00"}, "2030-01-01", "")
		add("key", name, k)
	}
	for _, kind := range []string{"member", "invitation"} {
		for _, name := range names(kind) {
			plain := kind + fmt.Sprint(ids) + "@example.com"
			email := fmt.Sprint(pick("email", []any{plain}, name+"@example.com", name, "both@example.com"))
			email = spec.CanonicalName(strings.ToLower(email))
			add(kind, email, spec.Tree{"email": email, "roles": list("role", []any{"Admin", "Developer"}, "ADMIN", "")})
		}
	}
	slices.SortStableFunc(live.Resources, func(a, b spec.Resource) int { return a.Address.Compare(b.Address) })
	return live
}

// TestExportIsValidAndPlansEmpty, whatever the organization is like, and is no drift: what the manifest cannot say is a comment.
func TestExportIsValidAndPlansEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		odd := rapid.Bool().Draw(t, "odd")
		live := drawLive(t, odd)
		manifest, missing, err := spec.Export(live)
		if err != nil {
			t.Fatal(err)
		}
		organizations, diags := spec.Load([]spec.File{{Name: "export.yaml", Data: manifest}})
		if diags.HasErrors() || len(organizations) != 1 {
			t.Fatalf("%v\n%s", diags, manifest)
		}
		plan, err := diff.Compute(organizations[0], live, diff.Selection{})
		if err != nil {
			t.Fatal(err)
		}
		if !plan.Empty() {
			t.Errorf("%v\n%s", plan.Changes, manifest)
		}
		if plan.Drifted() {
			t.Errorf("drift right after the export: %v\n%s", plan.Unmanaged, manifest)
		}
		if again, _, err := spec.Export(live); err != nil || !bytes.Equal(again, manifest) {
			t.Errorf("another export of the same: %v\n%s\n%s", err, manifest, again)
		}
		for _, f := range plan.Findings {
			if f.Severity == diff.SeverityError || f.Severity == diff.SeverityBlocked {
				t.Errorf("%v\n%s", f, manifest)
			}
		}
		if !odd && (len(missing) > 0 || strings.Contains(string(manifest), "\n    # ") || strings.HasPrefix(string(manifest), "#")) {
			t.Errorf("left out of what a manifest can say: %v\n%s", missing, manifest)
		}
		for _, u := range plan.Unmanaged {
			if !strings.Contains(string(manifest), "# ") || !strings.Contains(string(manifest), u.ID) {
				t.Errorf("silent about %v\n%s", u, manifest)
			}
		}
		if exclusive := organizations[0].Policy.Exclusive; !odd && len(exclusive) != len(organizations[0].Declared) {
			t.Errorf("only %v are exclusive\n%s", exclusive, manifest)
		}
		checkExported(t, live, organizations[0], string(manifest))
	})
}

// checkExported: every field of an object that is exported is there, means nothing, or is named in a comment.
func checkExported(t *rapid.T, live *spec.Live, desired *spec.Organization, manifest string) {
	for _, d := range desired.Resources {
		i := slices.IndexFunc(live.Resources, func(r spec.Resource) bool {
			return (r.Address == d.Address || r.Address.Kind == "organization" && d.Address.Kind == "organization") && (d.ID == "" || d.ID == r.ID)
		})
		if i < 0 {
			t.Fatalf("%s is not live\n%s", d.Address, manifest)
		}
		for _, f := range spec.ClickHouse.Kind(d.Address.Kind).Fields {
			value, reported := spec.Get(live.Resources[i].Spec, f.Path)
			_, exported := spec.Get(d.Spec, f.Path)
			idle := f.Path == "idleTimeoutMinutes" && live.Resources[i].Spec["idleScaling"] == false
			if reported && !exported && !idle && !strings.Contains(manifest, "# "+f.Path+": "+spec.FormatValue(value)[:1]) {
				t.Errorf("%s: silent about %s %v\n%s", d.Address, f.Path, value, manifest)
			}
		}
	}
}
