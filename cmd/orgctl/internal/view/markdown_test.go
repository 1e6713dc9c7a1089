package view_test

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

func TestMarkdownBoundsHugePlan(t *testing.T) {
	out := render(t, func(w io.Writer) error { return view.Markdown(w, huge(), view.Options{}) })
	if len(out) > view.DefaultLimit {
		t.Errorf("%d bytes, the limit is %d", len(out), view.DefaultLimit)
	}
	if len(out) < view.DefaultLimit*9/10 {
		t.Errorf("%d bytes leave room for more rows", len(out))
	}
	if err := wellFormed(string(out)); err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		" truncated=true -->\n### orgctl plan for `acme`: 1000 to create, 996 to update, 4 to delete, 2 unmanaged drift\n",
		"> **Deletes 4 objects:**\n", "field diffs of 1996 changes", "\n- service/service-0000  ", "orgctl apply --expect-digest " + hash("a"),
	} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("lacks %q", want)
		}
	}
}

// What is done to what is live keeps row and field diff, whatever is created besides: creations are folded, the kind with the most
// of them first, and counted by kind.
func TestMarkdownFoldsMassCreations(t *testing.T) {
	for _, entries := range []int{1, 500, 5000} { // IP entries that the update adds
		out := string(render(t, func(w io.Writer) error { return view.Markdown(w, mass(entries), view.Options{}) }))
		if len(out) > view.DefaultLimit || len(out) < view.DefaultLimit*9/10 {
			t.Errorf("%d entries: %d bytes, the limit is %d", entries, len(out), view.DefaultLimit)
		}
		if err := wellFormed(out); err != nil {
			t.Errorf("%d entries: %v", entries, err)
		}
		invitations := strings.Count(out, "| + | `invitation` | `")
		for _, want := range []string{
			"\n| ~ | `service` | `prod` |", "\n- service/old  ", "\n+ service/orders  ", "\n! service/prod  ",
			fmt.Sprintf("\n| + | `invitation` | and %d more invitation creations | | |\n", 800-invitations),
			fmt.Sprintf("Left out: %d table rows, field diffs of ", 800-invitations),
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%d entries: lacks %q", entries, want)
			}
		}
		shown := strings.Count(out, "/32 ")
		if cut := strings.Contains(out, fmt.Sprintf("\n    # %d more lines\n", entries-shown)); cut != (entries == 5000) || !cut && shown != entries {
			t.Errorf("%d entries, %d of them shown", entries, shown)
		}
		if invitations == 0 {
			t.Errorf("%d entries: no invitation has a row", entries)
		}
	}
}

// Where what is left out has no room for all its names, they are counted, and field diffs take the room of names.
func TestMarkdownCountsWhatItCannotName(t *testing.T) {
	p := mass(1)
	p.Changes = p.Changes[1:500]
	out := string(render(t, func(w io.Writer) error { return view.Markdown(w, p, view.Options{}) }))
	if len(out) > view.DefaultLimit || len(out) < view.DefaultLimit*9/10 {
		t.Errorf("%d bytes, the limit is %d", len(out), view.DefaultLimit)
	}
	shown := strings.Count(out, "\n+ invitation/")
	for _, want := range []string{
		"\n! service/prod  ", fmt.Sprintf("<summary>Field diff (%d of 499)</summary>", 1+shown), fmt.Sprintf("Left out: field diffs of %d changes.", 498-shown),
	} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if shown == 0 || strings.Contains(out, "more invitation") {
		t.Errorf("%d field diffs of invitations, or a row is missing", shown)
	}
}

