package locktera

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
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

// list gives the keys, each of which can be told from the others, and each once.
func (b *Backend) list(ctx context.Context) ([]locktera.APIKey, error) {
	all, err := b.api.ListKeys(ctx, b.opts.OrganizationID)
	if err != nil {
		return nil, err
	}
	var keys []locktera.APIKey
	for i, k := range all {
		switch {
		case k.ID == "":
			return nil, fmt.Errorf("entry %d of %d API keys has neither id nor key_id", i+1, len(all))
		case !hasID(keys, k.ID):
			keys = append(keys, k)
		}
	}
	return keys, nil
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
	if err := b.noneLeft(ctx, request.Name); err != nil {
		return err
	}
	record := secrets.Record{Scope: b.opts.Journal.Scope(), Kind: secrets.Key, Name: request.Name, Mark: secret.KeyID().Reveal()[:8]}
	intent := journal.Intent{Kind: keyKind, Name: request.Name, Mark: record.Mark}
	number, err := b.begin(&intent)
	if err != nil {
		return err
	}
	made, err := b.api.CreateKey(ctx, b.opts.OrganizationID, request)
	err = wordless(err)
	ctx = finish(ctx)
	switch {
	case err != nil && nothingMade(err):
		return also(err, b.opts.Journal.End(number, journal.Failed))
	case err != nil:
		return b.lostKey(ctx, request.Name, number, err)
	}
	record.Answer = made.Answer
	if record, err = b.opts.Secrets.Store(ctx, record); err != nil {
		return also(fmt.Errorf("store the secret of the new key: %w", err), b.discard(ctx, made, intent, number))
	}
	if !made.HasSecret() {
		b.remark("key/%s: the answer that is stored (%s.%s) shows no field that could be the secret besides the documented ones", record.Name, record.Name, record.Mark)
	}
	key, err := b.newKey(ctx, request.Name, made)
	if err != nil {
		intent.Made = true
		return unknown{also(fmt.Errorf("the key was made and its secret is stored; which key it is could not be read: %w", err), b.opts.Journal.Amend(number, intent))}
	}
	b.knows(key)
	record.ID = key.ID
	return also(b.opts.Secrets.Confirm(ctx, record), b.opts.Journal.End(number, journal.Done))
}

// finish is the context of what follows a write: it goes on when the run is told to begin nothing more.
func finish(ctx context.Context) context.Context {
	ctx = apply.Finish(ctx)
	return client.WithBegin(ctx, ctx)
}

// unknown is an error that leaves open what a write has done.
type unknown struct{ error }

// Ambiguous tells it from refusals.
func (unknown) Ambiguous() bool { return true }

func (u unknown) Unwrap() error { return u.error }

// also is an error with another one, in one line, if there is any.
func also(err, other error) error {
	if err == nil || other == nil {
		return errors.Join(err, other)
	}
	return fmt.Errorf("%w; %w", err, other)
}

// wordless leaves out the words of an answer to a creation, even of a refusal: they may hold the secret.
func wordless(err error) error {
	if answer, ok := errors.AsType[*client.Error](err); ok {
		return &client.Error{Method: answer.Method, Path: answer.Path, Status: answer.Status}
	}
	return err
}

// nothingMade reports whether it follows from an error of a creation that no key was made: it was not sent, or refused in words that
// leave no doubt.
func nothingMade(err error) bool {
	var odd *client.ReplyError
	if client.Ambiguous(err) || errors.As(err, &odd) {
		return false
	}
	refused, answered := errors.AsType[*client.Error](err)
	return !answered || slices.Contains(refusals, refused.Status)
}

var refusals = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
	http.StatusConflict, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
}

