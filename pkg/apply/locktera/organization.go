package locktera

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/locktera"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// customizations is the field whose keys are managed one by one.
const customizations = "customizations"

// observeOrganization reads the node and its customizations. What may not be read of these is said in its status.
func (b *Backend) observeOrganization(ctx context.Context) (r spec.Resource, name string, err error) {
	o, err := Identify(ctx, b.api, b.opts.OrganizationID)
	if err != nil {
		return r, "", err
	}
	r = spec.Resource{
		Address: spec.Address{Kind: spec.Locktera.Organization().Name, Name: b.opts.OrganizationID}, ID: b.opts.OrganizationID,
		Spec: spec.Tree{}, Status: spec.Tree{},
	}
	if o.Name != "" {
		r.Spec["name"] = o.Name
	}
	_, tree, err := b.readCustomizations(ctx)
	if reason := refusal(err); reason != "" {
		r.Status[spec.StatusRefused] = reason
		return r, o.Name, nil
	}
	if _, inexact := errors.AsType[*inexactError](err); inexact {
		r.Status[spec.StatusUnreadable] = err.Error()
		return r, o.Name, nil
	}
	if err != nil {
		return r, "", err
	}
	r.Spec[customizations] = tree
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shown = maps.Clone(tree)
	return r, o.Name, nil
}

// customizationsTree leaves out what is the database's own, and null, which says as much as a key that is not there.
func customizationsTree(c locktera.Customizations) (spec.Tree, error) {
	tree := spec.Tree{}
	for key, raw := range c.Fields {
		v, err := value(raw)
		if err != nil {
			return nil, fmt.Errorf("customization %s: %w", key, err)
		}
		if v != nil && !strings.HasPrefix(key, "_") {
			tree[key] = v
		}
	}
	return tree, nil
}

func organizationSteps(b *Backend, c diff.Change) ([]apply.Step, error) {
	if c.Action != diff.Update {
		return nil, fmt.Errorf("%s: an organization is neither created nor deleted by a plan", c.Address)
	}
	var steps []apply.Step
	var custom []diff.FieldChange
	for _, f := range c.Fields {
		key, isCustom := strings.CutPrefix(f.Path, customizations+".")
		switch {
		case isCustom:
			f.Path = key
			custom = append(custom, f)
		case f.Path == "name":
			steps = append(steps, apply.Step{Title: "rename organization", Do: func(ctx context.Context) error {
				return b.write(ctx, func(ctx context.Context) (bool, error) { return b.rename(ctx, f) })
			}})
		default:
			return nil, fmt.Errorf("%s: %s cannot be written", c.Address, f.Path)
		}
	}
	if len(custom) > 0 {
		steps = append(steps, apply.Step{Title: "set customizations", Do: func(ctx context.Context) error {
			return b.write(ctx, func(ctx context.Context) (bool, error) { return b.customize(ctx, custom) })
		}})
	}
	return steps, nil
}

// write reads, sends and looks, and once more what was not taken: a sending whose answer was lost, or that the API has refused for
// the moment. attempt reports whether its error is of that sort. Each begins with a reading of its own, since nothing else keeps
// what somebody else has written meanwhile.
func (b *Backend) write(ctx context.Context, attempt func(context.Context) (again bool, err error)) error {
	const tries = 5
	var lost error // what the API may have executed all the same
	for try := 1; ; try++ {
		again, err := attempt(ctx)
		switch {
		case err == nil:
			return nil
		case again && try < tries:
			apply.Trouble(ctx, client.Cause(err), "reading again before it is sent again")
			if client.Ambiguous(err) {
				lost = err
			}
		case lost != nil && !client.Ambiguous(err):
			return fmt.Errorf("%w; an earlier sending has no answer: %w", err, lost)
		default:
			return err
		}
		if err := apply.Sleep(ctx, b.opts.Tick); err != nil {
			return also(lost, err)
		}
	}
}

// refusedForNow reports that a write is known not to have been executed, for a reason that may pass.
func refusedForNow(err error) bool {
	network, ok := errors.AsType[*client.NetworkError](err)
	return errors.Is(err, client.ErrRateLimited) || ok && !network.Sent && !network.Stopped()
}

// rename reads the name, sends the new one in the field in which the server shows it, and reads it again: a server that does not
// know the field may answer that all is well.
func (b *Backend) rename(ctx context.Context, f diff.FieldChange) (again bool, err error) {
	want, _ := f.After.(string)
	now, err := b.api.GetOrganization(ctx, b.opts.OrganizationID)
	switch {
	case err != nil:
		return false, err
	case now.Name == want:
		return false, nil
	case any(now.Name) != f.Before:
		return false, fmt.Errorf("the name is %q now and was %s when this was planned: somebody else has changed it; nothing was sent, plan again",
			now.Name, spec.FormatValue(f.Before))
	}
	sent := b.api.UpdateOrganization(ctx, b.opts.OrganizationID, locktera.OrganizationUpdate{
		Name: &want, NameKey: now.NameKey,
	})
	if sent != nil && !client.Ambiguous(sent) {
		return refusedForNow(sent), sent
	}
	var seen string
	there, err := b.settled(ctx, func(ctx context.Context) (bool, error) {
		o, err := b.api.GetOrganization(ctx, b.opts.OrganizationID)
		seen = o.Name
		return err == nil && spec.CanonicalName(seen) == spec.CanonicalName(want), err
	})
	switch {
	case there:
		return false, nil
	case err != nil:
		return false, unknown{also(sent, fmt.Errorf("whether the name was taken could not be read: %w", err))}
	case sent != nil:
		return true, fmt.Errorf("the name is still %q: %w", seen, sent)
	case any(seen) == f.Before:
		return false, fmt.Errorf("the API accepted the new name and changed nothing, the name is still %q: "+
			"it may take it in another field, which LOCKTERA_NAME_KEY sets (name or org_name)", seen)
	default:
		return false, fmt.Errorf("the API accepted the new name and shows %q now: somebody else may have written at the same time; plan again", seen)
	}
}

