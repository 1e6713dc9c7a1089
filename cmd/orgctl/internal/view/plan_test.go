package view_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

func TestRenderPlanRefusesUnknownFormat(t *testing.T) {
	var b bytes.Buffer
	err := view.RenderPlan("yaml", &b, planOf(diff.Plan{}), view.Options{})
	if err == nil || !strings.Contains(err.Error(), `"yaml"`) || !strings.Contains(err.Error(), "text, json, markdown") {
		t.Errorf("error = %v, want one that names the format and the known ones", err)
	}
	if b.Len() > 0 {
		t.Errorf("wrote %q", b.String())
	}
}

var errClosed = errors.New("closed pipe")

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errClosed }

// Callers tell a closed pipe from success by the error.
func TestViewsReportWriteErrors(t *testing.T) {
	for name, f := range writers(everything(), partial(), diagnostics()) {
		if err := f(closedPipe{}); !errors.Is(err, errClosed) {
			t.Errorf("%s: error = %v, want that of the writer", name, err)
		}
	}
}

// writers are all views with what they shall show.
func writers(p *diff.Plan, r *apply.Report, ds spec.Diagnostics) map[string]func(io.Writer) error {
	all := map[string]func(io.Writer) error{
		"report":           func(w io.Writer) error { return view.Report(w, r, view.Options{}) },
		"report json":      func(w io.Writer) error { return view.ReportJSON(w, r) },
		"diagnostics":      func(w io.Writer) error { return view.Diagnostics(w, ds, view.Options{}) },
		"diagnostics json": func(w io.Writer) error { return view.DiagnosticsJSON(w, ds) },
		"plan narrow":      func(w io.Writer) error { return view.Plan(w, p, view.Options{Width: 50}) },
	}
	for _, format := range view.Formats() {
		all["plan "+format] = func(w io.Writer) error { return view.RenderPlan(format, w, p, view.Options{}) }
	}
	return all
}

func TestSummaryIsTheLastLine(t *testing.T) {
	for name, want := range map[string]string{
		"empty":      "No changes. acme is as declared.",
		"drift":      "No changes to apply, 2 unmanaged drift.",
		"creates":    "Plan: 4 to create, 0 to update, 0 to delete.",
		"blocked":    "Plan: 0 to create, 1 to update, 0 to delete, blocked by 2 findings.",
		"left":       "Plan: 0 to create, 1 to update, 0 to delete, 2 objects blocked.",
		"narrowed":   "Plan: 1 to create, 0 to update, 0 to delete.",
		"selected":   "No changes among what is selected; 1 other change is left out.",
		"everything": "Plan: 4 to create, 3 to update, 2 to delete, 2 unmanaged drift.",
	} {
		for _, color := range []bool{false, true} {
			out := render(t, func(w io.Writer) error { return view.Plan(w, fixtures()[name], view.Options{Color: color}) })
			lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
			if got := lines[len(lines)-1]; got != want {
				t.Errorf("%s, color %t: last line is %q, want %q", name, color, got, want)
			}
		}
	}
}

func TestDependenciesAreShownInShort(t *testing.T) {
	c := createService()
	c.DependsOn = nil
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		c.DependsOn = append(c.DependsOn, addr("service", name))
	}
	out := render(t, func(w io.Writer) error {
		return view.Plan(w, planOf(diff.Plan{Changes: []diff.Change{c}}), view.Options{})
	})
	if want := "    # declared, not live; after service/a, service/b, service/c and 2 more\n"; !bytes.Contains(out, []byte(want)) {
		t.Errorf("lacks %q:\n%s", want, out)
	}
}

func TestOneNeedOfManyObjectsIsToldOnce(t *testing.T) {
	p := everything()
	sink := p.Requirements[1]
	for _, name := range []string{"a", "b", "c", "d"} {
		sink.Address = addr("key", name)
		p.Requirements = append(p.Requirements, sink)
	}
	for format, want := range map[string]string{
		"text":     "  OC331  key/ci, key/a, key/b and 2 more\n      creating a key makes a secret that can be stored only once\n",
		"markdown": "- `OC331` `key/ci`, `key/a`, `key/b` and 2 more: creating a key makes a secret",
	} {
		out := render(t, func(w io.Writer) error { return view.RenderPlan(format, w, p, view.Options{}) })
		if bytes.Count(out, []byte("OC331")) != 1 || !bytes.Contains(out, []byte(want)) {
			t.Errorf("%s lacks one %q:\n%s", format, want, out)
		}
	}
}

var styles = regexp.MustCompile("\x1b\\[[0-9]+m")

func TestColorAddsNothingButColor(t *testing.T) {
	trim := regexp.MustCompile(`(?m) +$`)
	for name, p := range fixtures() {
		plain := render(t, func(w io.Writer) error { return view.Plan(w, p, view.Options{}) })
		colored := render(t, func(w io.Writer) error { return view.Plan(w, p, view.Options{Color: true}) })
		got := trim.ReplaceAllString(styles.ReplaceAllString(string(colored), ""), "")
		if d := cmp.Diff(string(plain), got); d != "" {
			t.Errorf("%s: colour changes the text (-plain +colored):\n%s", name, d)
		}
		if name != "empty" && bytes.Equal(plain, colored) {
			t.Errorf("%s: no colour where it was asked for", name)
		}
	}
}

