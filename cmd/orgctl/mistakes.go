package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/pkg/spec"
)

// What a wrong command line most likely meant. Every error of it names the next step.

const (
	noState       = "there is no state file: git is the desired state, the API is the live one"
	noCredentials = "credentials come from the environment: CLICKHOUSE_CLOUD_API_KEY and CLICKHOUSE_CLOUD_API_SECRET, or LOCKTERA_API_KEY"
	noURL         = "the API is named by CLICKHOUSE_API_URL, or LOCKTERA_API_URL"
	whatIsLive    = "orgctl export writes what is live as a manifest"
	toShow        = "it is orgctl get"
	toDelete      = "to delete objects, declare them with ensure: absent, and orgctl apply does it"
	wouldChange   = "orgctl plan shows what apply would change"
)

// otherCommands are the words that other tools have for what orgctl does, or does not need.
var otherCommands = map[string]string{
	"adopt": whatIsLive, "import": whatIsLive, "dump": whatIsLive, "pull": whatIsLive,
	"list": toShow, "ls": toShow, "describe": toShow,
	"init": "there is nothing to set up; " + whatIsLive,
	"diff": wouldChange, "preview": wouldChange,
	"sync": "it is orgctl apply", "deploy": "it is orgctl apply", "push": "it is orgctl apply", "up": "it is orgctl apply",
	"destroy": toDelete, "delete": toDelete, "remove": toDelete, "rm": toDelete,
	"lint": "it is orgctl validate", "check": "it is orgctl validate",
	"refresh": "it is orgctl drift: " + noState, "status": "it is orgctl drift",
	"state": noState, "taint": noState, "workspace": noState, "force-unlock": "a lock ends with its process",
	"login": noCredentials, "auth": noCredentials, "configure": noCredentials,
	"serve": "it is orgctl sandbox", "simulate": "it is orgctl sandbox",
}

// otherFlags are those of other tools.
var otherFlags = map[string]string{
	"auto-approve": "to apply without being asked, add --yes", "approve": "to apply without being asked, add --yes",
	"dry-run": wouldChange, "check": wouldChange, "diff": wouldChange,
	"destroy": toDelete, "prune": "what to prune is declared, as policy.prune in the manifest",
	"refresh": "it is orgctl drift: " + noState, "refresh-only": "it is orgctl drift: " + noState, "state": noState,
	"replace": "nothing is ever replaced: declare a second object, move over, and delete the first",
	"target":  "to narrow a plan, add --only KIND/GLOB", "exclude": "to leave something out, add --except KIND/GLOB",
	"var":         "manifests have no variables: render them first, and pass them to -f -",
	"var-file":    "manifests have no variables: render them first, and pass them to -f -",
	"values":      "manifests have no variables: render them first, and pass them to -f -",
	"set":         "manifests have no variables: render them first, and pass them to -f -",
	"parallelism": "requests are paced by --rate N/DURATION", "concurrency": "requests are paced by --rate N/DURATION",
	"json": "it is -o json", "format": "it is -o FORMAT", "no-color": "it is --color never", "no-colour": "it is --color never",
	"verbose": "to log every request, add --debug", "v": "to log every request, add --debug", "log-level": "to log every request, add --debug",
	"recursive": "directories are read with all that is below them", "R": "directories are read with all that is below them",
	"config": "manifests are named with -f", "lock": "the lock of an apply is always taken; to wait for it, add --lock-timeout DURATION",
	"input": "nothing is asked off a terminal: apply needs --yes there",
	"key":   noCredentials, "api-key": noCredentials, "key-id": noCredentials, "key-secret": noCredentials, "api-secret": noCredentials,
	"secret": noCredentials, "token": noCredentials, "password": noCredentials,
	"url": noURL, "api-url": noURL,
	"org-id": "the organization is held to metadata.id of the manifest and to CLICKHOUSE_ORG_ID, or LOCKTERA_ORG_ID",
}

func unknownCommand(app *cli.App, name string) error {
	if meant := otherCommands[name]; meant != "" {
		return usage("there is no command %q; %s", name, meant)
	}
	return usage("there is no command %q%s", name, didYouMean(name, commandNames(app)))
}

func unknownFlag(c *cli.Context, name string) error {
	if meant := otherFlags[name]; meant != "" {
		return usage("there is no flag %s; %s", typed(name), meant)
	}
	var known []string
	for _, f := range slices.Concat(c.Command.VisibleFlags(), c.App.VisibleFlags()) {
		known = append(known, typed(f.Names()[0]))
	}
	if meant := didYouMean(typed(name), known); meant != "" {
		return usage("there is no flag %s%s", typed(name), meant)
	}
	for _, of := range c.App.VisibleCommands() {
		if _, has := takesValue(of.Flags)[name]; has && c.Command.Name == c.App.Name {
			return usage("%s stands behind a command, as in orgctl %s %s", typed(name), of.Name, typed(name))
		}
	}
	return usage("there is no flag %s", typed(name))
}

