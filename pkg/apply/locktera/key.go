package locktera

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/locktera"
	"github.com/orgctl/orgctl/pkg/client/secret"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

const (
	keyKind       = "key"
	keyCollection = "keys"
)

// observeKeys lists the keys. refused is why they may not be read, where nothing needs them.
func (b *Backend) observeKeys(ctx context.Context, needed bool) (keys []spec.Resource, refused string, err error) {
	all, err := b.list(ctx)
	if reason := refusal(err); reason != "" {
		if needed {
			return nil, "", fmt.Errorf("%w: observe API keys: %w", apply.ErrPermission, err)
		}
		return nil, reason, nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("observe API keys: %w", err)
	}
	for _, k := range all {
		keys = append(keys, keyResource(k))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known = all
	return keys, "", nil
}

// list gives the keys, each of which can be told from the others.
func (b *Backend) list(ctx context.Context) ([]locktera.APIKey, error) {
	all, err := b.api.ListKeys(ctx, b.opts.OrganizationID)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(k locktera.APIKey) bool { return k.ID == "" }); i >= 0 {
		return nil, fmt.Errorf("entry %d of %d API keys has neither id nor key_id", i+1, len(all))
	}
	return all, nil
}

// keyResource is a key as trees have it. One of which the API shows no name goes by its id.
func keyResource(k locktera.APIKey) spec.Resource {
	r := spec.Resource{Address: spec.Address{Kind: keyKind, Name: k.ID}, ID: k.ID, Spec: spec.Tree{}, Status: spec.Tree{}}
	if k.Name == "" {
		r.Status[spec.StatusNameless] = "the API shows no name of it"
	} else {
		r.Address.Name = spec.CanonicalName(k.Name)
		r.Spec["name"] = k.Name
	}
	if k.Permissions != nil {
		permissions := make([]any, len(k.Permissions))
		for i, p := range k.Permissions {
			permissions[i] = p
		}
		r.Spec["permissions"] = permissions
	}
	return r
}

func keySteps(b *Backend, c diff.Change) ([]apply.Step, error) {
	switch c.Action {
	case diff.Create:
		return []apply.Step{{Title: "create key", Do: func(ctx context.Context) error { return b.createKey(ctx, c) }}}, nil
	case diff.Delete:
		return []apply.Step{{Title: "delete key", Do: func(ctx context.Context) error { return b.deleteKey(ctx, c.ID) }}}, nil
	default:
		return nil, fmt.Errorf("%s: a key cannot be changed", c.Address)
	}
}

// createKey has the API make a key and stores its answer, all of which is secret, before anything else happens. The API takes no
// secret of ours, so that one whose answer is lost opens for nobody; and it is never asked twice, since each time makes a key.
func (b *Backend) createKey(ctx context.Context, c diff.Change) error {
	if b.opts.Secrets == nil {
		return errors.New("no place to store its secret")
	}
	request := locktera.KeyCreate{Name: c.Address.Name}
	permissions, _ := c.After["permissions"].([]any)
	for _, p := range permissions {
		text, _ := p.(string)
		request.Permissions = append(request.Permissions, text)
	}
	b.creating <- struct{}{}
	defer func() { <-b.creating }()
	record := secrets.Record{Scope: b.opts.Journal.Scope(), Kind: secrets.Key, Name: request.Name, Mark: secret.KeyID().Reveal()[:8]}
	number, err := b.begin(journal.Intent{Kind: keyKind, Name: request.Name, Mark: record.Mark})
	if err != nil {
		return err
	}
	made, err := b.api.CreateKey(ctx, b.opts.OrganizationID, request)
	switch {
	case client.Ambiguous(err):
		return b.lostKey(ctx, request.Name, number, err)
	case err != nil:
		return errors.Join(err, b.opts.Journal.End(number, journal.Failed))
	}
	record.Answer = made.Answer
	if record, err = b.opts.Secrets.Store(ctx, record); err != nil {
		return errors.Join(fmt.Errorf("store the secret of the new key: %w", err), b.discard(ctx, made, request.Name, number))
	}
	key, err := b.newKey(ctx, request.Name, made.Is)
	if err != nil {
		return fmt.Errorf("the key was made and its secret is stored; which key it is could not be read: %w", err)
	}
	b.knows(key)
	record.ID = key.ID
	return errors.Join(b.opts.Secrets.Confirm(ctx, record), b.opts.Journal.End(number, journal.Done))
}

