package spec_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/spec"
)

// hiddenRunes end a line for YAML alone, turn the direction of what follows, or show nothing at all.
func hiddenRunes() []rune {
	var runes []rune
	for _, r := range [][2]rune{
		{0, 8},
		{0xb, 0xd},
		{0xe, 0x1f},
		{0x7f, 0x9f},
		{0xad, 0xad},
		{0x61c, 0x61c},
		{0x180e, 0x180e},
		{0x200b, 0x200f},
		{0x2028, 0x202e},
		{0x2060, 0x206f},
		{0xfeff, 0xfeff},
		{0xfff9, 0xfffb},
		{0xe0001, 0xe0001},
		{0xe0041, 0xe0041},
	} {
		for c := r[0]; c <= r[1]; c++ {
			runes = append(runes, c)
		}
	}
	return runes
}

// TestHiddenCharacters: what every editor, diff and review shows as one harmless line is not loaded as something else.
func TestHiddenCharacters(t *testing.T) {
	for _, r := range hiddenRunes() {
		for where, line := range map[string]string{
			"in a comment": "      # was open until May:%s        - {source: 0.0.0.0/0}",
			"in a value":   "      - {source: 10.0.0.0/8, description: 'a%sb'}",
			"in a key":     "      - {source: 10.0.0.0/8, descri%sption: a}",
			"at the start": "%s      - {source: 10.0.0.0/8}",
		} {
			t.Run(fmt.Sprintf("%U %s", r, where), func(t *testing.T) {
				column := strings.Index(line, "%s") + 1
				data := header + "spec:\n  ipSets:\n    office:\n      - {source: 203.0.113.7}\n" + fmt.Sprintf(line, string(r)) + "\n"
				organizations, diags := spec.Load([]spec.File{{Name: "f.yaml", Data: []byte(data)}})
				if organizations != nil || len(diags) != 1 || diags[0].Code != spec.CodeEncoding {
					t.Fatalf("%d organizations, %v", len(organizations), diags)
				}
				if want := (spec.Pos{File: "f.yaml", Line: 8, Column: column}); diags[0].Pos != want {
					t.Errorf("at %s, not %s", diags[0].Pos, want)
				}
				if code := fmt.Sprintf("%U", r); !strings.Contains(diags[0].Message, code) {
					t.Errorf("no %s in %q", code, diags[0].Message)
				}
			})
		}
	}
}

// TestHiddenEscapes: an escape puts into a name what cannot be seen in any output, or what an output has to replace.
func TestHiddenEscapes(t *testing.T) {
	for _, escape := range []string{`\r`, `\0`, `\e`, `\x7f`, `\N`, `\L`, `\u202e`, `\u200b`, `\uFEFF`, `\U000e0041`} {
		t.Run(escape, func(t *testing.T) {
			data := header + "spec:\n  services:\n    - name: \"or" + escape + "ders\"\n      tags: [{key: \"a" + escape + "\"}]\n"
			_, diags := spec.Load([]spec.File{{Name: "f.yaml", Data: []byte(data)}})
			codes := mapped(diags, func(d spec.Diagnostic) string { return d.Pos.String() + " " + d.Code })
			if want := []string{"f.yaml:6:13 OC204", "f.yaml:7:20 OC204"}; !slices.Equal(codes, want) {
				t.Errorf("%v", diags)
			}
		})
	}
}

