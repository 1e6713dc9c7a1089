package view_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
)

func TestHelpText(t *testing.T) {
	help := view.Help{
		Name: "orgctl pack", Usage: "put things together", Examples: []string{"orgctl pack -f a"}, Synopsis: "orgctl pack [FLAGS]",
		Lists: []view.HelpList{
			{Title: "FLAGS", Terms: []view.HelpTerm{
				{Name: "-f, --file PATH", Text: "what is to be put together with everything else that there is"},
				{Name: "    --a-flag-that-is-longer-than-most FILE", Text: "it has a line of its own"},
			}},
			{Title: "NOTHING"},
		},
		Text: "A paragraph that is longer than a narrow terminal.\n\nOne with a list:\n  kept as   it is", Page: "https://example.com/pack",
	}
	want := `orgctl pack: put things together

EXAMPLES:
   orgctl pack -f a

USAGE:
   orgctl pack [FLAGS]

FLAGS:
   -f, --file PATH               what is to be put together
                                 with everything else that
                                 there is
       --a-flag-that-is-longer-than-most FILE
                                 it has a line of its own

A paragraph that is longer than a narrow terminal.

One with a list:
  kept as   it is

MORE:
   https://example.com/pack
`
	if diff := cmp.Diff(want, view.HelpText(help, view.Options{Width: 60, Color: true})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, width := range []int{0, 200} {
		got := view.HelpText(view.Help{Text: strings.Repeat("word ", 40)}, view.Options{Width: width})
		for line := range strings.Lines(got) {
			if len(line) > 80+1 {
				t.Errorf("at width %d a line has %d columns: %s", width, len(line)-1, line)
			}
		}
	}
}

func TestTerms(t *testing.T) {
	terms := []view.HelpTerm{{Name: "a", Text: "one thing and another"}, {Name: "long", Text: "short"}}
	for width, want := range map[int]string{
		0:  "a     one thing and another\nlong  short\n",
		15: "a     one thin…\nlong  short\n",
	} {
		var got strings.Builder
		if err := view.Terms(&got, terms, view.Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.String()); diff != "" {
			t.Errorf("at width %d (-want +got):\n%s", width, diff)
		}
	}
}

func TestSection(t *testing.T) {
	const markdown = "**It is so.** See [the\nother page](other.md#x), and `code`.\n\n" +
		"- an item that is longer than what fits into one line\n- another\n\n" +
		"| what | means |\n|---|---|\n| this | that |\n\n" +
		"```yaml\na:   1\n\nb: **2**\n```\n"
	want := "OC1\n\nIt is so. See the other page, and\n`code`.\n\n" +
		"- an item that is longer than what\n  fits into one line\n- another\n\n" +
		"  what\n      means\n  this\n      that\n\n" +
		"    a:   1\n\n    b: **2**\n" +
		"\nhttps://example.com\n"
	var plain, colored strings.Builder
	if err := view.Section(&plain, "OC1", markdown, "https://example.com", view.Options{Width: 40}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, plain.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := view.Section(&colored, "OC1", markdown, "https://example.com", view.Options{Width: 40, Color: true}); err != nil {
		t.Fatal(err)
	}
	if want := "\x1b[1mOC1\x1b[0m\n\n\x1b[1mIt is so.\x1b[0m See"; !strings.HasPrefix(colored.String(), want) {
		t.Errorf("%q does not begin with %q", colored.String(), want)
	}
}
