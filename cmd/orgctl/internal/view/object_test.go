package view_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
)

func object(t testing.TB, text string) view.Object {
	t.Helper()
	o, err := view.ParseObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// documents generates JSON of every shape, with the texts that other formats stumble over.
func documents() *rapid.Generator[any] {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", "yes", "NULL", "~", "-", "- a", "a: b", "a #b", "#", "0x1F", "1_000", "010", "1e3", ".5", "2026-03-01", "12:30:45", "<<", "=", "*a", "&a", "!a", "@a", "%a",
		"a:", "::error::x", "##[warning]", "a\nb", " a ", "\t", "\u202e", "\U000e0001", "\x7f", "\u0085", "\u2028", "\ufeff", "😀", hostileText,
	}))
	scalar := rapid.OneOf(rapid.Map(text, func(s string) any { return strings.ToValidUTF8(s, "\ufffd") }), rapid.Just(any(nil)),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }), rapid.Map(rapid.IntRange(-1<<40, 1<<40), func(n int) any { return n }),
		rapid.Map(rapid.Float64Range(-1e9, 1e9), func(f float64) any { return f }))
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		if depth == 0 {
			return scalar
		}
		inner := value(depth - 1)
		return rapid.OneOf(scalar,
			rapid.Map(rapid.SliceOfN(inner, 0, 4), func(list []any) any { return list }),
			rapid.Map(rapid.MapOfN(rapid.Map(text, func(s string) string { return strings.ToValidUTF8(s, "\ufffd") }), inner, 0, 4), func(m map[string]any) any { return m }))
	}
	return value(3)
}

// TestObjectsMeanTheSame: what is written as JSON or as YAML is read as what the API said, secrets aside, and every character of it
// can be seen.
func TestObjectsMeanTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text, err := json.Marshal(documents().Draw(rt, "document"))
		if err != nil {
			rt.Fatal(err)
		}
		o, err := view.ParseObject(text)
		if err != nil {
			rt.Fatal(err)
		}
		for name, format := range map[string]struct {
			write func(io.Writer, view.Object) error
			read  func([]byte, any) error
		}{"json": {view.JSON, json.Unmarshal}, "yaml": {view.YAML, yaml.Unmarshal}} {
			out := render(t, func(w io.Writer) error { return format.write(w, o) })
			var want, got any
			if err := json.Unmarshal(text, &want); err != nil {
				rt.Fatal(err)
			}
			if err := format.read(out, &got); err != nil {
				rt.Fatalf("%s: %v\n%s", name, err, out)
			}
			if d := cmp.Diff(want, floats(got)); d != "" {
				rt.Fatalf("%s (-want +got):\n%s\n%s", name, d, out)
			}
			for line := range strings.SplitSeq(string(out), "\n") {
				if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x85 || r == 0x202e || r == 0xe0001 }); i >= 0 || strings.HasPrefix(strings.TrimLeft(line, " "), "::") {
					rt.Fatalf("%s: not fit for a terminal: %q", name, line)
				}
			}
		}
	})
}

// floats makes numbers alike, of which YAML has several sorts.
func floats(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case []any:
		for i := range v {
			v[i] = floats(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = floats(v[k])
		}
	}
	return v
}

// TestObjectsAsTheyCame: neither the order of fields nor a digit of a number changes, and what may be a secret is not there.
func TestObjectsAsTheyCame(t *testing.T) {
	o := object(t, `{"z":1.0,"a":12345678901234567890,"password":"hunter2","deep":[{"keySecret":{"x":"hunter2"},"keyId":"hunter2","none":{},"empty":[],"keySuffix":"1234"}]}`)
	want := `{
  "z": 1.0,
  "a": 12345678901234567890,
  "password": "[redacted]",
  "deep": [
    {
      "keySecret": "[redacted]",
      "keyId": "[redacted]",
      "none": {},
      "empty": [],
      "keySuffix": "1234"
    }
  ]
}
`
	if d := cmp.Diff(want, string(render(t, func(w io.Writer) error { return view.JSON(w, o) }))); d != "" {
		t.Errorf("JSON (-want +got):\n%s", d)
	}
	for path, values := range map[string][]string{
		"z": {"1.0"}, "deep.keySuffix": {"1234"}, "deep.keySecret.x": nil, "deep": nil, "no.such": nil, "password": {"[redacted]"},
	} {
		if d := cmp.Diff(values, o.Values(path)); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
	}
	settings := object(t, `[{"value":"hunter2","name":"s3_secret"},{"name":"max_threads","value":"8"},{"name":"password-reset"}]`)
	if d := cmp.Diff([]string{"[redacted]", "8"}, settings.Values("value")); d != "" {
		t.Errorf("settings (-want +got):\n%s", d)
	}
	for name, secret := range map[string]bool{
		"api_key": true, "apikey": true, "apiKey": true, "X-Api-Key": true, "access_key": true, "accessKey": true, "private_key": true, "passphrase": true,
		"key_id": false, "api_key_id": false, "accessKeyId": false, "keySuffix": false, "key": false, "openApiKeys": false, "api_keys": false,
	} {
		got := object(t, `{"old_data":[{"`+name+`":"hunter2"}]}`).Values("old_data." + name)
		if hidden := got[0] == "[redacted]"; hidden != secret {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, broken := range []string{``, `{`, `[1,]`, `{"a" 1}`, `1 2`} {
		if _, err := view.ParseObject([]byte(broken)); err == nil {
			t.Errorf("%q was read", broken)
		}
	}
}

func TestTableGolden(t *testing.T) {
	for name, options := range map[string]view.Options{"table.txt": {}, "table.color.txt": {Color: true}} {
		golden(t, name, render(t, func(w io.Writer) error {
			table := view.NewTable("NAME", "STATE", "NOTE")
			if err := table.Write(w, [][]string{{"orders", "running", ""}, {"\u6ce8\u6587", "idle", hostileText}, {"e\u0301t\u00e9", "", "x"}}, options); err != nil {
				return err
			}
			return table.Write(w, [][]string{{"a-longer-name", "stopped", "later"}}, options)
		}))
	}
}
