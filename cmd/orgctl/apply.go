package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/diff"
)

func applyCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "apply", Usage: "make the organization equal to the manifests",
		UsageText: "orgctl apply -f orgs/acme --secrets-out secrets\n   orgctl apply -f orgs/acme --yes --secrets-out secrets --allow-delete 'service/tmp-*'",
		Flags: slices.Concat(manifestFlags(), selectionFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
			&cli.StringFlag{Name: "secrets-out", Usage: "write the secrets of created objects to `DIR`, one file each, mode 0600"},
			&cli.StringSliceFlag{Name: "allow-delete", Usage: "allow the deletion of services that match `service/GLOB` (repeatable)"},
			&cli.StringFlag{Name: "expect-digest", Usage: "apply only the plan with this `DIGEST`; exit 6 if it is another one by now"},
			&cli.DurationFlag{Name: "settle", Usage: "how `LONG` to wait for the API to show what it has accepted", Value: time.Duration(apply.Defaults().Settle) * time.Second},
		}, connectionFlags()),
		Action: func(c *cli.Context) error { return runApply(e, c) },
	}
}

func runApply(e *env, c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	if !c.Bool("yes") && !e.stdinTTY {
		return usage("there is nobody to ask: add --yes to apply without confirmation")
	}
	sel, err := selection(c)
	if err != nil {
		return err
	}
	leave, err := selectors(c.StringSlice("allow-delete"))
	if err != nil {
		return err
	}
	desired, err := load(e, c)
	if err != nil {
		return err
	}
	t, err := newTarget(e, c)
	if err != nil {
		return err
	}
	sink, err := openSink(c.String("secrets-out"), t)
	if err != nil {
		return err
	}
	progress := view.NewProgress(e.stderr, e.stderrTTY, e.stderrView())
	backend, err := t.connect(e, c, desired, sink, progress)
	if err != nil {
		return err
	}
	p, err := backend.plan(c.Context, desired, sel)
	if err != nil {
		return err
	}
	if err := render(e, p, []output{{format: "text"}}); err != nil {
		return err
	}
	if err := permitted(e, c, p, leave, sink != nil); err != nil {
		return err
	}
	opts := apply.Defaults()
	opts.Tick, opts.Notify, opts.Stop = t.tick, progress.Event, e.interrupt.stop
	opts.Settle = int(c.Duration("settle") / time.Second)

	e.interrupt.graceful.Store(true)
	defer e.interrupt.graceful.Store(false)
	outcome := apply.Run(c.Context, p, backend, opts)
	progress.Clear()
	apply.Verify(c.Context, outcome, p, func(ctx context.Context) (*diff.Plan, error) {
		return backend.plan(ctx, desired, sel)
	}, opts)
	if err := view.Report(e.stdout, outcome, e.stdoutView()); err != nil {
		return err
	}
	if !outcome.Converged {
		return exit(exitPartial)
	}
	return nil
}

// openSink opens the place for secrets, nil where none is named.
func openSink(dir string, t *target) (secrets.Sink, error) {
	switch {
	case dir != "":
		return secrets.NewDir(dir)
	case t.ephemeral:
		return secrets.NewMemory(), nil
	case t.secretsDir != "":
		return secrets.NewDir(t.secretsDir)
	default:
		return nil, nil //nolint:nilnil // no sink is a valid answer: only changes that make a secret need one
	}
}

// permitted judges a shown plan: what blocks it, what it requires, what was expected, and what the person at the terminal
// says. An empty plan needs nobody's leave.
func permitted(e *env, c *cli.Context, p *diff.Plan, leave []string, hasSink bool) error {
	switch p.Worst() {
	case diff.SeverityError:
		return exit(exitError)
	case diff.SeverityBlocked:
		return blocked("the plan is blocked; nothing was changed")
	case diff.SeverityWarning, diff.SeverityNote:
	}
	if missing := unmet(p, leave, hasSink); len(missing) > 0 {
		return blocked("%s; nothing was changed", strings.Join(missing, "; "))
	}
	if want := c.String("expect-digest"); want != "" && want != p.Digest {
		return &codedError{code: exitStale, err: fmt.Errorf("the plan is now %s, not %s: review it again", p.Digest, want)}
	}
	if p.Empty() || c.Bool("yes") {
		return nil
	}
	fmt.Fprintf(e.stderr, "Apply this plan to %s? Only \"yes\" is taken as such: ", p.Organization.Handle)
	answer, err := bufio.NewReader(e.stdin).ReadString('\n')
	if strings.TrimSpace(answer) != "yes" {
		return &codedError{code: exitError, err: fmt.Errorf("not confirmed; nothing was changed%s", causeOf(err))}
	}
	return nil
}

func causeOf(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf(" (%v)", err)
}

// unmet are the requirements of a plan that this run does not meet.
func unmet(p *diff.Plan, leave []string, hasSink bool) []string {
	var out []string
	for _, r := range p.Requirements {
		if r.Kind == diff.RequireSecretSink && hasSink || r.Kind == diff.RequireDeleteLeave && diff.MatchAny(leave, r.Address) {
			continue
		}
		out = append(out, fmt.Sprintf("%s %s: %s; %s", r.Code, r.Address, r.Message, r.Hint))
	}
	return out
}