// begin notes a creation. What earlier ones of the name have left is gone, or it would not have been planned.
func (b *Backend) begin(i journal.Intent) (number int, err error) {
	for earlier, p := range b.opts.Journal.Pending() {
		if p.Kind == i.Kind && p.Name == i.Name {
			if err := b.opts.Journal.End(earlier, journal.Absent); err != nil {
				return 0, err
			}
		}
	}
	b.mu.Lock()
	for _, k := range b.known {
		if k.Name == "" {
			i.Before = append(i.Before, k.ID)
		}
	}
	b.mu.Unlock()
	return b.opts.Journal.Begin(i)
}

func (b *Backend) knows(k locktera.APIKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known = append(slices.Clone(b.known), k)
}

// newKey finds a key that was not live before this run: the one that is, by the answer to its creation, or else the only new one
// of its name.
func (b *Backend) newKey(ctx context.Context, name string, is func(locktera.APIKey) bool) (found locktera.APIKey, err error) {
	var fresh []locktera.APIKey
	there, err := b.settled(ctx, func(ctx context.Context) (bool, error) {
		all, err := b.list(ctx)
		if err != nil {
			return false, err
		}
		if i := slices.IndexFunc(all, is); i >= 0 {
			found = all[i]
			return true, nil
		}
		fresh = b.fresh(all, name)
		return len(fresh) > 0, nil
	})
	switch {
	case err != nil || !there:
		return found, errors.Join(errors.New("no new key of this name is listed"), err)
	case found.ID != "":
		return found, nil
	case len(fresh) > 1:
		return found, fmt.Errorf("several new keys of this name are listed (%s): another run may have made one", ids(fresh))
	default:
		return fresh[0], nil
	}
}

// fresh are the keys that were not there before and may be of a name: those of which the API shows none may be of any.
func (b *Backend) fresh(all []locktera.APIKey, name string) []locktera.APIKey {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(all), func(k locktera.APIKey) bool { return hasID(b.known, k.ID) || !mayBe(k, name) })
}

func hasID(keys []locktera.APIKey, id string) bool {
	return slices.ContainsFunc(keys, func(k locktera.APIKey) bool { return k.ID == id })
}

func mayBe(k locktera.APIKey, name string) bool {
	return k.Name == "" || spec.CanonicalName(k.Name) == spec.CanonicalName(name)
}

func ids(keys []locktera.APIKey) string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.ID
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// lostKey says what has become of a creation without an answer. A key that was made all the same is of no use to anybody: its
// secret went with the answer. It is not taken away here, since nothing proves that it is ours.
func (b *Backend) lostKey(ctx context.Context, name string, number int, lost error) error {
	apply.Trouble(ctx, client.Cause(lost), "looking whether it was created")
	var fresh []locktera.APIKey
	_, err := b.settled(ctx, func(ctx context.Context) (bool, error) {
		all, err := b.list(ctx)
		fresh = b.fresh(all, name)
		return err == nil && len(fresh) > 0, err
	})
	switch {
	case err != nil:
		return fmt.Errorf("whether the key was created could not be learned: %w", errors.Join(lost, err))
	case len(fresh) > 0: // the journal keeps it in mind until it is gone
		return errors.New(lostSecret(name, fresh))
	default:
		return errors.Join(fmt.Errorf("was not created, looked for and not found; apply again: %s", lost.Error()),
			b.opts.Journal.End(number, journal.Absent))
	}
}

// lostSecret says what to do about a key that was made and whose secret is nowhere.
func lostSecret(name string, fresh []locktera.APIKey) string {
	what := fmt.Sprintf("key %s (%s) was made and its secret was lost with the answer", name, ids(fresh))
	if len(fresh) > 1 {
		what = fmt.Sprintf("key %s was made and its secret was lost with the answer; it is one of those that are new (%s)", name, ids(fresh))
	}
	return what + ": nobody can use it; " + deleteIt(name)
}

func deleteIt(name string) string {
	return fmt.Sprintf("delete it (ensure: absent with its id, allowed by --allow-delete 'key/%s') and apply again", name)
}

// discard takes away a key whose secret is stored nowhere, even when the run is stopped. Nothing but the answer proves that a key is
// ours: one that it has no id of is left, and kept in mind.
func (b *Backend) discard(ctx context.Context, made locktera.CreatedKey, name string, number int) error {
	ctx = client.WithBegin(ctx, ctx)
	key, err := b.newKey(ctx, name, made.Is)
	switch {
	case err == nil && !made.Is(key):
		return fmt.Errorf("which key it is does not follow from the answer, so that none is taken away: %s (%s) may be it, and then nobody can use it; %s",
			name, key.ID, deleteIt(name))
	case err == nil:
		err = b.deleteKey(ctx, key.ID)
	}
	if err != nil {
		return fmt.Errorf("the key, which nobody can use, could not be taken away: %w", err)
	}
	return b.opts.Journal.End(number, journal.Failed)
}

