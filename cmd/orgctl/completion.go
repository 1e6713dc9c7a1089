package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

func completionCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print a completion script for bash, zsh or fish",
		UsageText: "source <(orgctl completion bash)\norgctl completion zsh > \"${fpath[1]}/_orgctl\"\norgctl completion fish > ~/.config/fish/completions/orgctl.fish",
		ArgsUsage: "bash|zsh|fish",
		Action: func(c *cli.Context) error {
			script, ok := completions[c.Args().First()]
			if !ok || c.NArg() != 1 {
				return usage("completion for which shell? it is bash, zsh or fish")
			}
			_, err := fmt.Fprint(e.stdout, script(c.App))
			return err
		},
	}
}

// completions write scripts that know all commands and flags by heart: completing asks nothing of orgctl and no API.
var completions = map[string]func(*cli.App) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}

// words are a command's flags as typed.
func words(c *cli.Command) []string {
	var out []string
	for _, f := range c.Flags {
		for _, name := range f.Names() {
			out = append(out, typed(name))
		}
	}
	return append(out, "--help")
}

func commandNames(app *cli.App) []string {
	var out []string
	for _, c := range app.VisibleCommands() {
		out = append(out, c.Name)
	}
	return out
}

func bashCompletion(app *cli.App) string {
	var b strings.Builder
	b.WriteString("# bash completion for orgctl\n_orgctl() {\n  local cur=${COMP_WORDS[COMP_CWORD]} words\n  case ${COMP_WORDS[1]} in\n")
	for _, c := range app.VisibleCommands() {
		fmt.Fprintf(&b, "    %s) words=%q ;;\n", c.Name, strings.Join(words(c), " "))
	}
	fmt.Fprintf(&b, "    *) words=%q ;;\n  esac\n", strings.Join(commandNames(app), " "))
	b.WriteString("  [ \"$COMP_CWORD\" -eq 1 ] && words=" + fmt.Sprintf("%q", strings.Join(commandNames(app), " ")) + "\n")
	b.WriteString("  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o default -F _orgctl orgctl\n")
	return b.String()
}

func zshCompletion(app *cli.App) string {
	var b strings.Builder
	b.WriteString("#compdef orgctl\n_orgctl() {\n  local -a commands\n  commands=(\n")
	for _, c := range app.VisibleCommands() {
		fmt.Fprintf(&b, "    %s\n", shellQuote(c.Name+":"+c.Usage))
	}
	b.WriteString("  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n  case ${words[2]} in\n")
	for _, c := range app.VisibleCommands() {
		fmt.Fprintf(&b, "    %s) compadd -- %s; _files ;;\n", c.Name, strings.Join(words(c), " "))
	}
	b.WriteString("  esac\n}\ncompdef _orgctl orgctl\n")
	return b.String()
}

func fishCompletion(app *cli.App) string {
	var b strings.Builder
	b.WriteString("# fish completion for orgctl\n")
	for _, c := range app.VisibleCommands() {
		fmt.Fprintf(&b, "complete -c orgctl -n __fish_use_subcommand -f -a %s -d %s\n", c.Name, shellQuote(c.Usage))
		for _, w := range words(c) {
			option := "-l " + strings.TrimPrefix(w, "--")
			if !strings.HasPrefix(w, "--") {
				option = "-s " + strings.TrimPrefix(w, "-")
			}
			fmt.Fprintf(&b, "complete -c orgctl -n '__fish_seen_subcommand_from %s' %s\n", c.Name, option)
		}
	}
	return b.String()
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
