package view

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"
)

// terminal measures text in columns of a terminal, the same whatever the locale: what is printed does not depend on who runs it.
var terminal = &runewidth.Condition{StrictEmojiNeutral: true}

// columns is how many columns of a terminal a visible text takes.
func columns(s string) int { return terminal.StringWidth(s) }

// pad fills a text with blanks up to a number of columns.
func pad(s string, width int) string { return terminal.FillRight(s, width) }

// cut shortens a text to a number of columns.
func cut(s string, width int) string { return terminal.Truncate(s, width, "…") }

// excerpt shortens a text to limit characters from the place that matters, a little before character at, and says how long
// the whole is.
func excerpt(s string, at, limit int) string {
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	const context = 16
	from := max(0, min(at-context, len(runes)-limit))
	out := string(runes[from:min(from+limit, len(runes))])
	if from > 0 {
		out = "…" + out
	}
	if from+limit < len(runes) {
		out += "…"
	}
	return fmt.Sprintf("%s (%d characters)", out, len(runes))
}

// commonPrefix is the number of characters that two texts begin with alike.
func commonPrefix(a, b string) int {
	x, y := []rune(a), []rune(b)
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	return n
}

// wrap breaks a text at blanks into lines of at most width columns where words allow it; a width of 0 breaks nothing.
func wrap(s string, width int) []string {
	if width <= 0 || columns(s) <= width {
		return []string{s}
	}
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case columns(line)+1+columns(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

// plural counts things: 1 change, 2 changes.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
