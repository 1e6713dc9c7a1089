package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/pkg/diff"
)

func showCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "show", Usage: "show a saved plan again, as it was made",
		UsageText: "orgctl show plan.json\norgctl show plan.json -o markdown=plan.md",
		ArgsUsage: "PLAN.json",
		Flags:     []cli.Flag{outputFlag()},
		Action: func(c *cli.Context) error {
			o, err := newShowOptions(e, c)
			if err != nil {
				return err
			}
			return show(e, o)
		},
	}
}

type showOptions struct {
	plan string // file
	to   []output
}

func newShowOptions(e *env, c *cli.Context) (o showOptions, err error) {
	o.plan = c.Args().First()
	switch c.NArg() {
	case 1:
	case 0:
		return o, usage("which plan? orgctl show plan.json")
	default:
		return o, usage("one plan at a time: orgctl show %s", o.plan)
	}
	if err := noManifest(c, o.plan); err != nil {
		return o, err
	}
	o.to, err = newOutputOptions(e, c)
	return o, err
}

// show renders a saved plan. Its proofs are not in it: they are about who planned, and from where.
func show(e *env, o showOptions) error {
	p, err := readPlan(o.plan, o.to...)
	if err != nil {
		return err
	}
	return render(e, p, nil, o.to)
}

// readPlan reads a saved plan, which no output may go over.
func readPlan(name string, outputs ...output) (*diff.Plan, error) {
	file, err := os.Open(name) //nolint:gosec // the user names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := spare(name, info, outputs...); err != nil {
		return nil, err
	}
	p, err := diff.ReadPlan(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}
