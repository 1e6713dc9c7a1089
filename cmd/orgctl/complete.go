package main

import (
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/docs"
	"github.com/orgctl/orgctl/pkg/spec"
)

// completeCommand answers the scripts of orgctl completion: given the words of a command line up to the cursor, it prints what
// may stand in the place of the last one. It reads no file and asks no API. The answer has a line for each word, with a tab and
// an explanation, and a last line that says what else the shell has to offer: ":words" nothing, ":files" and ":dirs" what is
// there, behind the beginning of the word that follows. A word that ends with "/" or "=" goes on, so that no blank is wanted.
func completeCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "__complete", Hidden: true, SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			_, err := io.WriteString(e.stdout, complete(c.App, c.Args().Slice()).String())
			return err
		},
	}
}

// proposal is what may stand in the place of a word.
type proposal struct {
	words []view.HelpTerm
	paths string // ":files" or ":dirs" where paths may stand there, too
	typed string // what of the word stands before the path
}

func (p proposal) String() string {
	var b strings.Builder
	for _, w := range p.words {
		b.WriteString(w.Name + "\t" + w.Text + "\n")
	}
	if p.paths == "" {
		return b.String() + ":words\n"
	}
	return b.String() + strings.TrimSpace(p.paths+" "+p.typed) + "\n"
}

// complete proposes what the last word may be.
func complete(app *cli.App, words []string) proposal {
	if len(words) == 0 {
		return proposal{}
	}
	before, word := words[:len(words)-1], words[len(words)-1]
	var command *cli.Command
	var flag cli.Flag // whose value comes next
	flags, arguments, literal := app.Flags, 0, false
	for _, w := range before {
		switch name, _, hasValue := strings.Cut(strings.TrimLeft(w, "-"), "="); {
		case flag != nil:
			flag = nil
		case literal:
			arguments++
		case w == "--":
			literal = true
		case len(w) > 1 && w[0] == '-':
			if !hasValue && takesValue(flags)[name] {
				flag = flagNamed(flags, name)
			}
		case command == nil:
			if command = app.Command(w); command == nil {
				return proposal{}
			}
			flags = slices.DeleteFunc(slices.Concat(command.Flags, app.Flags), func(f cli.Flag) bool { return f == cli.VersionFlag })
		default:
			arguments++
		}
	}
	name, value, hasValue := strings.Cut(word, "=")
	switch isFlag := strings.HasPrefix(word, "-") && !literal; {
	case flag != nil:
		return flagValue(flag, "", word)
	case isFlag && hasValue:
		if flag = flagNamed(flags, strings.TrimLeft(name, "-")); flag == nil {
			return proposal{}
		}
		return flagValue(flag, name+"=", value)
	case isFlag:
		return proposal{words: flagWords(flags, word)}
	case command == nil:
		return proposal{words: startingWith(word, commandTerms(app))}
	case command.ArgsUsage == "" && word == "" && !literal:
		return proposal{words: flagWords(flags, "-")}
	default:
		placeholders := strings.Fields(command.ArgsUsage)
		if arguments >= len(placeholders) {
			return proposal{}
		}
		return placeholderValue(app, placeholders[arguments], "", word)
	}
}

func flagNamed(flags []cli.Flag, name string) cli.Flag {
	i := slices.IndexFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
	if i < 0 {
		return nil
	}
	return flags[i]
}

// flagWords are the names of flags that begin with what is typed.
func flagWords(flags []cli.Flag, word string) []view.HelpTerm {
	var terms []view.HelpTerm
	for _, f := range flags {
		text := ""
		if documented, ok := f.(cli.DocGenerationFlag); ok {
			_, text = placeholder(documented.GetUsage())
		}
		for _, name := range f.Names() {
			terms = append(terms, view.HelpTerm{Name: typed(name), Text: text})
		}
	}
	return startingWith(word, terms)
}

// flagValue proposes values of a flag, behind what is typed of the word.
func flagValue(f cli.Flag, typed, value string) proposal {
	documented, ok := f.(cli.DocGenerationFlag)
	if !ok || !documented.TakesValue() {
		return proposal{}
	}
	of, _ := placeholder(documented.GetUsage())
	if format, file, named := strings.Cut(value, "="); of == "FORMAT" && named {
		return placeholderValue(nil, "FILE", typed+format+"=", file)
	}
	return placeholderValue(nil, of, typed, value)
}

// placeholderValue proposes what a placeholder of the help stands for, such as [COMMAND|CODE]: alternatives in lower case stand
// for themselves.
func placeholderValue(app *cli.App, placeholder, typed, value string) proposal {
	var p proposal
	var terms []view.HelpTerm
	for alternative := range strings.SplitSeq(strings.Trim(placeholder, "[]"), "|") {
		switch {
		case alternative == "PATH", alternative == "FILE", alternative == "PLAN.json":
			p.paths, p.typed = ":files", typed
		case alternative == "DIR":
			p.paths, p.typed = ":dirs", typed
		case alternative == "FORMAT":
			for _, name := range view.Formats() {
				terms = append(terms, view.HelpTerm{Name: name})
			}
		case alternative == "KIND":
			terms = append(terms, readableTerms()...)
		case alternative == "KIND/GLOB":
			terms = append(terms, kindTerms(func(*spec.Kind) bool { return true })...)
		case alternative == "service/GLOB":
			terms = append(terms, kindTerms(func(k *spec.Kind) bool { return k.Leave != "" })...)
		case alternative == "COMMAND" && app != nil:
			terms = append(terms, commandTerms(app)...)
		case alternative == "CODE" && (placeholder == "[CODE]" || value != ""): // among commands they are too many to be shown unasked
			terms = append(terms, codeTerms(value)...)
		case alternative != "" && alternative == strings.ToLower(alternative):
			terms = append(terms, view.HelpTerm{Name: alternative})
		}
	}
	p.words = startingWith(value, terms)
	for i := range p.words {
		p.words[i].Name = typed + p.words[i].Name
	}
	return p
}

// kindTerms are the kinds of any API that are meant, as the beginning of an address.
func kindTerms(meant func(*spec.Kind) bool) []view.HelpTerm {
	var terms []view.HelpTerm
	for _, api := range spec.APIs() {
		for _, k := range api.Kinds {
			term := view.HelpTerm{Name: k.Name + "/"}
			if meant(k) && !slices.Contains(terms, term) {
				terms = append(terms, term)
			}
		}
	}
	return terms
}

func commandTerms(app *cli.App) []view.HelpTerm {
	var terms []view.HelpTerm
	for _, c := range app.VisibleCommands() {
		terms = append(terms, view.HelpTerm{Name: c.Name, Text: c.Usage})
	}
	return terms
}

func startingWith(word string, terms []view.HelpTerm) []view.HelpTerm {
	return slices.DeleteFunc(terms, func(t view.HelpTerm) bool { return !strings.HasPrefix(t.Name, word) })
}

// codeTerms are the codes of messages with their titles. Those that begin with a word in another case begin as it does.
func codeTerms(word string) []view.HelpTerm {
	var terms []view.HelpTerm
	for _, s := range docs.Errors() {
		name := s.Code
		if len(word) <= len(name) && strings.EqualFold(name[:len(word)], word) {
			name = word + name[len(word):]
		}
		terms = append(terms, view.HelpTerm{Name: name, Text: s.Title})
	}
	return terms
}
