package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/diff"
)

// troubles are the statuses of changes that a report tells of one by one, with what the reader can do about them.
var troubles = []struct {
	status apply.Status
	next   string
}{
	{apply.Failed, "correct what was refused and apply again; what was applied stays"},
	{apply.Unknown, "plan again to see what became of them, and do not repeat them by hand"},
	{apply.Skipped, "nothing was sent for them; apply again once what they wait for is done"},
}

// Report writes how a run ended: every change that was not applied with what to do next, the counts, and what is left. The
// last line is the word "converged", which a narrowed plan qualifies, or "not converged:" and the reason.
func Report(w io.Writer, r *apply.Report, o Options) error {
	var b strings.Builder
	pen := pen{o.Color}
	for _, t := range troubles {
		n := r.Count(t.status)
		if n == 0 {
			continue
		}
		title := string(t.status)
		title = fmt.Sprintf("%s%s (%d):", strings.ToUpper(title[:1]), title[1:], n)
		tone := signRemove
		if t.status == apply.Skipped {
			tone = signUpdate
		}
		fmt.Fprintf(&b, "%s %s\n", pen.paint(tone, pen.bold(title)), t.next)
		for _, res := range r.Results {
			if res.Status == t.status {
				b.WriteString("  " + outcome(res) + "\n")
			}
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "Applied %d, failed %d, skipped %d, unknown %d.\n",
		r.Count(apply.Applied), r.Count(apply.Failed), r.Count(apply.Skipped), r.Count(apply.Unknown))
	if !r.Converged && r.Remaining != nil {
		remaining(&b, r.Remaining, pen)
	}
	if r.Narrowed != nil && !r.Converged {
		fmt.Fprintf(&b, "This is about what is selected%s.\n", besides(r.Narrowed, "was", "were"))
	}
	b.WriteString(verdict(r) + "\n")
	return emit(w, b.String())
}

// StoredSecrets says how many secrets were stored where, such as "in secrets/".
func StoredSecrets(w io.Writer, keys, services int, place string) error {
	var kinds []string
	if keys > 0 {
		kinds = append(kinds, plural(keys, "key"))
	}
	if services > 0 {
		kinds = append(kinds, plural(services, "service"))
	}
	return Message(w, fmt.Sprintf("stored %s %s (%s)", plural(keys+services, "secret"), place, strings.Join(kinds, ", ")))
}

// outcome is what one change came to: where it is declared, where it stopped, why, and after how long.
func outcome(res apply.Result) string {
	text := fmt.Sprintf("%s %s", visible(string(res.Action)), address(res.Address))
	if p := place(res.Pos); p != "" {
		text += " (" + p + ")"
	}
	if res.Step != "" {
		text += ": " + visible(res.Step)
	}
	if res.Error != "" {
		text += ": " + visible(res.Error)
	}
	if res.Elapsed >= time.Second {
		text += " (after " + elapsed(res.Elapsed) + ")"
	}
	return text
}

func remaining(b *strings.Builder, p *diff.Plan, pen pen) {
	drift, _ := driftFirst(p.Unmanaged)
	if p.Empty() && len(p.Findings)+len(drift) == 0 {
		return
	}
	b.WriteString("\n" + pen.bold("Remaining:") + "\n")
	for _, c := range byWeight(p.Changes) {
		b.WriteString("  " + pen.paint(sign(c.Action), sign(c.Action)+" "+address(c.Address)))
		if what := gist(c); len(what) > 0 {
			b.WriteString(": " + strings.Join(what, ", "))
		}
		b.WriteString("\n")
	}
	for _, f := range gravestFirst(p.Findings) {
		fmt.Fprintf(b, "  %s %s %s: %s\n", visible(string(f.Severity)), visible(f.Code), address(f.Address), visible(f.Message))
	}
	for _, u := range drift {
		fmt.Fprintf(b, "  drift %s: declared by no manifest, and %s are exclusive\n", address(u.Address), visible(u.Collection))
	}
	b.WriteString("\n")
}

// Unread says what a verdict of "converged" rests on beside readings made after the changes; "" for nothing.
func Unread(r *apply.Report) string {
	if !r.Converged || len(r.Earlier) == 0 {
		return ""
	}
	return "not read again, since nothing was changed of them: " + strings.Join(r.Earlier, ", ")
}

func verdict(r *apply.Report) string {
	switch {
	case r.Converged && r.Narrowed != nil:
		return "converged for what is selected" + besides(r.Narrowed, "was", "were")
	case r.Converged:
		return "converged"
	case r.Error != "":
		return "not converged: " + visible(r.Error)
	case r.Remaining != nil:
		return "not converged: still " + counts(r.Remaining)
	default:
		return "not converged: the organization was not observed again"
	}
}

// elapsed spells a duration to the second: 5s, 1m40s, 1h2m0s.
func elapsed(d time.Duration) string {
	return d.Truncate(time.Second).String()
}
