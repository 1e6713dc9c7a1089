package view

import (
	"fmt"
	"strings"
	"unicode"
)

// code spells a text as a code span, in which Markdown links, mentions and HTML mean nothing. A span cannot hold every
// text, and in a table a backslash before a pipe defeats the pipe's own escape; those texts get the HTML element with each
// special character as an entity.
func code(s string) string {
	s = visible(s)
	if s == "" {
		return ""
	}
	if !strings.ContainsAny(s, "`|\\") && strings.TrimSpace(s) == s {
		return "`" + s + "`"
	}
	var b strings.Builder
	for _, r := range s {
		if r < unicode.MaxASCII && (unicode.IsPunct(r) || unicode.IsSymbol(r)) {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	return "<code>" + b.String() + "</code>"
}

// prose spells a message as plain text of a Markdown document: no markup, no HTML, no link, and nobody is notified by a
// mention nor any issue by a reference, which code hosts look for after entities are resolved.
func prose(s string) string {
	const breakMention = "&#8203;" // a space without width
	var b strings.Builder
	runes := []rune(visible(s))
	for i, r := range runes {
		switch {
		case strings.ContainsRune("\\`*_[]<>|~&$^", r):
			fmt.Fprintf(&b, "&#%d;", r)
		case r == '#', r == '@':
			fmt.Fprintf(&b, "&#%d;%s", r, breakMention)
		case r == ':' && i+1 < len(runes) && runes[i+1] == '/', r == '.' && i >= 3 && strings.EqualFold(string(runes[i-3:i]), "www"):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// fence puts lines into a block that nothing in them can close.
func fence(content string) string {
	mark := "`"
	if strings.Contains(content, "```") {
		mark = "~"
	}
	bar := strings.Repeat(mark, max(3, longestRun(content, mark)+1))
	return bar + "diff\n" + content + bar + "\n"
}

func longestRun(s, mark string) int {
	longest, run := 0, 0
	for _, r := range s {
		if string(r) == mark {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	return longest
}
