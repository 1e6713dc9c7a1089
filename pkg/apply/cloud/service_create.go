package cloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// createdFields are sent with the creation itself. State, backups and attached endpoints follow once the service is steady:
// no creation request takes the first two, and the last is deprecated there (FACTS 5.3).
var createdFields = []string{
	"name", "provider", "region", "tier", "byocId", "isReadonly", "backupId", "profile", "complianceType", "encryptionKey",
	"encryptionAssumedRoleIdentifier", "hasTransparentDataEncryption", "privatePreviewTermsChecked", "releaseChannel",
	"autoscalingMode", "minReplicaMemoryGb", "maxReplicaMemoryGb", "numReplicas", "minReplicas", "maxReplicas", "idleScaling",
	"idleTimeoutMinutes", "ipAccessList", "tags", "endpoints", "enableCoreDumps",
}

// maxTags is how many tags a service may have (FACTS 5.5).
const maxTags = 50

// create makes a service that carries the nonce tag from its first moment to its last step, so that any later run finds it
// half made and finishes it. Its password comes with the reply. A creation is two calls where nothing goes wrong, one more
// for backups, one for a state, and two for MySQL.
func (s *serviceChange) create() ([]apply.Step, error) {
	request, err := bind[cloudapi.ServiceCreate](s.c.After, createdFields...)
	if err != nil {
		return nil, err
	}
	if request.IdleScaling != nil && !*request.IdleScaling {
		request.IdleTimeoutMinutes = nil
	}
	s.nonce = secret.KeyID().Reveal() // any random text of the tag alphabet without a dot will do
	steps := []apply.Step{
		do("create service", func(ctx context.Context) error { return s.post(ctx, request, s.nonce) }),
		s.provisioned(),
		s.yield(),
	}
	if s.c.MakesSecret(spec.ClickHouse) {
		steps = append(steps, s.givenPassword())
	}
	backups := s.declaredBackups()
	if len(backups) > 0 {
		steps = append(steps, s.backups(backups))
	}
	steps = append(steps, s.finish(s.afterwards(), func() bool { return s.set && len(backups) > 0 }))
	if s.c.After["state"] == "stopped" {
		steps = append(steps, s.command(cloudapi.CommandStop)) // a difference like any other, which the next plan shows too
	}
	for i := range steps {
		steps[i] = s.watched(steps[i])
	}
	return steps, nil
}

// post sends the creation with the nonce tag where there is room for it. Servers of the old document know no tags; then, as
// with a full list, a new id under our name is all there is to find a lost creation by.
//
// Its password can be stored only after that. A place for secrets that has failed is not trusted with another one.
func (s *serviceChange) post(ctx context.Context, request cloudapi.ServiceCreate, nonce string) error {
	if s.c.MakesSecret(spec.ClickHouse) && s.b.unstored.Load() {
		return errors.New("not created: another secret could not be stored a moment ago")
	}
	tag := cloudapi.Tag{Key: spec.NonceTag, Value: nonce}
	plain := request
	if len(request.Tags) < maxTags {
		request.Tags = append(slices.Clone(request.Tags), tag)
	}
	err := s.postOnce(ctx, request, tag)
	var refusal *client.Error
	if errors.Is(err, client.ErrBadRequest) && errors.As(err, &refusal) && strings.Contains(refusal.Message, "tags") && len(plain.Tags) == 0 {
		return s.postOnce(ctx, plain, tag)
	}
	return err
}

