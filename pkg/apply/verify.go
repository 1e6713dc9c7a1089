package apply

import (
	"context"
	"slices"
	"time"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// Verify completes a report: it observes and plans again, through replan, and says what is left. The API is eventually
// consistent, so while everything was applied and something still differs, it looks again until settle ticks have passed.
func Verify(ctx context.Context, report *Report, applied *diff.Plan, replan func(context.Context) (*diff.Plan, error), opts Options) {
	deadline := time.Now().Add(time.Duration(opts.Settle) * opts.Tick)
	allApplied := report.Count(Applied) == len(report.Results)
	for backoff := opts.Tick; ; backoff = min(2*backoff, maxBackoff*opts.Tick) {
		remaining, err := replan(ctx)
		if err != nil {
			report.Error = err.Error()
			return
		}
		remaining.Keep(withoutResets(remaining.Changes, applied))
		if allApplied && remaining.Converged() {
			report.Converged = true
			return
		}
		report.Remaining = remaining
		if !allApplied || foreseen(remaining, applied) || time.Now().Add(backoff).After(deadline) {
			return
		}
		select {
		case <-time.After(backoff):
		case <-opts.Stop:
			report.Error = "stopped before the API had shown everything"
			return
		case <-ctx.Done():
			report.Error = ctx.Err().Error()
			return
		}
	}
}

// foreseen reports that what is left was left on purpose: nothing is to be applied, and whatever else there is to say was said of
// the applied plan already. Time does not heal that.
func foreseen(remaining, applied *diff.Plan) bool {
	return remaining.Empty() && remaining.Summary.Drift <= applied.Summary.Drift &&
		!slices.ContainsFunc(remaining.Findings, func(f diff.Finding) bool {
			return !slices.ContainsFunc(applied.Findings, func(g diff.Finding) bool { return f.Code == g.Code && f.Address == g.Address })
		})
}

// withoutResets drops resets that were just applied: the value that the server reports after one is its default, whatever
// the documentation says.
func withoutResets(remaining []diff.Change, applied *diff.Plan) []diff.Change {
	reset := map[spec.Address][]string{}
	for _, c := range applied.Changes {
		for _, f := range c.Fields {
			if f.Reset {
				reset[c.Address] = append(reset[c.Address], f.Path)
			}
		}
		for path := range nulls(applied.Definition(), c) {
			reset[c.Address] = append(reset[c.Address], path)
		}
	}
	return slices.DeleteFunc(remaining, func(c diff.Change) bool {
		c.Fields = slices.DeleteFunc(slices.Clone(c.Fields), func(f diff.FieldChange) bool {
			return f.Reset && slices.Contains(reset[c.Address], f.Path)
		})
		return c.Action == diff.Update && len(c.Fields) == 0
	})
}

// nulls are the fields that a creation resets.
func nulls(api *spec.API, c diff.Change) map[string]bool {
	out := map[string]bool{}
	for _, f := range api.Kind(c.Address.Kind).FieldsOf(c.After) {
		if v, ok := spec.Get(c.After, f.Path); ok && v == nil {
			out[f.Path] = true
		}
	}
	return out
}
