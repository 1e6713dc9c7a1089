package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/pkg/spec"
)

// newApp assembles the command line: one command a file.
func newApp(e *env) *cli.App {
	app := &cli.App{
		Name:      "orgctl",
		Usage:     "keep a cloud organization equal to YAML in git",
		UsageText: "orgctl plan -f orgs/acme\norgctl apply -f orgs/acme --secrets-out secrets\norgctl drift -f orgs/acme",
		Description: "Credentials come from CLICKHOUSE_CLOUD_API_KEY and CLICKHOUSE_CLOUD_API_SECRET; CLICKHOUSE_ORG_ID and\n" +
			"CLICKHOUSE_API_URL are optional. Without an account, add --sandbox FILE.\n\nExit codes: " + exitCodesHelp,
		Version: e.version,
		Reader:  e.stdin, Writer: e.stdout, ErrWriter: e.stderr,
		Commands: []*cli.Command{
			validateCommand(e), planCommand(e), applyCommand(e), driftCommand(e), showCommand(e), exportCommand(e), sandboxCommand(e),
			schemaCommand(e), completionCommand(e), versionCommand(e), helpCommand(),
		},
		Flags:                     []cli.Flag{cli.HelpFlag},
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {}, // exit.go decides
		OnUsageError:              usageError,
		Action:                    noCommand,
	}
	for _, c := range app.Commands {
		c.OnUsageError = app.OnUsageError
		c.Before = meaningful
		c.HideHelpCommand = true
	}
	return app
}

// noCommand is what a bare orgctl, or one with an unknown command, runs.
func noCommand(c *cli.Context) error {
	name := c.Args().First()
	if name == "" {
		return cli.ShowAppHelp(c)
	}
	return unknownCommand(c.App, name)
}

func unknownCommand(app *cli.App, name string) error {
	return usage("there is no command %q%s", name, didYouMean(name, commandNames(app)))
}

// usageError adds to the parser's complaint what was probably meant.
func usageError(c *cli.Context, err error, _ bool) error {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown || c.Command == nil {
		return usage("%w", err)
	}
	var known []string
	for _, f := range c.Command.VisibleFlags() {
		known = append(known, typed(f.Names()[0]))
	}
	return usage("there is no flag %s%s", typed(name), didYouMean(typed(name), known))
}

// meaningful refuses flag values that mean nothing. An empty one is a variable that was not set, as in --sandbox "$STATE" or
// --expect-digest "$REVIEWED", where going on without the flag would do what nobody asked for.
func meaningful(c *cli.Context) error {
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		switch f.(type) {
		case *cli.StringFlag:
			if c.IsSet(name) && c.String(name) == "" {
				return usage("%s is given without a value", typed(name))
			}
		case *cli.StringSliceFlag:
			if slices.Contains(c.StringSlice(name), "") {
				return usage("%s is given without a value", typed(name))
			}
		case *cli.DurationFlag:
			if c.Duration(name) < 0 {
				return usage("%s %s: a duration cannot be negative", typed(name), c.Duration(name))
			}
		}
	}
	return nil
}

// typed is a flag's name as it is typed.
func typed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func didYouMean(word string, known []string) string {
	if meant := spec.Nearest(word, known); meant != "" {
		return "; did you mean " + meant + "?"
	}
	return ""
}

// permute moves flags before arguments, since the parser stops at the first argument and users do not: orgctl apply
// plan.json --yes. What follows "--" stays where it is.
func permute(app *cli.App, args []string) []string {
	at := 1 // args[0] is the program
	for at < len(args) && app.Command(args[at]) == nil {
		at++
	}
	if at >= len(args) {
		return args
	}
	takesValue := map[string]bool{}
	for _, f := range app.Command(args[at]).Flags {
		documented, ok := f.(cli.DocGenerationFlag)
		for _, name := range f.Names() {
			takesValue[name] = ok && documented.TakesValue()
		}
	}
	flags, rest := slices.Clone(args[:at+1]), []string(nil)
	for i := at + 1; i < len(args); i++ {
		a := args[i]
		name, _, hasValue := strings.Cut(strings.TrimLeft(a, "-"), "=")
		switch {
		case a == "--help" || a == "-h":
			return append(slices.Clone(args[:at+1]), a) // of the command, whatever else is there
		case a == "--":
			return slices.Concat(flags, []string{"--"}, rest, args[i+1:])
		case len(a) < 2 || a[0] != '-':
			rest = append(rest, a)
		case takesValue[name] && !hasValue && i+1 == len(args):
			return append(flags, a) // its value is missing: an argument behind it would be taken for one
		case takesValue[name] && !hasValue:
			i++
			flags = append(flags, a, args[i])
		default:
			flags = append(flags, a)
		}
	}
	return append(flags, rest...)
}

// noArguments refuses arguments of a command that takes none, so that a forgotten -f does not go unnoticed.
func noArguments(c *cli.Context) error {
	if !c.Args().Present() {
		return nil
	}
	hint := ""
	if slices.ContainsFunc(c.Command.Flags, func(f cli.Flag) bool { return f.Names()[0] == "file" }) {
		hint = "; manifests are named with -f"
	}
	return usage("%s takes no argument %q%s", c.Command.Name, c.Args().First(), hint)
}

func versionCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version", UsageText: "orgctl version",
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			_, err := fmt.Fprintf(e.stdout, "orgctl %s\n", e.version)
			return err
		},
	}
}

// helpCommand stands in for the parser's own, which has no usage error for a command that does not exist.
func helpCommand() *cli.Command {
	return &cli.Command{
		Name: "help", Usage: "show how a command is used", UsageText: "orgctl help plan", ArgsUsage: "[COMMAND]",
		Action: func(c *cli.Context) error {
			switch name := c.Args().First(); {
			case name == "":
				return cli.ShowAppHelp(c)
			case c.App.Command(name) == nil:
				return unknownCommand(c.App, name)
			default:
				return cli.ShowCommandHelp(c, name)
			}
		},
	}
}
