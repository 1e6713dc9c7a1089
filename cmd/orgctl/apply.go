package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

func applyCommand(e *env) *cli.Command {
	limits := apply.DefaultLimits()
	return &cli.Command{
		Name: "apply", Usage: "make the organization equal to the manifests, or carry out a saved plan",
		UsageText: "orgctl apply -f orgs/acme --secrets-out secrets\norgctl apply plan.json --yes --secrets-out secrets\n" +
			"orgctl apply -f orgs/acme --yes --allow-delete 'service/tmp-*'",
		ArgsUsage: "[PLAN.json]",
		Flags: slices.Concat(manifestFlags(), selectionFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
			&cli.StringFlag{Name: "expect-digest", Usage: "apply only the plan with this `DIGEST`; exit 6 if it is another one by now"},
			callerFlag(),
			&cli.StringSliceFlag{Name: "allow-delete", Usage: "allow the deletion of services, or of keys of Locktera, that match `service/GLOB` (repeatable)"},
		}, secretFlags(), []cli.Flag{
			&cli.StringFlag{Name: "journal", Usage: "remember unfinished creations in `FILE` (default: beside the secrets, else in the user's state directory)"},
			&cli.DurationFlag{Name: "settle", Usage: "wait this `DURATION` for the API to show what it has accepted", Value: time.Duration(apply.Defaults().Settle) * time.Second},
			&cli.DurationFlag{Name: "lock-timeout", Usage: "wait this `DURATION` for another apply on this host to end; none unless given"},
			timeoutFlag("begin nothing more after this `DURATION`, as after an interrupt"),
			&cli.DurationFlag{Name: "create-timeout", Usage: "wait this `DURATION` for a new service", Value: limits.Create},
			&cli.DurationFlag{Name: "start-timeout", Usage: "wait this `DURATION` for a service to start", Value: limits.Start},
			&cli.DurationFlag{Name: "stop-timeout", Usage: "wait this `DURATION` for a service to stop", Value: limits.Stop},
			&cli.DurationFlag{Name: "delete-timeout", Usage: "wait this `DURATION` for a service to be gone", Value: limits.Delete},
		}, connectionFlags()),
		Action: func(c *cli.Context) error {
			o, err := newApplyOptions(e, c)
			if err != nil {
				return err
			}
			return within(c.Context, o.timeout, func(ctx context.Context) error { return runApply(ctx, e, o) })
		},
	}
}

type applyOptions struct {
	manifestOptions
	connectionOptions
	saved       string // file of the plan that is to be carried out, or "" for what manifests say
	selection   diff.Selection
	yes         bool
	digest      string // of the only plan that is to be applied, or ""
	caller      diff.Caller
	secrets     secretOptions
	journal     string // file, or ""
	settle      int    // ticks of one second, begun ones counted
	limits      apply.Limits
	lockTimeout time.Duration
	timeout     time.Duration
}

func newApplyOptions(e *env, c *cli.Context) (o applyOptions, err error) {
	if o.saved = c.Args().First(); c.Args().Present() {
		if o.saved == "" {
			return o, usage("the name of the plan is empty; leave it out to apply manifests")
		}
		if err := noManifest(c, o.saved); err != nil {
			return o, err
		}
	}
	if o.yes = c.Bool("yes"); !o.yes && !e.stdinTTY {
		return o, usage("there is nobody to ask: add --yes to apply without confirmation")
	}
	if o.caller, err = newCallerOptions(c); err != nil {
		return o, err
	}
	if o.caller.Leave, err = selectors(c.StringSlice("allow-delete")); err != nil {
		return o, err
	}
	if o.selection, err = newSelectionOptions(c); err != nil {
		return o, err
	}
	if o.connectionOptions, err = newConnectionOptions(c); err != nil {
		return o, err
	}
	if o.secrets, err = newSecretOptions(c); err != nil {
		return o, err
	}
	if c.Args().Present() && (c.NArg() > 1 || c.IsSet("file") || c.IsSet("org") || !o.selection.All()) {
		return o, usage("a saved plan is applied whole and alone: orgctl apply %s --yes", o.saved)
	}
	if o.digest = c.String("expect-digest"); o.digest != "" && !strings.Contains(o.digest, ":") {
		o.digest = "sha256:" + o.digest
	}
	o.manifestOptions, o.journal = newManifestOptions(c), c.String("journal")
	o.settle = int(math.Ceil(c.Duration("settle").Seconds()))
	o.limits = apply.Limits{
		Create: c.Duration("create-timeout"), Start: c.Duration("start-timeout"),
		Stop: c.Duration("stop-timeout"), Delete: c.Duration("delete-timeout"),
	}
	o.lockTimeout, o.timeout = c.Duration("lock-timeout"), c.Duration("timeout")
	return o, nil
}

