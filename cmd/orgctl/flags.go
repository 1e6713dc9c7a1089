package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// manifestFlags say which desired state is meant.
func manifestFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "file", Aliases: []string{"f"}, Usage: "manifest `PATH`: a file, a directory, or - for standard input (repeatable)"},
		&cli.StringFlag{Name: "org", Usage: "`NAME` of the organization to take when the manifests hold several (metadata.name)"},
	}
}

type manifestOptions struct {
	paths        []string
	organization string // metadata.name, or "" for the only one
}

func newManifestOptions(c *cli.Context) manifestOptions {
	return manifestOptions{paths: c.StringSlice("file"), organization: c.String("org")}
}

// connectionFlags say which API is meant and how it is spoken to.
func connectionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "sandbox", Usage: "use the embedded simulator with its state in `FILE` (\":memory:\" keeps none) instead of the API"},
		&cli.StringFlag{Name: "rate", Usage: "requests that the API allows, as `N/DURATION` (ORGCTL_RATE; default 10/10s)"},
		&cli.BoolFlag{Name: "debug", Usage: "log every request to standard error, secrets redacted"},
	}
}

type connectionOptions struct {
	sandbox sandboxFile
	rate    *client.Rate // nil for what the environment says, or the API's own
	debug   bool
	given   []string // every flag that was typed, for what an API has no use for
}

func newConnectionOptions(c *cli.Context) (connectionOptions, error) {
	o := connectionOptions{sandbox: sandboxFile(c.String("sandbox")), debug: c.Bool("debug"), given: c.LocalFlagNames()}
	if text := c.String("rate"); text != "" {
		rate, err := client.ParseRate(text)
		if err != nil {
			return o, usage("--rate: %w", err)
		}
		o.rate = &rate
	}
	return o, nil
}

// within bounds what a command reads by --timeout: its context ends then. Nothing was changed by that time.
func within(ctx context.Context, limit time.Duration, action func(context.Context) error) error {
	if limit <= 0 {
		return action(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := action(ctx)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		return fmt.Errorf("gave up after --timeout %s; nothing was changed: %w", limit, err)
	}
	return err
}

func timeoutFlag(usage string) cli.Flag { return &cli.DurationFlag{Name: "timeout", Usage: usage} }

// readingTimeout is --timeout of a command that changes nothing.
func readingTimeout() cli.Flag { return timeoutFlag("give up after this `DURATION`") }

// formatFlag is -o of a command that prints one thing, as text or as JSON.
func formatFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`text|json` the form of what is printed", Value: "text"}
}

type formatOptions struct{ format string }

func newFormatOptions(c *cli.Context) (formatOptions, error) {
	format := c.String("output")
	if format != "text" && format != "json" {
		return formatOptions{}, usage("unknown output format %q: it is text or json", format)
	}
	return formatOptions{format}, nil
}

// selectionFlags narrow a plan.
func selectionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "only", Usage: "plan only what matches `KIND/GLOB` (repeatable)"},
		&cli.StringSliceFlag{Name: "except", Usage: "leave out what matches `KIND/GLOB` (repeatable)"},
	}
}

func callerFlag() cli.Flag {
	return &cli.StringFlag{Name: "caller-ip", Usage: "the `ADDRESS` that the API sees these calls come from, to prove that it stays allowed"}
}

// newCallerOptions is what this run can say of itself to the guards.
func newCallerOptions(c *cli.Context) (diff.Caller, error) {
	text := c.String("caller-ip")
	if text == "" {
		return diff.Caller{}, nil
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return diff.Caller{}, usage("--caller-ip: %w", err)
	}
	return diff.Caller{IP: ip}, nil
}

func newSelectionOptions(c *cli.Context) (diff.Selection, error) {
	only, err := selectors(c.StringSlice("only"))
	if err != nil {
		return diff.Selection{}, err
	}
	except, err := selectors(c.StringSlice("except"))
	return diff.Selection{Only: only, Except: except}, err
}

func selectors(patterns []string) ([]string, error) {
	out := make([]string, 0, len(patterns))
	for _, p := range patterns {
		s, err := diff.ParseSelector(p)
		if err != nil {
			return nil, usage("%w", err)
		}
		out = append(out, s)
	}
	return out, nil
}

// load reads, validates and merges the manifests and picks the one organization that is meant. All problems of all files are
// printed before anything is sent. An output over one of the files is refused.
func load(e *env, o manifestOptions, to ...output) (*spec.Organization, error) {
	organizations, err := loadAll(e, o.paths, to)
	if err != nil {
		return nil, err
	}
	// The nodes of the YAML reader, two thirds of what loading holds, are garbage now. Left to itself, the collector would not look
	// before as much again has been allocated.
	runtime.GC()
	name := o.organization
	for _, organization := range organizations {
		if organization.Name == name || name == "" && len(organizations) == 1 {
			return organization, nil
		}
	}
	if name == "" {
		return nil, usage("the manifests hold %d organizations (%s): choose one with --org NAME", len(organizations), handles(organizations))
	}
	return nil, usage("the manifests hold no organization %q, only %s", name, handles(organizations))
}
