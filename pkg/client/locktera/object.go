package locktera

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// object is a JSON object of an answer, taken field by field: a field that is missing, or of another type than documents say, is
// absent, and does not make the rest unreadable.
type object map[string]json.RawMessage

func newObject(data []byte) (object, error) {
	var o object
	if err := json.Unmarshal(data, &o); err != nil || o == nil {
		return nil, fmt.Errorf("unexpected shape: %s where an object is documented", kind(data))
	}
	return o, nil
}

// newKnown is newObject for one that stands alone. One without any field of those that documents name is something else, such as
// an envelope, and what is in it is not guessed.
func newKnown(data []byte, fields []string) (object, error) {
	o, err := newObject(data)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(fields, func(name string) bool { _, ok := o[name]; return ok }) {
		return o, nil
	}
	if len(o) == 0 {
		return nil, errors.New("unexpected shape: an empty object")
	}
	return nil, fmt.Errorf("unexpected shape: an object with %s, and none of the documented %s",
		strings.Join(slices.Sorted(maps.Keys(o)), ", "), strings.Join(fields, ", "))
}

// text is the first of some fields that has a text. A number is its digits.
func (o object) text(names ...string) string {
	for _, name := range names {
		var text string
		var number json.Number
		switch raw := o[name]; {
		case json.Unmarshal(raw, &text) == nil && text != "":
			return text
		case !bytes.HasPrefix(raw, []byte(`"`)) && json.Unmarshal(raw, &number) == nil && number != "":
			return number.String()
		}
	}
	return ""
}

func (o object) number(name string) *float64 {
	var n *float64
	if json.Unmarshal(o[name], &n) != nil {
		return nil
	}
	return n
}

func (o object) texts(name string) []string {
	var list []string
	if json.Unmarshal(o[name], &list) != nil {
		return nil
	}
	return list
}

// refusal is the message of an object that has one, and nothing else but what comes with an error.
func (o object) refusal() (said json.RawMessage, ok bool) {
	for name := range o {
		if !slices.Contains([]string{"message", "error", "errors", "code", "status", "fields", "requestId"}, name) {
			return nil, false
		}
	}
	if message, ok := o["message"]; ok {
		return message, true
	}
	said, ok = o["error"]
	return said, ok
}

// withoutSecrets is an object as it was spelt, unless there is a field in it that may be secret. No document names the field of a
// key's secret, so that this is any whose name says so, and any but the documented ones that has a text other than a time.
func (o object) withoutSecrets(spelt []byte, documented []string) json.RawMessage {
	dialect, shown, found := Dialect(), object{}, false
	for name, value := range o {
		var v any
		_ = json.Unmarshal(value, &v) // what came as JSON can be read
		if dialect.IsSecret(name) || !slices.Contains(documented, name) && hasText(v) {
			value, found = json.RawMessage(`"[redacted]"`), true
		}
		shown[name] = value
	}
	if !found {
		return bytes.Clone(spelt)
	}
	text, _ := json.Marshal(shown) // what came as JSON can be written as JSON
	return text
}

// hasText reports whether there is a text other than a time anywhere in a value, or a name that says that something is secret.
func hasText(v any) bool {
	switch v := v.(type) {
	case string:
		_, err := time.Parse(time.RFC3339, v)
		return v != "" && err != nil
	case []any:
		return slices.ContainsFunc(v, hasText)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), hasText) || slices.ContainsFunc(slices.Collect(maps.Keys(v)), Dialect().IsSecret)
	default:
		return false
	}
}

// kind names what a JSON value is.
func kind(data []byte) string {
	switch data = bytes.TrimSpace(data); {
	case bytes.HasPrefix(data, []byte("{")):
		return "an object"
	case bytes.HasPrefix(data, []byte("[")):
		return "a list"
	case bytes.HasPrefix(data, []byte(`"`)):
		return "a text"
	case bytes.Equal(data, []byte("null")):
		return "null"
	default:
		return "a number or a truth value"
	}
}

// list is a list that an answer may show as the one object that would be in it.
type list[T interface{ fields() []string }] []T

func (l *list[T]) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		var one T
		if _, err := newKnown(data, one.fields()); err != nil {
			return err
		}
		data = slices.Concat([]byte("["), data, []byte("]"))
	}
	var all []T
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	*l = all
	return nil
}