// goal is what is to be applied: manifests, or a plan that was saved and reviewed.
type goal struct {
	desired  *spec.Organization
	sel      diff.Selection
	reviewed *diff.Plan // nil for manifests
}

// readGoal lets the journal go over nothing that is read.
func readGoal(e *env, o applyOptions) (goal, error) {
	written := journalOutput(o.journal)
	if err := o.sandbox.spare(written...); err != nil {
		return goal{}, err
	}
	if o.saved == "" {
		desired, err := load(e, o.manifestOptions, written...)
		if err == nil {
			err = fits(desired, o.selection, diff.Selection{Only: o.caller.Leave})
		}
		return goal{desired: desired, sel: o.selection}, err
	}
	p, err := readPlan(o.saved, written...)
	if err != nil {
		return goal{}, err
	}
	return goal{desired: p.Desired(), reviewed: p}, fits(p.Desired(), diff.Selection{Only: o.caller.Leave})
}

// plan says what is to be done for a goal, or what is left after some changes. A saved plan is asked for the rest of what it
// said, too: it desires no more than it changes. Nothing that it says is believed but what its digest binds.
func (g *goal) plan(ctx context.Context, s *session, applied []diff.Change) (*diff.Plan, *spec.Live, error) {
	opts := apply.ToApply(g.desired, g.sel, g.reviewed)
	opts.Applied = applied
	p, live, err := s.plan(ctx, opts, g.desired, g.sel)
	if err == nil && g.reviewed != nil {
		p.Inherit(g.reviewed, live)
	}
	return p, live, err
}

// runApply plans as long as the command's context lasts, which --timeout ends. What is under way by then is finished as long
// as the program lasts.
func runApply(ctx context.Context, e *env, o applyOptions) error {
	g, err := readGoal(e, o)
	if err != nil {
		return err
	}
	s, err := openSession(ctx, e, o, g.desired)
	if err != nil {
		return err
	}
	defer s.close()
	p, live, err := g.plan(ctx, s, nil)
	if err != nil {
		return err
	}
	if err := selected(g.sel, g.desired, live); err != nil {
		return err
	}
	if err := current(o.digest, g.reviewed, p); err != nil {
		return err
	}
	who := o.caller
	who.Sink = s.vault != nil
	if who, err = apply.Judge(ctx, s.Backend, p, live, who); err != nil {
		return err
	}
	if err := render(e, p, diff.Proofs(p, live, who), []output{{format: "text", to: e.standardOutput()}}); err != nil {
		return err
	}
	if err := permitted(e, o, p); err != nil {
		return err
	}
	if !p.Empty() && !o.yes {
		if err := s.stillPermitted(ctx, p, live, who); err != nil {
			return err
		}
	}
	if len(p.Changes) > ordinary {
		s.log.Read(ctx)
	}
	// From here on the exit code says what became of the organization, whatever else goes wrong.
	var seen *spec.Live
	changed := p.Changes // for the first look; what that does not find as declared is looked at with all that there is to see
	outcome, whole := s.carryOut(ctx, e, o, p, func(ctx context.Context) (*diff.Plan, error) {
		left, live, err := g.plan(ctx, s, changed)
		if err != nil {
			return nil, err
		}
		changed, seen = nil, live
		left.Guard(live, who)
		left.LeaveTagged()
		return left, nil
	})
	if seen != nil {
		outcome.Earlier = seen.Earlier
	}
	if left := s.Unsettled(); outcome.Converged && len(left) > 0 {
		outcome.Converged, outcome.Error = false, strings.Join(left, "; ")
	}
	if whole {
		_ = view.Message(e.notes(), strings.Join(s.unused(), "\n"))
	}
	_ = view.Message(e.notes(), strings.Join(s.Remarks(), "\n"))
	_ = view.Message(e.notes(), view.Unread(outcome))
	if err := view.Report(e.stdout, outcome, e.stdoutView()); err != nil {
		_ = view.Message(e.stderr, fmt.Sprintf("the report cannot be printed: %v", err))
		_ = view.Report(e.stderr, outcome, e.stderrView())
	}
	if whole {
		_ = view.Message(e.notes(), strings.Join(s.foreign(ctx, outcome), "\n"))
	}
	if !outcome.Converged {
		return exit(exitPartial)
	}
	return nil
}