var (
	noFlag   = regexp.MustCompile(`^flag provided but not defined: -(.*)$`)
	noValue  = regexp.MustCompile(`^flag needs an argument: -(.*)$`)
	badValue = regexp.MustCompile(`^invalid (?:boolean )?value "(.*)" for (?:flag )?-([^:]*): `)
	number   = regexp.MustCompile(`^[0-9]+$`)
)

// usageError puts the parser's complaint into the words of everything else, and adds what was probably meant.
func usageError(c *cli.Context, err error, _ bool) error {
	complaint := err.Error()
	if found := noFlag.FindStringSubmatch(complaint); found != nil {
		return unknownFlag(c, found[1])
	}
	if found := noValue.FindStringSubmatch(complaint); found != nil {
		return usage("%s needs a value", typed(found[1]))
	}
	found := badValue.FindStringSubmatch(complaint)
	if found == nil {
		return usage("%w", err)
	}
	value, name := found[1], found[2]
	_, whole := flagNamed(c.Command.Flags, name).(*cli.IntFlag)
	switch {
	case whole:
		return usage("%s %s: it is a whole number", typed(name), value)
	case takesValue(c.Command.Flags)[name] && number.MatchString(value):
		return usage("%s %s: a duration has a unit: %[2]ss, %[2]sm or %[2]sh", typed(name), value)
	case takesValue(c.Command.Flags)[name]:
		return usage("%s %s: it is a duration, such as 30s, 5m or 1h30m", typed(name), value)
	default:
		return usage("%s takes no value, or true or false, not %q", typed(name), value)
	}
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

// noArguments refuses arguments of a command that takes none, so that a forgotten -f does not go unnoticed.
func noArguments(c *cli.Context) error {
	if !c.Args().Present() {
		return nil
	}
	name, hint := c.Args().First(), ""
	switch flags := takesValue(c.Command.Flags); {
	case flags["file"] && begins(name, savedPlan):
		hint = fmt.Sprintf("; a saved plan is shown by %[1]s show %[2]s, and carried out by %[1]s apply %[2]s", c.App.Name, shellWord(name))
	case flags["file"] && c.IsSet("file"):
		hint = "; name each manifest with an -f of its own, or the directory of all"
	case flags["file"]:
		hint = "; manifests are named with -f: " + withFlag(c.App, c.Command, "-f", name)
	case flags["state"]:
		hint = "; its organization is kept in the file of --state: " + withFlag(c.App, c.Command, "--state", name)
	}
	return usage("%s takes no argument %q%s", c.Command.Name, name, hint)
}

// withFlag is the command line in which an argument is the value of a flag.
func withFlag(app *cli.App, c *cli.Command, flag, value string) string {
	return strings.Join([]string{app.Name, c.Name, flag, shellWord(value)}, " ")
}

// shellWord is a text as it is typed for a shell.
func shellWord(s string) string {
	if regexp.MustCompile(`^[\w./:@%+=-]+$`).MatchString(s) {
		return s
	}
	return shellQuote(s)
}

// noManifest refuses a directory or a manifest in the place of a saved plan.
func noManifest(c *cli.Context, name string) error {
	what := ""
	info, err := os.Stat(name)
	if err != nil {
		return nil //nolint:nilerr // whoever opens it has the better message
	}
	switch ending := strings.ToLower(filepath.Ext(name)); {
	case info.IsDir():
		what = "a directory"
	case ending == ".yaml", ending == ".yml", begins(name, jsonManifest):
		what = "a manifest"
	default:
		return nil
	}
	meant := c.Command
	if !takesValue(meant.Flags)["file"] {
		meant = c.App.Command("plan") // show
	}
	return usage("%s is %s, not a saved plan; manifests are named with -f: %s", name, what, withFlag(c.App, meant, "-f", name))
}

// What tells JSON files apart that orgctl reads.
var (
	jsonManifest = regexp.MustCompile(`"kind":\s*"Organization"`)
	savedPlan    = regexp.MustCompile(`"formatVersion":\s*"`)
)

// begins reports whether what a regular file begins with has something. Of others nothing is read: a pipe is read but once.
func begins(name string, with *regexp.Regexp) bool {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	file, err := os.Open(filepath.Clean(name))
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // nothing was written
	head, err := io.ReadAll(io.LimitReader(file, 64<<10))
	return err == nil && with.Match(head)
}
