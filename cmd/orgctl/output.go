package main

import (
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/diff"
)

// output is one rendering of a plan, or of an export.
type output struct {
	option string // as it was asked for, such as "-o json=plan.json"
	format string
	to     destination
}

func outputFlag() cli.Flag {
	return &cli.StringSliceFlag{
		Name: "output", Aliases: []string{"o"},
		Usage: "`FORMAT` for standard output, or FORMAT=FILE (repeatable): " + strings.Join(view.Formats(), ", "),
	}
}

func outFlag() cli.Flag {
	return &cli.StringFlag{Name: "out", Usage: "save the plan in `FILE`, the same bytes as -o json=FILE"}
}

// newOutputOptions reads -o and --out and finds out where each of them goes. One rendering goes to standard output unless a link or a
// redirection has led another one there; it is text unless another format is asked for.
func newOutputOptions(e *env, c *cli.Context) ([]output, error) {
	var all []output
	for _, value := range c.StringSlice("output") {
		format, file, hasFile := strings.Cut(value, "=")
		if !slices.Contains(view.Formats(), format) {
			return nil, usage("unknown output format %q: it is one of %s", format, strings.Join(view.Formats(), ", "))
		}
		if hasFile && file == "" {
			return nil, usage("-o %s names no file", value)
		}
		to := e.standardOutput()
		if hasFile && file != "-" {
			var err error
			if to, err = e.locate(file); err != nil {
				return nil, err
			}
		}
		all = append(all, output{option: "-o " + value, format: format, to: to})
	}
	if file := c.String("out"); file != "" {
		to, err := e.locate(file)
		if err != nil {
			return nil, err
		}
		all = append(all, output{option: "--out " + file, format: "json", to: to})
	}
	if !slices.ContainsFunc(all, func(o output) bool { return o.to.stdout }) {
		all = append(all, output{option: "standard output", format: view.Formats()[0], to: e.standardOutput()})
	}
	return all, distinct(all)
}

// distinct refuses two outputs to one place.
func distinct(all []output) error {
	for i, o := range all {
		for _, earlier := range all[:i] {
			switch {
			case o.to.stdout && earlier.to.stdout:
				return usage("both %s and %s would go to standard output; write one as FORMAT=FILE", earlier.format, o.format)
			case o.to.same(earlier.to):
				return usage("%s and %s would write the same file", earlier.option, o.option)
			}
		}
	}
	return nil
}

// spare refuses an output over a file that is read.
func spare(name string, read fs.FileInfo, outputs ...output) error {
	if read == nil || !read.Mode().IsRegular() {
		return nil
	}
	for _, o := range outputs {
		if o.to.holds(read) {
			return usage("%s would overwrite %s, which is read", o.option, name)
		}
	}
	return nil
}

// spare refuses an output over the state of an embedded sandbox, be it there already or not.
func (f sandboxFile) spare(outputs ...output) error {
	if !f.kept() {
		return nil
	}
	state, err := follow(string(f))
	if err != nil {
		return nil //nolint:nilerr // whoever opens it has the better message
	}
	for _, o := range outputs {
		if o.to.same(state) {
			return usage("%s would overwrite %s, which is read", o.option, f)
		}
	}
	return nil
}

// render writes a plan everywhere it is wanted.
func render(e *env, p *diff.Plan, proofs []diff.Proof, to []output) error {
	for _, o := range to {
		options := view.Options{}
		if o.to.stdout {
			options = e.stdoutView()
		}
		options.Proofs = proofs
		if err := e.write(o.to, func(w io.Writer) error { return view.RenderPlan(o.format, w, p, options) }); err != nil {
			return err
		}
	}
	return nil
}