func (s *serviceChange) postOnce(ctx context.Context, request cloudapi.ServiceCreate, tag cloudapi.Tag) error {
	tagged := slices.Contains(request.Tags, tag)
	if s.c.After["warehouse"] != nil {
		warehouse, err := s.b.warehouse(s.c)
		if err != nil {
			return err
		}
		request.DataWarehouseID = warehouse
	}
	known := s.b.known("service")
	var password secret.Value // of the last reply
	live, err := once(ctx, s.b, creation[cloudapi.Service]{
		intent:     journal.Intent{Kind: "service", Name: request.Name, Mark: tag.Value},
		unfinished: tagged,
		create: func(ctx context.Context) (cloudapi.Service, error) {
			made, err := s.b.api.CreateService(ctx, s.b.organization(), request)
			password = made.Password
			return made.Service, err
		},
		confirm: func(ctx context.Context, _ cloudapi.Service) error { return s.keep(ctx, password) },
		find: func(ctx context.Context) (cloudapi.Service, bool, error) {
			all, err := s.b.api.ListServices(ctx, s.b.organization())
			i := slices.IndexFunc(all, func(live cloudapi.Service) bool {
				if tagged && live.Tags != nil {
					return markOf(nonceOf(live)) == tag.Value // claimed already by another run, maybe
				}
				return live.Name == request.Name && !known[live.ID]
			})
			if i < 0 {
				return cloudapi.Service{}, false, err
			}
			return all[i], true, err
		},
	})
	if err != nil {
		return err
	}
	s.known, s.born = known, time.Now()
	s.id, s.tagged = live.ID, tagged
	s.b.created(s.c.Address, live)
	s.b.watch.tell(live)
	// One that had to be looked for may bear the claim of a run that was quicker to find it.
	if now := unfinished(live); tagged && now != "" && now != s.nonce {
		return s.takenOver(ctx, now)
	}
	return nil
}

// warehouse gives the id of the data warehouse of the service that a change names as its primary.
func (b *Backend) warehouse(c diff.Change) (string, error) {
	ids, err := b.referred(c, "warehouse")
	if err != nil {
		return "", err
	}
	var live services
	if o := b.observed(); o != nil {
		live, _ = o.objects["service"].(services)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		warehouse := b.warehouses[id]
		if i := slices.IndexFunc(live, func(s cloudapi.Service) bool { return s.ID == id }); i >= 0 && warehouse == "" {
			warehouse = live[i].DataWarehouseID
		}
		if warehouse != "" {
			return warehouse, nil
		}
	}
	return "", errors.New("the data warehouse of its primary is not known: plan again")
}

// created remembers a service that came into being during this run, for secondaries that refer to its creation.
func (b *Backend) created(by spec.Address, s cloudapi.Service) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.made[by] = s.ID
	b.warehouses[s.ID] = s.DataWarehouseID
}

// findService takes a service under the name of a creation that has no mark for one that is complete, or was made where there are
// no tags.
func findService(ctx context.Context, b *Backend, i journal.Intent) (string, error) {
	all, err := b.api.ListServices(ctx, b.organization())
	found := false
	for _, s := range all {
		switch nonce := unfinished(s); {
		case nonce != "" && markOf(nonce) == i.Mark:
			return halfMade, err
		case nonce == "" && s.Name == i.Name:
			found = true
		}
	}
	return foundIf(found), err
}

// provisioned waits until the service is up. Follow-up calls are refused before that (FACTS 8.6).
func (s *serviceChange) provisioned() apply.Step {
	return apply.Step{Title: "wait until provisioned", Limit: s.b.opts.Limits.Create, Until: s.b.watch.until(s.currentID, ends{
		good: append(slices.Clone(steady), cloudapi.StateStopped),
		bad: map[cloudapi.State]int{
			cloudapi.StateFailed: 0, cloudapi.StateDegraded: 0, cloudapi.StatePartiallyRunning: passing,
		},
	})}
}

// keep stores the password of a reply before anything else happens: the API shows it once. A reply without one, as of a creation
// that had to be looked for, leaves it to givenPassword to set one.
func (s *serviceChange) keep(ctx context.Context, password secret.Value) error {
	if !s.c.MakesSecret(spec.ClickHouse) || password.Empty() {
		return nil
	}
	if err := s.storePassword(ctx, password); err != nil {
		return fmt.Errorf("the service was created, and its password, which the API shows only once, could not be stored: "+
			"run again with a place for secrets that works, to finish it with a new one: %w", err)
	}
	return nil
}

