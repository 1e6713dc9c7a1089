package secret_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/orgctl/orgctl/pkg/client/secret"
)

const canary = "c4n4ry-value"

type document struct{ S secret.Value }

// holder has a secret where fmt cannot call its methods.
type holder struct {
	Name   string
	hidden secret.Value
	Shown  secret.Value
	List   []secret.Value
	Map    map[string]secret.Value
	Ptr    *secret.Value
}

func TestValueHidesFromEveryPrinterAndEncoder(t *testing.T) {
	v := secret.New(canary)
	h := holder{Name: "visible", hidden: v, Shown: v, List: []secret.Value{v}, Map: map[string]secret.Value{"a": v}, Ptr: &v}
	_ = h.hidden

	outputs := map[string]string{}
	for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "d", "b", "o", "t", "e", "c", "U", "T", "10s", "-20v", "# x"} {
		outputs["value %"+verb] = fmt.Sprintf("%"+verb, v)
		outputs["pointer %"+verb] = fmt.Sprintf("%"+verb, &v)
		outputs["struct %"+verb] = fmt.Sprintf("%"+verb, h)
		outputs["struct pointer %"+verb] = fmt.Sprintf("%"+verb, &h)
	}
	outputs["String"] = v.String()
	outputs["error"] = fmt.Errorf("wrap: %w", fmt.Errorf("inner %v", v)).Error()

	encode := func(name string, f func() ([]byte, error)) {
		data, err := f()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		outputs[name] = string(data)
	}
	encode("json", func() ([]byte, error) { return json.Marshal(h) })
	encode("yaml", func() ([]byte, error) { return yaml.Marshal(h) })
	encode("xml", func() ([]byte, error) { return xml.Marshal(document{v}) })
	encode("json map key", func() ([]byte, error) { return json.Marshal(map[string]any{"k": &v}) })
	encode("gob", func() ([]byte, error) {
		var b bytes.Buffer
		err := gob.NewEncoder(&b).Encode(struct{ S secret.Value }{v})
		return b.Bytes(), err
	})
	var text, structured bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("m", "v", v, "h", h)
	slog.New(slog.NewJSONHandler(&structured, nil)).Info("m", "v", v, "h", h)
	outputs["slog text"], outputs["slog json"] = text.String(), structured.String()

	hexCanary := fmt.Sprintf("%x", canary)
	for name, out := range outputs {
		if strings.Contains(out, canary) || strings.Contains(strings.ToLower(out), hexCanary) {
			t.Errorf("%s shows the secret: %s", name, out)
		}
		if out == "" {
			t.Errorf("%s shows nothing, not even the placeholder", name)
		}
	}
	for _, name := range []string{"value %v", "value %#v", "value %x", "json", "yaml", "xml", "gob", "slog text", "slog json"} {
		if !strings.Contains(outputs[name], "[redacted]") {
			t.Errorf("%s has no placeholder: %s", name, outputs[name])
		}
	}
}

func TestValue(t *testing.T) {
	var zero secret.Value
	if !zero.Empty() || zero.Reveal() != "" || !secret.New("").Empty() {
		t.Error("the zero Value is not the empty secret")
	}
	v := secret.New(canary)
	if v.Empty() || v.Reveal() != canary {
		t.Errorf("Reveal() = %q, want %q", v.Reveal(), canary)
	}
	for _, c := range []struct {
		a, b secret.Value
		want bool
	}{
		{v, secret.New(canary), true},
		{v, secret.New(canary + "x"), false},
		{v, zero, false},
		{zero, secret.New(""), true},
	} {
		if got := c.a.Equal(c.b); got != c.want {
			t.Errorf("Equal(%q, %q) = %t, want %t", c.a.Reveal(), c.b.Reveal(), got, c.want)
		}
	}
}

func TestValueUnmarshalJSON(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"s":"` + canary + `"}`, canary},
		{`{"s":""}`, ""},
		{`{"s":null}`, ""},
		{`{}`, ""},
	} {
		var got struct{ S secret.Value }
		if err := json.Unmarshal([]byte(c.in), &got); err != nil {
			t.Errorf("%s: %v", c.in, err)
		}
		if got.S.Reveal() != c.want {
			t.Errorf("%s: got %q, want %q", c.in, got.S.Reveal(), c.want)
		}
	}
	for _, in := range []string{`{"s":4711}`, `{"s":{"c4n4ry":1}}`} {
		var got struct{ S secret.Value }
		err := json.Unmarshal([]byte(in), &got)
		if err == nil || strings.Contains(err.Error(), "4711") || strings.Contains(err.Error(), "c4n4ry") {
			t.Errorf("%s: error %v, want one that does not quote the input", in, err)
		}
	}
}

func TestValueRefusesItsOwnPlaceholder(t *testing.T) {
	data, err := json.Marshal(secret.New(canary))
	if err != nil {
		t.Fatal(err)
	}
	var v secret.Value
	if err := json.Unmarshal(data, &v); err == nil {
		t.Errorf("decoded the placeholder into %q", v.Reveal())
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(secret.New(canary)); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&b).Decode(&v); err == nil {
		t.Error("gob decoded a placeholder")
	}
}
