package view

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Object is a JSON value as an API spelt it: the order of its members is kept and so is every digit of its numbers.
type Object struct {
	members []member // of an object
	list    []Object // of an array
	scalar  any      // string, json.Number, bool or nil, where it is neither
	kind    json.Delim
}

type member struct {
	name  string
	value Object
}

// What an Object is; the zero of it is a scalar.
const (
	isObject = json.Delim('{')
	isArray  = json.Delim('[')
)

// ParseObject reads a JSON value. What may be a secret by its name is not taken over.
func ParseObject(data []byte) (Object, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	o, err := parseValue(d)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the value")
		}
	}
	if err != nil {
		return Object{}, fmt.Errorf("read JSON: %w", err)
	}
	return o, nil
}

func parseValue(d *json.Decoder) (Object, error) {
	token, err := d.Token()
	if err != nil {
		return Object{}, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return Object{scalar: token}, nil
	}
	o := Object{kind: delim}
	for d.More() {
		name := ""
		if delim == isObject {
			if token, err = d.Token(); err != nil {
				return o, err
			}
			name, _ = token.(string)
		}
		value, err := parseValue(d)
		switch {
		case err != nil:
			return o, err
		case delim == isArray:
			o.list = append(o.list, value)
		case secretName(name):
			o.members = append(o.members, member{name, redacted})
		default:
			o.members = append(o.members, member{name, value})
		}
	}
	if i := slices.IndexFunc(o.members, func(m member) bool { return m.name == "value" }); i >= 0 && secretName(o.Text("name")) {
		o.members[i].value = redacted // a setting is called something, and its field value
	}
	_, err = d.Token() // the closing one
	return o, err
}

// redacted stands for what may be a secret.
var redacted = Object{scalar: "[redacted]"}

// secretName reports whether a field of this name may hold a secret, or what one could be guessed from. No read of the API has
// one: should it ever, this is not where it gets out. What identifies a key, such as key_id, is none, and neither is the key of a tag.
func secretName(name string) bool {
	name = strings.ToLower(name)
	if name == "keyid" || slices.ContainsFunc([]string{"password", "secret", "hash", "token", "credential", "connectionstring"}, func(part string) bool {
		return strings.Contains(name, part)
	}) {
		return true
	}
	words := strings.NewReplacer("_", "", "-", "", " ", "").Replace(name)
	return slices.ContainsFunc([]string{"apikey", "accesskey", "privatekey", "authkey", "passphrase"}, func(last string) bool {
		return strings.HasSuffix(words, last)
	})
}

// Elements are those of an array; anything else is its only one.
func (o Object) Elements() []Object {
	if o.kind == isArray {
		return o.list
	}
	return []Object{o}
}

// Parts are the elements of a member that is an array.
func (o Object) Parts(member string) []Object {
	value, _ := o.Member(member)
	return value.list
}

// Fields are the names of an object's members.
func (o Object) Fields() []string {
	names := make([]string, len(o.members))
	for i, m := range o.members {
		names[i] = m.name
	}
	return names
}

// Member gives a member of an object.
func (o Object) Member(name string) (Object, bool) {
	for _, m := range o.members {
		if m.name == name {
			return m.value, true
		}
	}
	return Object{}, false
}

// Pairs are an object's members, each as an object with its name and its value: a text as it is, anything else as JSON in one line.
func (o Object) Pairs() []Object {
	pairs := make([]Object, len(o.members))
	for i, m := range o.members {
		pairs[i] = Object{kind: isObject, members: []member{
			{"name", Object{scalar: m.name}}, {"value", Object{scalar: m.value.Line()}},
		}}
	}
	return pairs
}

// Line is a value in one line: a text as it is, anything else as JSON.
func (o Object) Line() string {
	if text, ok := o.scalar.(string); ok {
		return text
	}
	var b strings.Builder
	o.json(&b, " ")
	return strings.Join(strings.Fields(b.String()), " ")
}

