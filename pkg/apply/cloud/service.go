package cloud

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// The states of FACTS 8.1, by what they mean here.
var (
	steady = []cloudapi.State{cloudapi.StateRunning, cloudapi.StateIdle}
	down   = []cloudapi.State{cloudapi.StateStopped, cloudapi.StateStopping}
	absent = []cloudapi.State{
		cloudapi.StateTerminating, cloudapi.StateTerminated, cloudapi.StateSoftDeleting, cloudapi.StateSoftDeleted,
	}
	unhealthy = []cloudapi.State{cloudapi.StateDegraded, cloudapi.StateFailed}
	// Running is stopped before it is deleted; everything else is either deletable as it is or on its way somewhere.
	stoppable = []cloudapi.State{cloudapi.StateRunning, cloudapi.StateIdle, cloudapi.StatePartiallyRunning}
	deletable = []cloudapi.State{ // FACTS 8.5
		cloudapi.StateStopped, cloudapi.StateIdle, cloudapi.StateDegraded, cloudapi.StateFailed, cloudapi.StateProvisioning,
		cloudapi.StateStarting, cloudapi.StateAwaking,
	}
	// A service that is on its way may refuse changes (FACTS 8.6). One that is partly running, degraded or failed may stay so,
	// and a change may be what it needs.
	onItsWay = []cloudapi.State{
		cloudapi.StateProvisioning, cloudapi.StateStarting, cloudapi.StateAwaking, cloudapi.StateStopping,
	}
	changeable = slices.Concat(steady, unhealthy, []cloudapi.State{cloudapi.StateStopped, cloudapi.StatePartiallyRunning})
)

var serviceBinding = binding{
	kind: "service", collection: "services",
	list: func(ctx context.Context, api *cloudapi.API, organization string) (objects, error) {
		all, err := api.ListServices(ctx, organization)
		return services(all), err
	},
	permission: "control-plane:service:view",
	observed: func(b *Backend, anew objects) {
		all, _ := anew.(services)
		b.watch.next(all)
	},
	detail: &detail{
		what: "the backup configuration", permission: "control-plane:service:view-backups",
		has: func(live spec.Resource) bool { return live.Spec["warehouse"] == nil },
		read: func(ctx context.Context, api *cloudapi.API, organization, id string) (spec.Tree, error) {
			c, err := api.GetBackupConfiguration(ctx, organization, id)
			return spec.Tree{"backupConfiguration": backupTree(c)}, err
		},
	},
	steps: serviceSteps,
	secretOf: func(_ *Backend, c diff.Change) (mark string, ok bool) {
		nonce, unfinished := c.Unfinished()
		mark = markOf(nonce)
		return mark, !unfinished || mark != "" // else nothing is stored under the mark that it will get
	},
	find: findService,
}

type services []cloudapi.Service

func (all services) ids() []string {
	return mapped(all, func(s cloudapi.Service) string { return s.ID })
}

// resources leaves out what is being deleted: it counts as absent already.
func (all services) resources(o *observation) []spec.Resource {
	primaries := map[string]cloudapi.Service{} // by warehouse id
	for _, s := range all {
		if s.DataWarehouseID != "" && (s.IsPrimary == nil || bool(*s.IsPrimary)) {
			primaries[s.DataWarehouseID] = s
		}
	}
	var out []spec.Resource
	for _, s := range all {
		if slices.Contains(absent, s.State) {
			continue
		}
		r := spec.Resource{
			Address: spec.Address{Kind: "service", Name: spec.CanonicalName(s.Name)}, ID: s.ID, Spec: serviceTree(s),
			Status: spec.Tree{},
		}
		if s.IsPrimary != nil && !bool(*s.IsPrimary) {
			primary := primaries[s.DataWarehouseID]
			r.Spec["warehouse"], r.Refs = spec.CanonicalName(primary.Name), map[string]string{"warehouse": primary.ID}
		}
		if slices.Contains(unhealthy, s.State) {
			r.Status[diff.StatusHealth] = string(s.State)
		}
		if nonce := unfinished(s); nonce != "" {
			r.Status[spec.StatusUnfinished] = nonce
			if reason := taggedOnly(s, o.now); reason != "" {
				r.Status[spec.StatusTaggedOnly] = reason
			}
		}
		out = append(out, r)
	}
	return out
}

