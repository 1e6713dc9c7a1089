// Package docs holds the pages of this folder that orgctl shows by itself.
package docs

import (
	_ "embed" // the pages
	"regexp"
	"strings"
)

//go:embed errors.md
var errorsPage string

//go:embed guards.md
var guardsPage string

// Section is what a page says about one code of a message.
type Section struct {
	Code  string // such as OC201
	Title string // the sentence that the section begins with, in bold
	Page  string // the file that it stands in
	Text  string // in Markdown, without the heading
}

// Errors are the sections of errors.md, one for every code there is, in the order of the page.
func Errors() []Section { return sections("errors.md", errorsPage) }

// Guards are the sections of guards.md: more about some of the codes.
func Guards() []Section { return sections("guards.md", guardsPage) }

var (
	heading   = regexp.MustCompile(`^#+ (.*)`)
	underline = regexp.MustCompile(`^(-{3,}|={3,})$`) // below a line, which it makes a heading
	code      = regexp.MustCompile(`^OC[0-9]{3}$`)
	bold      = regexp.MustCompile(`(?s)^\s*\*\*(.*?)\*\*`)
)

// sections cuts a page into those whose heading is a code. Whatever other heading ends a section, too.
func sections(page, text string) []Section {
	var all []Section
	var lines []string
	open, fenced := false, false
	end := func() {
		if open {
			last := &all[len(all)-1]
			last.Text = strings.TrimSpace(strings.Join(lines, "\n")) + "\n"
			if title := bold.FindStringSubmatch(last.Text); title != nil {
				last.Title = strings.TrimRight(strings.ReplaceAll(title[1], "\n", " "), ".,:")
			}
		}
		lines, open = nil, false
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		switch found := heading.FindStringSubmatch(line); {
		case fenced:
			lines = append(lines, line)
		case strings.HasPrefix(line, "<!--"): // not for readers
		case found != nil:
			end()
			if open = code.MatchString(found[1]); open {
				all = append(all, Section{Code: found[1], Page: page})
			}
		case underline.MatchString(line):
			lines = lines[:max(0, len(lines)-1)] // the heading
			end()
		default:
			lines = append(lines, line)
		}
	}
	end()
	return all
}
