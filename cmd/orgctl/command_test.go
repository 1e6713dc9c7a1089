package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/diff"
)

// testEnv is an environment without terminal and variables.
func testEnv() *env {
	return &env{
		stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard,
		getenv: func(string) string { return "" }, version: "test", interrupt: newInterrupt(),
		size: func() (columns, rows int) { return 0, 0 },
	}
}

// parse holds a command line to the flags and commands of orgctl without running it.
func parse(t *testing.T, args []string) error {
	t.Helper()
	app := newApp(testEnv())
	for _, c := range app.Commands {
		c.Action = func(*cli.Context) error { return nil }
	}
	return app.RunContext(t.Context(), permute(app, args))
}

func TestPermute(t *testing.T) {
	tests := []struct{ args, want string }{
		{"orgctl", "orgctl"},
		{"orgctl plan", "orgctl plan"},
		{"orgctl apply plan.json --yes", "orgctl apply --yes plan.json"},
		{"orgctl apply --yes plan.json", "orgctl apply --yes plan.json"},
		{"orgctl apply plan.json --rate 1/1s more", "orgctl apply --rate 1/1s plan.json more"},
		{"orgctl apply plan.json --rate=1/1s more", "orgctl apply --rate=1/1s plan.json more"},
		{"orgctl apply a -f x -f y b", "orgctl apply -f x -f y a b"},
		{"orgctl plan -f -", "orgctl plan -f -"},
		{"orgctl plan - -f x", "orgctl plan -f x -"},
		{"orgctl plan -f --", "orgctl plan -f --"},
		{"orgctl plan a -- -f b", "orgctl plan -- a -f b"},
		{"orgctl plan a --debug=false b", "orgctl plan --debug=false a b"},
		// A boolean takes no value, an unknown flag is left to the parser.
		{"orgctl apply --yes a --unknown b", "orgctl apply --yes --unknown a b"},
		// A flag without its value does not swallow an argument.
		{"orgctl apply plan.json --rate", "orgctl apply --rate"},
		// Help is about the command before it, even where an argument is the name of another one.
		{"orgctl schema plan --help", "orgctl schema --help"},
		{"orgctl plan -f x -h", "orgctl plan -h"},
		{"orgctl apply --secrets-out -h", "orgctl apply --secrets-out -h"},
		{"orgctl help plan", "orgctl help plan"},
		// Without a known command there is nothing to go by.
		{"orgctl nothing --yes", "orgctl nothing --yes"},
		{"orgctl --version plan", "orgctl --version plan"},
		// The flags of every command stand before it for the parser, and wherever they like for people.
		{"orgctl plan -f x --color never", "orgctl --color never plan -f x"},
		{"orgctl --color never plan -f x -q", "orgctl --color never -q plan -f x"},
		{"orgctl --color plan plan x -f y", "orgctl --color plan plan -f y x"},
		{"orgctl plan -f x --color=never y", "orgctl --color=never plan -f x y"},
		{"orgctl plan -f --color x", "orgctl plan -f --color x"},
		{"orgctl plan -f x --color", "orgctl --color"},
		{"orgctl plan -q --help", "orgctl -q plan --help"},
		// The program's own name is no command.
		{"plan apply x --yes", "plan apply --yes x"},
	}
	app := newApp(testEnv())
	for _, tt := range tests {
		args := strings.Fields(tt.args)
		got := permute(app, args)
		if diff := cmp.Diff(strings.Fields(tt.want), got); diff != "" {
			t.Errorf("permute(%s) (-want +got):\n%s", tt.args, diff)
		}
		if strings.Join(args, " ") != tt.args {
			t.Errorf("permute(%s) changed its argument to %v", tt.args, args)
		}
	}
}