// customize changes the named keys and leaves the rest as it is. The API can only replace the whole, and takes no precondition: what
// somebody else writes between the reading and the writing is lost, and what they write afterwards may undo ours. So the reading
// comes right before the writing, and another one after it says what has become of both.
func (b *Backend) customize(ctx context.Context, changes []diff.FieldChange) (again bool, err error) {
	before, held, err := b.readCustomizations(ctx)
	if err != nil {
		return false, err
	}
	if gone := b.vanished(held, changes); len(gone) > 0 {
		return false, fmt.Errorf("customizations that were there when this was planned are gone now (%s): somebody else removed them, or the API "+
			"answered otherwise; nothing was sent, plan again", strings.Join(gone, ", "))
	}
	sent := maps.Clone(before.Fields)
	if sent == nil {
		sent = map[string]json.RawMessage{}
	}
	wanted := maps.Clone(held)
	for _, f := range changes {
		if now := held[f.Path]; !reflect.DeepEqual(now, f.Before) && !reflect.DeepEqual(now, f.After) {
			return false, fmt.Errorf("customization %s is %s now and was %s when this was planned: somebody else has changed it; nothing was sent, plan again",
				f.Path, shown(now), shown(f.Before))
		}
		raw, err := json.Marshal(f.After)
		if err != nil {
			return false, fmt.Errorf("encode customization %s: %w", f.Path, err)
		}
		sent[f.Path], wanted[f.Path] = raw, f.After
	}
	if reflect.DeepEqual(held, wanted) {
		return false, nil
	}
	failed := b.api.PutCustomizations(ctx, b.opts.OrganizationID, sent)
	if failed != nil && !client.Ambiguous(failed) {
		if errors.Is(failed, client.ErrBadRequest) && before.Wrapped {
			failed = fmt.Errorf("%w; the API shows customizations wrapped, and may want them so: that is LOCKTERA_CUSTOMIZATIONS=wrapped", failed)
		}
		return refusedForNow(failed), failed
	}
	var answer locktera.Customizations
	var after spec.Tree
	var missing []string
	_, err = b.settled(ctx, func(ctx context.Context) (bool, error) {
		var err error
		answer, after, err = b.readCustomizations(ctx)
		missing = notTaken(after, changes)
		return err == nil && len(missing) == 0, err
	})
	if err != nil {
		return false, unknown{also(failed, fmt.Errorf("whether the customizations were taken could not be read: %w", err))}
	}
	others := differing(wanted, after, changes)
	switch {
	case answer.Wrapped && !before.Wrapped:
		return false, errors.New("the API shows the customizations within a customization of that name since they were sent wrapped: it wants them bare; " +
			"set LOCKTERA_CUSTOMIZATIONS=bare, and put them right in the application")
	case len(missing) == 0 && len(others) > 0:
		b.remark("meanwhile: while customizations were set, %s came to be other than read a moment before: somebody else wrote, or the API did",
			strings.Join(others, ", "))
		return false, nil
	case len(missing) == 0:
		return false, nil
	case failed != nil:
		return true, fmt.Errorf("customization %s: %w", strings.Join(missing, ", "), failed)
	case reflect.DeepEqual(held, after):
		return false, fmt.Errorf("the API accepted the customizations and changed nothing, %s: it may want them wrapped, for which LOCKTERA_CUSTOMIZATIONS=wrapped is there",
			strings.Join(missing, ", "))
	default:
		return false, fmt.Errorf("the API accepted the customizations, and afterwards %s: the update was lost, at least in part, since somebody else wrote "+
			"at the same time, or the API takes it otherwise; plan again", strings.Join(missing, ", "))
	}
}

// vanished are the customizations that were there when they were observed and that a reading lacks, but for those that are to be
// changed. An API that answers with less than there is would have the rest removed by what is written back.
func (b *Backend) vanished(read spec.Tree, changes []diff.FieldChange) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(b.shown)), func(key string) bool {
		_, there := read[key]
		return there || slices.ContainsFunc(changes, func(f diff.FieldChange) bool { return f.Path == key })
	})
}

// readCustomizations reads them as the API spells them, and as trees have them.
func (b *Backend) readCustomizations(ctx context.Context) (locktera.Customizations, spec.Tree, error) {
	c, err := b.api.GetCustomizations(ctx, b.opts.OrganizationID)
	if err != nil {
		return c, nil, err
	}
	tree, err := customizationsTree(c)
	return c, tree, err
}

// shown is a customization as messages have it.
func shown(value any) string {
	if value == nil {
		return "absent"
	}
	return spec.FormatValue(value)
}

// notTaken says which changes a reading does not show.
func notTaken(read spec.Tree, changes []diff.FieldChange) []string {
	var out []string
	for _, f := range changes {
		if now := read[f.Path]; !reflect.DeepEqual(now, f.After) {
			out = append(out, fmt.Sprintf("%s is %s", f.Path, shown(now)))
		}
	}
	return out
}

// differing are the keys, but for those that were changed, of which something else was read than was sent.
func differing(sent, read spec.Tree, changes []diff.FieldChange) []string {
	var out []string
	changed := func(key string) bool {
		return slices.ContainsFunc(changes, func(f diff.FieldChange) bool { return f.Path == key })
	}
	both := maps.Clone(sent)
	maps.Copy(both, read)
	for _, key := range slices.Sorted(maps.Keys(both)) {
		if !changed(key) && !reflect.DeepEqual(sent[key], read[key]) {
			out = append(out, key)
		}
	}
	return out
}
