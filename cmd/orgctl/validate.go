package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/spec"
)

func validateCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "validate", Usage: "check manifests without any network",
		UsageText: "orgctl validate -f orgs/acme\norgctl validate -f orgs -o json",
		Flags: slices.Concat(manifestFlags()[:1], []cli.Flag{
			formatFlag(),
		}),
		Action: func(c *cli.Context) error {
			o, err := newValidateOptions(c)
			if err != nil {
				return err
			}
			return validate(e, o)
		},
	}
}

type validateOptions struct {
	manifestOptions
	formatOptions
}

func newValidateOptions(c *cli.Context) (o validateOptions, err error) {
	if err := noArguments(c); err != nil {
		return o, err
	}
	o.manifestOptions = newManifestOptions(c)
	o.formatOptions, err = newFormatOptions(c)
	return o, err
}

func validate(e *env, o validateOptions) error {
	organizations, diagnostics, err := readManifests(e, o.paths, nil)
	if err != nil {
		return err
	}
	switch {
	case o.format == "json":
		err = view.DiagnosticsJSON(e.stdout, diagnostics)
	case len(diagnostics) > 0:
		err = e.tell(diagnostics)
	}
	if err != nil {
		return err
	}
	if diagnostics.HasErrors() {
		return exit(exitError)
	}
	if o.format == "text" {
		_, err = fmt.Fprintf(e.stdout, "valid: %s\n", handles(organizations))
	}
	return err
}

// readManifests reads what -f names, and lets no output go over it.
func readManifests(e *env, paths []string, to []output) ([]*spec.Organization, spec.Diagnostics, error) {
	if len(paths) == 0 {
		return nil, nil, usage("which manifests? name files or directories with -f")
	}
	files, diagnostics := spec.Read(paths, e.stdin)
	for _, file := range files {
		info := e.stdinFile
		if file.Name != spec.Stdin {
			info, _ = os.Stat(file.Name)
		}
		if err := spare(file.Name, info, to...); err != nil {
			return nil, nil, err
		}
	}
	if len(files) == 0 {
		return nil, diagnostics, nil // why there is nothing to load has been said
	}
	organizations, more := spec.Load(files)
	return organizations, append(diagnostics, more...).Sort(), nil
}

// loadAll is readManifests for commands that cannot go on with invalid ones.
func loadAll(e *env, paths []string, to []output) ([]*spec.Organization, error) {
	organizations, diagnostics, err := readManifests(e, paths, to)
	if err != nil {
		return nil, err
	}
	if len(diagnostics) > 0 {
		if err := e.tell(diagnostics); err != nil {
			return nil, err
		}
	}
	if diagnostics.HasErrors() {
		return nil, exit(exitError)
	}
	return organizations, nil
}

// tell prints what was found in manifests. As long as nothing of it is an error, it is a note.
func (e *env) tell(diagnostics spec.Diagnostics) error {
	if diagnostics.HasErrors() {
		return view.Diagnostics(e.stderr, diagnostics, e.stderrView())
	}
	return view.Diagnostics(e.notes(), diagnostics, e.stderrView())
}

func handles(organizations []*spec.Organization) string {
	names := make([]string, len(organizations))
	for i, o := range organizations {
		names[i] = o.Name
	}
	return strings.Join(names, ", ")
}
