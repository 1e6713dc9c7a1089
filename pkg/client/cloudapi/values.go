package cloudapi

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Patch changes a list by its elements. The API removes before it adds, so an element in both is replaced; removing what
// is not there does nothing.
type Patch[T any] struct {
	Remove []T `json:"remove,omitempty"`
	Add    []T `json:"add,omitempty"`
}

// Nullable is a request field of three values: the zero Nullable is left out and leaves the field alone, Null resets it to
// its default, and Value sets it. Struct fields of this type need the omitzero option.
type Nullable[T any] struct {
	set   bool
	value *T
}

// Value sets a field to v.
func Value[T any](v T) Nullable[T] { return Nullable[T]{set: true, value: &v} }

// Null resets a field.
func Null[T any]() Nullable[T] { return Nullable[T]{set: true} }

// IsZero reports whether the field is left out.
func (n Nullable[T]) IsZero() bool { return !n.set }

// MarshalJSON writes the value, or null.
func (n Nullable[T]) MarshalJSON() ([]byte, error) { return json.Marshal(n.value) }

// Bool is a boolean that older versions of the API write as a string.
type Bool bool

// UnmarshalJSON accepts true, "true", false and "false".
func (b *Bool) UnmarshalJSON(data []byte) error {
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return err
	}
	switch v := value.(type) {
	case bool:
		*b = Bool(v)
		return nil
	case string:
		parsed, err := strconv.ParseBool(v)
		*b = Bool(parsed)
		return err
	default:
		return fmt.Errorf("decode boolean: unexpected %s", data)
	}
}
