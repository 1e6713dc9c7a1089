package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/store"
	"github.com/orgctl/orgctl/pkg/client"
)

func deleteOrganizationCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "delete-organization", Usage: "delete an organization with all that is below it, for good",
		UsageText: "orgctl delete-organization org-123 --confirm org-123\norgctl delete-organization org-123 --confirm org-123 --yes --api locktera",
		ArgsUsage: "ID",
		Description: "Nothing brings it back. No manifest says this and no plan does it: the id is typed, and typed again. What would be " +
			"deleted is shown first; on a terminal there is a question, elsewhere --yes is needed. Of Locktera's API.",
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "confirm", Usage: "the same `ID` again"},
			&cli.BoolFlag{Name: "person", Usage: "it is a person that is to be deleted, who has an id as organizations have"},
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
			apiFlag(),
			timeoutFlag("send nothing more after this `DURATION`, as after an interrupt"),
		}, connectionFlags()),
		Action: func(c *cli.Context) error {
			o, err := newDeletionOptions(e, c)
			if err != nil {
				return err
			}
			return within(c.Context, o.timeout, func(ctx context.Context) error { return deleteOrganization(ctx, e, o) })
		},
	}
}

type deletionOptions struct {
	connectionOptions
	api     *provider // which can
	id      string    // confirmed
	person  bool      // somebody is meant
	yes     bool
	timeout time.Duration
}

func newDeletionOptions(e *env, c *cli.Context) (o deletionOptions, err error) {
	o.id = c.Args().First()
	switch confirmed := c.String("confirm"); {
	case c.NArg() != 1:
		return o, usage("which one? It is orgctl delete-organization ID --confirm ID")
	case !isID(o.id):
		return o, usage("%q is not the id of an organization", o.id)
	case confirmed == "":
		return o, usage("nothing brings a deleted organization back: type its id once more, as --confirm ID")
	case confirmed != o.id:
		return o, usage("--confirm %s is not %s: nothing was sent", confirmed, o.id)
	}
	if o.yes = c.Bool("yes"); !o.yes && !e.stdinTTY {
		return o, usage("there is nobody to ask: add --yes to delete without being asked")
	}
	if o.connectionOptions, err = newConnectionOptions(c); err != nil {
		return o, err
	}
	if o.api, err = newProviderOptions(e, c); err != nil {
		return o, err
	}
	if o.api.deletions == nil {
		var able []string
		for _, p := range providers {
			if p.deletions != nil {
				able = append(able, "--api "+p.name())
			}
		}
		return o, usage("%s has no organizations to delete: its API has no such call; there is %s", o.api.api.Title, strings.Join(able, " and "))
	}
	o.person, o.timeout = c.Bool("person"), c.Duration("timeout")
	return o, nil
}

// deletions are the calls of an API that can delete organizations.
type deletions interface {
	// inspect reads the node of an id.
	inspect(ctx context.Context, id string) (node, error)
	// below are nodes that something tells to be below one. It need not tell of all.
	below(ctx context.Context, id string) ([]node, error)
	// remove sends the deletion once.
	remove(ctx context.Context, id string) error
}

// node is an organization, or whatever else has the id of one.
type node struct {
	id, name string
	role     string   // as the API calls it; "" where it does not tell
	person   bool     // or anything else that is neither an organization nor a group
	above    []string // ids of those that it is told to be below
}

// String is how a node is listed.
func (n node) String() string {
	return strings.Join(slices.DeleteFunc([]string{n.id, n.role, n.name}, func(s string) bool { return s == "" }), "  ")
}

// deleteOrganization shows what would be deleted, asks, deletes, and looks.
func deleteOrganization(ctx context.Context, e *env, o deletionOptions) error {
	if o.sandbox.kept() { // which is read when it is opened
		if err := o.sandbox.exists(); err != nil {
			return err
		}
		release, err := lockAgainstApply(string(o.sandbox) + ".lock")
		if err != nil {
			return err
		}
		defer release()
	}
	t, err := newTarget(e, o.connectionOptions, o.api, refuseAbsent)
	if err != nil {
		return err
	}
	p, err := newProgress(e, o.debug)
	if err != nil {
		return err
	}
	api, err := t.dial(e, o.connectionOptions, p)
	if err != nil {
		return err
	}
	if t.sandbox == "" {
		url, err := o.api.dialect.CanonicalURL(t.url)
		if err != nil {
			return err
		}
		path, err := e.statePath(store.Scope{API: url, Organization: o.id}, ".lock")
		if err != nil {
			return err
		}
		release, err := lockAgainstApply(path)
		if err != nil {
			return err
		}
		defer release()
	}
	d := &deletion{deletions: o.api.deletions(api), id: o.id, tick: t.tick, progress: p}
	if err := d.show(ctx, e, t); err != nil {
		return err
	}
	if err := d.refuse(o.person); err != nil {
		return err
	}
	if !o.yes {
		if err := e.ask(fmt.Sprintf("Delete %s, with all that is below it?", o.id)); err != nil {
			return err
		}
	}
	return d.carryOut(ctx, e)
}