// A plan keeps its lines whatever stands in its names: nothing foreign can add one that looks like ours.
func TestForeignTextAddsNoLine(t *testing.T) {
	benign, foreign := hostile("benign"), hostile(hostileText)
	for name, f := range writers(foreign, hostileReport(hostileText), hostileDiagnostics(hostileText)) {
		if name == "plan narrow" {
			continue // wraps where words end
		}
		want := bytes.Count(render(t, writers(benign, hostileReport("benign"), hostileDiagnostics("benign"))[name]), []byte("\n"))
		if got := bytes.Count(render(t, f), []byte("\n")); got != want {
			t.Errorf("%s: %d lines with foreign text, %d without", name, got, want)
		}
	}
}

// FuzzViews renders one object of a hostile plan in one format at a time, with a short text. Whole plans in all formats let it try
// some dozens of texts a second, and of each that was new the fuzzer tries all that can be cut out of it, which are many where
// the text is long: for a minute it then tried nothing else.
func FuzzViews(f *testing.F) {
	for i, s := range strings.SplitAfter(hostileText+" ##vso[z] ::y", " ") {
		f.Add(uint8(i), uint8(i), s)
	}
	f.Fuzz(func(t *testing.T, format, part uint8, s string) {
		const longest = 24 // bytes
		s = s[:min(len(s), longest)]
		all := foreign(s, partOf(hostile(s), int(part)))
		name := slices.Sorted(maps.Keys(all))[int(format)%len(all)]
		harmless(t, name, all[name])
	})
}

// Nothing foreign reaches a terminal or a CI runner as a command.
func TestForeignTextIsHarmless(t *testing.T) {
	for _, s := range []string{"benign", hostileText, "::x ##[y] ##vso[z]"} {
		for name, write := range foreign(s, hostile(s)) {
			harmless(t, name, write)
		}
	}
}

func harmless(t *testing.T, name string, write func(io.Writer) error) {
	t.Helper()
	out := string(render(t, write))
	if i := strings.IndexFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("%s prints %q", name, out[i:min(len(out), i+20)])
	}
	for l := range strings.Lines(out) {
		if strings.HasPrefix(strings.TrimSpace(l), "::") || strings.Contains(l, "##[") || strings.Contains(l, "##vso[") {
			t.Errorf("%s prints a command for CI runners: %q", name, l)
		}
	}
}

// foreign are all writers of a plan, and of the same text elsewhere.
func foreign(s string, p *diff.Plan) map[string]func(io.Writer) error {
	report := hostileReport(s)
	report.Remaining = p
	all := writers(p, report, hostileDiagnostics(s))
	all["progress"] = func(w io.Writer) error {
		progress := view.NewProgress(w, false, time.Second, view.Options{})
		for i, kind := range []apply.EventKind{apply.Started, apply.Stepped, apply.Troubled, apply.Waiting, apply.Finished} {
			progress.Event(sec(i), apply.Event{Kind: kind, Address: addr("key", s), Action: diff.Create, Title: s, State: s, Status: apply.Failed, Err: s})
			progress.Notice(sec(i), s, time.Second)
			progress.Tick(view.Frame{Now: sec(i + 1000)})
		}
		progress.Ending(s)
		return nil
	}
	return all
}

// partOf leaves of a plan one object of one list; the number of the part counts them through and comes around, with 0 for the
// whole plan.
func partOf(p *diff.Plan, n int) *diff.Plan {
	parts := []diff.Plan{*p}
	for i := range p.Changes {
		parts = append(parts, diff.Plan{Changes: p.Changes[i : i+1]})
	}
	for i := range p.Unmanaged {
		parts = append(parts, diff.Plan{Unmanaged: p.Unmanaged[i : i+1]})
	}
	for i := range p.Findings {
		parts = append(parts, diff.Plan{Findings: p.Findings[i : i+1]})
	}
	parts = append(parts, diff.Plan{Requirements: p.Requirements}, diff.Plan{NotChecked: p.NotChecked})
	part := parts[n%len(parts)]
	part.Organization, part.Summary = p.Organization, diff.Summary{}
	return planOf(part)
}

// TestNarrowPlanKeepsPlacesWhole: a terminal breaks a line wherever it ends, and a place that is broken can neither be read nor
// clicked. A place that does not fit beside the object stands below it.
func TestNarrowPlanKeepsPlacesWhole(t *testing.T) {
	const width = 60
	places := regexp.MustCompile(`[\w./]+\.yaml:\d+`)
	wide := string(render(t, func(w io.Writer) error { return view.Plan(w, everything(), view.Options{}) }))
	narrow := string(render(t, func(w io.Writer) error { return view.Plan(w, everything(), view.Options{Width: width}) }))
	if want, got := places.FindAllString(wide, -1), places.FindAllString(narrow, -1); !slices.Equal(want, got) {
		t.Errorf("places %q, want %q", got, want)
	}
	for line := range strings.Lines(narrow) {
		if at := places.FindStringIndex(line); at != nil && at[1] > width {
			t.Errorf("the terminal breaks a place: %s", line)
		}
		if reason := strings.HasPrefix(line, "    # "); reason && len(line) > width+1 {
			t.Errorf("wider than the terminal: %s", line)
		}
	}
}
