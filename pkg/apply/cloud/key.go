package cloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/client/secret"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

var keyBinding = binding{
	kind: "key", collection: "keys",
	list: func(ctx context.Context, api *cloudapi.API, organization string) (objects, error) {
		all, err := api.ListKeys(ctx, organization)
		return keys(all), err
	},
	permission: "to view API keys",
	steps:      keySteps,
	secretOf: func(b *Backend, _ diff.Change) (mark string, ok bool) {
		return "", !b.opts.ServerSecrets // any that no key was made of yet
	},
	find: findKey,
}

type keys []cloudapi.APIKey

func (all keys) ids() []string { return mapped(all, func(k cloudapi.APIKey) string { return k.ID }) }

func (all keys) assigned() [][]cloudapi.AssignedRole {
	return mapped(all, func(k cloudapi.APIKey) []cloudapi.AssignedRole { return k.AssignedRoles })
}

func (all keys) resources(o *observation) []spec.Resource {
	return mapped(all, func(k cloudapi.APIKey) spec.Resource { return keyResource(k, o.migrated) })
}

func keyResource(k cloudapi.APIKey, migrated bool) spec.Resource {
	f := fields{}
	f.text("name", k.Name)
	f.text("state", k.State)
	f.text("expireAt", k.ExpireAt)
	f["roles"] = roleList(migrated, k.AssignedRoles, k.Roles...)
	list(f, "ipAccessList", k.IPAccessList, ipEntry)
	return spec.Resource{
		Address: spec.Address{Kind: "key", Name: spec.CanonicalName(k.Name)}, ID: k.ID, Spec: spec.Tree(f),
		Status: spec.Tree{diff.StatusKeySuffix: k.KeySuffix},
	}
}

func keySteps(b *Backend, c diff.Change) ([]apply.Step, error) {
	switch c.Action {
	case diff.Create:
		return []apply.Step{do("create key", func(ctx context.Context) error { return b.createKey(ctx, c) })}, nil
	case diff.Update:
		return []apply.Step{do("update key", func(ctx context.Context) error { return b.updateKey(ctx, c) })}, nil
	case diff.Delete:
		return []apply.Step{do("delete key", func(ctx context.Context) error {
			return b.resend(ctx, func(ctx context.Context, _ bool) error {
				return gone(b.api.DeleteKey(ctx, b.organization(), c.ID))
			})
		})}, nil
	default:
		return nil, fmt.Errorf("%s: unknown action %q", c.Address, c.Action)
	}
}

// createKey generates the key here, stores it, and only then sends its hashes (FACTS 9): whatever becomes of the answer, the
// secret is not lost, and the suffix tells whether the key came into being. With Options.ServerSecrets the API generates it
// instead, and its answer is stored before anything else happens.
func (b *Backend) createKey(ctx context.Context, c diff.Change) error {
	b.twinKeys.expect()
	answered := sync.OnceFunc(b.twinKeys.made)
	defer answered()
	request, err := bind[cloudapi.KeyCreate](c.After, "name", "state", "expireAt", "ipAccessList")
	if err != nil {
		return err
	}
	record := secrets.Record{Scope: b.scope(), Kind: secrets.Key, Name: request.Name}
	if !b.opts.ServerSecrets {
		if record, err = b.keyRecord(ctx, request.Name); err != nil {
			return err
		}
		hashes := cloudapi.HashKey(secret.New(record.KeyID), record.KeySecret)
		request.HashData = &hashes
	}
	known := b.known("key")
	var made cloudapi.APIKey
	err = b.withRoles(ctx, c, func(r roles) error {
		request.AssignedRoleIDs, request.Roles = r.ids, r.legacy
		made, err = once(ctx, b, b.keyCreation(request, &record, known))
		return err
	})
	if err != nil && !b.opts.ServerSecrets {
		return fmt.Errorf("%w (its secret %s.%s was stored before and is not in use)", err, record.Name, record.Mark)
	}
	if err != nil {
		return err
	}
	answered()
	if elder := b.elderKey(ctx, made, known); elder != "" {
		return b.yieldKey(ctx, made, elder, record)
	}
	return nil
}