func serviceTree(s cloudapi.Service) spec.Tree {
	f := fields{}
	f.text("name", s.Name)
	f.text("provider", s.Provider)
	f.text("region", s.Region)
	f.text("tier", s.Tier)
	f.text("byocId", s.BYOCID)
	f.flag("isReadonly", s.IsReadonly)
	f.text("profile", s.Profile)
	f.text("complianceType", s.ComplianceType)
	f.text("encryptionKey", s.EncryptionKey)
	f.text("encryptionAssumedRoleIdentifier", s.EncryptionAssumedRoleIdentifier)
	f.flag("hasTransparentDataEncryption", s.HasTransparentDataEncryption)
	f.text("transparentDataEncryptionKeyId", s.TransparentDataEncryptionKeyID)
	f.text("releaseChannel", s.ReleaseChannel)
	f.flag("enableCoreDumps", s.EnableCoreDumps)
	switch {
	case s.State == "": // not known
	case slices.Contains(down, s.State):
		f["state"] = "stopped"
	default:
		f["state"] = "running" // idle and everything on its way up included: scaled to zero is healthy
	}
	f.scaling(s)
	list(f, "ipAccessList", s.IPAccessList, ipEntry)
	list(f, "privateEndpointIds", s.PrivateEndpointIDs, func(id string) any { return id })
	list(f, "tags", slices.DeleteFunc(slices.Clone(s.Tags), ours), func(t cloudapi.Tag) any {
		e := spec.Tree{"key": t.Key}
		if t.Value != "" {
			e["value"] = t.Value
		}
		return e
	})
	if s.Endpoints != nil {
		enabled := slices.ContainsFunc(s.Endpoints, func(e cloudapi.ServiceEndpoint) bool { return e.Protocol == "mysql" })
		f["endpoints"] = []any{spec.Tree{"protocol": "mysql", "enabled": enabled}}
	}
	return spec.Tree(f)
}

// scaling reads the configured baseline, never what runs at the moment (FACTS 5.7.4). Servers of the old document report
// totals only, which always meant three replicas (FACTS 5.7.3).
func (f fields) scaling(s cloudapi.Service) {
	perReplica := func(replica, total *float64) *float64 {
		if replica != nil || total == nil {
			return replica
		}
		third := math.Round(*total/3/4) * 4
		return &third
	}
	f.text("autoscalingMode", s.AutoscalingMode)
	if s.AutoscalingMode == "" && s.MinReplicas != nil {
		f["autoscalingMode"] = "horizontal"
	}
	f.number("minReplicaMemoryGb", perReplica(s.MinReplicaMemoryGB, s.MinTotalMemoryGB))
	f.number("maxReplicaMemoryGb", perReplica(s.MaxReplicaMemoryGB, s.MaxTotalMemoryGB))
	f.number("numReplicas", s.NumReplicas)
	f.number("minReplicas", s.MinReplicas)
	f.number("maxReplicas", s.MaxReplicas)
	f.flag("idleScaling", s.IdleScaling)
	f.number("idleTimeoutMinutes", s.IdleTimeoutMinutes)
}

func backupTree(c cloudapi.BackupConfiguration) spec.Tree {
	f := fields{}
	f.number("backupPeriodInHours", c.BackupPeriodInHours)
	f.number("backupRetentionPeriodInHours", c.BackupRetentionPeriodInHours)
	f.text("backupStartTime", c.BackupStartTime)
	return spec.Tree(f)
}

func serviceSteps(b *Backend, c diff.Change) ([]apply.Step, error) {
	s := &serviceChange{b: b, c: c, id: c.ID}
	switch c.Action {
	case diff.Create:
		return s.create()
	case diff.Update:
		return s.update()
	case diff.Delete:
		return s.delete(), nil
	default:
		return nil, fmt.Errorf("%s: unknown action %q", c.Address, c.Action)
	}
}

// serviceChange is one change of one service on its way through its steps.
type serviceChange struct {
	b  *Backend
	c  diff.Change
	id string // known from the start, or once created
	// tagged says that the live service carries the nonce tag of an unfinished creation, shown that a reply has shown it.
	tagged, shown bool
	// finished says that a creation that was to be finished turned out to be so.
	finished bool
	nonce    string           // of our creation or claim
	from     string           // the nonce of which we claimed the creation, or ""
	live     cloudapi.Service // as last asked for
	known    map[string]bool  // ids that were live before our creation
	born     time.Time        // when we knew of our creation
	// record is the password that is stored for it; of no version where there is none.
	record secrets.Record
	found  bool // it is what an earlier run has stored
	set    bool // it was set by us, and not given by the API
}