// yield looks for a twin: a service of our name that another run, on another host, created after we had looked. The younger
// one gives way, so that of two runs exactly one removes exactly its own. The list must be of a second after our creation (see
// birth): the one that showed the service provisioned is, as a rule. What fails on the way for a passing reason is done
// again in the next round: our service must not stay behind, running and paid for.
func (s *serviceChange) yield() apply.Step {
	var twin string // the id of the elder, once we are known to be the younger
	stopped := false
	return apply.Step{Title: "check for a second service of this name", Limit: s.b.opts.Limits.Delete, Do: func(ctx context.Context) error {
		if twin == "" {
			elder, err := s.elder(ctx)
			if err != nil || elder == "" {
				return err
			}
			twin = elder
		}
		live, err := s.read(ctx)
		switch {
		case errors.Is(err, client.ErrNotFound), err == nil && slices.Contains(absent, live.State):
			return errors.Join(fmt.Errorf("another run created a service of this name first: %s is kept, ours (%s) was removed", twin, s.id),
				s.retire(ctx, "the service was removed: another run had created one of this name first"),
				s.b.end(markOf(s.nonce), journal.Failed))
		case err != nil, live.State == cloudapi.StateStopping:
		// A stop may end in idle, which can be deleted (FACTS 8.2).
		case slices.Contains(stoppable, live.State) && (!stopped || live.State != cloudapi.StateIdle):
			_, err = s.b.api.CommandService(ctx, s.b.organization(), s.id, cloudapi.CommandStop)
			stopped = stopped || err == nil
		default:
			err = s.b.api.DeleteService(ctx, s.b.organization(), s.id)
		}
		if refused(err) || errors.Is(err, client.ErrBadRequest) {
			return fmt.Errorf("another run created %s of this name first, and ours (%s) could not be removed: %w", twin, s.id, err)
		}
		return fmt.Errorf("%w: another run created %s first, ours is being removed", apply.ErrBusy, twin)
	}}
}

// elder gives the id of an older service of our name that was not there before our creation, or "".
func (s *serviceChange) elder(ctx context.Context) (string, error) {
	early := fmt.Errorf("%w: another run may have created one at the same moment", apply.ErrBusy)
	ripe := s.born.Add(s.b.opts.Tick)
	if time.Now().Before(ripe) {
		return "", early
	}
	list, err := s.b.watch.all(ctx)
	switch {
	case refused(err):
		return "", err
	case err != nil:
		return "", fmt.Errorf("%w: the services are not readable at the moment", apply.ErrBusy)
	case list.asked.Before(ripe):
		return "", early
	}
	all := list.services
	ours, ok := all[s.id]
	if !ok {
		return "", fmt.Errorf("%w: the service is not listed yet", apply.ErrBusy) // nor would an elder have to be
	}
	for id, other := range all {
		if id == s.id || other.Name != ours.Name || s.known[id] || slices.Contains(absent, other.State) {
			continue
		}
		if (birth{id, other.CreatedAt}).elderThan(birth{s.id, ours.CreatedAt}) {
			return id, nil
		}
	}
	return "", nil
}

// givenPassword confirms a password that came with the reply, now that the service is ours to keep and shows where it is reached.
// Where the reply was lost, or had none, a password is set as that of a half-made service is. So is the given one where MySQL is
// declared: whether the API opens MySQL with what it generates is not known, with both hashes it does (FACTS 5.9).
func (s *serviceChange) givenPassword() apply.Step {
	set := s.password()
	return do("store password", func(ctx context.Context) error {
		if s.record.Version == 0 || mysqlEnabled(s.c.After) {
			return set.Do(ctx)
		}
		live, _ := s.b.watch.seen(s.id)
		s.record.ID = s.id
		s.record.Host, s.record.Port = address(live)
		return s.b.opts.Secrets.Confirm(ctx, s.record)
	})
}

