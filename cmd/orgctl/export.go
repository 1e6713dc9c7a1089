package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/spec"
)

func exportCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "write the live organization as a manifest that plans empty",
		UsageText: "orgctl export > acme.yaml\norgctl export --out acme.yaml",
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "write to `FILE` instead of standard output"},
			&cli.BoolFlag{Name: "force", Usage: "let --out replace a file that holds something else"},
			apiFlag(),
			readingTimeout(),
		}, connectionFlags()),
		Action: func(c *cli.Context) error {
			o, err := newExportOptions(e, c)
			if err != nil {
				return err
			}
			return within(c.Context, o.timeout, func(ctx context.Context) error { return export(ctx, e, o) })
		},
	}
}

type exportOptions struct {
	connectionOptions
	api     *provider
	to      destination
	force   bool
	timeout time.Duration
}

func newExportOptions(e *env, c *cli.Context) (o exportOptions, err error) {
	if err := noArguments(c); err != nil {
		return o, err
	}
	if o.connectionOptions, err = newConnectionOptions(c); err != nil {
		return o, err
	}
	if o.api, err = newProviderOptions(e, c); err != nil {
		return o, err
	}
	o.to, o.force, o.timeout = e.standardOutput(), c.Bool("force"), c.Duration("timeout")
	file := c.String("out")
	switch {
	case file == "" && o.force:
		return o, usage("--force is for --out FILE: standard output replaces nothing")
	case file == "":
		return o, nil
	}
	if o.to, err = e.locate(file); err != nil {
		return o, err
	}
	return o, o.sandbox.spare(output{option: "--out " + file, to: o.to})
}

func export(ctx context.Context, e *env, o exportOptions) error {
	t, err := newTarget(e, o.connectionOptions, o.api, refuseAbsent)
	if err != nil {
		return err
	}
	backend, err := t.reader(e, o.connectionOptions, &spec.Organization{API: o.api.api})
	if err != nil {
		return err
	}
	live, err := backend.Observe(ctx, apply.ObserveOptions{Detail: func(spec.Resource) bool { return true }})
	if err != nil {
		return err
	}
	manifest, missing, err := spec.Export(live)
	if err != nil {
		return err
	}
	for _, m := range missing {
		if err := view.Message(e.notes(), "warning: "+m); err != nil {
			return err
		}
	}
	held, err := o.to.held()
	switch {
	case err != nil:
		return err
	case len(held) > 0 && bytes.Equal(held, manifest):
		return view.Message(e.notes(), o.to.name+" holds that already")
	case len(held) > 0 && !o.force:
		return fmt.Errorf("%s holds something else, and was left as it is: orgctl export | diff %s - shows the difference, --force replaces it", o.to.name, o.to.name)
	}
	return e.write(o.to, func(w io.Writer) error { _, err := w.Write(manifest); return err })
}