// Which endpoint writes which fields.
var (
	patchedFields = []string{
		"name", "ipAccessList", "tags", "privateEndpointIds", "releaseChannel", "endpoints", "transparentDataEncryptionKeyId",
		"enableCoreDumps",
	}
	scalingFields = []string{
		"autoscalingMode", "minReplicaMemoryGb", "maxReplicaMemoryGb", "numReplicas", "minReplicas", "maxReplicas",
		"idleScaling", "idleTimeoutMinutes",
	}
	backupFields = []string{
		"backupConfiguration.backupPeriodInHours", "backupConfiguration.backupRetentionPeriodInHours",
		"backupConfiguration.backupStartTime",
	}
)

// update orders the calls so that each finds the service able to take it: started before anything else, stopped after
// everything else. A half-made service is finished on the way, and gives up its nonce tag before it is stopped: whoever finds a
// stopped one with it cannot tell that it is half made.
func (s *serviceChange) update() ([]apply.Step, error) {
	var steps []apply.Step
	nonce, unfinished := s.c.Unfinished()
	s.nonce, s.tagged, s.shown = nonce, unfinished, unfinished
	if unfinished {
		steps = append(steps, s.claim(), s.provisioned())
		if s.c.MakesSecret(spec.ClickHouse) {
			steps = append(steps, s.password())
		}
	} else if s.b.watch.observed(s.id, onItsWay) {
		steps = append(steps, s.takesChanges())
	}
	begun := len(steps)
	state, _ := changed(s.c, "state")
	if state.After == "running" {
		steps = append(steps, s.command(cloudapi.CommandStart))
	}
	c := s.c
	if unfinished {
		c.Fields = withoutNonce(c.Fields)
	}
	if paths := changedPaths(c, patchedFields); len(paths) > 0 {
		steps = append(steps, s.patch(c, paths))
	}
	if paths := changedPaths(c, scalingFields); len(paths) > 0 {
		scale, err := s.scale(paths)
		if err != nil {
			return nil, err
		}
		steps = append(steps, scale)
	}
	if paths := changedPaths(c, backupFields); len(paths) > 0 {
		steps = append(steps, s.backups(paths))
	}
	if unfinished {
		more := len(steps) > begun
		steps = append(steps, s.finish(diff.Change{}, func() bool { return more }))
	}
	if state.After == "stopped" {
		steps = append(steps, s.command(cloudapi.CommandStop))
	}
	for i := range steps {
		steps[i] = s.watched(steps[i])
	}
	return steps, nil
}

// takesChanges waits for a service that was on its way somewhere when the plan was made.
func (s *serviceChange) takesChanges() apply.Step {
	return apply.Step{
		Title: "wait until it takes changes", Limit: s.b.opts.Limits.Create,
		Until: s.b.watch.until(s.currentID, ends{good: changeable}),
	}
}

func (s *serviceChange) patch(c diff.Change, paths []string) apply.Step {
	return do("update service", func(ctx context.Context) error {
		return s.b.resend(ctx, func(ctx context.Context, again bool) error {
			p, err := servicePatch(c, paths, again)
			if err != nil {
				return err
			}
			return s.told(s.b.api.PatchService(ctx, s.b.organization(), s.id, p))
		})
	})
}

func servicePatch(c diff.Change, paths []string, again bool) (p cloudapi.ServicePatch, err error) {
	var scalars []string
	for _, path := range paths {
		f, _ := changed(c, path)
		switch path {
		case "ipAccessList":
			p.IPAccessList, err = patchOf[cloudapi.IPAccessEntry](f, again)
		case "tags":
			p.Tags, err = patchOf[cloudapi.Tag](f, again)
		case "privateEndpointIds":
			p.PrivateEndpointIDs, err = patchOf[string](f, again)
		default:
			scalars = append(scalars, path)
		}
		if err != nil {
			return p, err
		}
	}
	rest, err := bind[cloudapi.ServicePatch](c.After, scalars...)
	rest.IPAccessList, rest.Tags, rest.PrivateEndpointIDs = p.IPAccessList, p.Tags, p.PrivateEndpointIDs
	return rest, err
}