// deleteKey deletes a key, and looks for it before it is asked for again.
func (b *Backend) deleteKey(ctx context.Context, id string) error {
	const tries = 4
	for try := 1; ; try++ {
		err := b.api.DeleteKey(ctx, b.opts.OrganizationID, id)
		if err == nil || errors.Is(err, client.ErrNotFound) {
			return nil
		}
		if !client.Ambiguous(err) {
			return err
		}
		apply.Trouble(ctx, client.Cause(err), "looking whether it is gone")
		all, lookErr := b.list(ctx)
		switch {
		case lookErr != nil:
			return errors.Join(err, lookErr)
		case !slices.ContainsFunc(all, func(k locktera.APIKey) bool { return k.ID == id }):
			return nil
		case try == tries:
			return err
		}
		if err := apply.Sleep(ctx, b.opts.Tick); err != nil {
			return err
		}
	}
}

// Recover implements apply.Backend: it looks for the keys that interrupted runs were about to make, as long as a list may take to show
// them. A secret that was stored is confirmed; a key whose secret was not is named on every run until it is gone.
func (b *Backend) Recover(ctx context.Context) ([]string, error) {
	pending := b.opts.Journal.Pending()
	if len(pending) == 0 {
		return nil, nil
	}
	var all []locktera.APIKey
	_, err := b.settled(ctx, func(ctx context.Context) (found bool, err error) {
		if all, err = b.list(ctx); err != nil {
			return false, err
		}
		for _, intent := range pending {
			if len(b.candidates(ctx, intent, all)) == 0 {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("find out what an interrupted run has created: %w", err)
	}
	var notes []string
	for number, intent := range pending {
		note, outcome, err := b.became(ctx, intent, all)
		if err == nil && outcome != "" {
			err = b.opts.Journal.End(number, outcome)
		}
		if err != nil {
			return nil, err
		}
		notes = append(notes, note)
	}
	slices.Sort(notes)
	return notes, nil
}

// candidates are the live keys that may be what an intent has made: of its name, or of none and not there before, and not known to be
// another one.
func (b *Backend) candidates(ctx context.Context, i journal.Intent, all []locktera.APIKey) []locktera.APIKey {
	return slices.DeleteFunc(slices.Clone(all), func(k locktera.APIKey) bool {
		return !mayBe(k, i.Name) || slices.Contains(i.Before, k.ID) ||
			b.opts.Secrets != nil && len(b.opts.Secrets.InForce(ctx, b.opts.Journal.Scope(), secrets.Key, k.ID)) > 0
	})
}

// became says what has become of an intent; no outcome leaves it open.
func (b *Backend) became(ctx context.Context, i journal.Intent, all []locktera.APIKey) (note, outcome string, err error) {
	stored, err := b.storedAnswer(ctx, i)
	if err != nil {
		return "", "", err
	}
	begun := fmt.Sprintf("key/%s, begun by an interrupted run, ", i.Name)
	candidates := b.candidates(ctx, i, all)
	switch {
	case stored == nil && len(candidates) == 0:
		return begun + "was not created", journal.Absent, nil
	case stored == nil:
		which := "is there (" + ids(candidates) + ")"
		if len(candidates) > 1 || candidates[0].Name == "" {
			which = "may be one of those that are new (" + ids(candidates) + ")"
		}
		return fmt.Sprintf("%s%s, and no answer to its creation is stored that can be read here: unless a sealed record %s.%s is there, nobody can use it; then %s",
			begun, which, i.Name, i.Mark, deleteIt(i.Name)), "", nil
	}
	made := locktera.CreatedKey{Answer: stored.Answer}
	if at := slices.IndexFunc(candidates, made.Is); at >= 0 {
		candidates = candidates[at : at+1]
	}
	if len(candidates) != 1 {
		return fmt.Sprintf("%shas a stored secret (%s) and cannot be told among the live keys", begun, i.Mark), journal.Found, nil
	}
	stored.ID = candidates[0].ID
	return begun + "was created, and its secret is stored", journal.Found, b.opts.Secrets.Confirm(ctx, *stored)
}

// storedAnswer is the secret that was stored for an intent and not confirmed, nil where there is none that can be read.
func (b *Backend) storedAnswer(ctx context.Context, i journal.Intent) (*secrets.Record, error) {
	if b.opts.Secrets == nil {
		return nil, nil
	}
	stored, err := b.opts.Secrets.Find(ctx, secrets.Query{Scope: b.opts.Journal.Scope(), Kind: secrets.Key, Name: i.Name, Mark: i.Mark})
	if err != nil {
		return nil, err
	}
	for _, r := range stored {
		if !r.Answer.Empty() && r.Unconfirmed() {
			return &r, nil
		}
	}
	return nil, nil
}
