package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
)

// newApp assembles the command line: one command a file.
func newApp(e *env) *cli.App {
	app := &cli.App{
		Name:      "orgctl",
		Usage:     "keep a cloud organization equal to YAML in git",
		UsageText: "orgctl plan -f orgs/acme\norgctl apply -f orgs/acme --secrets-out secrets\norgctl drift -f orgs/acme",
		Description: "Credentials come from CLICKHOUSE_CLOUD_API_KEY and CLICKHOUSE_CLOUD_API_SECRET; CLICKHOUSE_ORG_ID and " +
			"CLICKHOUSE_API_URL are optional. For manifests of Locktera they are LOCKTERA_API_KEY, LOCKTERA_API_URL and LOCKTERA_ORG_ID. " +
			"Without an account, add --sandbox FILE.\n\nExit codes: " + exitCodesHelp + ".",
		Version: e.version,
		Reader:  e.stdin, Writer: e.stdout, ErrWriter: e.stderr,
		Commands: []*cli.Command{
			validateCommand(e), planCommand(e), applyCommand(e), driftCommand(e), showCommand(e), exportCommand(e), getCommand(e),
			deleteOrganizationCommand(e), sandboxCommand(e),
			schemaCommand(e), explainCommand(e), completionCommand(e), versionCommand(e), helpCommand(e), completeCommand(e),
		},
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "color", Usage: "`auto|always|never` when to colour; auto does so on terminals", Value: colorAuto},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "data and errors only: no progress, no notes"},
			cli.HelpFlag,
		},
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {}, // exit.go decides
		OnUsageError:              usageError,
		Before:                    e.obey,
		Action:                    noCommand,
	}
	for _, c := range app.Commands {
		c.OnUsageError = app.OnUsageError
		c.Before = meaningful
		c.HideHelpCommand = true
	}
	describe(app, view.Options{Width: e.stdoutView().Width})
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

// permute moves flags to where the parser looks for them and users do not always put them: those of every command before the
// command, its own before its arguments, as in orgctl apply plan.json --yes --color never. What follows "--" stays where it is.
func permute(app *cli.App, args []string) []string {
	everywhere, at := leading(app, args)
	if at >= len(args) || app.Command(args[at]) == nil || app.Command(args[at]).SkipFlagParsing {
		return args
	}
	general, own := takesValue(app.Flags), takesValue(app.Command(args[at]).Flags)
	command, rest := []string{args[at]}, []string(nil)
	for i := at + 1; i < len(args); i++ {
		a := args[i]
		name, _, hasValue := strings.Cut(strings.TrimLeft(a, "-"), "=")
		to := &command
		if _, ok := general[name]; ok {
			to = &everywhere
		}
		switch valued := (own[name] || general[name]) && !hasValue; {
		case a == "--help" || a == "-h":
			return slices.Concat(everywhere, []string{args[at], a}) // of the command, whatever else is there
		case a == "--":
			return slices.Concat(everywhere, command, []string{"--"}, rest, args[i+1:])
		case len(a) < 2 || a[0] != '-':
			rest = append(rest, a)
		case valued && i+1 == len(args) && to == &everywhere:
			return append(everywhere, a) // its value is missing: what would stand behind it would be taken for one
		case valued && i+1 == len(args):
			return slices.Concat(everywhere, command, []string{a})
		case valued:
			i++
			*to = append(*to, a, args[i])
		default:
			*to = append(*to, a)
		}
	}
	return slices.Concat(everywhere, command, rest)
}

// leading gives the program and the flags before the command, and where the command is.
func leading(app *cli.App, args []string) (program []string, at int) {
	valued := takesValue(app.Flags)
	for at = 1; at < len(args) && strings.HasPrefix(args[at], "-"); at++ {
		if valued[strings.TrimLeft(args[at], "-")] {
			at++
		}
	}
	at = min(at, len(args))
	return slices.Clone(args[:at]), at
}

// takesValue says of each flag, by all of its names, whether a value belongs to it.
func takesValue(flags []cli.Flag) map[string]bool {
	out := map[string]bool{}
	for _, f := range flags {
		documented, ok := f.(cli.DocGenerationFlag)
		for _, name := range f.Names() {
			out[name] = ok && documented.TakesValue()
		}
	}
	return out
}

// helpCommand stands in for the parser's own, which has no usage error for a command that does not exist.
func helpCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "help", Usage: "show how a command is used, or what a code means",
		UsageText: "orgctl help plan\norgctl help OC310", ArgsUsage: "[COMMAND|CODE]",
		Action: func(c *cli.Context) error {
			switch name := c.Args().First(); {
			case name == "":
				return cli.ShowAppHelp(c)
			case codeLike.MatchString(name):
				return explain(e, name)
			case c.App.Command(name) == nil:
				return unknownCommand(c.App, name)
			default:
				return cli.ShowCommandHelp(c, name)
			}
		},
	}
}
