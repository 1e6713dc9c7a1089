package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// fields reads one object of a request body. It keeps the first error, so that a handler reads everything it knows and asks
// once, and it remembers what was read, so that whatever is left over is an unknown field.
type fields struct {
	path  string
	m     map[string]any
	known map[string]bool
	kids  []*fields
	err   *error // shared with the kids
}

// parseBody reads a request body, which must be one JSON object.
func parseBody(body []byte) (*fields, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, badRequest("request body is not valid JSON")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, badRequest("request body is not valid JSON")
	}
	m, ok := value.(map[string]any)
	if !ok {
		return nil, badRequest("request body value is not an object: %s", shown(value))
	}
	return &fields{path: "request body", m: m, known: map[string]bool{}, err: new(error)}, nil
}

// shown renders a value the way the API quotes it in error texts.
func shown(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

func (f *fields) fail(err error) {
	if *f.err == nil {
		*f.err = err
	}
}

func (f *fields) failType(name, want string, value any) {
	f.fail(badRequest("%s.%s value is not %s: %s", f.path, name, want, shown(value)))
}

func (f *fields) get(name string) (any, bool) {
	f.known[name] = true
	value, ok := f.m[name]
	return value, ok
}

// has tells whether the object holds the field, null included.
func (f *fields) has(name string) bool {
	_, ok := f.get(name)
	return ok
}

// null tells whether the field is there and null.
func (f *fields) null(name string) bool {
	value, ok := f.get(name)
	return ok && value == nil
}

// str reads an optional string; nil means that the field is absent.
func (f *fields) str(name string) *string {
	value, ok := f.get(name)
	if !ok {
		return nil
	}
	text, ok := value.(string)
	if !ok {
		f.failType(name, "a string", value)
		return nil
	}
	if !utf8.ValidString(text) {
		f.failType(name, "valid UTF-8", value)
	}
	return &text
}

// line reads an optional string that must show something and hold no control characters.
func (f *fields) line(name string) *string {
	text := f.str(name)
	if text != nil && (strings.TrimSpace(*text) == "" || strings.ContainsFunc(*text, unicode.IsControl)) {
		f.fail(badRequest("%s.%s must be one line of text: %s", f.path, name, shown(*text)))
	}
	return text
}

// enum reads an optional string out of a closed set.
func (f *fields) enum(name string, allowed ...string) *string {
	text := f.str(name)
	if text != nil && !slices.Contains(allowed, *text) {
		f.fail(badRequest("%s.%s value is not one of %s: %s", f.path, name, shown(allowed), shown(*text)))
	}
	return text
}

// boolean reads an optional boolean.
func (f *fields) boolean(name string) *bool {
	value, ok := f.get(name)
	if !ok {
		return nil
	}
	b, ok := value.(bool)
	if !ok {
		f.failType(name, "a boolean", value)
		return nil
	}
	return &b
}

// number reads an optional number; 3 and 3.0 are the same.
func (f *fields) number(name string) *float64 {
	value, ok := f.get(name)
	if !ok {
		return nil
	}
	n, ok := value.(json.Number)
	if !ok {
		f.failType(name, "a number", value)
		return nil
	}
	x, err := n.Float64()
	if err != nil {
		f.failType(name, "a number", value)
		return nil
	}
	return &x
}

// integer reads an optional number without a fraction.
func (f *fields) integer(name string) *int {
	x := f.number(name)
	if x == nil {
		return nil
	}
	if *x != math.Trunc(*x) || math.Abs(*x) > 1e9 {
		f.failType(name, "an integer", json.Number(strconv.FormatFloat(*x, 'f', -1, 64)))
		return nil
	}
	n := int(*x)
	return &n
}

// stepped reads an optional integer within minimum..maximum that is a multiple of step.
func (f *fields) stepped(name string, minimum, maximum, step int) *int {
	n := f.integer(name)
	if n != nil && (*n < minimum || *n > maximum || *n%step != 0) {
		f.fail(badRequest("%s.%s: must be a multiple of %d between %d and %d <number:%d>", f.path, name, step, minimum, maximum, *n))
	}
	return n
}

// instant reads an optional timestamp. The second result is true when the field asks for none: null or "".
func (f *fields) instant(name string) (at *time.Time, cleared bool) {
	value, ok := f.get(name)
	switch {
	case !ok:
		return nil, false
	case value == nil, value == "":
		return nil, true
	}
	text, ok := value.(string)
	if !ok {
		f.failType(name, "a timestamp", value)
		return nil, false
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		f.failType(name, "a timestamp", value)
		return nil, false
	}
	t = t.UTC()
	return &t, false
}

// array reads an optional array; the second result tells whether the field is there.
func (f *fields) array(name string) ([]any, bool) {
	value, ok := f.get(name)
	if !ok {
		return nil, false
	}
	list, ok := value.([]any)
	if !ok {
		f.failType(name, "an array", value)
	}
	return list, ok
}

// mustArray is array for a field that has to be there.
func (f *fields) mustArray(name string) []any {
	list, ok := f.array(name)
	if !ok {
		// The API is written in a language in which an absent value reads "undefined".
		f.fail(badRequest("%s.%s value is not an array: undefined", f.path, name))
	}
	return list
}

// strs reads an optional array of strings.
func (f *fields) strs(name string) ([]string, bool) {
	list, ok := f.array(name)
	if !ok {
		return nil, false
	}
	out := make([]string, 0, len(list))
	for i, value := range list {
		text, isText := value.(string)
		if !isText {
			f.failType(name+"["+strconv.Itoa(i)+"]", "a string", value)
			continue
		}
		out = append(out, text)
	}
	return out, true
}

// object reads an optional object; nil means that the field is absent.
func (f *fields) object(name string) *fields {
	value, ok := f.get(name)
	if !ok {
		return nil
	}
	m, ok := value.(map[string]any)
	if !ok {
		f.failType(name, "an object", value)
		return nil
	}
	return f.child(name, m)
}

func (f *fields) child(name string, m map[string]any) *fields {
	kid := &fields{path: f.path + "." + name, m: m, known: map[string]bool{}, err: f.err}
	f.kids = append(f.kids, kid)
	return kid
}

// patch reads an optional {add, remove} object. An array in its place gets the API's own complaint.
func (f *fields) patch(name string) *fields {
	value, ok := f.get(name)
	if !ok {
		return nil
	}
	if _, isArray := value.([]any); isArray {
		f.fail(badRequest("%s.%s is an array.", f.path, name))
		return nil
	}
	return f.object(name)
}

// each reads the objects of an optional array.
func (f *fields) each(name string, read func(*fields)) bool {
	list, ok := f.array(name)
	if ok {
		f.eachOf(name, list, read)
	}
	return ok
}

func (f *fields) eachOf(name string, list []any, read func(*fields)) {
	for i, value := range list {
		at := name + "[" + strconv.Itoa(i) + "]"
		m, ok := value.(map[string]any)
		if !ok {
			f.failType(at, "an object", value)
			continue
		}
		read(f.child(at, m))
	}
}

// require complains when a field is absent.
func (f *fields) require(names ...string) {
	for _, name := range names {
		if !f.has(name) {
			f.fail(badRequest("%s.%s is required", f.path, name))
		}
	}
}

// done closes the object and those inside it: what no reader asked for is unknown.
func (f *fields) done(lenient bool) error {
	if !lenient {
		f.refuseUnknown()
	}
	return *f.err
}

func (f *fields) refuseUnknown() {
	for _, name := range slices.Sorted(maps.Keys(f.m)) {
		if !f.known[name] {
			f.fail(badRequest("%s.%s is not a known field", f.path, name))
		}
	}
	for _, kid := range f.kids {
		kid.refuseUnknown()
	}
}