// scaledTogether are fields that the server takes only side by side, or that it checks against each other (FACTS 5.7.1).
var scaledTogether = [][]string{{"minReplicas", "maxReplicas"}, {"minReplicaMemoryGb", "maxReplicaMemoryGb"}}

// scale sends what changes, with its counterpart where there is one; when the mode changes, all of the new mode's fields,
// since the server asks for them and clears those of the old one by itself (FACTS 5.7.1).
func (s *serviceChange) scale(paths []string) (apply.Step, error) {
	if slices.Contains(paths, "autoscalingMode") {
		paths = scalingFields
	}
	for _, pair := range scaledTogether {
		if slices.Contains(paths, pair[0]) || slices.Contains(paths, pair[1]) {
			paths = append(paths, pair...)
		}
	}
	p, err := bind[cloudapi.ReplicaScalingPatch](s.c.After, paths...)
	if p.IdleScaling != nil && !*p.IdleScaling {
		p.IdleTimeoutMinutes = nil // refused together with idling off
	}
	return do("scale service", func(ctx context.Context) error {
		return s.b.resend(ctx, func(ctx context.Context, _ bool) error {
			return s.told(s.b.api.PatchReplicaScaling(ctx, s.b.organization(), s.id, p))
		})
	}), err
}

// backups sends what changes. A start time resets the period on the server (FACTS 5.10), so that it goes along if it is
// declared, and once more by itself where the reply shows that this was not enough.
func (s *serviceChange) backups(paths []string) apply.Step {
	if slices.Contains(paths, "backupConfiguration.backupStartTime") {
		paths = backupFields
	}
	var all, period cloudapi.BackupConfigurationPatch
	var hours float64
	var start string
	var timed bool // a period is set
	for _, path := range paths {
		v, managed := spec.Get(s.c.After, path)
		number, isNumber := spec.Number(v)
		text, isText := v.(string)
		switch {
		case !managed:
		case path == "backupConfiguration.backupPeriodInHours":
			all.BackupPeriodInHours = nullable(number, isNumber)
			period.BackupPeriodInHours, hours, timed = all.BackupPeriodInHours, number, isNumber
		case path == "backupConfiguration.backupRetentionPeriodInHours":
			all.BackupRetentionPeriodInHours = nullable(number, isNumber)
		case path == "backupConfiguration.backupStartTime":
			all.BackupStartTime, start = nullable(text, isText), text
		}
	}
	return do("configure backups", func(ctx context.Context) error {
		var now cloudapi.BackupConfiguration
		send := func(p cloudapi.BackupConfigurationPatch) error {
			return s.b.resend(ctx, func(ctx context.Context, _ bool) (err error) {
				now, err = s.b.api.PatchBackupConfiguration(ctx, s.b.organization(), s.id, p)
				return err
			})
		}
		err := send(all)
		// A reply that lacks the start time is of before, and says nothing about the period either.
		kept := now.BackupPeriodInHours != nil && *now.BackupPeriodInHours == hours && (start == "" || now.BackupStartTime == start)
		if err == nil && timed && !kept {
			err = send(period)
		}
		return err
	})
}

// nullable is a value, or the null that resets.
func nullable[T any](v T, present bool) cloudapi.Nullable[T] {
	if present {
		return cloudapi.Value(v)
	}
	return cloudapi.Null[T]()
}

// command starts or stops the service and waits until it has happened. A service on its way somewhere else is waited for:
// what the API does with a command in that state is not known (FACTS 8.2).
func (s *serviceChange) command(command cloudapi.StateCommand) apply.Step {
	step, from, to := s.starting()
	if command == cloudapi.CommandStop {
		step, from, to = s.stopping()
	}
	step.Do = func(ctx context.Context) error {
		return s.b.resend(ctx, func(ctx context.Context, _ bool) error {
			live, err := s.read(ctx)
			if err != nil {
				return err
			}
			_, bad := to.bad[live.State]
			switch {
			case slices.Contains(to.good, live.State):
				return nil
			case slices.Contains(from, live.State):
				return s.told(s.b.api.CommandService(ctx, s.b.organization(), s.id, command))
			case bad && live.State != cloudapi.StatePartiallyRunning, slices.Contains(absent, live.State):
				return to.missed(live.State)
			}
			return fmt.Errorf("%w: the service is %s", apply.ErrBusy, live.State)
		})
	}
	step.Until = s.b.watch.until(s.currentID, to)
	return step
}

