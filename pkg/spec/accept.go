package spec

import (
	"fmt"
	"math/big"
	"slices"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// accepts reports whether a value is valid, and not why it is not. The library keeps account of what it has looked at, for
// keywords that our schema does without, which costs more than all else that validation does: it is left to find out what is
// wrong with the few documents that are not valid. Both give the same answer as long as the schema is made of the keywords
// that this knows, which TestAcceptsKnowsEveryKeyword watches.
func accepts(s *jsonschema.Schema, value any) bool {
	if s.Ref != nil && !accepts(s.Ref, value) {
		return false
	}
	if len(s.Types) > 0 && !slices.ContainsFunc(s.Types, func(t string) bool { return isOfType(value, t) }) {
		return false
	}
	text, isText := value.(string)
	for _, allowed := range [][]any{s.Constant, s.Enum} { // they are texts
		if len(allowed) > 0 && (!isText || !slices.Contains(allowed, value)) {
			return false
		}
	}
	switch value := value.(type) {
	case Tree:
		return acceptsObject(s, value)
	case []any:
		return acceptsList(s, value)
	case string:
		return acceptsText(s, text)
	case int64, float64:
		return acceptsNumber(s, value)
	default:
		return true
	}
}

// isOfType knows the types of a Tree, in which a number that is whole is an int64 unless it is too large for one.
func isOfType(value any, name string) bool {
	switch value.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case []any:
		return name == "array"
	case Tree:
		return name == "object"
	case int64:
		return name == "integer" || name == "number"
	case float64:
		return name == "number" || name == "integer" && rational(value).IsInt()
	default:
		return false
	}
}

func acceptsObject(s *jsonschema.Schema, object Tree) bool {
	for _, key := range s.Required {
		if _, ok := object[key]; !ok {
			return false
		}
	}
	for key, value := range object {
		property, known := s.Properties[key]
		if known && !accepts(property, value) {
			return false
		}
		for pattern, part := range s.PatternProperties {
			if pattern.MatchString(key) {
				known = true
				if !accepts(part, value) {
					return false
				}
			}
		}
		if known {
			continue
		}
		switch rest := s.AdditionalProperties.(type) {
		case bool:
			if !rest {
				return false
			}
		case *jsonschema.Schema:
			if !accepts(rest, value) {
				return false
			}
		}
	}
	return true
}

func acceptsList(s *jsonschema.Schema, list []any) bool {
	return within(len(list), s.MinItems, s.MaxItems) &&
		(s.Items2020 == nil || !slices.ContainsFunc(list, func(e any) bool { return !accepts(s.Items2020, e) }))
}

// within reports whether a size keeps to its bounds; a negative one is none.
func within(size, least, most int) bool { return size >= least && (most < 0 || size <= most) }

func acceptsText(s *jsonschema.Schema, text string) bool {
	return within(utf8.RuneCountInString(text), s.MinLength, s.MaxLength) && (s.Pattern == nil || s.Pattern.MatchString(text))
}

func acceptsNumber(s *jsonschema.Schema, value any) bool {
	switch {
	case s.Minimum != nil && rational(value).Cmp(s.Minimum) < 0:
		return false
	case s.Maximum != nil && rational(value).Cmp(s.Maximum) > 0:
		return false
	default:
		return s.MultipleOf == nil || new(big.Rat).Quo(rational(value), s.MultipleOf).IsInt()
	}
}

// rational is a number as it is written in decimal.
func rational(number any) *big.Rat {
	r, _ := new(big.Rat).SetString(fmt.Sprint(number))
	return r
}