func TestReport(t *testing.T) {
	answer := func(status int) error {
		return fmt.Errorf("list keys: %w", &client.Error{Method: http.MethodGet, Path: "/v1/organizations", Status: status})
	}
	tests := []struct {
		name string
		err  error
		want int
		said bool
	}{
		{"nil", nil, exitOK, false},
		{"any error", errors.New("disk full"), exitError, true},
		{"no answer", &client.NetworkError{Method: http.MethodGet, Path: "/v1", Err: io.EOF}, exitError, true},
		{"another program", &client.ReplyError{Method: http.MethodGet, Reason: "HTML"}, exitError, true},
		{"400", answer(400), exitError, true},
		{"401", answer(401), exitRefused, true},
		{"403", answer(403), exitRefused, true},
		{"404", answer(404), exitError, true},
		{"429", answer(429), exitError, true},
		{"500", answer(500), exitError, true},
		{"missing permission", fmt.Errorf("list members: %w", apply.ErrPermission), exitRefused, true},
		{"one of several", errors.Join(errors.New("list keys"), apply.ErrPermission), exitRefused, true},
		{"other organization", fmt.Errorf("observe: %w", apply.ErrOtherOrganization), exitError, true},
		{"usage", usage("no such flag"), exitUsage, true},
		{"wrapped usage", fmt.Errorf("read flags: %w", usage("no such flag")), exitUsage, true},
		{"blocked", blocked("the plan is blocked"), exitBlocked, true},
		{"stale", &codedError{code: exitStale, err: errors.New("the plan is another one")}, exitStale, true},
		{"changes, shown before", exit(exitChanges), exitChanges, false},
		{"partial, shown before", exit(exitPartial), exitPartial, false},
		{"exit ok", exit(exitOK), exitOK, false},
		// A code that was chosen on purpose wins over what the cause would give.
		{"coded cause", &codedError{code: exitPartial, err: answer(401)}, exitPartial, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stderr strings.Builder
			e := testEnv()
			e.stderr = &stderr
			if got := report(e, tt.err); got != tt.want {
				t.Errorf("exit code %d, want %d", got, tt.want)
			}
			if said := strings.HasPrefix(stderr.String(), "orgctl: "); said != tt.said || !said && stderr.Len() > 0 {
				t.Errorf("stderr %q", &stderr)
			}
		})
	}
}

