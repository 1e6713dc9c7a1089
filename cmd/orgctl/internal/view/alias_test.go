package view_test

import (
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// Whatever a manifest calls it: every format names what is deleted or stopped as it is called where it is live.
func TestAliasesAreShownByLiveNames(t *testing.T) {
	names := []string{"orders", "tmp", "prod/tmp", "old"}
	rapid.Check(t, func(t *rapid.T) {
		live := &spec.Live{OrganizationID: "org-1"}
		desired := &spec.Organization{Name: "acme", Declared: map[string]spec.Pos{"services": {}}}
		if rapid.Bool().Draw(t, "prune") {
			desired.Policy.Prune = []string{"services"}
		}
		called := map[string]string{} // by id
		for i, name := range rapid.SliceOfN(rapid.SampledFrom(names), 1, 4).Draw(t, "live") {
			id := string(rune('a'+i)) + "1d"
			called[id] = name
			live.Resources = append(live.Resources, spec.Resource{
				Address: addr("service", name), ID: id, Spec: spec.Tree{"name": name, "state": "running"}, Status: spec.Tree{},
			})
			alias := "alias-" + id
			if rapid.IntRange(0, 3).Draw(t, "undeclared") == 0 {
				continue
			}
			d := spec.Resource{Address: addr("service", alias), ID: id, Spec: spec.Tree{"name": alias, "state": "stopped"}}
			if rapid.Bool().Draw(t, "absent") {
				d.Spec, d.Intent = spec.Tree{}, spec.Intent{Absent: true, Previously: []string{name}}
			}
			desired.Resources = append(desired.Resources, d)
		}
		p, err := diff.Compute(desired, live, diff.Selection{})
		if err != nil {
			t.Fatal(err)
		}
		show := func(render func(io.Writer, *diff.Plan, view.Options) error) string {
			var b strings.Builder
			if err := render(&b, p, view.Options{}); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
		text, markdown := show(view.Plan), show(view.Markdown)
		var saved struct{ Changes []diff.Change }
		if err := json.Unmarshal([]byte(show(func(w io.Writer, p *diff.Plan, _ view.Options) error { return view.PlanJSON(w, p) })), &saved); err != nil {
			t.Fatal(err)
		}
		for i, c := range p.Changes {
			name := regexp.QuoteMeta(called[c.ID])
			inText, inTable := `(?m)^- service/`+name+`(#`+c.ID+`)?  `, `(?m)^\| - \| `+"`service` \\| `"+name+`(#`+c.ID+")?` "
			inJSON := saved.Changes[i].Address.Name == called[c.ID] || saved.Changes[i].Address.Name == called[c.ID]+"#"+c.ID
			if c.Action == diff.Update {
				inText, inTable = `name: +`+name+` -> alias-`+c.ID, "`name "+name+` -> alias-`+c.ID
				inJSON = saved.Changes[i].Fields[0].Before == called[c.ID]
			}
			if !regexp.MustCompile(inText).MatchString(text) || !regexp.MustCompile(inTable).MatchString(markdown) || !inJSON {
				t.Fatalf("%s does not name %s\n%s\n%s", c.Address, called[c.ID], text, markdown)
			}
		}
	})
}
