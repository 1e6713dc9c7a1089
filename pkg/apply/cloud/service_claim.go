package cloud

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/client/secret"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// Who finishes a half-made service is said by its nonce tag: MARK for the run that creates it, MARK.CLAIM for a run that has
// taken it over. The mark stays with the creation, and stored passwords bear it; the whole value, the nonce, is of one run. Run A
// creates orders with orgctl-op=4Tq8 and is killed; run B finds that tag, makes it orgctl-op=4Tq8.m3Xz, looks for a password of
// mark 4Tq8 or stores one, sets it, and removes the tag.
//
// The API compares nothing before it writes (FACTS 10), so that a claim cannot be refused to whoever comes second. What holds
// instead: a run sets its password and looks at the tag after that. If the tag is still its own, every other run has claimed
// later, and either sets its password later or learns by its own look that it may have come too late. Nobody knows then whose
// password is in force; so the run that learns it adds a tag that says so. That has a key of its own, since the run that took
// over may be removing the nonce tag at this moment. The service stays half made until a later run has set another password.
//
// TestClaimInterleavings goes through all orders of the calls of two runs.

// doubtTag is on services of which nobody knows whose password is in force.
const doubtTag = spec.NonceTag + "-doubt"

// markOf gives the mark of a nonce, or "" where it is none that orgctl would write: anybody can put a tag on a service.
func markOf(nonce string) string {
	mark, _, _ := strings.Cut(nonce, ".")
	if !marks.MatchString(mark) {
		return ""
	}
	return mark
}

// marks are far shorter than the longest file name.
var marks = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// newClaim is a nonce for the creation of another, with a mark of its own where that has none.
func newClaim(nonce string) string {
	return cmp.Or(markOf(nonce), secret.KeyID().Reveal()) + "." + secret.KeyID().Reveal()[:8]
}

