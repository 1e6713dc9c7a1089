package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/spec"
)

// problems of one file, a line each.
func problems(name, data string) string {
	organizations, diags := spec.Load([]spec.File{{Name: name, Data: []byte(data)}})
	if organizations != nil {
		return "loaded"
	}
	var b strings.Builder
	for _, d := range diags {
		b.WriteString(d.String() + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// TestAliasesStayInTheirDocument: yaml.v3 keeps the anchors of a file, so that an alias that was forgotten in a document took
// what the document above calls the same.
func TestAliasesStayInTheirDocument(t *testing.T) {
	first := header + "spec:\n  ipSets:\n    office: &ips\n      - {source: 203.0.113.0/24}\n"
	for _, tc := range []struct{ name, second, want string }{
		{"an alias", header + "spec: {keys: [{name: k, ipAccessList: *ips}]}", `f.yaml:12:39: error OC207: alias *ips names an anchor of another document of the file; anchors work within a document: put &ips before the value that is meant, or use spec.ipSets
  f.yaml:6:13: the anchor in the other document`},
		{"before an anchor of the same name", header + "spec: {keys: [{name: k, ipAccessList: *ips}, {name: l, ipAccessList: &ips []}]}", `f.yaml:12:39: error OC207: alias *ips names an anchor of another document of the file; anchors work within a document: put &ips before the value that is meant, or use spec.ipSets
  f.yaml:6:13: the anchor in the other document`},
		{"a merge key", header + "spec: {ipSets: {<<: *ips}}", `f.yaml:12:21: error OC207: alias *ips names an anchor of another document of the file; anchors work within a document: put &ips before the value that is meant, or use spec.ipSets
  f.yaml:6:13: the anchor in the other document`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, problems("f.yaml", first+"---\n"+tc.second)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("an anchor in what is merged", func(t *testing.T) {
		merged := load(t, "spec: {keys: [{<<: {roles: &r [admin]}, name: k}, {name: l, <<: {ipAccessList: &i []}, roles: *r}, {name: m, ipAccessList: *i}]}")
		if diff := cmp.Diff(spec.Tree{"name": "m", "ipAccessList": []any{}}, find(t, merged, "key/m").Spec); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]any{"admin"}, find(t, merged, "key/l").Spec["roles"]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("an anchor of its own in each document", func(t *testing.T) {
		document := header + "spec: {keys: [{name: %s, roles: &r [admin]}, {name: %s, roles: *r}]}\n---\n"
		data := fmt.Sprintf(document, "a", "b") + fmt.Sprintf(document, "c", "d")
		if got := problems("f.yaml", data); got != "loaded" {
			t.Error(got)
		}
	})
}

// TestAdviceKeepsTheSpelling: who follows a hint word by word declares what they meant.
func TestAdviceKeepsTheSpelling(t *testing.T) {
	for _, text := range []string{
		"1.10", "12e03", "TRUE", "True", "20230921.12345678", "0.10", "1.0", "+5", "5.", "123456789012345678.0", "1e21", "-0",
		"0x10", "007", "1_000", "0o17", "0b11", ".inf", "99999999999999999999", "NULL", "Null", "~",
	} {
		t.Run(text, func(t *testing.T) {
			for _, body := range []string{
				"spec: {services: [{name: " + text + "}]}",
				"spec: {services: [{name: s, tags: [{key: a, value: " + text + "}]}]}",
				"spec: {keys: [{name: k, roles: [" + text + "]}]}",
				"spec: {ipSets: {? " + text + " : []}}",
			} {
				got := problems("f.yaml", header+body)
				if !strings.Contains(got, `quotes`) || !strings.HasSuffix(got, `: "`+text+`"`) {
					t.Errorf("%s\n%s", body, got)
				}
			}
		})
	}
}

// TestConflictMarkers: what git leaves in a file that was not merged is no mistake in the YAML.
func TestConflictMarkers(t *testing.T) {
	marker := func(c string) string { return strings.Repeat(c, 7) }
	body := header + "spec:\n  services:\n"
	conflict := body + marker("<") + " HEAD\n    - name: a\n" + marker("|") + " base\n    - name: b\n" + marker("=") + "\n    - name: c\n" + marker(">") + " other\n"
	for name, tc := range map[string]struct{ data, want string }{
		"whole":         {conflict, "f.yaml:6:1: error OC205: an unresolved merge conflict; keep what is meant and remove the lines that begin with <<<<<<<, |||||||, ======= and >>>>>>>"},
		"CRLF":          {strings.ReplaceAll(conflict, "\n", "\r\n"), "f.yaml:6:1: error OC205: an unresolved merge conflict; keep what is meant and remove the lines that begin with <<<<<<<, |||||||, ======= and >>>>>>>"},
		"half resolved": {body + "    - name: a\n" + marker("=") + "\n    - name: c\n", "f.yaml:7:1: error OC205: an unresolved merge conflict; keep what is meant and remove the lines that begin with <<<<<<<, |||||||, ======= and >>>>>>>"},
		"at the end":    {body + "    - name: a\n" + marker(">") + " x", "f.yaml:7:1: error OC205: an unresolved merge conflict; keep what is meant and remove the lines that begin with <<<<<<<, |||||||, ======= and >>>>>>>"},
		"a line of a comment": {header + "# " + marker("=") + "\n#" + marker("<") + " x\n" +
			"spec: {services: [{name: '" + marker("=") + "'}]}", "loaded"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, problems("f.yaml", tc.data)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestExtensionKeys: shared anchors have a place.
func TestExtensionKeys(t *testing.T) {
	o := load(t, `
x-common: &small {numReplicas: 1, tags: &tags [{key: team}]}
x-: null
x-lists: [1, yes, {any: thing}]
spec:
  x-ips: &office
    - {source: 203.0.113.0/24}
  services:
    - {<<: *small, name: a, ipAccessList: *office}
    - {name: b, tags: *tags}
`, "x-common: another\nspec: {x-ips: 3, services: [{name: c}]}")
	want := spec.Tree{
		"name": "a", "numReplicas": int64(1), "tags": []any{spec.Tree{"key": "team"}},
		"ipAccessList": []any{spec.Tree{"source": "203.0.113.0/24"}},
	}
	if diff := cmp.Diff(want, find(t, o, "service/a").Spec); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(spec.Tree{}, find(t, o, "organization/acme").Spec); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, tc := range []struct{ name, data, want string }{
		{"beside a misspelt key", header + "x-a: 1\nspce: {x-b: 1}", `f.yaml:5:1: error OC221: unknown key "spce" in the document; did you mean "spec"?`},
		{"beside a misspelt key of spec", header + "spec: {x-b: 1, servces: []}", `f.yaml:4:16: error OC221: unknown key "servces" in spec; did you mean "services"?`},
		{"deeper", header + "spec: {services: [{name: a, x-b: 1}]}", `f.yaml:4:29: error OC221: unknown key "x-b" in an element of services; orgctl schema prints the known keys`},
		{"in a policy", header + "policy: {x-b: 1}", `f.yaml:4:10: error OC221: unknown key "x-b" in policy; known are allowDelete, exclusive, maxDeletes, minAdmins, prune`},
		{"well formed all the same", header + "x-b: {a: 1, a: 2}", "f.yaml:4:13: error OC206: key \"a\" is given twice\n  f.yaml:4:7: first given here"},
		{"alone", "x-b: {a: 1}", "f.yaml:1:1: error OC224: the document has no apiVersion; add apiVersion: orgctl/v1\n" +
			"f.yaml:1:1: error OC224: the document has no kind; add kind: Organization\n" +
			"f.yaml:1:1: error OC224: the document has no metadata; add metadata"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, problems("f.yaml", tc.data)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// asJSON puts the body of a spec into a JSON document.
func asJSON(spec string) string {
	return `{"apiVersion": "orgctl/v1", "kind": "Organization", "metadata": {"name": "acme"},` + "\n \"spec\": " + spec + "}"
}

// TestJSON: what Python, PHP, JavaScript and jq write is read as they mean it.
func TestJSON(t *testing.T) {
	manifest := asJSON(`{"services": [
	{"name": "\ud83d\ude00 a\/b <\u003e", "numReplicas": 3.0, "minReplicaMemoryGb": 16E0, "idleScaling": true, "ipAccessList": [],
	 "backupConfiguration": {"backupStartTime": null}, "tags": [{"key": "t", "value": ""}]}]}`)
	want := spec.Tree{
		"name": "😀 a/b <>", "numReplicas": int64(3), "minReplicaMemoryGb": int64(16), "idleScaling": true, "ipAccessList": []any{},
		"backupConfiguration": spec.Tree{"backupStartTime": nil}, "tags": []any{spec.Tree{"key": "t", "value": ""}},
	}
	for name, f := range map[string]spec.File{
		"a file":                       {Name: "acme.json", Data: []byte(manifest)},
		"upper case":                   {Name: "ACME.JSON", Data: []byte(manifest)},
		"with a mark and spaces":       {Name: "acme.json", Data: []byte("\uFEFF \n" + manifest + "\n\n")},
		"standard input":               {Name: "<stdin>", Data: []byte("\n" + manifest)},
		"a document of a YAML file":    {Name: "acme.yaml", Data: []byte(header + "---\n" + manifest + "\n---\n" + header)},
		"a document behind its marker": {Name: "acme.yaml", Data: []byte("--- " + manifest + "\n...\n---\n" + header)},
		"CRLF":                         {Name: "acme.json", Data: []byte(strings.ReplaceAll(manifest, "\n", "\r\n"))},
	} {
		t.Run(name, func(t *testing.T) {
			organizations, diags := spec.Load([]spec.File{f})
			if diags.HasErrors() || len(organizations) != 1 {
				t.Fatal(diags)
			}
			got := find(t, organizations[0], "service/😀 a/b <>")
			if diff := cmp.Diff(want, got.Spec); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			line := strings.Split(string(f.Data), "\n")[got.FieldPos("idleScaling").Line-1]
			if at := []rune(line)[got.FieldPos("idleScaling").Column-1:]; !strings.HasPrefix(string(at), `"idleScaling"`) {
				t.Errorf("%s is %q", got.FieldPos("idleScaling"), string(at))
			}
		})
	}
	t.Run("flow style is no JSON", func(t *testing.T) {
		flow := "{apiVersion: orgctl/v1, kind: 'Organization', metadata: {name: acme}, # as YAML has it\n spec: {services: [{name: s},]}}"
		if got := problems("f.yaml", flow); got != "loaded" {
			t.Error(got)
		}
	})
	for _, tc := range []struct{ name, data, want string }{
		{"a comma too many", asJSON(`{"services": [{"name": "é"},]}`), "f.json:2:38: error OC205: not valid JSON: invalid character ']' looking for beginning of value"},
		{"an end too early", `{"apiVersion": "orgctl/v1",` + "\n", "f.json:2:1: error OC205: not valid JSON: unexpected end of JSON input"},
		{"nothing", " \n", "f.json:1:1: error OC202: the file holds no manifest; begin with apiVersion: orgctl/v1"},
		{"two documents", asJSON("{}") + "\n" + asJSON("{}"), "f.json:3:1: error OC205: not valid JSON: invalid character '{' after top-level value"},
		{"YAML", header, "f.json:1:1: error OC205: not valid JSON: invalid character 'a' looking for beginning of value"},
		{"a line break in text", asJSON("{\"name\": \"a\nb\"}"), `f.json:2:21: error OC205: not valid JSON: invalid character '\n' in string literal`},
		{"half a character", asJSON(`{"name": "a\ud83d"}`), "f.json:2:19: error OC204: an escape that is half a character; write the character itself"},
		{"what cannot be seen", asJSON(`{"name": "a\u202e"}`), `f.json:2:19: error OC204: direction character U+202E, written as an escape; remove it: what nobody sees, nobody can review`},
		{"a key twice", asJSON(`{"name": "a", "name": "b"}`), "f.json:2:24: error OC206: key \"name\" is given twice\n  f.json:2:11: first given here"},
		{"a merge key", asJSON(`{"<<": {"name": "b"}}`), `f.json:2:11: error OC221: unknown key "<<" in spec; known are api, enableCoreDumps, invitations, ipSets, keys, members, name, privateEndpoints, serviceDefaults, services`},
		{"a number as text", asJSON(`{"name": 1.10}`), `f.json:2:19: error OC222: name must be text, not number 1.10; put it in quotes: "1.10"`},
		{"a number too large", asJSON(`{"enableCoreDumps": 99999999999999999999}`), `f.json:2:30: error OC210: number 99999999999999999999 is too large; put it in quotes if it is meant as text: "99999999999999999999"`},
		{"an unknown key", asJSON(`{"servces": []}`), `f.json:2:11: error OC221: unknown key "servces" in spec; did you mean "services"?`},
		{"a list", `[]`, "f.json:1:1: error OC222: the document must be an object, not a list of 0; begin with apiVersion: orgctl/v1"},
		{"too deep", asJSON(strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100)), "f.json:2:73: error OC208: more than 64 levels of nesting"},
		{"far too deep", strings.Repeat(`[`, 1_000_000), "f.json:1:65: error OC208: more than 64 levels of nesting"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, problems("f.json", tc.data)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