func (s *serviceChange) starting() (step apply.Step, from []cloudapi.State, to ends) {
	return apply.Step{Title: "start service", Limit: s.b.opts.Limits.Start}, []cloudapi.State{cloudapi.StateStopped}, ends{
		good: steady,
		bad: map[cloudapi.State]int{
			cloudapi.StateFailed: 0, cloudapi.StateDegraded: 0, cloudapi.StateStopped: s.b.opts.Settle,
			cloudapi.StatePartiallyRunning: passing,
		},
	}
}

func (s *serviceChange) stopping() (step apply.Step, from []cloudapi.State, to ends) {
	to = ends{good: []cloudapi.State{cloudapi.StateStopped}, bad: map[cloudapi.State]int{}}
	from = slices.Concat(stoppable, unhealthy)
	for _, state := range from {
		to.bad[state] = s.b.opts.Settle
	}
	return apply.Step{Title: "stop service", Limit: s.b.opts.Limits.Stop}, from, to
}

func (s *serviceChange) currentID() string { return s.id }

// read gives the service as it is now, and shows it to the wait that follows. A single read of a new service may say that there
// is none (FACTS 5.3); only where the list does not hold it either is that so (FACTS 11).
func (s *serviceChange) read(ctx context.Context) (cloudapi.Service, error) {
	live, err := s.b.api.GetService(ctx, s.b.organization(), s.id)
	if errors.Is(err, client.ErrNotFound) {
		switch _, listed, listErr := s.b.watch.get(ctx, s.id); {
		case listErr != nil:
			return live, listErr
		case listed:
			return live, fmt.Errorf("%w: the service is listed and cannot be read yet", apply.ErrBusy)
		}
	}
	return live, s.told(live, err)
}

// told passes a reply on to the wait that follows.
func (s *serviceChange) told(live cloudapi.Service, err error) error {
	if err == nil {
		s.b.watch.tell(live)
	}
	return err
}

// delete follows FACTS 8.5: stop what runs, wait, delete, and take a conflict as "not yet", since the API may refuse a
// moment longer than it shows a reason to.
func (s *serviceChange) delete() []apply.Step {
	org := s.b.organization
	running := map[cloudapi.State]int{
		cloudapi.StateRunning: s.b.opts.Settle, cloudapi.StatePartiallyRunning: s.b.opts.Settle,
	}
	stop := apply.Step{
		Title: "stop service", Limit: s.b.opts.Limits.Stop,
		Do: func(ctx context.Context) error {
			return s.b.resend(ctx, func(ctx context.Context, _ bool) error {
				live, err := s.read(ctx)
				if err != nil {
					return gone(err)
				}
				if !slices.Contains(stoppable, live.State) {
					return nil
				}
				return gone(s.told(s.b.api.CommandService(ctx, org(), s.id, cloudapi.CommandStop)))
			})
		},
		Until: s.b.watch.until(s.currentID, ends{good: slices.Concat(deletable, absent), bad: running, gone: true}),
	}
	restarted := s.b.watch.until(s.currentID, ends{bad: running, gone: true})
	remove := apply.Step{
		Title: "delete service", Limit: s.b.opts.Limits.Delete,
		Do: func(ctx context.Context) error {
			return s.b.resend(ctx, func(ctx context.Context, _ bool) error {
				err := s.b.api.DeleteService(ctx, org(), s.id)
				if !errors.Is(err, client.ErrConflict) {
					return gone(err)
				}
				if _, ended := restarted(ctx); ended != nil {
					return ended
				}
				return fmt.Errorf("%w: %w", apply.ErrBusy, err)
			})
		},
		Until: s.b.watch.until(s.currentID, s.removed()),
	}
	return []apply.Step{stop, remove}
}

// removed is the end of a deletion. What the API has accepted to delete and shows as before is not on its way.
func (s *serviceChange) removed() ends {
	e := ends{good: []cloudapi.State{cloudapi.StateTerminated, cloudapi.StateSoftDeleted}, bad: map[cloudapi.State]int{}, gone: true}
	for _, state := range slices.Concat(changeable, onItsWay) {
		e.bad[state] = passing
	}
	return e
}