// noneLeft refuses to make a key of a name of which an earlier run may have made one: stored an answer, and not seen which key it is
// of; or sent a creation of which it knows no more.
func (b *Backend) noneLeft(ctx context.Context, name string) error {
	stored, err := b.opts.Secrets.Find(ctx, secrets.Query{Scope: b.opts.Journal.Scope(), Kind: secrets.Key, Name: name})
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(stored, ofNoKey); i >= 0 {
		return fmt.Errorf("a key of this name %s; none is made meanwhile", notListed(name, stored[i].Mark))
	}
	pending := b.opts.Journal.Pending()
	maps.DeleteFunc(pending, func(_ int, i journal.Intent) bool { return i.Kind != keyKind || i.Name != name })
	all, err := b.look(ctx, pending)
	if err != nil {
		return fmt.Errorf("whether an earlier run has made it could not be learned: %w", err)
	}
	for number, earlier := range all {
		switch {
		case len(earlier.keys) > 0:
			return fmt.Errorf("an earlier run may have made it (%s): run again", ids(earlier.keys))
		case earlier.Made:
			return fmt.Errorf("a key of this name %s; none is made meanwhile", notReadable(earlier.Intent))
		}
		if err := b.opts.Journal.End(number, journal.Absent); err != nil {
			return err
		}
	}
	return nil
}

// notListed says what to do about a key that was made, and that no list shows.
func notListed(name, mark string) string {
	return fmt.Sprintf("was made by an earlier run and is not listed yet; its secret is stored in %s.%s: run again later, or, if it is certain that the key is gone, remove that record",
		name, mark)
}

// notReadable says the same where no answer is stored that can be read.
func notReadable(i journal.Intent) string {
	return fmt.Sprintf("was made by an earlier run and is not listed yet; unless a sealed record %s.%s is there, nobody can use it: run again later, or, if it is certain that the key is gone, with another --journal",
		i.Name, i.Mark)
}

// begin notes a creation.
func (b *Backend) begin(i *journal.Intent) (number int, err error) {
	b.mu.Lock()
	for _, k := range b.known {
		if k.Name == "" {
			i.Before = append(i.Before, k.ID)
		}
	}
	b.mu.Unlock()
	return b.opts.Journal.Begin(*i)
}

func (b *Backend) knows(k locktera.APIKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known = append(slices.Clone(b.known), k)
}

// newKey finds the key that an answer is of: the one that it names, or else the only new one of its name. Where the answer has an id,
// that is looked for as long as a list may take to show it, and another key is taken only if that id may be the secret.
func (b *Backend) newKey(ctx context.Context, name string, made locktera.CreatedKey) (found locktera.APIKey, err error) {
	var fresh []locktera.APIKey
	there, err := b.settled(ctx, func(ctx context.Context) (bool, error) {
		all, err := b.list(ctx)
		if err != nil {
			return false, err
		}
		if i := slices.IndexFunc(all, made.Is); i >= 0 {
			found = all[i]
			return true, nil
		}
		fresh = b.fresh(all, name)
		return len(fresh) > 0 && !made.HasID(), nil
	})
	switch {
	case found.ID != "":
		return found, nil
	case err != nil:
		return found, fmt.Errorf("no new key of this name is listed; %w", err)
	case !there && names(made):
		return found, errors.New("no key is listed that has the id of the answer")
	case len(fresh) == 0:
		return found, errors.New("no new key of this name is listed")
	case len(fresh) > 1:
		return found, fmt.Errorf("several new keys of this name are listed (%s): another run may have made one", ids(fresh))
	default:
		return fresh[0], nil
	}
}

