package main

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
)

// pages is where the documentation can be read.
const pages = "https://github.com/orgctl/orgctl/blob/main/docs/"

// describe gives the program and each of its commands the text of its help. The parser prints such a text as it is, since it
// has no directive of the template that it is taken for.
func describe(app *cli.App, o view.Options) {
	everywhere := view.HelpList{Title: "FLAGS OF EVERY COMMAND", Terms: flagTerms(app.Flags)}
	for _, c := range app.Commands {
		c.CustomHelpTemplate = view.HelpText(view.Help{
			Name: app.Name + " " + c.Name, Usage: c.Usage, Examples: strings.Split(c.UsageText, "\n"), Synopsis: synopsis(app, c),
			Lists: []view.HelpList{{Title: "FLAGS", Terms: flagTerms(c.Flags)}, everywhere},
			Text:  c.Description, Page: pages + pageOf(c),
		}, o)
	}
	app.CustomAppHelpTemplate = view.HelpText(view.Help{
		Name: app.Name + " " + app.Version, Usage: app.Usage, Examples: strings.Split(app.UsageText, "\n"), Synopsis: app.Name + " COMMAND [FLAGS]",
		Lists: []view.HelpList{
			{Title: "COMMANDS", Terms: commandTerms(app)},
			{Title: everywhere.Title, Terms: append(everywhere.Terms, flagTerms([]cli.Flag{cli.VersionFlag})...)},
		},
		Text: app.Description, Page: pages + "commands.md",
	}, o)
}

// synopsis is the form of a command line.
func synopsis(app *cli.App, c *cli.Command) string {
	parts := []string{app.Name, c.Name, c.ArgsUsage}
	if len(c.Flags) > 0 {
		parts = append(parts, "[FLAGS]")
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), " ")
}

// pageOf is the one of the documentation that says the most about a command.
func pageOf(c *cli.Command) string {
	switch c.Name {
	case "sandbox":
		return "sandbox.md"
	case "explain":
		return "errors.md"
	case "schema":
		return "manifest.md"
	default:
		return "commands.md"
	}
}

func flagTerms(flags []cli.Flag) []view.HelpTerm {
	var terms []view.HelpTerm
	for _, f := range flags {
		documented, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		value, text := placeholder(documented.GetUsage())
		if !documented.TakesValue() {
			value = ""
		} else if d := defaultText(f, documented); d != "" {
			text += " (default: " + d + ")"
		}
		terms = append(terms, view.HelpTerm{Name: strings.TrimSpace(spelling(f) + " " + value), Text: text})
	}
	return terms
}

// spelling is how a flag is typed, its short form first.
func spelling(f cli.Flag) string {
	long := typed(f.Names()[0])
	for _, name := range f.Names()[1:] {
		if len(name) == 1 {
			return typed(name) + ", " + long
		}
	}
	return long
}

// placeholder takes the word for a flag's value out of its usage text, where it stands in backquotes. Alternatives stand before
// the text and are no part of it.
func placeholder(usage string) (word, text string) {
	before, rest, ok := strings.Cut(usage, "`")
	if !ok {
		return "VALUE", usage
	}
	word, after, _ := strings.Cut(rest, "`")
	if strings.Contains(word, "|") {
		return word, strings.TrimSpace(after)
	}
	return word, before + word + after
}

// defaultText is what a flag stands for that is not given, "" where that goes without saying.
func defaultText(f cli.Flag, documented cli.DocGenerationFlag) string {
	if n, ok := f.(*cli.IntFlag); ok && n.Value == 0 {
		return ""
	}
	d, ok := f.(*cli.DurationFlag)
	switch {
	case !ok:
		return documented.GetValue()
	case d.Value == 0:
		return ""
	default:
		return short(d.Value)
	}
}

// short spells a duration without what is zero: 1h0m0s is 1h.
func short(d time.Duration) string {
	return regexp.MustCompile(`([hm])(?:0m)?0s$`).ReplaceAllString(d.String(), "$1")
}