// mass is an update, a deletion and a creation among 800 invitations.
func mass(entries int) *diff.Plan {
	var list []any
	for i := range entries {
		list = append(list, spec.Tree{"source": fmt.Sprintf("198.51.100.%d/32", i), "description": "gateway"})
	}
	changes := []diff.Change{createService(), {
		Address: addr("service", "prod"), Action: diff.Update, ID: "c0ffee00-0000-4000-8000-000000000001", Risk: diff.RiskNone,
		Fields: []diff.FieldChange{{Path: "ipAccessList", List: true, Add: list}}, Precondition: hash("1"), Pos: at("prod.yaml", 5, 5),
	}}
	for i := range 800 {
		email := fmt.Sprintf("%036d@example.com", i)
		changes = append(changes, diff.Change{
			Address: addr("invitation", email), Action: diff.Create, Risk: diff.RiskNone, Pos: at("people.yaml", i, 5),
			After: spec.Tree{"email": email, "roles": []any{"developer"}},
		})
	}
	return planOf(diff.Plan{Changes: append(changes, deletes()[0])})
}

// Parts go in the order of what matters least, and field diffs one by one, the largest first.
func TestMarkdownDropsTheLeastFirst(t *testing.T) {
	parts := []string{"Unmanaged (1)", "\n+ service/orders", "\n! service/analytics", "\n- service/old  ", "| `invitation` |"}
	for limit := 8000; limit >= view.MinLimit; limit -= 50 {
		out := string(render(t, func(w io.Writer) error { return view.Markdown(w, long(), view.Options{Limit: limit}) }))
		truncated := strings.Contains(out, "truncated=true")
		if details := strings.Contains(out, "<summary>Field diff (9)</summary>"); truncated == details && strings.Contains(out, parts[0]) {
			t.Errorf("limit %d: truncated=%t, all field diffs %t", limit, truncated, details)
		}
		if strings.Contains(out, " creations | | |") && strings.Contains(out, "\n+ ") {
			t.Errorf("limit %d: field diffs of creations are shown although rows of creations are left out", limit)
		}
	}
}

// A plan of many new services: what is left out is said by name, and nothing that fits is left out.
func TestMarkdownShowsAsManyFieldDiffsAsFit(t *testing.T) {
	for _, entries := range []int{1, 20, 1000} { // IP entries of every tenth service
		p := many(300, entries)
		for _, limit := range []int{8000, 30_000, view.DefaultLimit, 200_000} {
			out := string(render(t, func(w io.Writer) error { return view.Markdown(w, p, view.Options{Limit: limit}) }))
			if len(out) > limit {
				t.Errorf("%d entries: %d bytes, the limit is %d", entries, len(out), limit)
			}
			if err := wellFormed(out); err != nil {
				t.Errorf("%d entries, limit %d: %v", entries, limit, err)
			}
			if !strings.Contains(out, "truncated=true") {
				continue
			}
			if len(out) < limit*9/10 {
				t.Errorf("%d entries: %d bytes leave room for more, the limit is %d", entries, len(out), limit)
			}
			if !strings.Contains(out, "<summary>Field diff (") {
				continue // the table alone has filled it
			}
			expectSmallestShown(t, p, out)
		}
	}
}

// What does not fit at all is shown as far as it goes, and says how much more there is.
func TestMarkdownCutsWhatFillsItAlone(t *testing.T) {
	out := string(render(t, func(w io.Writer) error { return view.Markdown(w, many(1, 5000), view.Options{}) }))
	if len(out) > view.DefaultLimit || len(out) < view.DefaultLimit*9/10 {
		t.Errorf("%d bytes, the limit is %d", len(out), view.DefaultLimit)
	}
	if err := wellFormed(out); err != nil {
		t.Error(err)
	}
	shown := strings.Count(out, "\n+     198.51.100.")
	for _, want := range []string{
		fmt.Sprintf("\n    # %d more lines\n", 5000-shown), "<summary>Field diff (0 of 1)</summary>",
		"\nLeft out, largest first: `service/svc 000`.\n", "field diffs of 1 change.",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q", want)
		}
	}
}

