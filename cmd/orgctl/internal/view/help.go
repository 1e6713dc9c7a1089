package view

import (
	"io"
	"strings"
)

// Help is what is said of a command, or of the whole program, to somebody who asks how it is used.
type Help struct {
	Name     string   // orgctl plan
	Usage    string   // what it does, in a line
	Examples []string // command lines
	Synopsis string   // orgctl plan -f PATH [FLAGS]
	Lists    []HelpList
	Text     string // paragraphs; the lines of one that are indented are kept as they are
	Page     string // where there is more
}

// HelpList explains things of one sort, such as flags.
type HelpList struct {
	Title string
	Terms []HelpTerm
}

// HelpTerm is a thing as it is typed, and what it means.
type HelpTerm struct{ Name, Text string }

const (
	helpMargin = 3
	// helpColumn is where explanations begin at the latest; a longer term has a line of its own.
	helpColumn = 30
)

// proseWidth is how wide help and explanations are: what everybody's terminal shows, or less.
func (o Options) proseWidth() int {
	const most, least = 80, 40
	if o.Width <= 0 {
		return most
	}
	return max(least, min(o.Width, most))
}

// HelpText is the text of a help, examples first. It is plain, whatever the terminal can.
func HelpText(h Help, o Options) string {
	var b strings.Builder
	width := o.proseWidth()
	section := func(title string, lines ...string) {
		if len(lines) == 0 {
			return
		}
		b.WriteString("\n" + title + ":" + "\n")
		for _, l := range lines {
			b.WriteString(strings.TrimRight(strings.Repeat(" ", helpMargin)+l, " ") + "\n")
		}
	}
	for _, l := range wrap(h.Name+": "+h.Usage, width) {
		b.WriteString(l + "\n")
	}
	section("EXAMPLES", h.Examples...)
	section("USAGE", h.Synopsis)
	for _, list := range h.Lists {
		section(list.Title, list.lines(width-helpMargin)...)
	}
	for paragraph := range strings.SplitSeq(h.Text, "\n\n") {
		if paragraph == "" {
			continue
		}
		b.WriteString("\n")
		for line := range strings.SplitSeq(paragraph, "\n") {
			if !strings.HasPrefix(line, " ") {
				line = strings.Join(wrap(line, width), "\n")
			}
			b.WriteString(line + "\n")
		}
	}
	section("MORE", h.Page)
	return b.String()
}

// lines sets the explanations in a column beside the terms.
func (l HelpList) lines(width int) []string {
	column := 0
	for _, t := range l.Terms {
		column = max(column, columns(t.Name)+2)
	}
	column = min(column, helpColumn)
	var out []string
	for _, t := range l.Terms {
		text := wrap(t.Text, max(width-column, 20))
		name := t.Name
		if columns(name)+2 > column {
			out, name = append(out, name), ""
		}
		for _, line := range text {
			out, name = append(out, pad(name, column)+line), ""
		}
	}
	return out
}

// Terms writes terms with their explanations, one a line: for people where a terminal ends the lines, and for tools.
func Terms(w io.Writer, terms []HelpTerm, o Options) error {
	var b strings.Builder
	column := 0
	for _, t := range terms {
		column = max(column, columns(t.Name)+2)
	}
	for _, t := range terms {
		line := pad(t.Name, column) + t.Text
		if o.Width > 0 {
			line = cut(line, o.Width)
		}
		b.WriteString(line + "\n")
	}
	return emit(w, b.String())
}
