package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/apply/store"
	"github.com/orgctl/orgctl/pkg/spec"
)

// session is one apply of one organization: alone on this host, with a place for secrets and a journal, and with nothing
// left open by an earlier run.
type session struct {
	connection
	target   *target
	scope    store.Scope // whose journal and secrets they are
	vault    *vault      // nil when there is no place for secrets
	log      apply.Log   // what others write while this run is under way
	begun    time.Time   // when that was
	releases []func()
}

func openSession(ctx context.Context, e *env, o applyOptions, desired *spec.Organization) (_ *session, err error) {
	shown, err := newProgress(e, o.debug)
	if err != nil {
		return nil, err
	}
	p, err := providers.of(desired)
	if err != nil {
		return nil, err
	}
	s := &session{connection: connection{progress: shown}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	// An embedded sandbox is read when it is opened, so its lock comes first.
	if o.sandbox.kept() {
		if o.saved != "" { // a saved plan is of an organization that was there
			if err := o.sandbox.exists(); err != nil {
				return nil, err
			}
		}
		if _, err := s.lock(ctx, e, o, string(o.sandbox)+".lock"); err != nil {
			return nil, err
		}
	}
	if s.target, err = newTarget(e, o.connectionOptions, p, createAbsent); err != nil {
		return nil, err
	}
	if s.vault, err = o.secrets.openVault(s.target); err != nil {
		return nil, err
	}
	var sink secrets.Sink // nil, and not a nil place
	if s.vault != nil {
		sink = s.vault
	}
	api, err := s.target.dial(e, o.connectionOptions, s.progress)
	if err != nil {
		return nil, err
	}
	wanted, err := s.target.wanted(desired)
	if err != nil {
		return nil, err
	}
	end := s.progress.show("reading the organization")
	organization, err := api.identify(ctx, wanted)
	end()
	if err != nil {
		return nil, err
	}
	url, err := s.target.provider.dialect.CanonicalURL(s.target.url)
	if err != nil {
		return nil, err
	}
	s.scope = store.Scope{API: url, Organization: organization}
	identified := true
	if s.target.sandbox == "" {
		path, err := e.statePath(s.scope, ".lock")
		if err != nil {
			return nil, err
		}
		waited, err := s.lock(ctx, e, o, path)
		if err != nil {
			return nil, err
		}
		if waited {
			identified = false // read before the other one had ended
		}
	}
	remembered, err := s.target.openJournal(e, o, s.scope)
	if err != nil {
		return nil, err
	}
	if len(remembered.Pending()) > 0 {
		identified = false // finding out about those takes its time
	}
	s.Backend = api.backend(work{
		organization: organization, identified: identified, secrets: sink, serverSecrets: o.secrets.serverMade, journal: remembered,
		limits: o.limits, settle: o.settle,
	})
	end = s.progress.show("reading the organization")
	s.log = s.Log()
	s.log.Mark(ctx)
	s.begun = time.Now()
	notes, err := s.Recover(ctx)
	end()
	for _, n := range notes {
		_ = view.Message(e.notes(), n)
	}
	return s, err
}

// lock takes a lock, for which --lock-timeout lets it wait. What this run plans it observes later, so that nothing of it
// rests on what the other one changes meanwhile.
func (s *session) lock(ctx context.Context, e *env, o applyOptions, path string) (waited bool, err error) {
	release, err := lock(path)
	var held *heldError
	if limit := o.lockTimeout; limit > 0 && errors.As(err, &held) {
		interval, invalid := e.tick(time.Second)
		if invalid != nil {
			return false, invalid
		}
		_ = view.Message(e.notes(), fmt.Sprintf("waiting up to %s for another apply on this host (%s)", short(limit), held.holder))
		shown := s.progress.show("waiting for the other apply")
		release, err = awaitLock(ctx, path, limit, interval)
		shown()
		waited = true
	}
	if err == nil {
		s.releases = append(s.releases, release)
	}
	return waited, err
}

func (s *session) close() {
	for _, release := range slices.Backward(s.releases) {
		release()
	}
}
