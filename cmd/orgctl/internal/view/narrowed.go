package view

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/orgctl/orgctl/pkg/diff"
)

// options are those of the command line that narrow a plan, to be copied into a shell.
func options(n *diff.Narrowed) string {
	if n == nil {
		return ""
	}
	words := make([]string, 0, 2*(len(n.Only)+len(n.Except)))
	for _, pattern := range n.Only {
		words = append(words, "--only", shellWord(pattern))
	}
	for _, pattern := range n.Except {
		words = append(words, "--except", shellWord(pattern))
	}
	return strings.Join(words, " ")
}

// plain is a word that means itself to every shell.
var plain = regexp.MustCompile(`^[0-9A-Za-z_@%+:,./-]+$`)

func shellWord(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// unselected says how much a selection leaves out, with the verb for one thing or for several.
func unselected(n *diff.Narrowed, one, several string) string {
	switch n.LeftOut {
	case 0:
		return "no other change " + one + " left out"
	case 1:
		return "1 other change " + one + " left out"
	default:
		return fmt.Sprintf("%d other changes %s left out", n.LeftOut, several)
	}
}

// besides is what unselected says behind a sentence about the selection, where there is anything.
func besides(n *diff.Narrowed, one, several string) string {
	if n.LeftOut == 0 {
		return ""
	}
	return "; " + unselected(n, one, several)
}
