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
		"> **Deletes 4 objects:**\n", "field diffs of 1000 creates", "orgctl apply --expect-digest " + hash("a"),
	} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("lacks %q", want)
		}
	}
}

// Parts go in the order of what matters least.
func TestMarkdownDropsTheLeastFirst(t *testing.T) {
	parts := []string{"Unmanaged (1)", "\n+ service/orders", "\n! service/analytics", "\n- service/old  ", "| `invitation` |"}
	for limit := 8000; limit >= view.MinLimit; limit -= 50 {
		out := string(render(t, func(w io.Writer) error { return view.Markdown(w, long(), view.Options{Limit: limit}) }))
		gone := 0
		for gone < len(parts) && !strings.Contains(out, parts[gone]) {
			gone++
		}
		for _, p := range parts[gone:] {
			if !strings.Contains(out, p) {
				t.Errorf("limit %d: %q is left out although what matters less is there", limit, p)
			}
		}
		if truncated := strings.Contains(out, "truncated=true"); truncated != (gone > 0) {
			t.Errorf("limit %d: truncated=%t with %d parts left out", limit, truncated, gone)
		}
	}
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
