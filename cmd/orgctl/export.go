package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"

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
			readingTimeout(),
		}, connectionFlags()),
		Action: func(c *cli.Context) error { return within(c, func() error { return export(e, c) }) },
	}
}

func export(e *env, c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	to, err := exportOutput(e, c)
	if err != nil {
		return err
	}
	t, err := newTarget(e, c, providers[0], refuseAbsent)
	if err != nil {
		return err
	}
	backend, err := t.reader(e, c, &spec.Organization{})
	if err != nil {
		return err
	}
	live, err := backend.Observe(c.Context, apply.Scope{Detail: func(spec.Resource) bool { return true }})
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
	held, err := to.held()
	switch {
	case err != nil:
		return err
	case len(held) > 0 && bytes.Equal(held, manifest):
		return view.Message(e.notes(), to.name+" holds that already")
	case len(held) > 0 && !c.Bool("force"):
		return fmt.Errorf("%s holds something else, and was left as it is: orgctl export | diff %s - shows the difference, --force replaces it", to.name, to.name)
	}
	return e.write(to, func(w io.Writer) error { _, err := w.Write(manifest); return err })
}

func exportOutput(e *env, c *cli.Context) (destination, error) {
	file := c.String("out")
	if file == "" && c.Bool("force") {
		return destination{}, usage("--force is for --out FILE: standard output replaces nothing")
	}
	if file == "" {
		return e.standardOutput(), nil
	}
	to, err := e.locate(file)
	if err != nil {
		return to, err
	}
	return to, spareSandbox(c, output{option: "--out " + file, to: to})
}