// names reports whether an answer says by its id which key it is of: in one with nothing else that may be the secret, the id may be.
func names(made locktera.CreatedKey) bool { return made.HasID() && made.HasSecret() }

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
		return unknown{fmt.Errorf("whether the key was created could not be learned: %w", also(lost, err))}
	case len(fresh) > 0: // the journal keeps it in mind until it is gone
		return errors.New(lostSecret(name, fresh))
	default:
		return also(fmt.Errorf("was not created, looked for and not found; apply again: %s", lost.Error()),
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
// ours: one that it has no id of is left, and kept in mind, and so is one that does not go.
func (b *Backend) discard(ctx context.Context, made locktera.CreatedKey, intent journal.Intent, number int) error {
	name := intent.Name
	key, err := b.newKey(ctx, name, made)
	switch {
	case err != nil:
		intent.Made = true
		return also(fmt.Errorf("the key, which nobody can use, could not be taken away: %w", err), b.opts.Journal.Amend(number, intent))
	case !made.Is(key):
		return fmt.Errorf("which key it is does not follow from the answer, so that none is taken away: %s (%s) may be it, and then nobody can use it; %s",
			name, key.ID, deleteIt(name))
	}
	if err := b.deleteKey(ctx, key.ID); err != nil {
		return fmt.Errorf("the key (%s), which nobody can use, could not be taken away: %w; %s", key.ID, err, deleteIt(name))
	}
	return b.opts.Journal.End(number, journal.Failed)
}

// deleteKey deletes a key, and believes that it is gone when no list shows it any more. Without an answer it looks before it asks
// again.
func (b *Backend) deleteKey(ctx context.Context, id string) error {
	const tries = 4
	var last error
	for try := 1; ; try++ {
		err := b.api.DeleteKey(ctx, b.opts.OrganizationID, id)
		switch {
		case err == nil, errors.Is(err, client.ErrNotFound):
			return b.awaitGone(ctx, id, err)
		case last != nil && errors.Is(err, client.ErrStopped):
			return last // this sending did not happen, the one before may have
		case !client.Ambiguous(err):
			return err
		}
		apply.Trouble(ctx, client.Cause(err), "looking whether it is gone")
		all, lookErr := b.list(finish(ctx))
		switch {
		case lookErr != nil:
			return also(err, lookErr)
		case !hasID(all, id):
			return b.forget(id)
		case try == tries:
			return err
		}
		last = err
		if apply.Sleep(ctx, b.opts.Tick) != nil {
			return err
		}
	}
}

// awaitGone looks until a key is listed no more. refused is what the API has answered to its deletion, if not that all is well.
func (b *Backend) awaitGone(ctx context.Context, id string, refused error) error {
	gone, err := b.settled(finish(ctx), func(ctx context.Context) (bool, error) {
		all, err := b.list(ctx)
		return err == nil && !hasID(all, id), err
	})
	switch {
	case gone:
		return b.forget(id)
	case err != nil:
		return unknown{fmt.Errorf("whether the key is gone could not be learned: %w", err)}
	case refused != nil:
		return fmt.Errorf("the API says that there is no such key, and still lists it (%s): the key in use may have no right to delete it; %w", id, refused)
	default:
		return fmt.Errorf("the API accepted the deletion and still lists the key (%s)", id)
	}
}

// begun is a creation whose outcome is open.
type begun struct {
	journal.Intent
	stored *secrets.Record   // its answer, nil where none is stored that can be read
	keys   []locktera.APIKey // the live ones that may be it
}

// look finds what creations have made. It looks until there is something of each, or as long as a list may take to show it: only then
// is the absence of a key a fact.
func (b *Backend) look(ctx context.Context, pending map[int]journal.Intent) (map[int]*begun, error) {
	all := map[int]*begun{}
	for number, intent := range pending {
		stored, err := b.storedAnswer(ctx, intent)
		if err != nil {
			return nil, err
		}
		all[number] = &begun{Intent: intent, stored: stored}
	}
	if len(all) == 0 {
		return nil, nil
	}
	_, err := b.settled(ctx, func(ctx context.Context) (bool, error) {
		live, err := b.list(ctx)
		if err != nil {
			return false, err
		}
		found := true
		for _, one := range all {
			found = b.find(ctx, one, live) && found
		}
		return found, nil
	})
	return all, err
}

// find notes which of the live keys a creation may have made, and reports whether looking again cannot tell more.
func (b *Backend) find(ctx context.Context, one *begun, live []locktera.APIKey) bool {
	one.keys = b.candidates(ctx, one.Intent, live)
	if one.stored == nil {
		return len(one.keys) > 0
	}
	made := locktera.CreatedKey{Answer: one.stored.Answer}
	if i := slices.IndexFunc(live, made.Is); i >= 0 {
		one.keys = live[i : i+1]
		return true
	}
	if names(made) {
		one.keys = nil
	}
	return len(one.keys) > 0 && !made.HasID()
}

// Recover implements apply.Backend: it looks for the keys that interrupted runs were about to make, as long as a list may take to show
// them. A secret that was stored is confirmed; a key whose secret was not, and one that is not listed, is named on every run until that
// has changed.
func (b *Backend) Recover(ctx context.Context) ([]string, error) {
	all, err := b.look(ctx, b.opts.Journal.Pending())
	if err != nil {
		return nil, fmt.Errorf("find out what an interrupted run has created: %w", err)
	}
	var notes []string
	for number, one := range all {
		if one.Made && len(one.keys) > 0 { // from now on its absence says that it is gone
			one.Made = false
			if err := b.opts.Journal.Amend(number, one.Intent); err != nil {
				return nil, err
			}
		}
		note, outcome, err := b.became(ctx, one)
		switch {
		case err != nil:
			return nil, err
		case outcome == "":
			b.leave(number, one, note)
		default:
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

// leftover is what an earlier run has left, and what there is to say about it.
type leftover struct {
	note string
	ids  []string // of the keys that may be it and that nobody can use
}

func (b *Backend) leave(number int, one *begun, note string) {
	left := leftover{note: note}
	if one.stored == nil {
		for _, k := range one.keys {
			left.ids = append(left.ids, k.ID)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left[number] = left
}

// forget notes that a key is gone: with the last one that may be what an earlier run has left, that is settled.
func (b *Backend) forget(id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for number, left := range b.left {
		if !slices.Contains(left.ids, id) {
			continue
		}
		left.ids = slices.DeleteFunc(left.ids, func(other string) bool { return other == id })
		b.left[number] = left
		if len(left.ids) > 0 {
			continue
		}
		delete(b.left, number)
		if err := b.opts.Journal.End(number, journal.Absent); err != nil {
			return err
		}
	}
	return nil
}

// Unsettled implements apply.Backend: the keys that earlier runs have made and whose secret nobody has, or that no list shows.
func (b *Backend) Unsettled() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var notes []string
	for number := range b.opts.Journal.Pending() {
		if left, ok := b.left[number]; ok {
			notes = append(notes, left.note)
		}
	}
	slices.Sort(notes)
	return notes
}

// candidates are the live keys that may be what an intent has made: of its name, or of none and not there before, and not known to be
// another one.
func (b *Backend) candidates(ctx context.Context, i journal.Intent, all []locktera.APIKey) []locktera.APIKey {
	return slices.DeleteFunc(slices.Clone(all), func(k locktera.APIKey) bool {
		return !mayBe(k, i.Name) || slices.Contains(i.Before, k.ID) ||
			b.opts.Secrets != nil && len(b.opts.Secrets.InForce(ctx, b.opts.Journal.Scope(), secrets.Key, k.ID)) > 0
	})
}

// became says what has become of a creation; no outcome leaves it open.
func (b *Backend) became(ctx context.Context, one *begun) (note, outcome string, err error) {
	begun := fmt.Sprintf("key/%s, begun by an interrupted run, ", one.Name)
	switch {
	case one.stored == nil && len(one.keys) == 0 && one.Made:
		return fmt.Sprintf("key/%s %s", one.Name, notReadable(one.Intent)), "", nil
	case one.stored == nil && len(one.keys) == 0:
		return begun + "was not created", journal.Absent, nil
	case one.stored == nil:
		which := "is there (" + ids(one.keys) + ")"
		if len(one.keys) > 1 || one.keys[0].Name == "" {
			which = "may be one of those that are new (" + ids(one.keys) + ")"
		}
		return fmt.Sprintf("%s%s, and no answer to its creation is stored that can be read here: unless a sealed record %s.%s is there, nobody can use it; then %s",
			begun, which, one.Name, one.Mark, deleteIt(one.Name)), "", nil
	case len(one.keys) == 0:
		return fmt.Sprintf("key/%s %s", one.Name, notListed(one.Name, one.Mark)), "", nil
	case len(one.keys) > 1:
		return fmt.Sprintf("%shas a stored secret (%s) and cannot be told among the live keys (%s)", begun, one.Mark, ids(one.keys)), "", nil
	}
	one.stored.ID = one.keys[0].ID
	return begun + "was created, and its secret is stored", journal.Found, b.opts.Secrets.Confirm(ctx, *one.stored)
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
	if at := slices.IndexFunc(stored, ofNoKey); at >= 0 {
		return &stored[at], nil
	}
	return nil, nil
}

// ofNoKey reports whether a record is an answer of which it is not known what key it is of.
func ofNoKey(r secrets.Record) bool { return !r.Answer.Empty() && r.Unconfirmed() }