// password sets a stored password by its hash: the API never sees it, and no reply can lose it. A service that an earlier
// run has left half made gets the password that is stored for it; where the sink cannot read that back, a new one. Whether the
// service was still ours to finish shows after that.
func (s *serviceChange) password() apply.Step {
	return do("set password", func(ctx context.Context) error {
		if s.finished {
			return nil
		}
		if err := s.choosePassword(ctx); err != nil {
			return err
		}
		former := s.formerPasswords(ctx) // now, since another run may store one after ours
		err := s.b.resend(ctx, func(ctx context.Context, _ bool) error {
			_, err := s.b.api.ResetPassword(ctx, s.b.organization(), s.id, cloudapi.HashPassword(s.record.Password, mysqlEnabled(s.c.After)))
			return err
		})
		if err != nil && !client.Ambiguous(err) {
			return err
		}
		askErr := s.look(ctx)
		switch {
		case askErr == nil && s.tagged && !s.stillOurs():
			return s.inDoubt(ctx)
		case err != nil || askErr != nil:
			return errors.Join(err, askErr)
		}
		s.set = true
		s.record.ID, s.record.NotInForce = s.id, ""
		s.record.Host, s.record.Port = address(s.live)
		if s.from != "" && (!s.found || s.from != markOf(s.from)) {
			s.othersRetired()
		}
		if err := s.b.opts.Secrets.Confirm(ctx, s.record); err != nil {
			return err
		}
		return s.outOfForce(ctx, former)
	})
}

// formerPasswords are those stored ones that were in force until now, as far as they can be read. A service that this run has
// created has none.
func (s *serviceChange) formerPasswords(ctx context.Context) []secrets.Record {
	if s.from == "" {
		return nil
	}
	return slices.DeleteFunc(s.b.opts.Secrets.InForce(ctx, s.b.scope(), secrets.Service, s.id), func(r secrets.Record) bool {
		return r.Name == s.record.Name && r.Mark == s.record.Mark && r.Version == s.record.Version
	})
}

// outOfForce marks passwords that the new one has taken the place of.
func (s *serviceChange) outOfForce(ctx context.Context, former []secrets.Record) error {
	var problems []error
	for _, r := range former {
		r.NotInForce = "the creation of the service was finished later, with another password"
		problems = append(problems, s.b.opts.Secrets.Confirm(ctx, r))
	}
	return errors.Join(problems...)
}

// look looks at the service after its password was set. Where there are no tags, nothing but its address is learned, which is
// worth a try and no more.
func (s *serviceChange) look(ctx context.Context) error {
	if s.tagged {
		return s.ask(ctx)
	}
	if live, err := s.b.api.GetService(ctx, s.b.organization(), s.id); err == nil {
		s.live = live
	}
	return nil
}

// choosePassword takes the password that is stored for this creation, or stores a new one.
func (s *serviceChange) choosePassword(ctx context.Context) error {
	if s.record.Version > 0 {
		return nil
	}
	stored, err := s.b.stored(ctx, secrets.Service, s.c.Address.Name, markOf(s.nonce))
	if err != nil {
		return err
	}
	if len(stored) > 0 && stored[0].NotInForce == "" {
		s.record, s.found = stored[0], true
		return nil
	}
	return s.newPassword(ctx)
}

func (s *serviceChange) newPassword(ctx context.Context) error {
	return s.storePassword(ctx, secret.Password())
}

func (s *serviceChange) storePassword(ctx context.Context, password secret.Value) (err error) {
	s.record, err = s.b.store(ctx, secrets.Record{
		Scope: s.b.scope(), Kind: secrets.Service, Name: s.c.Address.Name, Mark: markOf(s.nonce), Username: "default", Password: password,
	})
	return err
}

// address is where clients connect: the native protocol, which every provisioned service has (FACTS 5.8).
func address(live cloudapi.Service) (host string, port int) {
	for _, e := range live.Endpoints {
		if e.Protocol == "nativesecure" && e.Port != nil {
			return e.Host, int(*e.Port)
		}
	}
	return "", 0
}

func mysqlEnabled(t spec.Tree) bool {
	endpoints, _ := t["endpoints"].([]any)
	return slices.ContainsFunc(endpoints, func(e any) bool {
		endpoint, _ := e.(spec.Tree)
		return endpoint["protocol"] == "mysql" && endpoint["enabled"] == true
	})
}