// expectSmallestShown checks that every change is shown whole or named as left out, that the latter are counted, and that none
// of them is smaller than one that is shown.
func expectSmallestShown(t *testing.T, p *diff.Plan, out string) {
	t.Helper()
	_, list, found := strings.Cut(out, "\nLeft out, largest first: ")
	list, _, _ = strings.Cut(list, "\n")
	if !found {
		t.Fatal("what is left out is not said")
	}
	largestShown, smallestLeft, left := 0, 1<<30, 0
	for _, c := range p.Changes {
		entries := len(c.After["ipAccessList"].([]any))
		if strings.Contains(list, "`"+c.Address.String()+"`") {
			left++
			smallestLeft = min(smallestLeft, entries)
			continue
		}
		_, text, _ := strings.Cut(out, "\n+ "+c.Address.String()+"  ")
		text, _, _ = strings.Cut(text, "\n\n")
		if got := strings.Count(text, "198.51.100."); got != entries {
			t.Fatalf("%s: %d of %d IP entries are shown, and it is not among what is left out", c.Address, got, entries)
		}
		largestShown = max(largestShown, entries)
	}
	if largestShown > smallestLeft {
		t.Errorf("%d entries are shown, %d are not", largestShown, smallestLeft)
	}
	for _, want := range []string{
		fmt.Sprintf("<summary>Field diff (%d of %d)</summary>", len(p.Changes)-left, len(p.Changes)),
		fmt.Sprintf("field diffs of %d changes", left),
	} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q", want)
		}
	}
}

// many creates n services of one IP entry, every tenth of them of more.
func many(n, entries int) *diff.Plan {
	changes := make([]diff.Change, n)
	for i := range changes {
		list := []any{spec.Tree{"source": "198.51.100.1"}}
		for len(list) < entries && i%10 == 0 {
			list = append(list, spec.Tree{"source": fmt.Sprintf("198.51.100.%d/32", len(list)), "description": "gateway"})
		}
		changes[i] = diff.Change{
			Address: addr("service", fmt.Sprintf("svc %03d", i)), Action: diff.Create, Reason: "declared, not live", Risk: diff.RiskNone,
			After: spec.Tree{"provider": "aws", "region": "us-east-1", "ipAccessList": list}, Pos: at("services.yaml", i+1, 1),
		}
	}
	return planOf(diff.Plan{Changes: changes})
}

// long is everything, with enough reasons to make each part weigh something.
func long() *diff.Plan {
	p := everything()
	for i := range p.Changes {
		p.Changes[i].Reason = strings.Repeat("why ", 20)
	}
	return p
}

func TestMarkdownIsBoundedAndWellFormed(t *testing.T) {
	pieces := []string{
		"a", "|", "\\", "`", "```", "~~~~", "\n", "</details>", "<!-- x -->", "-->", "@octocat", "#12", "::error::", "##[group]",
		"| --- |", "> ", "[x](http://e.example)", "![", "*", "_", "é", "東", "🚀", "\u202e", "\xff", " ",
	}
	foreign := rapid.Map(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 60), func(s []string) string { return strings.Join(s, "") })
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(view.MinLimit, 30_000).Draw(t, "limit")
		p := hostile(foreign.Draw(t, "text"))
		for range rapid.IntRange(0, 5).Draw(t, "more") {
			q := hostile(foreign.Draw(t, "text"))
			p.Changes = append(p.Changes, q.Changes...)
			p.Findings = append(p.Findings, q.Findings...)
			p.Unmanaged = append(p.Unmanaged, q.Unmanaged...)
		}
		var b bytes.Buffer
		if err := view.Markdown(&b, p, view.Options{Limit: limit}); err != nil {
			t.Fatal(err)
		}
		if b.Len() > limit {
			t.Fatalf("%d bytes, the limit is %d:\n%s", b.Len(), limit, b.String())
		}
		if err := wellFormed(b.String()); err != nil {
			t.Fatalf("%v in:\n%s", err, b.String())
		}
	})
}

var (
	marker   = regexp.MustCompile(`^<!-- orgctl:plan org=[^ <>]+ digest=sha256:[0-9a-f]{64} truncated=(true|false) -->$`)
	fenceBar = regexp.MustCompile("^(`{3,}|~{3,})diff$")
	// What Markdown would read as an end of a fence: a bar, indented by at most three blanks.
	anyBar  = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})")
	mention = regexp.MustCompile(`(?:^|[^\w])(@\w|#\d)`)
	spans   = regexp.MustCompile("`[^`]*`|<code>[^<]*</code>|<!--.*?-->|&#[0-9]+;")
)

