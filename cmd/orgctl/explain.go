package main

import (
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/docs"
)

func explainCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "explain", Usage: "say what the code of a message means and what to do about it",
		UsageText: "orgctl explain OC310\norgctl explain",
		ArgsUsage: "[CODE]",
		Description: "The code stands in every message about a manifest or a plan. Without one, all codes are listed. " +
			"What is printed is the code's section of docs/errors.md, and of docs/guards.md where it has one there.",
		Action: func(c *cli.Context) error {
			switch c.NArg() {
			case 0:
				return view.Terms(e.stdout, codeTerms(""), e.stdoutView())
			case 1:
				return explain(e, c.Args().First())
			default:
				return usage("explain takes one code, not %q as well", c.Args().Get(1))
			}
		},
	}
}

// explain prints what the documentation says about a code, in whatever case it is typed.
func explain(e *env, code string) error {
	name := strings.ToUpper(code)
	all := slices.DeleteFunc(slices.Concat(docs.Errors(), docs.Guards()), func(s docs.Section) bool { return s.Code != name })
	if len(all) == 0 {
		return usage("there is no code %q%s (orgctl explain lists all)", code, didYouMean(name, codes()))
	}
	for i, s := range all {
		if i > 0 {
			if _, err := io.WriteString(e.stdout, "\n"); err != nil {
				return err
			}
		}
		if err := view.Section(e.stdout, s.Code, s.Text, pages+s.Page+"#"+strings.ToLower(s.Code), e.stdoutView()); err != nil {
			return err
		}
	}
	return nil
}

// codeLike is a word that is meant as a code, misspelt or not.
var codeLike = regexp.MustCompile(`(?i)^oc[0-9]`)

func codes() []string {
	var out []string
	for _, t := range codeTerms("") {
		out = append(out, t.Name)
	}
	return out
}
