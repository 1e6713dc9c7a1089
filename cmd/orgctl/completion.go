package main

import (
	"embed"
	"strings"

	"github.com/urfave/cli/v2"
)

// completions are the scripts, by shell. They know nothing of commands and flags, and ask orgctl __complete.
//
//go:embed completion
var completions embed.FS

func completionCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print a completion script for bash, zsh or fish",
		UsageText: "source <(orgctl completion bash)\norgctl completion zsh > \"${fpath[1]}/_orgctl\"\norgctl completion fish > ~/.config/fish/completions/orgctl.fish",
		ArgsUsage: "bash|zsh|fish",
		Action: func(c *cli.Context) error {
			script, err := completions.ReadFile("completion/orgctl." + c.Args().First())
			if err != nil || c.NArg() != 1 {
				return usage("completion for which shell? it is bash, zsh or fish")
			}
			_, err = e.stdout.Write(script)
			return err
		},
	}
}

func commandNames(app *cli.App) []string {
	var out []string
	for _, c := range app.VisibleCommands() {
		out = append(out, c.Name)
	}
	return out
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