// wellFormed checks what no foreign text may break: the marker, balanced fences and details, rows of five cells, no markup,
// no mention and no reference to an issue outside code.
func wellFormed(doc string) error {
	lines := strings.Split(doc, "\n")
	m := marker.FindStringSubmatch(lines[0])
	if m == nil {
		return fmt.Errorf("no marker: %q", lines[0])
	}
	if truncated := strings.Contains(doc, "This comment is incomplete"); truncated != (m[1] == "true") {
		return fmt.Errorf("the marker says truncated=%s", m[1])
	}
	bar, open := "", 0
	for _, l := range lines[1:] {
		switch {
		case bar != "" && l == bar:
			bar = ""
			continue
		case bar != "":
			if anyBar.MatchString(l) {
				return fmt.Errorf("a fence within a fence: %q", l)
			}
			if l != "" && !strings.ContainsRune("+-! ", rune(l[0])) {
				return fmt.Errorf("no sign in the first column: %q", l)
			}
			continue
		case fenceBar.MatchString(l):
			bar = strings.TrimSuffix(l, "diff")
			continue
		case l == "</details>":
			open--
			continue
		case strings.HasPrefix(l, "<details><summary>") && strings.HasSuffix(l, "</summary>"):
			open++
			continue
		}
		text := spans.ReplaceAllString(l, "")
		if strings.HasPrefix(l, "|") && strings.Count(l, "|") != 6 {
			return fmt.Errorf("a row with %d bars: %q", strings.Count(l, "|"), l)
		}
		if strings.ContainsAny(text, "<`\\") {
			return fmt.Errorf("markup in %q", l)
		}
		if mention.MatchString(text) {
			return fmt.Errorf("a mention in %q", l)
		}
	}
	if bar != "" || open != 0 {
		return fmt.Errorf("open fence %q, open details %d", bar, open)
	}
	return nil
}

// The line that is copied from a comment applies the plan of the comment: with its selection, without a question, and with a place
// for the secrets that it makes.
func TestMarkdownNamesTheWholeCommand(t *testing.T) {
	var many []string
	for i := range 500 {
		many = append(many, fmt.Sprintf("service/orders-%d", i))
	}
	for name, tc := range map[string]struct {
		plan *diff.Plan
		want string
	}{
		"no secrets": {planOf(diff.Plan{Changes: updates()[:2]}), "`orgctl apply --expect-digest " + hash("a") + " -f PATH --yes`\n"},
		"secrets":    {planOf(diff.Plan{Changes: createOthers()}), "`orgctl apply --expect-digest " + hash("a") + " -f PATH --yes --secrets-out DIR`\n"},
		"narrowed": {
			narrowed(updates()[1]), "<code>orgctl apply &#45;&#45;expect&#45;digest " + strings.ReplaceAll(hash("a"), ":", "&#58;") + " &#45;f PATH &#45;&#45;only &#39;service&#47;or&#42;&#39; &#45;&#45;only &#39;key&#47;o&#39;&#92;&#39;&#39;hara&#39; &#45;&#45;except service&#47;old " +
				"&#45;&#45;yes</code>\n",
		},
		"narrowed too much": {
			planOf(diff.Plan{Changes: updates()[:1], Narrowed: &diff.Narrowed{Selection: diff.Selection{Only: many}}}),
			"`orgctl apply --expect-digest " + hash("a") + " -f PATH --yes`, with the same --only and --except\n",
		},
	} {
		out := string(render(t, func(w io.Writer) error { return view.Markdown(w, tc.plan, view.Options{}) }))
		if !strings.HasSuffix(out, "To apply exactly this plan:\n"+tc.want) {
			t.Errorf("%s: lacks %q:\n%s", name, tc.want, out[max(0, len(out)-500):])
		}
	}
}
