package view

import (
	"io"
	"regexp"
	"strings"
)

// Section writes a section of the documentation, which is Markdown, for people: paragraphs wrapped, tables row below row,
// examples as they are. The page is where it stands.
func Section(w io.Writer, title, markdown, page string, o Options) error {
	s := sectionText{width: o.proseWidth(), pen: pen{o.Color}}
	s.b.WriteString(s.pen.bold(title) + "\n\n")
	for line := range strings.Lines(markdown) {
		s.line(strings.TrimSuffix(line, "\n"))
	}
	s.flush()
	s.b.WriteString("\n" + page + "\n")
	return emit(w, s.b.String())
}

// sectionText gathers the text of a section line by line.
type sectionText struct {
	b         strings.Builder
	pen       pen
	width     int
	paragraph []string // its lines so far
	fenced    bool     // inside an example
}

var (
	boldText = regexp.MustCompile(`(?s)\*\*(.*?)\*\*`)
	linkText = regexp.MustCompile(`\[([^\]]+)\]\([^)]+\)`)
)

func (s *sectionText) line(l string) {
	switch {
	case strings.HasPrefix(l, "```"):
		s.flush()
		s.fenced = !s.fenced
	case s.fenced:
		s.b.WriteString(strings.TrimRight("    "+l, " ") + "\n")
	case strings.HasPrefix(l, "|"):
		s.flush()
		s.row(l)
	case l == "":
		s.flush()
		s.b.WriteString("\n")
	case strings.HasPrefix(l, "- "):
		s.flush()
		s.paragraph = []string{l}
	default:
		s.paragraph = append(s.paragraph, strings.TrimSpace(l))
	}
}

// row writes the first cell of a table's row, and the others below it.
func (s *sectionText) row(l string) {
	for i, cell := range strings.Split(strings.Trim(l, "| "), "|") {
		switch cell = strings.TrimSpace(cell); {
		case strings.HasPrefix(cell, "---"):
			return
		case i == 0:
			s.prose(cell, "  ", "  ")
		case cell != "":
			s.prose(cell, "      ", "      ")
		}
	}
}

// flush writes the paragraph that has come to its end.
func (s *sectionText) flush() {
	text, rest := strings.Join(s.paragraph, " "), ""
	if strings.HasPrefix(text, "- ") {
		rest = "  "
	}
	if text != "" {
		s.prose(text, "", rest)
	}
	s.paragraph = nil
}

// prose writes a text whose first line begins with one margin, and all others with another.
func (s *sectionText) prose(text, first, others string) {
	text = linkText.ReplaceAllString(text, "$1")
	lines := wrap(text, s.width-len(others))
	text = first + strings.Join(lines, "\n"+others)
	s.b.WriteString(boldText.ReplaceAllStringFunc(text, func(b string) string { return s.pen.bold(strings.Trim(b, "*")) }) + "\n")
}
