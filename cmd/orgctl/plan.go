package main

import (
	"context"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/diff"
)

func planCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "plan", Usage: "show what apply would change, without changing anything",
		UsageText: "orgctl plan -f orgs/acme\norgctl plan -f orgs/acme --detailed-exitcode\norgctl plan -f orgs/acme -o markdown=plan.md --out plan.json",
		Description: "A change that may cost something says so behind its name:\n" +
			"   disruptive   restarts, resizes or stops a service, sets its password, or\n" +
			"                takes something away: an address, an endpoint, a role\n" +
			"   destructive  deletes something\n" +
			"   lockout      is of an administrator or of the key in use",
		Flags: slices.Concat(manifestFlags(), selectionFlags(), []cli.Flag{
			outputFlag(),
			outFlag(),
			callerFlag(),
			&cli.BoolFlag{Name: "detailed-exitcode", Usage: "exit 2 when apply has something to do"},
			readingTimeout(),
		}, connectionFlags()),
		Action: func(c *cli.Context) error {
			o, err := newPlanOptions(e, c)
			if err != nil {
				return err
			}
			p, err := planWithin(c.Context, e, o, imagineAbsent)
			if err != nil {
				return err
			}
			switch worst := p.Worst(); {
			case p.Refused():
				return refused("")
			case worst == diff.SeverityError:
				return exit(exitError)
			case worst == diff.SeverityBlocked:
				return exit(exitBlocked)
			case o.detailed && !p.Empty():
				return exit(exitChanges)
			default:
				return nil
			}
		},
	}
}

func driftCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "drift", Usage: "plan for a scheduler: exit 2 when the organization is not as declared",
		UsageText: "orgctl drift -f orgs/acme\norgctl drift -f orgs/acme -o markdown=drift.md",
		Flags:     slices.Concat(manifestFlags(), selectionFlags(), []cli.Flag{outputFlag(), outFlag(), callerFlag(), readingTimeout()}, connectionFlags()),
		Action: func(c *cli.Context) error {
			o, err := newPlanOptions(e, c)
			if err != nil {
				return err
			}
			p, err := planWithin(c.Context, e, o, refuseAbsent)
			switch {
			case err != nil:
				return err
			case p.Refused():
				return refused("")
			case p.Drifted():
				return exit(exitChanges)
			case p.Worst() == diff.SeverityError:
				return exit(exitError)
			default:
				return nil
			}
		},
	}
}

// planOptions are those of plan and drift.
type planOptions struct {
	manifestOptions
	connectionOptions
	selection diff.Selection
	to        []output
	caller    diff.Caller
	detailed  bool
	timeout   time.Duration
}

func newPlanOptions(e *env, c *cli.Context) (o planOptions, err error) {
	if err := noArguments(c); err != nil {
		return o, err
	}
	if o.to, err = newOutputOptions(e, c); err != nil {
		return o, err
	}
	if o.selection, err = newSelectionOptions(c); err != nil {
		return o, err
	}
	if o.connectionOptions, err = newConnectionOptions(c); err != nil {
		return o, err
	}
	if o.caller, err = newCallerOptions(c); err != nil {
		return o, err
	}
	o.manifestOptions, o.detailed, o.timeout = newManifestOptions(c), c.Bool("detailed-exitcode"), c.Duration("timeout")
	return o, o.sandbox.spare(o.to...)
}

// planWithin makes a plan before --timeout is over.
func planWithin(ctx context.Context, e *env, o planOptions, absent absence) (p *diff.Plan, err error) {
	err = within(ctx, o.timeout, func(ctx context.Context) error {
		p, err = makePlan(ctx, e, o, absent)
		return err
	})
	return p, err
}

// makePlan is what plan and drift share: load, observe with a client that cannot write, compare, render.
func makePlan(ctx context.Context, e *env, o planOptions, absent absence) (*diff.Plan, error) {
	desired, err := load(e, o.manifestOptions, o.to...)
	if err != nil {
		return nil, err
	}
	if err := fits(desired, o.selection); err != nil {
		return nil, err
	}
	api, err := providers.of(desired)
	if err != nil {
		return nil, err
	}
	t, err := newTarget(e, o.connectionOptions, api, absent)
	if err != nil {
		return nil, err
	}
	backend, err := t.reader(e, o.connectionOptions, desired)
	if err != nil {
		return nil, err
	}
	p, live, err := backend.plan(ctx, apply.ToPlan(desired), desired, o.selection)
	if err != nil {
		return nil, err
	}
	if err := selected(o.selection, desired, live); err != nil {
		return nil, err
	}
	who := o.caller
	who.Sink = t.secretsDir != "" // apply takes it unless told otherwise
	who = apply.Timed(backend.Backend, p, who)
	p.Guard(live, who)
	return p, render(e, p, diff.Proofs(p, live, who), o.to)
}
