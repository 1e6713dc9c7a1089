package cloud

import (
	"context"
	"fmt"
	"slices"

	"github.com/orgctl/orgctl/pkg/apply/journal"
)

// Recover finds out what became of creations whose run ended before their outcome was known. It looks until each is found, or
// has stayed absent for the settling time; a plan made before that could create them a second time, since reads lag behind
// writes (FACTS 11). What is found half made stays in the journal until its creation is complete. It gives a sentence for each,
// for the report.
func (b *Backend) Recover(ctx context.Context) ([]string, error) {
	var notes []string
	pending := b.opts.Journal.Pending()
	if len(pending) == 0 {
		return nil, nil
	}
	end := func(number int, outcome string) error {
		intent := pending[number]
		if outcome != halfMade {
			if err := b.opts.Journal.End(number, outcome); err != nil {
				return err
			}
		}
		delete(pending, number)
		notes = append(notes, fmt.Sprintf("%s/%s, begun by an interrupted run, %s", intent.Kind, intent.Name, became[outcome]))
		return nil
	}
	_, proven, err := b.look(ctx, func(ctx context.Context) (bool, error) {
		for number, intent := range pending {
			outcome, err := b.findIntent(ctx, intent)
			if err != nil {
				return false, err
			}
			if outcome != "" {
				if err := end(number, outcome); err != nil {
					return false, err
				}
			}
		}
		return len(pending) == 0, nil
	})
	if len(pending) > 0 && !proven {
		return nil, fmt.Errorf("find out what an interrupted run has created: %w", err)
	}
	for number := range pending {
		if err := end(number, journal.Absent); err != nil {
			return nil, err
		}
	}
	slices.Sort(notes)
	return notes, nil
}

// halfMade is the outcome of an intent whose service is there and not complete.
const halfMade = "half made"

// became says of each outcome what that means.
var became = map[string]string{journal.Found: "was created", journal.Absent: "was not created", halfMade: "is half made"}

// findIntent gives the outcome of an intent as far as it shows, or "".
func (b *Backend) findIntent(ctx context.Context, i journal.Intent) (outcome string, err error) {
	k := bindingOf(i.Kind)
	if k == nil || k.find == nil {
		return "", fmt.Errorf("the journal names a %s, which this version does not know", i.Kind)
	}
	return k.find(ctx, b, i)
}

func foundIf(found bool) string {
	if found {
		return journal.Found
	}
	return ""
}
