package cloud

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
)

// Settle finds out what became of creations whose run ended before their outcome was known. It looks until each is found, or
// has stayed absent for the settling time; a plan made before that could create them a second time, since reads lag behind
// writes (FACTS 11). What is found half made stays in the journal until its creation is complete. It gives a sentence for each,
// for the report.
func (b *Backend) Settle(ctx context.Context) ([]string, error) {
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
	found := false
	switch i.Kind {
	case "service":
		all, err := b.api.ListServices(ctx, b.organization())
		for _, s := range all {
			switch nonce := unfinished(s); {
			case nonce != "" && markOf(nonce) == i.Mark:
				return halfMade, err
			case nonce == "" && s.Name == i.Name: // finished, or made where there are no tags
				found = true
			}
		}
		return foundIf(found), err
	case "key":
		found, err = b.findKey(ctx, i)
		return foundIf(found), err
	case "invitation":
		invited, err := b.api.ListInvitations(ctx, b.organization())
		if err != nil {
			return "", err
		}
		return foundIf(slices.ContainsFunc(invited, func(v cloudapi.Invitation) bool { return strings.EqualFold(v.Email, i.Name) })), nil
	default:
		return "", fmt.Errorf("the journal names a %s, which this version does not know", i.Kind)
	}
}

func foundIf(found bool) string {
	if found {
		return journal.Found
	}
	return ""
}

// findKey also confirms the stored secret of a key that is found, which its own run could no longer do.
func (b *Backend) findKey(ctx context.Context, i journal.Intent) (bool, error) {
	all, err := b.api.ListKeys(ctx, b.organization())
	at := slices.IndexFunc(all, func(k cloudapi.APIKey) bool { return k.Name == i.Name && (k.KeySuffix == i.Mark || i.Mark == "") })
	if err == nil && at >= 0 && i.Mark == "" {
		return true, fmt.Errorf("key %s (%s) was made by an interrupted run and its secret was lost with the answer: delete it and apply again", i.Name, all[at].ID)
	}
	if err != nil || at < 0 || b.opts.Secrets == nil {
		return at >= 0, err
	}
	stored, err := b.stored(ctx, secrets.Key, i.Name, i.Mark)
	if err != nil {
		return true, err
	}
	for _, r := range stored {
		if r.Unconfirmed() {
			r.ID = all[at].ID
			return true, b.opts.Secrets.Confirm(ctx, r)
		}
	}
	return true, nil
}