func (b *Backend) keyCreation(request cloudapi.KeyCreate, record *secrets.Record, known map[string]bool) creation[cloudapi.APIKey] {
	return creation[cloudapi.APIKey]{
		intent: journal.Intent{Kind: "key", Name: request.Name, Mark: record.Mark},
		create: func(ctx context.Context) (cloudapi.APIKey, error) {
			made, err := b.api.CreateKey(ctx, b.organization(), request)
			if err != nil || request.HashData != nil {
				return made.Key, err
			}
			record.KeyID, record.KeySecret = made.KeyID.Reveal(), made.KeySecret
			record.Mark = suffix(record.KeyID)
			if *record, err = b.store(ctx, *record); err != nil {
				// Nobody can ever use a key whose secret is stored nowhere, so that it goes even when the run is stopped.
				ctx = client.WithBegin(ctx, ctx)
				return made.Key, errors.Join(err, gone(b.api.DeleteKey(ctx, b.organization(), made.Key.ID)))
			}
			return made.Key, err
		},
		find: func(ctx context.Context) (cloudapi.APIKey, bool, error) {
			all, err := b.api.ListKeys(ctx, b.organization())
			i := slices.IndexFunc(all, func(k cloudapi.APIKey) bool {
				ours := request.HashData == nil || k.KeySuffix == request.HashData.KeyIDSuffix
				return ours && k.Name == request.Name && !known[k.ID]
			})
			if i < 0 {
				return cloudapi.APIKey{}, false, err
			}
			return all[i], true, err
		},
		confirm: func(ctx context.Context, made cloudapi.APIKey) error {
			if record.KeyID == "" {
				return fmt.Errorf("key %s was made and its secret was lost with the answer: delete it and apply again, or let secrets be generated here", made.ID)
			}
			record.ID = made.ID
			return b.opts.Secrets.Confirm(ctx, *record)
		},
	}
}

// elderKey gives the id of an older key of the same name that another run created after we had looked, or "". A list that
// cannot be read now is no reason to fail: verification reads it again and reports what is there twice.
func (b *Backend) elderKey(ctx context.Context, ours cloudapi.APIKey, known map[string]bool) string {
	all, err := b.twinKeys.list(ctx)
	if err != nil {
		return ""
	}
	for _, k := range all {
		if k.ID != ours.ID && k.Name == ours.Name && !known[k.ID] && (birth{k.ID, k.CreatedAt}).elderThan(birth{ours.ID, ours.CreatedAt}) {
			return k.ID
		}
	}
	return ""
}

// twinKeys lists the keys once for all that a run creates side by side: a second after the last of them (see birth).
type twinKeys struct {
	read func(context.Context) ([]cloudapi.APIKey, error)
	tick time.Duration

	turn  chan struct{}     // holds the one turn to read; a channel, since waiting for it must end with a context
	keys  []cloudapi.APIKey // of whoever has the turn
	asked time.Time         // when they were read

	mu   sync.Mutex    // of what follows; never held during a request
	due  int           // creations that have begun and are not answered yet
	none chan struct{} // closed while there are none
	ripe time.Time     // a second after the last one
}

func newTwinKeys(tick time.Duration, read func(context.Context) ([]cloudapi.APIKey, error)) *twinKeys {
	n := &twinKeys{read: read, tick: tick, turn: make(chan struct{}, 1), none: make(chan struct{})}
	n.turn <- struct{}{}
	close(n.none)
	return n
}

// expect announces a creation, whose end made tells of.
func (n *twinKeys) expect() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.due == 0 {
		n.none = make(chan struct{})
	}
	n.due++
}

func (n *twinKeys) made() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ripe = time.Now().Add(n.tick)
	if n.due--; n.due == 0 {
		close(n.none)
	}
}

