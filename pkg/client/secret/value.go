// Package secret holds values that must not be seen: it generates them, hashes them the way the ClickHouse Cloud API
// wants, and hands them around in a type that every printer and encoder shows as a placeholder.
//
// It does not store anything and does not erase memory: Go strings cannot be wiped.
package secret

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
)

// placeholder stands for a secret wherever one would have been printed or encoded.
const placeholder = "[redacted]"

// Value is a secret string. Only Reveal gives it away; fmt with any verb, encoding/json, encoding/gob, yaml, slog and every
// encoder that honours encoding.TextMarshaler write a placeholder. The zero Value is the empty secret.
//
// Values cannot be compared with ==, which would leak timing: use Equal.
type Value struct {
	_ [0]func()
	// fmt does not call methods on unexported fields of other structs and walks into them instead; behind a pointer it
	// finds an address there, never the text.
	text *string
}

// New wraps s.
func New(s string) Value { return Value{text: &s} }

// Reveal returns the secret. Every call of it is a place to look at in a review.
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// Empty reports whether there is no secret.
func (v Value) Empty() bool { return v.Reveal() == "" }

// Equal compares in a time that depends on the lengths only.
func (v Value) Equal(other Value) bool {
	return subtle.ConstantTimeCompare([]byte(v.Reveal()), []byte(other.Reveal())) == 1
}

// String returns the placeholder.
func (v Value) String() string { return placeholder }

// Format writes the placeholder for every verb and flag; it implements fmt.Formatter because %#v and %x would bypass String.
func (v Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(placeholder)) }

// LogValue returns the placeholder.
func (v Value) LogValue() slog.Value { return slog.StringValue(placeholder) }

// MarshalText returns the placeholder.
func (v Value) MarshalText() ([]byte, error) { return []byte(placeholder), nil }

// MarshalJSON returns the placeholder as a JSON string.
func (v Value) MarshalJSON() ([]byte, error) { return json.Marshal(placeholder) }

// MarshalYAML returns the placeholder; it satisfies yaml.Marshaler without importing a YAML package.
func (v Value) MarshalYAML() (any, error) { return placeholder, nil }

// GobEncode returns the placeholder.
func (v Value) GobEncode() ([]byte, error) { return []byte(placeholder), nil }

// GobDecode refuses: what was encoded is the placeholder, not the secret.
func (v *Value) GobDecode([]byte) error { return errPlaceholder }

// UnmarshalJSON reads a secret out of an API reply; null is the empty secret. The placeholder is refused, since taking it
// for a password would lock its owner out.
func (v *Value) UnmarshalJSON(data []byte) error {
	var s *string
	if err := json.Unmarshal(data, &s); err != nil {
		// The decoder's own message may quote the input.
		return errors.New("decode secret: not a JSON string")
	}
	switch {
	case s == nil:
		*v = Value{}
	case *s == placeholder:
		return errPlaceholder
	default:
		*v = New(*s)
	}
	return nil
}

var errPlaceholder = errors.New("decode secret: the value was redacted when it was written")
