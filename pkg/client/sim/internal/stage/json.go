package stage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// DecodeStrict decodes exactly one JSON value and refuses unknown fields.
func DecodeStrict(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

// Merged is a copy of an object with a JSON merge patch applied (RFC 7386: null removes a field).
func Merged[T any](object *T, patch map[string]any) (*T, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	MergePatch(tree, patch)
	if text, err = json.Marshal(tree); err != nil {
		return nil, err
	}
	next := new(T)
	return next, DecodeStrict(text, next)
}

// MergePatch applies a JSON merge patch in place.
func MergePatch(tree, patch map[string]any) {
	for name, value := range patch {
		inner, isObject := value.(map[string]any)
		switch {
		case value == nil:
			delete(tree, name)
		case isObject:
			nested, ok := tree[name].(map[string]any)
			if !ok {
				nested = map[string]any{}
			}
			MergePatch(nested, inner)
			tree[name] = nested
		default:
			tree[name] = value
		}
	}
}

// Duration is a duration that JSON shows as "1m30s".
type Duration time.Duration

// MarshalText writes it as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads it, and refuses one that is negative.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return err
	}
	if parsed < 0 {
		return fmt.Errorf("duration %s is negative", parsed)
	}
	*d = Duration(parsed)
	return nil
}