// lockAgainstApply keeps an apply of the same organization on this host from running meanwhile.
func lockAgainstApply(path string) (release func(), err error) {
	release, err = lock(path)
	if held, ok := errors.AsType[*heldError](err); ok {
		return nil, fmt.Errorf("an apply of this organization is under way on this host (%s, lock %s): nothing was sent; run again when it has ended", held.holder, held.path)
	}
	return release, err
}

// deletion is one under way.
type deletion struct {
	deletions
	id       string
	node     node
	tick     time.Duration
	progress *progress
}

// show reads and prints what would be deleted.
func (d *deletion) show(ctx context.Context, e *env, t *target) error {
	end := d.progress.show("reading what is to be deleted")
	err := d.read(ctx, e, t)
	end()
	return err
}

func (d *deletion) read(ctx context.Context, e *env, t *target) (err error) {
	d.node, err = d.inspect(ctx, d.id)
	switch {
	case errors.Is(err, client.ErrNotFound):
		return fmt.Errorf("there is no %s, or the key has no right to see it; nothing was deleted: %w", d.id, err)
	case err != nil:
		return fmt.Errorf("%s could not be looked at, and nothing was deleted: %w", d.id, err)
	}
	orElse := func(text, none string) string {
		if text == "" {
			return none
		}
		return text
	}
	lines := []string{
		"To be deleted: " + d.id,
		"  name: " + orElse(d.node.name, "(the API shows none)"),
		"  role: " + orElse(d.node.role, "(the API shows none: whether this is an organization, a group or a person cannot be told)"),
	}
	below, unread := d.below(ctx, d.id)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case unread != nil:
		lines = append(lines, fmt.Sprintf("  below: not known: the audit log could not be read (%v), and the API lists no children", client.Cause(unread)))
	case len(below) == 0:
		lines = append(lines, "  below: nothing that the audit log tells of; the API lists no children, so that there may be some all the same")
	default:
		lines = append(lines, fmt.Sprintf("  below: %d that the audit log tells of; the API lists no children, so that there may be more, or less:", len(below)))
		for _, n := range below {
			lines = append(lines, "    "+n.String())
		}
	}
	lines = append(lines, "All that is below is deleted as well. Nothing brings it back.", d.aboutKey(ctx, t, below))
	return view.Lines(e.stdout, lines)
}

// aboutKey says what becomes of the key in use. The API does not tell whose it is: most likely of the organization that is worked on.
func (d *deletion) aboutKey(ctx context.Context, t *target, below []node) string {
	const ends = "the key in use ends with it, unless it is of somebody above."
	own, whose := t.organization, "the one of "+t.provider.organization
	if t.sandbox != "" {
		whose = "the one of this sandbox"
	}
	switch {
	case own == d.id:
		return fmt.Sprintf("It is %s: %s", whose, ends)
	case slices.ContainsFunc(below, func(n node) bool { return n.id == own }):
		return fmt.Sprintf("Below it is %s (%s): %s", whose, own, ends)
	case own != "":
		if n, err := d.inspect(ctx, own); err == nil && slices.Contains(n.above, d.id) {
			return fmt.Sprintf("Below it is %s (%s): %s", whose, own, ends)
		}
	}
	return "Whose the key in use is, the API does not tell: if it is of somebody who is deleted, it ends, too."
}

// refuse keeps somebody from being deleted who was taken for an organization, and the other way round.
func (d *deletion) refuse(meant bool) error {
	role := "no role that the API shows"
	if d.node.role != "" {
		role = "role " + d.node.role
	}
	switch {
	case d.node.person && !meant:
		return blocked("%s is no organization or group but a person (%s): to delete a person, add --person; nothing was changed", d.id, role)
	case !d.node.person && meant:
		return blocked("--person: that %s is a person is not what the API tells (%s); nothing was changed", d.id, role)
	}
	return nil
}