// Values are the texts that a path such as tags.key leads to, through objects and every element of arrays. What is null has none.
func (o Object) Values(path string) []string {
	if o.kind == isArray {
		var all []string
		for _, e := range o.list {
			all = append(all, e.Values(path)...)
		}
		return all
	}
	if path == "" {
		return o.text()
	}
	name, rest, _ := strings.Cut(path, ".")
	value, _ := o.Member(name)
	return value.Values(rest)
}

// Text is the first of the Values, or "".
func (o Object) Text(path string) string {
	if values := o.Values(path); len(values) > 0 {
		return values[0]
	}
	return ""
}

func (o Object) text() []string {
	switch v := o.scalar.(type) {
	case string:
		return []string{v}
	case json.Number:
		return []string{v.String()}
	case bool:
		return []string{strconv.FormatBool(v)}
	default:
		return nil
	}
}

// JSON writes a value as JSON.
func JSON(w io.Writer, o Object) error {
	var b strings.Builder
	o.json(&b, "\n")
	_, err := io.WriteString(w, visibleJSON(b.String()+"\n"))
	return err
}

// JSONList writes values as a JSON array.
func JSONList(w io.Writer, list []Object) error { return JSON(w, Object{kind: isArray, list: list}) }

func (o Object) json(b *strings.Builder, newline string) {
	switch inner := newline + "  "; {
	case o.kind == isObject && len(o.members) > 0:
		for i, m := range o.members {
			b.WriteString(separator("{", i) + inner + quoted(m.name) + ": ")
			m.value.json(b, inner)
		}
		b.WriteString(newline + "}")
	case o.kind == isArray && len(o.list) > 0:
		for i, e := range o.list {
			b.WriteString(separator("[", i) + inner)
			e.json(b, inner)
		}
		b.WriteString(newline + "]")
	default:
		b.WriteString(o.compact())
	}
}

func separator(opening string, i int) string {
	if i == 0 {
		return opening
	}
	return ","
}

// compact is what has no members and no elements.
func (o Object) compact() string {
	switch v := o.scalar.(type) {
	case string:
		return quoted(v)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	switch o.kind {
	case isObject:
		return "{}"
	case isArray:
		return "[]"
	default:
		return "null"
	}
}

// quoted is a JSON string, which YAML reads alike.
func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always can be
	return strings.TrimSuffix(b.String(), "\n")
}

// YAML writes a value as YAML.
func YAML(w io.Writer, o Object) error {
	_, err := io.WriteString(w, visibleYAML(strings.Join(o.yaml(), "\n")+"\n"))
	return err
}

// YAMLList writes values as a YAML list.
func YAMLList(w io.Writer, list []Object) error { return YAML(w, Object{kind: isArray, list: list}) }

// yaml gives the lines of a value.
func (o Object) yaml() []string {
	var lines []string
	for _, m := range o.members {
		value := m.value.yaml()
		if m.value.members == nil && m.value.list == nil {
			lines = append(lines, yamlString(m.name)+": "+value[0])
			continue
		}
		lines = append(lines, yamlString(m.name)+":")
		for _, l := range value {
			lines = append(lines, "  "+l)
		}
	}
	for _, e := range o.list {
		for i, l := range e.yaml() {
			mark := "  "
			if i == 0 {
				mark = "- "
			}
			lines = append(lines, mark+l)
		}
	}
	if text, ok := o.scalar.(string); ok {
		return []string{yamlString(text)}
	}
	if lines == nil {
		return []string{o.compact()}
	}
	return lines
}

// yamlPlain is what no reader of YAML takes for anything but a string, save the words below.
var (
	yamlPlain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./@-]*$`)
	yamlWords = []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"}
)

func yamlString(s string) string {
	if yamlPlain.MatchString(s) && !slices.Contains(yamlWords, strings.ToLower(s)) {
		return s
	}
	return quoted(s)
}