// afterwards is the part of a creation that is written as an update.
func (s *serviceChange) afterwards() diff.Change {
	rest := diff.Change{Address: s.c.Address, Action: diff.Update, After: s.c.After}
	if ids, ok := s.c.After["privateEndpointIds"].([]any); ok && len(ids) > 0 {
		rest.Fields = append(rest.Fields, diff.FieldChange{Path: "privateEndpointIds", List: true, Add: ids})
	}
	if id, ok := s.c.After["transparentDataEncryptionKeyId"]; ok {
		rest.Fields = append(rest.Fields, diff.FieldChange{Path: "transparentDataEncryptionKeyId", After: id})
	}
	return rest
}

// declaredBackups are the backup settings to write: a fresh service has the defaults, so that resets are done already.
func (s *serviceChange) declaredBackups() []string {
	return slices.DeleteFunc(slices.Clone(backupFields), func(path string) bool {
		v, ok := spec.Get(s.c.After, path)
		return !ok || v == nil
	})
}

// finish writes what is left of a creation (of one that another run has begun, nothing), and takes the nonce tag off: the creation
// is complete.
//
// A removal is by key (FACTS 5.5) and takes the claim of another run as well. A run that has set a password looks once more
// before that, if anything came since it looked. The creator whose password came with the reply need not: whoever claimed
// in the meantime learns from the absence of its claim that it is in doubt, and sets another password (see service_claim.go).
func (s *serviceChange) finish(rest diff.Change, look func() bool) apply.Step {
	return do("finish creation", func(ctx context.Context) error {
		if look() {
			if err := s.lookAgain(ctx); err != nil {
				return err
			}
		}
		if !s.tagged && len(rest.Fields) == 0 {
			return nil
		}
		err := s.b.resend(ctx, func(ctx context.Context, again bool) error {
			p, err := servicePatch(rest, changedPaths(rest, patchedFields), again)
			if err != nil {
				return err
			}
			if s.tagged {
				p.Tags = &cloudapi.Patch[cloudapi.Tag]{Remove: []cloudapi.Tag{{Key: spec.NonceTag}}}
			}
			return s.told(s.b.api.PatchService(ctx, s.b.organization(), s.id, p))
		})
		if errors.Is(err, client.ErrNotFound) {
			all, listErr := s.b.api.ListServices(ctx, s.b.organization())
			if listErr == nil && !slices.ContainsFunc(all, func(live cloudapi.Service) bool { return live.ID == s.id }) {
				return errors.Join(errors.New("the service is gone: somebody else has deleted it"),
					s.retire(ctx, "the service was deleted before its creation was complete"), s.b.end(markOf(s.nonce), journal.Failed))
			}
		}
		if err != nil {
			return err
		}
		return s.complete()
	})
}

// lookAgain ends a change whose service is no longer ours to finish.
func (s *serviceChange) lookAgain(ctx context.Context) error {
	if !s.tagged {
		return nil
	}
	if err := s.ask(ctx); err != nil {
		return err
	}
	switch {
	case tag(s.live, doubtTag) != "":
		return s.inDoubt(ctx)
	case !s.stillOurs():
		return s.lost(ctx, nonceOf(s.live))
	}
	return nil
}

// complete remembers that the creation is.
func (s *serviceChange) complete() error {
	if !s.tagged {
		return nil
	}
	s.tagged = false
	return s.b.end(markOf(s.nonce), journal.Done)
}

// withoutNonce leaves the removal of the nonce tag to the last step.
func withoutNonce(all []diff.FieldChange) []diff.FieldChange {
	var out []diff.FieldChange
	for _, f := range all {
		if f.Path == "tags" {
			f.Remove = slices.DeleteFunc(slices.Clone(f.Remove), func(e any) bool {
				tag, _ := e.(spec.Tree)
				return tag["key"] == spec.NonceTag
			})
			if len(f.Add)+len(f.Remove) == 0 {
				continue
			}
		}
		out = append(out, f)
	}
	return out
}
