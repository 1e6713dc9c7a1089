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
	ids := map[string]bool{}
	for _, k := range all {
		ids[k.ID] = true
		keys = append(keys, keyResource(k))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys = ids
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
	record := secrets.Record{Scope: b.opts.Journal.Scope(), Kind: secrets.Key, Name: request.Name, Mark: secret.KeyID().Reveal()[:8]}
	number, err := b.opts.Journal.Begin(journal.Intent{Kind: keyKind, Name: request.Name, Mark: record.Mark})
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
	record.ID = key.ID
	return errors.Join(b.opts.Secrets.Confirm(ctx, record), b.opts.Journal.End(number, journal.Done))
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

// fresh are the keys that were not live when they were last observed and may be of a name: those of the API that shows none may be
// of any.
func (b *Backend) fresh(all []locktera.APIKey, name string) []locktera.APIKey {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(all), func(k locktera.APIKey) bool {
		return b.keys[k.ID] || k.Name != "" && spec.CanonicalName(k.Name) != spec.CanonicalName(name)
	})
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
		return errors.New(lostSecret(name, ids(fresh)))
	default:
		return errors.Join(fmt.Errorf("was not created, looked for and not found; apply again: %s", lost.Error()),
			b.opts.Journal.End(number, journal.Absent))
	}
}

func lostSecret(name, id string) string {
	return fmt.Sprintf("key %s (%s) was made and its secret was lost with the answer: nobody can use it; "+
		"delete it (ensure: absent with its id, allowed by --allow-delete 'key/%s') and apply again", name, id, name)
}

// discard takes away a key whose secret is stored nowhere, even when the run is stopped.
func (b *Backend) discard(ctx context.Context, made locktera.CreatedKey, name string, number int) error {
	ctx = client.WithBegin(ctx, ctx)
	key, err := b.newKey(ctx, name, made.Is)
	if err == nil {
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

// Recover implements apply.Backend: it looks for the keys that interrupted runs were about to make. A secret that was stored is
// confirmed; a key whose secret was not is named on every run until it is gone.
func (b *Backend) Recover(ctx context.Context) ([]string, error) {
	pending := b.opts.Journal.Pending()
	if len(pending) == 0 {
		return nil, nil
	}
	var notes []string
	all, err := b.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("find out what an interrupted run has created: %w", err)
	}
	for number, intent := range pending {
		note, outcome, err := b.became(ctx, intent, all)
		if err != nil {
			return nil, err
		}
		if outcome != "" {
			err = b.opts.Journal.End(number, outcome)
		}
		notes = append(notes, note)
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(notes)
	return notes, nil
}

// became says what has become of an intent; no outcome leaves it open.
func (b *Backend) became(ctx context.Context, i journal.Intent, all []locktera.APIKey) (note, outcome string, err error) {
	named := slices.DeleteFunc(slices.Clone(all), func(k locktera.APIKey) bool { return spec.CanonicalName(k.Name) != spec.CanonicalName(i.Name) })
	stored, err := b.storedAnswer(ctx, i)
	switch {
	case err != nil:
		return "", "", err
	case stored == nil && len(named) > 0:
		return fmt.Sprintf("key/%s (%s) was made by an interrupted run, and no answer to its creation is stored that can be read here: "+
			"unless a sealed record %s.%s is there, nobody can use the key; then delete it (ensure: absent with its id, allowed by "+
			"--allow-delete 'key/%s') and apply again", i.Name, ids(named), i.Name, i.Mark, i.Name), "", nil
	case stored == nil:
		return fmt.Sprintf("key/%s, begun by an interrupted run, was not created", i.Name), journal.Absent, nil
	}
	made := locktera.CreatedKey{Answer: stored.Answer}
	at := slices.IndexFunc(all, made.Is)
	if at < 0 && len(named) == 1 {
		at = slices.IndexFunc(all, func(k locktera.APIKey) bool { return k.ID == named[0].ID })
	}
	if at < 0 {
		return fmt.Sprintf("key/%s, begun by an interrupted run, has a stored secret (%s) and cannot be told among the live keys", i.Name, i.Mark), journal.Found, nil
	}
	stored.ID = all[at].ID
	return fmt.Sprintf("key/%s, begun by an interrupted run, was created, and its secret is stored", i.Name), journal.Found, b.opts.Secrets.Confirm(ctx, *stored)
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