// TestExitCodesAreDocumented: the table is the same wherever it stands.
func TestExitCodesAreDocumented(t *testing.T) {
	codes := []int{exitOK, exitError, exitChanges, exitBlocked, exitRefused, exitPartial, exitStale, exitUsage}
	for _, name := range []string{"README.md", filepath.Join("docs", "commands.md")} {
		text, err := os.ReadFile(filepath.Join(repository, name))
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, row := range regexp.MustCompile(`(?m)^\| (\d+)(, \d+)? \|`).FindAllStringSubmatch(string(text), -1) {
			code, err := strconv.Atoi(row[1])
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, code)
		}
		if diff := cmp.Diff(append(codes, 130), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, code := range append(codes, 130, 143) {
		if !regexp.MustCompile(fmt.Sprintf(`\b%d\b`, code)).MatchString(exitCodesHelp) {
			t.Errorf("the help text has no exit code %d", code)
		}
	}
}

// TestExitCodeOfSignals: a signal decides the exit code, whatever the command came to.
func TestExitCodeOfSignals(t *testing.T) {
	for number, want := range map[int32]int{2: 130, 15: 143} {
		i := newInterrupt()
		if i.received() {
			t.Error("received before anything was sent")
		}
		i.signal.Store(number)
		if got := i.exitCode(); got != want || !i.received() {
			t.Errorf("signal %d: exit code %d, want %d", number, got, want)
		}
	}
}

// proposed are the words that may stand in the place of the last one.
func proposed(words ...string) []string {
	var out []string
	for _, w := range complete(newApp(testEnv()), words).words {
		out = append(out, w.Name)
	}
	return out
}

// TestCompletion: every command is proposed and, for each, every flag, shorthands included, wherever the cursor is.
func TestCompletion(t *testing.T) {
	app := newApp(testEnv())
	if diff := cmp.Diff(commandNames(app), proposed("")); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	for _, c := range app.VisibleCommands() {
		var want []string
		for _, f := range slices.Concat(c.Flags, app.Flags) {
			for _, name := range f.Names() {
				want = append(want, typed(name))
			}
		}
		for _, words := range [][]string{{c.Name, "-"}, {"-q", c.Name, "--color", "never", "-"}, {c.Name, "x", "-"}} {
			if diff := cmp.Diff(want, proposed(words...)); diff != "" {
				t.Errorf("%v (-want +got):\n%s", words, diff)
			}
		}
	}
}

// TestCompletionOfValues: what a flag or an argument may be, and nothing that it may not.
func TestCompletionOfValues(t *testing.T) {
	tests := map[string]string{ // words, "_" for an empty one, and the answer in one line
		"pl":                     "plan :words",
		"_ _":                    ":words",
		"nothing _":              ":words",
		"plan -o _":              "text json markdown :words",
		"plan -o j":              "json :words",
		"plan -o json=p":         ":files json=",
		"plan --output=json=":    ":files --output=json=",
		"show -o mark":           "markdown :words",
		"validate -o _":          "text json :words",
		"version --output=j":     "--output=json :words",
		"plan -f _":              ":files",
		"plan --file=a":          ":files --file=",
		"plan -f a _":            "flags :words",
		"plan x":                 ":words",
		"plan --only k":          "key/ :words",
		"plan --except=m":        "--except=member/ :words",
		"plan --only service/":   "service/ :words",
		"plan --only service/o":  ":words",
		"plan --rate _":          ":words",
		"plan --debug _":         "flags :words",
		"plan -- _":              ":words",
		"plan --no=":             ":words",
		"apply _":                ":files",
		"apply plan.json _":      ":words",
		"apply -- -":             ":files",
		"apply --secrets-out _":  ":dirs",
		"apply --secrets-exec _": ":words",
		"apply --allow-delete s": "service/ :words",
		"apply --key-secrets _":  "local server :words",
		"--color _":              "auto always never :words",
		"plan -f x --color=a":    "--color=auto --color=always :words",
		"show _":                 ":files",
		"schema _":               "organization locktera plan :words",
		"completion _":           "bash zsh fish :words",
		"explain OC31":           "OC310 OC311 OC312 OC313 :words",
		"explain oc206":          "oc206 :words",
		"help ex":                "export explain :words",
		"help oc206":             "oc206 :words",
		"help plan _":            ":words",
		"sandbox --state _":      ":files",
	}
	for line, want := range tests {
		words := strings.Fields(line)
		for i, w := range words {
			words[i] = strings.TrimPrefix(w, "_")
		}
		p := complete(newApp(testEnv()), words)
		var got []string
		for _, w := range p.words {
			got = append(got, w.Name)
		}
		if len(got) > 10 && got[0] == "--file" {
			got = []string{"flags"}
		}
		answer := strings.TrimSuffix(proposal{paths: p.paths, typed: p.typed}.String(), "\n")
		if diff := cmp.Diff(strings.Fields(want), append(got, strings.Fields(answer)...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
	if got := proposed("explain", ""); !slices.Equal(got, codes()) {
		t.Errorf("codes: %v", got)
	}
	if got := proposed("help", ""); !slices.Equal(got, commandNames(newApp(testEnv()))) {
		t.Errorf("help: %v", got)
	}
}

// TestCompletionOfHiddenCommand: it takes every word as it is, flags and all.
func TestCompletionOfHiddenCommand(t *testing.T) {
	var out strings.Builder
	e := testEnv()
	e.stdout = &out
	if code := run(t.Context(), []string{"orgctl", "__complete", "plan", "--help", "--color", "--", "-f", ""}, e); code != exitOK || out.String() != ":files\n" {
		t.Errorf("exit code %d, %q", code, &out)
	}
}

// helps are the help texts of the program, under "", and of every command.
func helps(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range append(commandNames(newApp(testEnv())), "") {
		var help strings.Builder
		e := testEnv()
		e.stdout = &help
		args := slices.DeleteFunc([]string{"orgctl", name, "--help"}, func(a string) bool { return a == "" })
		if code := run(t.Context(), args, e); code != exitOK {
			t.Errorf("%v: exit code %d", args, code)
		}
		out[name] = help.String()
	}
	return out
}

// TestEveryCommandHelps: all help texts begin with an example, name no flag twice, lead to a page that exists, and are no wider
// than any terminal.
func TestEveryCommandHelps(t *testing.T) {
	for name, help := range helps(t) {
		if !regexp.MustCompile(`\Aorgctl \S+: .*\n(.*\n)?\nEXAMPLES:\n   .*orgctl [a-z]`).MatchString(help) {
			t.Errorf("orgctl %s --help does not begin with examples:\n%s", name, help)
		}
		seen := map[string]int{}
		for _, flag := range regexp.MustCompile(`(?m)^   (?:-\w, |    )?(--[a-z-]+)`).FindAllStringSubmatch(help, -1) {
			seen[flag[1]]++
		}
		for flag, n := range seen {
			if n > 1 {
				t.Errorf("orgctl %s --help lists %s %d times", name, flag, n)
			}
		}
		if seen["--help"] != 1 {
			t.Errorf("orgctl %s --help lists no flags:\n%s", name, help)
		}
		for line := range strings.Lines(help) {
			if len([]rune(line)) > 80+1 {
				t.Errorf("orgctl %s --help is wider than 80 columns: %s", name, line)
			}
		}
		page := regexp.MustCompile(`\n\nMORE:\n   \Q` + pages + `\E(.*\.md)\n\z`).FindStringSubmatch(help)
		if page == nil {
			t.Errorf("orgctl %s --help leads nowhere:\n%s", name, help)
			continue
		}
		if _, err := os.Stat(filepath.Join(repository, "docs", page[1])); err != nil {
			t.Error(err)
		}
	}
}

// TestRisksAreExplained: each word that a plan puts behind a change, where somebody would look for it.
func TestRisksAreExplained(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(repository, "docs", "commands.md"))
	if err != nil {
		t.Fatal(err)
	}
	help := helps(t)["plan"]
	for _, risk := range []diff.Risk{diff.RiskDisruptive, diff.RiskDestructive, diff.RiskLockout} {
		if !regexp.MustCompile(`(?m)^   ` + string(risk) + `  `).MatchString(help) {
			t.Errorf("orgctl plan --help does not explain %s:\n%s", risk, help)
		}
		if !strings.Contains(string(page), "| `"+string(risk)+"` |") {
			t.Errorf("docs/commands.md does not explain %s", risk)
		}
	}
}

// TestHelpNamesEveryFlag: with the word for its value, and what it is when it is not given.
func TestHelpNamesEveryFlag(t *testing.T) {
	all := helps(t)
	app := newApp(testEnv())
	general := takesValue(app.Flags)
	for _, c := range app.VisibleCommands() {
		for name := range takesValue(c.Flags) {
			if _, ok := general[name]; ok {
				t.Errorf("%s of %s is a flag of every command as well", typed(name), c.Name)
			}
		}
		for _, f := range slices.Concat(c.Flags, app.Flags) {
			for _, name := range f.Names() {
				if !regexp.MustCompile(`(?m)^ .*` + typed(name) + `\b`).MatchString(all[c.Name]) {
					t.Errorf("orgctl %s --help does not list %s", c.Name, typed(name))
				}
			}
		}
	}
	for _, line := range []string{
		"   -f, --file PATH              manifest PATH: a file, a directory, or - for\n",
		"   -y, --yes                    do not ask\n",
		"   --create-timeout DURATION    wait this DURATION for a new service (default:\n",
		"(default: local)", "(default: 30s)", "(default: 15m)",
	} {
		if !strings.Contains(all["apply"], line) {
			t.Errorf("orgctl apply --help has no %q:\n%s", line, all["apply"])
		}
	}
}

func TestShort(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"1h": time.Hour, "30m": 30 * time.Minute, "30s": 30 * time.Second, "1h30m": 90 * time.Minute, "10m": 10 * time.Minute,
		"1h0m30s": time.Hour + 30*time.Second, "1m10s": 70 * time.Second, "1ms": time.Millisecond, "20h": 20 * time.Hour,
	} {
		if got := short(d); got != want {
			t.Errorf("short(%s) = %s", want, got)
		}
	}
}

// TestNextStepsExist: what is proposed to people who come from other tools is there.
func TestNextStepsExist(t *testing.T) {
	app := newApp(testEnv())
	flags := takesValue(app.Flags)
	for _, c := range app.Commands {
		maps.Copy(flags, takesValue(c.Flags))
	}
	for _, next := range []map[string]string{otherCommands, otherFlags} {
		for word, step := range next {
			for _, c := range regexp.MustCompile(`orgctl (\w+)`).FindAllStringSubmatch(step, -1) {
				if app.Command(c[1]) == nil {
					t.Errorf("%s leads to the command %s, which does not exist", word, c[1])
				}
			}
			for _, f := range regexp.MustCompile(`(?:^| )--?([a-z-]+)`).FindAllStringSubmatch(step, -1) {
				if _, ok := flags[f[1]]; !ok {
					t.Errorf("%s leads to the flag %s, which does not exist", word, f[1])
				}
			}
		}
	}
	for word := range otherCommands {
		if app.Command(word) != nil {
			t.Errorf("%s is a command of orgctl", word)
		}
	}
}

// TestColor: colour is for terminals, unless somebody says otherwise: a flag, then NO_COLOR (no-color.org), then FORCE_COLOR.
func TestColor(t *testing.T) {
	tests := []struct {
		tty                        bool
		flag, noColor, force, term string
		want                       bool
	}{
		{true, "", "", "", "xterm", true},
		{true, "", "", "", "", true},
		{true, "", "1", "", "xterm", false},
		{true, "", "anything", "", "xterm", false},
		{true, "", "", "", "dumb", false},
		{false, "", "", "", "xterm", false},
		{false, "", "", "1", "xterm", true},
		{false, "", "", "1", "dumb", true},
		{false, "", "", "0", "xterm", false},
		{true, "", "", "0", "xterm", true},
		{true, "", "1", "1", "xterm", false},
		{false, colorAuto, "", "", "xterm", false},
		{true, colorAuto, "", "", "xterm", true},
		{true, colorNever, "", "1", "xterm", false},
		{false, colorAlways, "1", "", "dumb", true},
	}
	for _, tt := range tests {
		e := testEnv()
		e.getenv = func(name string) string {
			return map[string]string{"NO_COLOR": tt.noColor, "FORCE_COLOR": tt.force, "TERM": tt.term}[name]
		}
		e.stdoutTTY, e.stderrTTY, e.width, e.colors = tt.tty, tt.tty, 100, tt.flag
		if got := e.stdoutView().Color; got != tt.want {
			t.Errorf("%+v: colour on stdout %v", tt, got)
		}
		if got := e.stderrView().Color; got != tt.want {
			t.Errorf("%+v: colour on stderr %v", tt, got)
		}
		if got := e.stdoutView().Width; (got == 100) != tt.tty {
			t.Errorf("%+v: width %d", tt, got)
		}
	}
}

// TestCancelled: a run that is called off before it began sends nothing and says why.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := testEnv()
	var stderr strings.Builder
	e.stderr = &stderr
	if code := run(ctx, []string{"orgctl", "export", "--sandbox", ":memory:"}, e); code != exitError {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(stderr.String(), context.Canceled.Error()) {
		t.Errorf("stderr %q", &stderr)
	}
}