// carryOut sends the deletion once, lets it come to its end whatever happens meanwhile, and looks what has become of it.
func (d *deletion) carryOut(ctx context.Context, e *env) error {
	defer e.interrupt.gracefully(d.progress.ending)()
	begin, release := until(ctx, e.interrupt.stop)
	defer release()
	end := d.progress.show("deleting " + d.id)
	// What has been sent is waited for, whatever the signal.
	sent, seen := d.send(client.WithBegin(e.interrupt.whole, begin))
	end()
	switch {
	case errors.Is(sent, client.ErrStopped) && ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(sent, client.ErrStopped):
		return errInterrupted
	case sent == nil:
		return d.accepted(e, seen)
	case errors.Is(sent, client.ErrNotFound):
		return d.notFound(e, sent, seen)
	case client.Ambiguous(sent):
		return d.lost(e, client.Cause(sent), seen)
	default:
		return fmt.Errorf("%s was not deleted: %w", d.id, sent)
	}
}

// send gives what came of the deletion and, unless that was refused, what a look afterwards came to.
func (d *deletion) send(ctx context.Context) (sent, seen error) {
	sent = d.remove(ctx, d.id)
	switch {
	case sent == nil, client.Ambiguous(sent):
		seen = d.look(ctx)
	case errors.Is(sent, client.ErrNotFound):
		_, seen = d.inspect(ctx, d.id)
	}
	return sent, seen
}

// look reads until what was deleted is not to be seen, or has been there for as long as an API may take to show what it has done.
// It gives no error if it is still there.
func (d *deletion) look(ctx context.Context) error {
	deadline := time.Now().Add(time.Duration(apply.Defaults().Settle) * d.tick)
	for pause := d.tick; ; pause = min(2*pause, 10*d.tick) {
		_, err := d.inspect(ctx, d.id)
		left := time.Until(deadline)
		if err != nil || left <= 0 || apply.Sleep(ctx, min(pause, left)) != nil {
			return err
		}
	}
}

// accepted is of a deletion that the API has answered with success.
func (d *deletion) accepted(e *env, seen error) error {
	switch {
	case errors.Is(seen, client.ErrNotFound):
		return view.Lines(e.stdout, []string{"deleted " + d.id})
	case errors.Is(seen, client.ErrUnauthorized), errors.Is(seen, client.ErrForbidden):
		return view.Lines(e.stdout, []string{fmt.Sprintf("deleted %s, as the API says; it lets the key in use look no more (%v)", d.id, client.Cause(seen))})
	case seen == nil:
		return partial("the API accepted the deletion of %s and still shows it: it may take longer, or be no deletion; look again before anything else", d.id)
	default:
		return partial("the API says that %s is deleted; whether it is could not be looked at: %v", d.id, seen)
	}
}

// lost is of a deletion without an answer that says what has become of it.
func (d *deletion) lost(e *env, cause, seen error) error {
	switch {
	case errors.Is(seen, client.ErrNotFound):
		return view.Lines(e.stdout, []string{fmt.Sprintf("%s is gone, or the key has no right to see it any more (404); the answer to its deletion was lost: %v", d.id, cause)})
	case errors.Is(seen, client.ErrUnauthorized):
		return partial("the answer to the deletion of %s was lost (%v), and the key in use is not accepted any more, as it would be if it has ended with it: "+
			"look with another key", d.id, cause)
	case seen == nil:
		return partial("the answer to the deletion of %s was lost (%v), and it is still there; the deletion was not sent again: the same command does that", d.id, cause)
	default:
		return partial("the answer to the deletion of %s was lost (%v), and whether it is gone could not be looked at: %v; look before anything else", d.id, cause, seen)
	}
}

// notFound is of a deletion that was answered as if there were nothing to delete, of what was there a moment ago.
func (d *deletion) notFound(e *env, sent, seen error) error {
	switch {
	case errors.Is(seen, client.ErrNotFound):
		return view.Lines(e.stdout, []string{fmt.Sprintf("%s is gone, or the key has no right to see it any more (404): somebody else may have deleted it", d.id)})
	case seen == nil:
		return fmt.Errorf("%s was not deleted, and is still there: the key may have no right to delete it: %w", d.id, sent)
	default:
		return fmt.Errorf("%s was not deleted: %w", d.id, sent)
	}
}

// partial ends a command that has changed something, or may have.
func partial(format string, args ...any) error {
	return &codedError{code: exitPartial, err: fmt.Errorf(format, args...)}
}