// TestEveryHiddenCharacterIsReported, up to as many problems as are shown.
func TestEveryHiddenCharacterIsReported(t *testing.T) {
	load := func(comment string) []string {
		_, diags := spec.Load([]spec.File{{Name: "f.yaml", Data: []byte(header + comment)}})
		return mapped(diags, func(d spec.Diagnostic) string { return fmt.Sprintf("%d:%d %s", d.Pos.Line, d.Pos.Column, d.Code) })
	}
	want := []string{"4:4 OC204", "4:6 OC204", "6:2 OC204"}
	if diff := cmp.Diff(want, load("# \u00e9\u2028a\u202e\n# b\r\n#\u200b\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := load(strings.Repeat("#\x00\n", 10_000)); len(got) != 201 || !strings.Contains(got[200], spec.CodeTooMany) {
		t.Errorf("%d problems", len(got))
	}
}

// TestVisibleText is what looks suspicious and is not: line ends of Windows, marks at the starts of files that were put
// together, and the letters of the world.
func TestVisibleText(t *testing.T) {
	const mark = "\uFEFF"
	one := header + "spec:\n  services:\n    - name: orders\n"
	two := strings.ReplaceAll(one, "orders", "events")
	for name, data := range map[string]string{
		"CRLF":                       strings.ReplaceAll(one+"---\n"+two, "\n", "\r\n"),
		"marks before the documents": mark + one + "---\n" + mark + two,
		"marks before the dividers":  mark + "---\n" + one + mark + "---\n" + two,
		"marks, CRLF":                strings.ReplaceAll(mark+one+"---\n"+mark+two, "\n", "\r\n"),
		"a mark after an end":        mark + one + "...\n" + mark + "---\n" + two,
		"a mark before JSON":         one + "---\n" + mark + `{"apiVersion": "orgctl/v1", "kind": "Organization", "metadata": {"name": "acme"}, "spec": {"services": [{"name": "events"}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			organizations, diags := spec.Load([]spec.File{{Name: "f.yaml", Data: []byte(data)}})
			if len(diags) > 0 || len(organizations) != 1 {
				t.Fatal(diags)
			}
			find(t, organizations[0], "service/orders")
			find(t, organizations[0], "service/events")
		})
	}
	for _, name := range []string{"Überlauf", "заказы", "订单", "طلبات", "🚀", "e\u0301tude", "☎"} {
		organizations, diags := spec.Load([]spec.File{{Name: "f.yaml", Data: []byte(header + "spec: {services: [{name: " + name + "}]}")}})
		if diags.HasErrors() { // the API may refuse some of them, which is a warning
			t.Fatal(diags)
		}
		find(t, organizations[0], "service/"+spec.CanonicalName(name))
	}
	escaped := load(t, "spec: {keys: [{name: k, ipAccessList: [{source: 10.0.0.0/8, description: \"two\\nlines\\tand a tab\"}]}]}")
	want := []any{spec.Tree{"source": "10.0.0.0/8", "description": "two\nlines\tand a tab"}}
	if diff := cmp.Diff(want, find(t, escaped, "key/k").Spec["ipAccessList"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestNamesThatPrintAlike: what tells two objects apart can be seen. Elsewhere the same characters have a use: a selector makes a
// sign of a comment an emoji.
func TestNamesThatPrintAlike(t *testing.T) {
	for _, r := range []rune{
		0x34f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x2800, 0x3164, 0xfe00, 0xfe0f, 0xffa0, 0xfff0, 0x1bca0, 0x1d173, 0xe0100, 0xe01ef,
	} {
		t.Run(fmt.Sprintf("%U", r), func(t *testing.T) {
			for _, body := range namesEverywhere("ci" + string(r)) {
				if got := errorsOf(header + body); !slices.Equal(got, []string{"OC204"}) {
					t.Errorf("%v of %s", got, body)
				}
			}
			rest := header + "# a" + string(r) + "\nspec: {keys: [{name: k, ipAccessList: [{source: 10.0.0.0/8, description: a" + string(r) + "}]}]}"
			if got := errorsOf(rest); len(got) > 0 {
				t.Errorf("%v of a comment and a description", got)
			}
		})
	}
}

// TestSpacesAtTheEndsOfNames: a space is one whatever its width, and a name of nothing else is none.
func TestSpacesAtTheEndsOfNames(t *testing.T) {
	for _, name := range []string{" ci", "ci ", "\u00a0ci", "ci\u00a0", "\u3000", "ci\u2003", " ci\u202f"} {
		t.Run(fmt.Sprintf("%+q", name), func(t *testing.T) {
			for _, body := range namesEverywhere(name)[:spaceless] {
				if got := errorsOf(header + body); !slices.Equal(got, []string{"OC228"}) {
					t.Errorf("%v of %s", got, body)
				}
			}
		})
	}
	if got := errorsOf(header + "spec: {ipSets: {'': []}}"); !slices.Equal(got, []string{"OC228"}) {
		t.Errorf("%v of a set without a name", got)
	}
}

// spaceless is how many of namesEverywhere are of names that are declared, and not of those that are looked for.
const spaceless = 5

func namesEverywhere(name string) []string {
	var bodies []string
	for _, body := range []string{
		"spec: {name: '%s'}", "spec: {services: [{name: '%s'}]}", "spec: {keys: [{name: '%s'}]}", "spec: {ipSets: {'%s': []}}",
		"spec: {privateEndpoints: [{id: '%s', cloudProvider: aws, region: us-east-1}]}", "spec: {services: [{name: s, privateEndpointIds: ['%s']}]}",
		"spec: {services: [{name: s, previously: ['%s']}]}", "spec: {keys: [{name: k, previously: ['%s']}]}", "spec: {keys: [{name: k, roles: ['%s']}]}",
		"spec: {members: [{email: a@example.com, roles: ['%s']}]}",
		"spec: {members: [{email: '%s@example.com'}]}", "spec: {invitations: [{email: '%s@example.com'}]}",
		"spec: {members: [{email: a@example.com, id: '%s'}]}",
	} {
		bodies = append(bodies, fmt.Sprintf(body, name))
	}
	return bodies
}

// errorsOf gives the codes of the errors of a file.
func errorsOf(data string) []string {
	_, diags := spec.Load([]spec.File{{Name: "f.yaml", Data: []byte(data)}})
	errors := slices.DeleteFunc(diags, func(d spec.Diagnostic) bool { return d.Severity != spec.SeverityError })
	return mapped(errors, func(d spec.Diagnostic) string { return d.Code })
}