// list waits until nothing more is under way, and gives a list that is as old as that at most.
func (n *twinKeys) list(ctx context.Context) ([]cloudapi.APIKey, error) {
	n.mu.Lock()
	none := n.none
	n.mu.Unlock()
	if err := apply.Await(ctx, none); err != nil {
		return nil, err
	}
	n.mu.Lock()
	ripe := n.ripe
	n.mu.Unlock()
	if err := apply.Sleep(ctx, time.Until(ripe)); err != nil {
		return nil, err
	}
	select {
	case <-n.turn: // whoever has it holds a slot already and waits for none
		defer func() { n.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !n.asked.Before(ripe) {
		return n.keys, nil
	}
	asked := time.Now()
	keys, err := n.read(ctx)
	if err == nil {
		n.keys, n.asked = keys, asked
	}
	return keys, err
}

// yieldKey removes our key in favour of an elder one: of two runs exactly one removes exactly its own.
func (b *Backend) yieldKey(ctx context.Context, ours cloudapi.APIKey, elder string, record secrets.Record) error {
	err := b.resend(ctx, func(ctx context.Context, _ bool) error {
		return gone(b.api.DeleteKey(ctx, b.organization(), ours.ID))
	})
	if err != nil {
		return fmt.Errorf("another run created key %s of this name first, and ours (%s) could not be removed: %w", elder, ours.ID, err)
	}
	record.NotInForce = "the key was removed: another run had created one of this name first"
	return errors.Join(fmt.Errorf("another run created a key of this name first: %s is kept, ours (%s) was removed", elder, ours.ID),
		b.opts.Secrets.Confirm(ctx, record))
}

// keyRecord is the secret to create a key with: one that an interrupted run has stored and that no key was made of yet, or
// a new one, stored before it is returned.
func (b *Backend) keyRecord(ctx context.Context, name string) (secrets.Record, error) {
	stored, err := b.stored(ctx, secrets.Key, name, "")
	if err != nil {
		return secrets.Record{}, err
	}
	for _, r := range stored {
		if r.Unconfirmed() {
			return r, nil
		}
	}
	id := secret.KeyID().Reveal()
	record := secrets.Record{Scope: b.scope(), Kind: secrets.Key, Name: name, Mark: suffix(id), KeyID: id, KeySecret: secret.KeySecret()}
	return b.store(ctx, record)
}

func (b *Backend) updateKey(ctx context.Context, c diff.Change) error {
	// The IP list is replaced whole, unlike a service's (FACTS 6.1), so it goes as declared, and only if it changes.
	patch, err := bind[cloudapi.KeyPatch](c.After, changedPaths(c, []string{"name", "state", "ipAccessList"})...)
	if err != nil {
		return err
	}
	if f, ok := changed(c, "expireAt"); ok {
		text, present := f.After.(string)
		patch.ExpireAt = nullable(text, present)
	}
	send := func() error {
		return b.resend(ctx, func(ctx context.Context, _ bool) error {
			_, err := b.api.PatchKey(ctx, b.organization(), c.ID, patch)
			return err
		})
	}
	if _, ok := changed(c, "roles"); !ok {
		return send()
	}
	return b.withRoles(ctx, c, func(r roles) error {
		patch.AssignedRoleIDs, patch.Roles = r.ids, r.legacy
		return send()
	})
}

// findKey also confirms the stored secret of a key that is found, which its own run could no longer do.
func findKey(ctx context.Context, b *Backend, i journal.Intent) (string, error) {
	all, err := b.api.ListKeys(ctx, b.organization())
	at := slices.IndexFunc(all, func(k cloudapi.APIKey) bool { return k.Name == i.Name && (k.KeySuffix == i.Mark || i.Mark == "") })
	if err != nil || at < 0 {
		return "", err
	}
	if i.Mark == "" {
		return "", fmt.Errorf("key %s (%s) was made by an interrupted run and its secret was lost with the answer: delete it and apply again", i.Name, all[at].ID)
	}
	if b.opts.Secrets == nil {
		return journal.Found, nil
	}
	stored, err := b.stored(ctx, secrets.Key, i.Name, i.Mark)
	if err != nil {
		return "", err
	}
	for _, r := range stored {
		if r.Unconfirmed() {
			r.ID = all[at].ID
			return journal.Found, b.opts.Secrets.Confirm(ctx, r)
		}
	}
	return journal.Found, nil
}
