package view

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible makes a text of foreign origin safe to stand in a line of output. Whatever a terminal, a log or a reader's eye
// could mistake for something else is spelt out as an escape: control characters and ESC sequences, line breaks, marks that
// reorder text, characters that show nothing, bytes that are not UTF-8. Everything else stays as it is, so a text without
// such characters is its own visible form.
func visible(s string) string {
	if isVisible(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case printable(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		s = s[size:]
	}
	return b.String()
}

func isVisible(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !printable(r) }) < 0
}

// emptyBraille is the pattern without a dot, and looks like a space.
const emptyBraille = 0x2800

// printable is stricter than unicode.IsPrint, which counts fillers and variation selectors, letters and marks that draw
// nothing, as graphic: with them two names that look alike need not be alike.
func printable(r rune) bool {
	if r < utf8.RuneSelf {
		return ' ' <= r && r < 0x7f
	}
	return unicode.IsPrint(r) && r != emptyBraille && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

var (
	// CI runners take a line that begins with two colons, after blanks, for a command to them.
	lineCommand = regexp.MustCompile(`(?m)^( *)::`)
	// Older runners of the same family, and others, look for these anywhere in a line.
	inlineCommand = regexp.MustCompile(`##(\[|vso\[|teamcity\[)`)
)

// disarm keeps a CI runner from reading commands in rendered text. No view writes such a sequence of its own accord, so
// whatever matches came from data. hash is how the format at hand may spell a number sign.
func disarm(text, hash string) string {
	if strings.Contains(text, "::") {
		text = lineCommand.ReplaceAllString(text, `${1}\x3a:`)
	}
	if strings.Contains(text, "##") {
		text = inlineCommand.ReplaceAllString(text, hash+"#$1")
	}
	return text
}

// Message writes lines that a command says beside its views: each made visible, since errors quote the API and manifests.
func Message(w io.Writer, text string) error {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(visible(strings.TrimSuffix(line, "\n")) + "\n")
	}
	return emit(w, b.String())
}

// emit writes a finished text in one call, so that a closed pipe is met once.
func emit(w io.Writer, text string) error {
	_, err := io.WriteString(w, disarm(text, `\x23`))
	return err
}