// tag gives the value of a tag, or "".
func tag(live cloudapi.Service, key string) string {
	for _, t := range live.Tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

// nonceOf gives the nonce that a service carries, or "".
func nonceOf(live cloudapi.Service) string { return tag(live, spec.NonceTag) }

// unfinished gives the nonce by which a service is half made, or "".
func unfinished(live cloudapi.Service) string { return cmp.Or(nonceOf(live), tag(live, doubtTag)) }

// young is how long after its creation a service may be taken for half made because of its tag alone: for as long as a creation
// may take, and a while for another run to find it.
const young = 2 * time.Hour

// taggedOnly says why nothing but its tag speaks for a service being half made, which anybody may have written; "" where
// something else does. One that has been made a short while ago and has never been out of use can have no other password than
// its creator's. One in doubt may be stopped all the same: by the run that did not know of the doubt, as declared. Both moments are
// of the API's clock (FACTS 1.2, 5.1).
func taggedOnly(live cloudapi.Service, now time.Time) string {
	born, err := time.Parse(time.RFC3339Nano, live.CreatedAt)
	switch {
	case err != nil || now.IsZero():
		return "the API does not say how old it is"
	case now.Sub(born) > young:
		return "it was created at " + live.CreatedAt
	case live.State == cloudapi.StateIdle, slices.Contains(down, live.State) && tag(live, doubtTag) == "":
		return "it is " + string(live.State)
	}
	return ""
}

// Begun gives the ids of the services that a plan would finish although nothing but their tag says that they are half made, and
// whose creation this host knows: its journal has it open, or a password is stored that bears its mark and that no service was
// seen to take.
func (b *Backend) Begun(ctx context.Context, p *diff.Plan) ([]string, error) {
	var begun []string
	for _, c := range p.Changes {
		asked := func(r diff.Requirement) bool { return r.Kind == diff.RequireCreation && r.Address == c.Address }
		nonce, unfinished := c.Unfinished()
		if !unfinished || !slices.ContainsFunc(p.Requirements, asked) {
			continue
		}
		names := []string{c.Address.Name}
		if former, ok := c.Before["name"].(string); ok {
			names = append(names, spec.CanonicalName(former))
		}
		known, err := b.knows(ctx, names, markOf(nonce))
		if err != nil {
			return nil, err
		}
		if known {
			begun = append(begun, c.ID)
		}
	}
	return begun, nil
}

// knows reports whether journal or stored secrets know the creation of a service under one of its names.
func (b *Backend) knows(ctx context.Context, names []string, mark string) (bool, error) {
	if mark == "" {
		return false, nil
	}
	for _, i := range b.open(mark) {
		if slices.Contains(names, spec.CanonicalName(i.Name)) {
			return true, nil
		}
	}
	if b.opts.Secrets == nil {
		return false, nil
	}
	for _, name := range names {
		stored, err := b.stored(ctx, secrets.Service, name, mark)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(stored, secrets.Record.Unconfirmed) {
			return true, nil
		}
	}
	return false, nil
}

// open are the creations of services under a mark that the journal has open, by number.
func (b *Backend) open(mark string) map[int]journal.Intent {
	out := b.opts.Journal.Pending()
	maps.DeleteFunc(out, func(_ int, i journal.Intent) bool { return i.Kind != "service" || i.Mark != mark })
	return out
}

// end closes the creations of a mark in the journal.
func (b *Backend) end(mark, outcome string) error {
	var errs []error
	for number := range b.open(mark) {
		errs = append(errs, b.opts.Journal.End(number, outcome))
	}
	return errors.Join(errs...)
}

// showsTags reports whether a reply would show a tag if there were one: some leave lists out until a service is up.
func showsTags(live cloudapi.Service) bool {
	return live.Tags != nil || slices.Contains(steady, live.State) || live.State == cloudapi.StateStopped
}

// ours reports whether a tag is one of those that orgctl puts on services, and nobody else's business.
func ours(t cloudapi.Tag) bool { return t.Key == spec.NonceTag || t.Key == doubtTag }

// claim makes a half-made service ours to finish, if it still is whose it was when we planned, and waits a round until the list
// shows it as ours: of several runs that claim it at once, one is left by then.
func (s *serviceChange) claim() apply.Step {
	const unseen = "the API does not show it yet"
	from := s.nonce
	waited := false
	return apply.Step{
		Title: "take over the interrupted creation", Limit: s.b.opts.Limits.Create,
		Do: func(ctx context.Context) error {
			if err := s.ask(ctx); err != nil {
				return err
			}
			switch now := unfinished(s.live); {
			case !showsTags(s.live), now == from:
			case now == "": // another run was quicker, or ours of before and the list was late: nothing is left to finish
				s.tagged, s.finished = false, true
				return nil
			default:
				return s.takenOver(ctx, now)
			}
			claim := newClaim(from)
			if mark := markOf(claim); len(s.b.open(mark)) == 0 {
				if _, err := s.b.opts.Journal.Begin(journal.Intent{Kind: "service", Name: s.live.Name, Mark: mark}); err != nil {
					return err
				}
			}
			s.nonce, s.from = claim, from
			return s.tags(ctx, []cloudapi.Tag{{Key: spec.NonceTag}, {Key: doubtTag}}, cloudapi.Tag{Key: spec.NonceTag, Value: s.nonce})
		},
		Until: func(ctx context.Context) (apply.Readiness, error) {
			if s.finished {
				return apply.Readiness{Done: true}, nil
			}
			if !waited {
				waited = true
				return apply.Readiness{State: unseen}, nil
			}
			live, ok, err := s.b.watch.get(ctx, s.id)
			if refused(err) {
				return apply.Readiness{}, err
			}
			return apply.Readiness{Done: err == nil && ok && nonceOf(live) == s.nonce, State: unseen}, nil
		},
	}
}

// tags removes and adds tags of the service. Removals are by key, come first, and may name what is not there (FACTS 5.5), so that
// the call may be sent again.
func (s *serviceChange) tags(ctx context.Context, remove []cloudapi.Tag, add ...cloudapi.Tag) error {
	return s.b.resend(ctx, func(ctx context.Context, _ bool) (err error) {
		s.live, err = s.b.api.PatchService(ctx, s.b.organization(), s.id, cloudapi.ServicePatch{
			Tags: &cloudapi.Patch[cloudapi.Tag]{Remove: remove, Add: add},
		})
		return s.told(s.live, err)
	})
}

// ask learns how the service is now. Reads lag behind writes (FACTS 11), so it is the reply to a write that is looked at: to one
// that removes what is not there.
func (s *serviceChange) ask(ctx context.Context) error {
	return s.tags(ctx, []cloudapi.Tag{{Key: spec.NonceTag + "-none"}})
}

// stillOurs reports whether the service, as asked for last, is ours to finish and nobody is in doubt.
func (s *serviceChange) stillOurs() bool {
	return (nonceOf(s.live) == s.nonce || !s.shown || !showsTags(s.live)) && tag(s.live, doubtTag) == ""
}

// lost ends a change whose service is not ours any more. That it carries no nonce now says that somebody has finished it: the
// creator, who knew nothing of us and sets no password, or a run that took over from us and has set its own. Once we have set one,
// nobody knows whose is in force.
func (s *serviceChange) lost(ctx context.Context, now string) error {
	if now == "" && s.set {
		return s.inDoubt(ctx)
	}
	return s.takenOver(ctx, now)
}

// takenOver ends a change whose service another run finishes, or has finished: then it carries no nonce now. The password that
// we set before that run claimed the service, or have not set at all, is not in force.
func (s *serviceChange) takenOver(ctx context.Context, now string) error {
	err := errors.New("another run has taken over its creation and finishes it: run again when that has ended")
	if now == "" {
		err = errors.New("another run has finished its creation: run again")
	}
	return errors.Join(err, s.retire(ctx, "another run took over the creation of the service"))
}

// retire marks our stored password as not in force.
func (s *serviceChange) retire(ctx context.Context, reason string) error {
	if s.record.Version == 0 {
		return nil
	}
	s.record.NotInForce = reason
	return s.b.opts.Secrets.Confirm(ctx, s.record)
}

// inDoubt ends a change that has set its password while another run took over: nobody knows whose is in force, until a later run
// sets one anew.
func (s *serviceChange) inDoubt(ctx context.Context) error {
	s.othersRetired()
	doubt := cloudapi.Tag{Key: doubtTag, Value: newClaim(s.nonce)}
	return errors.Join(errors.New("another run took over its creation while this one set its password, and which password is in force "+
		"is not known: run again to set a new one"), s.retire(ctx, "another run took over the creation of the service while its password was set"),
		s.tags(ctx, []cloudapi.Tag{{Key: doubtTag}}, doubt))
}

// othersRetired says what cannot be marked where it is stored: the passwords that other runs have stored for this creation.
func (s *serviceChange) othersRetired() {
	mark := cmp.Or(markOf(cmp.Or(s.from, s.nonce)), strconv.Quote(s.from))
	s.b.remark("%s: any other password that was stored for it (mark %s) is not in force", s.c.Address, mark)
}

// watched ends a step of an unfinished creation when what it was told, or what the list shows, is the nonce of another run.
func (s *serviceChange) watched(step apply.Step) apply.Step {
	check := func(ctx context.Context) error {
		live, ok := s.b.watch.seen(s.id)
		if !ok || !s.tagged || !showsTags(live) {
			return nil
		}
		switch now := unfinished(live); {
		case now == s.nonce:
			s.shown = true
		// What we claimed from is seen until reads have caught up; and until it was seen, the server may know no tags.
		case s.shown && now != s.from:
			return s.lost(ctx, now)
		}
		return nil
	}
	if call := step.Do; call != nil {
		step.Do = func(ctx context.Context) error {
			err := call(ctx)
			if err == nil || errors.Is(err, apply.ErrBusy) {
				if lost := check(ctx); lost != nil {
					return lost
				}
			}
			return err
		}
	}
	if look := step.Until; look != nil {
		step.Until = func(ctx context.Context) (apply.Readiness, error) {
			ready, err := look(ctx)
			if err == nil {
				err = check(ctx)
			}
			return ready, err
		}
	}
	return step
}
