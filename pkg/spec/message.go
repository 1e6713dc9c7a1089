package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxShown is how many characters of an offending value a message repeats.
const maxShown = 60

// clip shortens a text for a message.
func clip(s string) string { return clipTo(s, maxShown) }

func clipTo(s string, characters int) string {
	if utf8.RuneCountInString(s) <= characters {
		return s
	}
	return string([]rune(s)[:characters]) + "..."
}

// describe shows an offending value with its type: text "yes", number 3, a list of 2 elements. It never walks into a value,
// which aliases may have made very large.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "text " + quoted(v)
	case int64, float64:
		return "number " + clip(FormatValue(v))
	case bool:
		return "boolean " + FormatValue(v)
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
	case Tree:
		return "an object"
	default:
		return fmt.Sprintf("%T", v)
	}
}

// shown is describe without the type, where the value speaks for itself.
func shown(v any) string {
	switch v := v.(type) {
	case string:
		return quoted(v)
	case bool, int64, float64:
		return FormatValue(v)
	default:
		return describe(v)
	}
}

func quoted(s string) string { return clip(strconv.Quote(s)) }

// oneOf shows a set of words: a, b or c.
func oneOf(words []string) string {
	switch len(words) {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// didYouMean gives the hint for a misspelt word, or "" when nothing is near.
func didYouMean(word string, known []string) string {
	if best := Nearest(word, known); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return ""
}

// Nearest is the known word that a word was probably meant to be, or "" when nothing is near: at most a third of its
// characters differ, case aside. Words at the same distance are taken in alphabetical order.
func Nearest(word string, known []string) string {
	best, distance := "", 1+max(1, utf8.RuneCountInString(word)/3)
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := editDistance(strings.ToLower(word), strings.ToLower(k), distance); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// editDistance counts insertions, deletions, replacements and swaps of neighbours (optimal string alignment). It gives up
// with limit as soon as the lengths alone are that far apart.
func editDistance(a, b string, limit int) int {
	s, t := []rune(a), []rune(b)
	if diff := len(s) - len(t); diff >= limit || -diff >= limit {
		return limit
	}
	before, above, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range above {
		above[j] = j
	}
	for i := range s {
		row[0] = i + 1
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			row[j+1] = min(above[j+1]+1, row[j]+1, above[j]+cost)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(t)]
}
