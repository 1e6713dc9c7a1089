package view_test

import (
	"bytes"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares rendered output with testdata/NAME.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs from what is rendered (-want +got); -update writes it anew:\n%s", path, d)
	}
}

// render gives what a view writes.
func render(t testing.TB, f func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPlanGolden(t *testing.T) {
	extensions := map[string]string{"text": "txt", "json": "json", "markdown": "md"}
	plans := fixtures()
	for _, name := range slices.Sorted(maps.Keys(plans)) {
		for _, format := range view.Formats() {
			t.Run(name+"/"+format, func(t *testing.T) {
				golden(t, name+"."+extensions[format], render(t, func(w io.Writer) error {
					return view.RenderPlan(format, w, plans[name], view.Options{})
				}))
			})
		}
	}
}

func TestPlanOptionsGolden(t *testing.T) {
	for name, tc := range map[string]struct {
		format  string
		plan    string
		options view.Options
	}{
		"everything.color.txt": {"text", "everything", view.Options{Color: true}},
		"blocked.narrow.txt":   {"text", "blocked", view.Options{Width: 72}},
		"everything.small.md":  {"markdown", "everything", view.Options{Limit: 5000}},
		"huge.small.md":        {"markdown", "huge", view.Options{Limit: 6000}},
	} {
		t.Run(name, func(t *testing.T) {
			plan := fixtures()[tc.plan]
			if tc.plan == "huge" {
				plan = huge()
			}
			golden(t, name, render(t, func(w io.Writer) error { return view.RenderPlan(tc.format, w, plan, tc.options) }))
		})
	}
}
