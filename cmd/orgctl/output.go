package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/diff"
)

// output is one rendering of a plan: to a file, or to standard output when file is empty.
type output struct{ format, file string }

func outputFlag() cli.Flag {
	return &cli.StringSliceFlag{
		Name: "output", Aliases: []string{"o"},
		Usage: "`FORMAT` for standard output, or FORMAT=FILE (repeatable): " + strings.Join(view.Formats(), ", "),
	}
}

func outFlag() cli.Flag {
	return &cli.StringFlag{Name: "out", Usage: "save the plan in `FILE`, the same bytes as -o json=FILE"}
}

// outputs reads -o and --out. One rendering goes to standard output; it is text unless another format is asked for.
func outputs(c *cli.Context) ([]output, error) {
	var out []output
	toStdout := ""
	for _, value := range c.StringSlice("output") {
		format, file, hasFile := strings.Cut(value, "=")
		if !slices.Contains(view.Formats(), format) {
			return nil, usage("unknown output format %q: it is one of %s", format, strings.Join(view.Formats(), ", "))
		}
		if hasFile && file == "" {
			return nil, usage("-o %s names no file", value)
		}
		if !hasFile || file == "-" {
			if toStdout != "" {
				return nil, usage("both %s and %s would go to standard output; write one as FORMAT=FILE", toStdout, format)
			}
			toStdout = format
			continue
		}
		out = append(out, output{format: format, file: file})
	}
	if file := c.String("out"); file != "" {
		out = append(out, output{format: "json", file: file})
	}
	if toStdout == "" {
		toStdout = view.Formats()[0]
	}
	return append(out, output{format: toStdout}), nil
}

// render writes a plan everywhere it is wanted.
func render(e *env, p *diff.Plan, proofs []diff.Proof, to []output) error {
	for _, o := range to {
		write := func(w io.Writer) error { return view.RenderPlan(o.format, w, p, view.Options{Proofs: proofs}) }
		if o.file != "" {
			if err := writeFile(o.file, write); err != nil {
				return err
			}
			continue
		}
		options := e.stdoutView()
		options.Proofs = proofs
		if err := view.RenderPlan(o.format, e.stdout, p, options); err != nil {
			return err
		}
	}
	return nil
}

// writeFile replaces a file in one step, readable by its owner only: plans say much about an organization. A pipe or device
// is written to and never replaced.
func writeFile(name string, write func(io.Writer) error) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0) //nolint:gosec // writing where the user says is the purpose
		if err == nil {
			err = errors.Join(write(f), f.Close())
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	err = errors.Join(write(f), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
