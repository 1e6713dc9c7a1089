// Package view owns every byte that orgctl prints. A view is given a Plan, Events, a Report or Diagnostics, and renders it:
// it computes no difference, asks no API and decides no exit code.
//
// Names, descriptions and messages come from manifests and from other people's consoles. No view prints them as they are:
// see visible and emit.
package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/orgctl/orgctl/pkg/diff"
)

// Options are what the surroundings allow a view to do. The zero value suits a file or a pipe.
type Options struct {
	// Color marks additions green, updates yellow and deletions red. The signs + ~ - say the same without it.
	Color bool
	// Width is the number of columns of the terminal, at which prose is wrapped; 0 means that there is none and wraps nothing.
	Width int
	// Limit is the most bytes that a Markdown document may have; 0 means DefaultLimit, anything below MinLimit means MinLimit.
	Limit int
	// Proofs are what the plan leaves true, said above its summary.
	Proofs []diff.Proof
}

// planFormat is one way to write a plan.
type planFormat struct {
	name   string
	render func(io.Writer, *diff.Plan, Options) error
}

// planFormats are the formats of plan and drift. A new one is a file of its own and a line here.
var planFormats = []planFormat{
	{"text", Plan},
	{"json", func(w io.Writer, p *diff.Plan, _ Options) error { return PlanJSON(w, p) }},
	{"markdown", Markdown},
}

// Formats names the plan formats, the default one first.
func Formats() []string {
	names := make([]string, len(planFormats))
	for i, f := range planFormats {
		names[i] = f.name
	}
	return names
}

// RenderPlan writes a plan in the named format. An unknown name is an error that lists the known ones, and writes nothing.
func RenderPlan(format string, w io.Writer, p *diff.Plan, o Options) error {
	for _, f := range planFormats {
		if f.name == format {
			return f.render(w, p, o)
		}
	}
	return fmt.Errorf("unknown output format %q: it is one of %s", format, strings.Join(Formats(), ", "))
}