// ordinary is how many changes an apply may have that is to fit into one window of the rate limit.
const ordinary = 3

// noticeable is for how many ticks an apply has to last before what others do meanwhile is looked for: the activity log shows
// things up to half a minute late (FACTS 11), and an apply that needs no second window of the rate limit is over long before.
const noticeable = 10

// foreign says who else wrote meanwhile. That is a courtesy of the API's log, which is late: it is asked when it may have something
// to tell, or something has to be explained, and after the report, which waits for nothing that it does not need.
func (s *session) foreign(ctx context.Context, outcome *apply.Report) []string {
	if time.Since(s.begun) < noticeable*s.target.tick && outcome.Converged {
		return nil
	}
	var lines []string
	for _, foreign := range s.log.Foreign(ctx) {
		lines = append(lines, "meanwhile: "+foreign)
	}
	return lines
}

// unused says which stored secrets nothing uses.
func (s *session) unused() []string {
	if s.vault == nil || s.vault.dir == nil {
		return nil
	}
	var lines []string
	unused, err := s.vault.dir.Unused(s.scope)
	for _, secret := range unused {
		if secret.Reason == "" {
			lines = append(lines, "stored, and in use by nothing: "+secret.Path)
		} else {
			lines = append(lines, fmt.Sprintf("stored, and not in force: %s (%s)", secret.Path, secret.Reason))
		}
	}
	if err != nil {
		lines = append(lines, "stored secrets that cannot be read: "+err.Error())
	}
	return lines
}

// carryOut applies a permitted plan and verifies it, and reports whether that went to its end: it is not when it is told to begin
// nothing more. Of an empty plan there is nothing to carry out.
func (s *session) carryOut(
	ctx context.Context, e *env, o applyOptions, p *diff.Plan, replan func(context.Context) (*diff.Plan, error),
) (outcome *apply.Report, whole bool) {
	if p.Empty() { // observed a moment ago
		outcome = &apply.Report{Results: []apply.Result{}, Converged: p.Converged(), Narrowed: p.Narrowed}
		if !outcome.Converged {
			outcome.Remaining = p
		}
		return outcome, false
	}
	defer e.interrupt.gracefully(s.progress.ending)()
	begin, release := until(ctx, e.interrupt.stop)
	defer release()
	opts := apply.Defaults()
	opts.Tick, opts.Notify, opts.Stop = s.target.tick, s.progress.event, begin.Done()
	opts.Settle = o.settle
	shown := s.progress.show("")
	outcome = apply.Run(e.interrupt.whole, p, s.Backend, opts) //nolint:contextcheck // goes on under a context that a signal does not end
	shown()
	if s.vault != nil {
		s.vault.told(e, s.target.sandbox != "")
	}
	if begin.Err() == nil {
		shown := s.progress.show("verifying")
		apply.Verify(client.WithBegin(e.interrupt.whole, begin), outcome, p, replan, opts)
		shown()
	}
	switch {
	case e.interrupt.received() && !outcome.Converged:
		outcome.Error = "interrupted; run again to go on"
	case begin.Err() != nil && !outcome.Converged:
		outcome.Error = fmt.Sprintf("stopped after --timeout %s; run again to go on", o.timeout)
	default:
		whole = true
	}
	return outcome, whole
}

