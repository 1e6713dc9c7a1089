package apply

import (
	"context"
	"errors"
	"slices"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// Judge guards a plan for whoever is to apply it now, with all that its backend can tell of that, and gives what is known of the
// caller then. An error means that the plan must not be applied: among others, that it would meet a stored secret which cannot be
// trusted.
func Judge(ctx context.Context, b Backend, p *diff.Plan, live *spec.Live, who diff.Caller) (_ diff.Caller, err error) {
	who = Timed(b, p, who)
	if who.Begun, err = b.Begun(ctx, p); err != nil {
		return who, err
	}
	p.Guard(live, who)
	p.LeaveTagged()
	if err := b.CheckSecrets(ctx, p); err != nil {
		return who, errors.Join(err, errors.New("nothing was changed"))
	}
	// One request that plans need not make. A key that may not read quotas is no obstacle: then the API itself refuses what is too much.
	if slices.ContainsFunc(p.Changes, func(c diff.Change) bool {
		return c.Action == diff.Create && p.Definition().Kind(c.Address.Kind).Quota != ""
	}) {
		quotas, err := b.Quotas(ctx)
		if err != nil {
			return who, err
		}
		p.GuardQuotas(quotas)
	}
	return who, nil
}

// JudgeAgain guards a plan that was judged some time ago, during which keys may have come to their end.
func JudgeAgain(ctx context.Context, b Backend, p *diff.Plan, live *spec.Live, who diff.Caller) error {
	if err := b.AskTime(ctx); err != nil {
		return err
	}
	p.Guard(live, Timed(b, p, who))
	return nil
}

// Timed completes what is known of who applies a plan by when that is: from now, by the API's clock, to when it must have ended.
func Timed(b Backend, p *diff.Plan, who diff.Caller) diff.Caller {
	if who.Now = b.ServerTime(); !who.Now.IsZero() {
		who.Over = who.Now.Add(b.Longest(p))
	}
	return who
}
