package main

import (
	"slices"

	"github.com/urfave/cli/v2"

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
			p, err := planWithin(e, c, imagineAbsent)
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
			case c.Bool("detailed-exitcode") && !p.Empty():
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
			p, err := planWithin(e, c, refuseAbsent)
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

// planWithin makes a plan before --timeout is over.
func planWithin(e *env, c *cli.Context, absent absence) (p *diff.Plan, err error) {
	err = within(c, func() error {
		p, err = makePlan(e, c, absent)
		return err
	})
	return p, err
}

// makePlan is what plan and drift share: load, observe with a client that cannot write, compare, render.
func makePlan(e *env, c *cli.Context, absent absence) (*diff.Plan, error) {
	if err := noArguments(c); err != nil {
		return nil, err
	}
	to, err := outputs(e, c)
	if err != nil {
		return nil, err
	}
	sel, err := selection(c)
	if err != nil {
		return nil, err
	}
	desired, err := load(e, c, to...)
	if err != nil {
		return nil, err
	}
	t, err := newTarget(e, c, providers[0], absent)
	if err != nil {
		return nil, err
	}
	backend, err := t.reader(e, c, desired)
	if err != nil {
		return nil, err
	}
	who, err := caller(c)
	if err != nil {
		return nil, err
	}
	p, live, err := backend.plan(c.Context, scope(desired), desired, sel)
	if err != nil {
		return nil, err
	}
	if err := selected(sel, desired, live); err != nil {
		return nil, err
	}
	who.Sink = t.secretsDir != "" // apply takes it unless told otherwise
	who = backend.clock(who, p)
	p.Guard(live, who)
	return p, render(e, p, diff.Proofs(p, live, who), to)
}