// until is a context that ends with stop, too.
func until(ctx context.Context, stop <-chan struct{}) (_ context.Context, release context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// current refuses a plan that is no longer the one that was reviewed, and says what has moved.
func current(want string, reviewed, now *diff.Plan) error {
	if reviewed != nil {
		if want != "" && want != reviewed.Digest {
			return &codedError{code: exitStale, err: fmt.Errorf("the saved plan is %s, not %s", reviewed.Digest, want)}
		}
		if reviewed.Digest == now.Digest {
			return nil
		}
		what := "the organization has moved since this plan was made"
		switch done := diff.Fulfilled(reviewed, now); {
		case done == len(reviewed.Changes) && done > 0 && now.Empty():
			return &codedError{code: exitStale, err: errors.New("nothing is left of this plan: it has been applied already, or what it wants was done otherwise; nothing was changed")}
		case done > 0:
			what = "a part of this plan has been applied already, or the organization has moved since it was made"
		}
		var moved strings.Builder
		if err := view.Moved(&moved, reviewed, now, view.Options{}); err != nil {
			return err
		}
		return &codedError{code: exitStale, err: fmt.Errorf("%s; plan again. What would be done now differs for:\n%s", what,
			strings.TrimRight(moved.String(), "\n"))}
	}
	if want == "" || want == now.Digest {
		return nil
	}
	if now.Converged() {
		return &codedError{code: exitStale, err: fmt.Errorf("nothing is left to apply; the plan %s may have been applied already", want)}
	}
	return &codedError{code: exitStale, err: fmt.Errorf("the plan is now %s, not %s: review it again", now.Digest, want)}
}

// permitted judges a shown plan: what blocks it, what it requires, and what the person at the terminal says. An empty plan
// needs nobody's leave.
func permitted(e *env, o applyOptions, p *diff.Plan) error {
	switch worst := p.Worst(); {
	case p.Refused() && o.saved != "":
		return refused("; that was so when this plan was made, and nothing was changed: plan again with a key that may")
	case p.Refused():
		return refused("; nothing was changed")
	case worst == diff.SeverityError:
		return exit(exitError)
	case p.Blocked(), p.Empty() && worst == diff.SeverityBlocked:
		return blocked("the plan is blocked; nothing was changed")
	}
	if len(p.Requirements) > 0 {
		return blocked("apply needs what the plan lists above; nothing was changed")
	}
	if p.Empty() || o.yes {
		return nil
	}
	return e.ask(fmt.Sprintf("Apply this plan to %s?", p.Organization.Handle))
}

// ask puts a question to whoever sits at the terminal. Anything but yes is an error.
func (e *env) ask(question string) error {
	fmt.Fprintf(e.stderr, "%s Only \"yes\" is taken as such: ", question)
	answer, err := bufio.NewReader(e.stdin).ReadString('\n')
	if err != nil { // then nobody has ended the line of the question
		_ = view.Message(e.stderr, "\n")
	}
	if strings.TrimSpace(answer) != "yes" {
		return &codedError{code: exitError, err: errors.Join(errors.New("not confirmed; nothing was changed"), err)}
	}
	return nil
}

// stillPermitted judges a plan again whose confirmation may have taken any time, in which keys may have come to their end.
func (s *session) stillPermitted(ctx context.Context, p *diff.Plan, live *spec.Live, who diff.Caller) error {
	if err := apply.JudgeAgain(ctx, s.Backend, p, live, who); err != nil {
		return err
	}
	if len(p.Requirements) == 0 && !p.Blocked() {
		return nil
	}
	var all strings.Builder
	for _, f := range p.Findings {
		if f.Severity == diff.SeverityBlocked && !f.OfObject() {
			fmt.Fprintf(&all, "\n%s %s %s", f.Code, f.Address, f.Message)
		}
	}
	for _, r := range p.Requirements {
		fmt.Fprintf(&all, "\n%s %s %s; %s", r.Code, r.Address, r.Message, r.Hint)
	}
	return blocked("meanwhile the plan has come to be blocked; nothing was changed:%s", all.String())
}
