package view

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/orgctl/orgctl/pkg/spec"
)

// value spells a tree value as a manifest would, quotes only where YAML needs them. spec.FormatValue quotes every string,
// which suits a sentence; in a column of values the quotes would be noise.
func value(v any) string {
	switch v := v.(type) {
	case string:
		return word(v)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			text, note := element(e)
			if note != "" {
				text += " (" + note + ")"
			}
			parts[i] = text
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case spec.Tree:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for i, k := range keys {
			keys[i] = word(k) + ": " + value(v[k])
		}
		return "{" + strings.Join(keys, ", ") + "}"
	default:
		return spec.FormatValue(v)
	}
}

// element spells one element of a list. The two shapes that lists of this API mostly hold, a source with a description and
// a key with a value, get a short form; its remark stands apart so that a column of sources stays a column.
func element(e any) (text, note string) {
	t, ok := e.(spec.Tree)
	if !ok {
		return value(e), ""
	}
	if source, ok := t["source"].(string); ok && only(t, "source", "description") {
		note, _ = t["description"].(string)
		return word(source), visible(note)
	}
	if key, ok := t["key"].(string); ok && only(t, "key", "value") {
		if t["value"] == nil {
			return word(key), ""
		}
		return word(key) + "=" + value(t["value"]), ""
	}
	return value(t), ""
}

func only(t spec.Tree, keys ...string) bool {
	for k := range t {
		if !slices.Contains(keys, k) {
			return false
		}
	}
	return true
}

// word spells a string bare where nothing in it could be mistaken for another type or for our own punctuation.
func word(s string) string {
	if isPlain(s) {
		return s
	}
	return `"` + visible(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)) + `"`
}

func isPlain(s string) bool {
	if s == "" || s == "-" {
		return false
	}
	for _, r := range s {
		if !strings.ContainsRune("_./@:+-", r) && (!unicode.IsLetter(r) && !unicode.IsDigit(r) || !printable(r)) {
			return false
		}
	}
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off":
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err != nil
}
