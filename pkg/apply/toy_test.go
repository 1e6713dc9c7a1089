package apply_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// What follows is all that an API takes: a schema and the kinds, a simulator, and a backend that binds one to the other. Nothing that
// plans, applies, verifies or exports knows of it.

const toySchema = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/toys.schema.json", "type": "object",
	"required": ["apiVersion", "kind", "metadata"], "additionalProperties": false,
	"properties": {
		"apiVersion": {"const": "orgctl/v1"}, "kind": {"const": "Organization"},
		"metadata": {
			"type": "object", "required": ["name"], "additionalProperties": false,
			"properties": {"name": {"type": "string"}, "id": {"type": "string"}}
		},
		"policy": {
			"type": "object", "additionalProperties": false,
			"properties": {"prune": {"type": "array", "items": {"type": "string"}}, "exclusive": {"type": "array", "items": {"type": "string"}}}
		},
		"spec": {
			"type": "object", "additionalProperties": false,
			"properties": {
				"api": {"type": "string", "enum": ["toys/v1"]}, "name": {"type": "string"},
				"widgets": {"type": "array", "items": {"$ref": "#/$defs/Widget"}},
				"ghosts": {"type": "array", "items": {"$ref": "#/$defs/Ghost"}}
			}
		}
	},
	"$defs": {
		"Widget": {
			"type": "object", "required": ["name"], "additionalProperties": false,
			"properties": {
				"name": {"type": "string"}, "colour": {"type": "string"}, "inside": {"type": "string"},
				"parts": {"type": "array", "items": {"type": "string"}}, "ensure": {"enum": ["present", "absent"]}
			}
		},
		"Ghost": {"type": "object", "required": ["name"], "additionalProperties": false, "properties": {"name": {"type": "string"}}}
	}
}`

// toys is the API. Widgets lie inside one another. Ghosts are a kind that the backend does not know.
var toys = &spec.API{Name: "toys/v1", Title: "Toys", Schema: []byte(toySchema), Kinds: []*spec.Kind{
	{Name: "shop", Fields: []spec.Field{{Path: "name"}}},
	{Name: "widget", Collection: "widgets", ToCreate: []string{"colour"}, Fields: []spec.Field{
		{Path: "name"},
		{Path: "colour", Immutable: true},
		{Path: "inside", Ref: "widget"},
		{Path: "parts", List: &spec.List{Key: func(e any) string { s, _ := e.(string); return s }}},
	}},
	{Name: "ghost", Collection: "ghosts", Fields: []spec.Field{{Path: "name"}}},
}}

// toy is a widget as the simulator has it.
type toy struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Colour string   `json:"colour"`
	Inside string   `json:"inside"` // an id
	Parts  []string `json:"parts"`
}

// toyShop simulates the API. It refuses a widget inside one that does not exist, and to delete one in which another lies.
type toyShop struct {
	mu      sync.Mutex
	widgets []toy
	writes  int
}

func (s *toyShop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := strings.TrimPrefix(r.URL.Path, "/widgets/")
	at := func(id string) int {
		for i, t := range s.widgets {
			if t.ID == id {
				return i
			}
		}
		return -1
	}
	if r.Method == http.MethodGet {
		_ = json.NewEncoder(w).Encode(s.widgets)
		return
	}
	s.writes++
	var sent toy
	_ = json.NewDecoder(r.Body).Decode(&sent)
	switch i := at(id); {
	case r.Method == http.MethodDelete:
		for _, t := range s.widgets {
			if t.Inside == id {
				http.Error(w, "not empty", http.StatusConflict)
				return
			}
		}
		s.widgets = append(s.widgets[:i:i], s.widgets[i+1:]...)
	case sent.Inside != "" && at(sent.Inside) < 0:
		http.Error(w, "inside nothing", http.StatusBadRequest)
	case r.Method == http.MethodPost:
		sent.ID = fmt.Sprintf("id-%d", s.writes)
		s.widgets = append(s.widgets, sent)
		_ = json.NewEncoder(w).Encode(sent)
	default:
		s.widgets[i].Inside, s.widgets[i].Parts = sent.Inside, sent.Parts
	}
}

// toyBackend binds the kinds to the API.
type toyBackend struct {
	url string

	mu   sync.Mutex
	made map[spec.Address]string
}

func (b *toyBackend) call(ctx context.Context, method, path string, body, into any) error {
	data, _ := json.Marshal(body)
	req, err := http.NewRequestWithContext(ctx, method, b.url+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, text)
	}
	if err == nil && into != nil {
		err = json.Unmarshal(text, into)
	}
	return err
}

func (b *toyBackend) Observe(ctx context.Context, _ apply.ObserveOptions) (*spec.Live, error) {
	var all []toy
	if err := b.call(ctx, http.MethodGet, "/widgets/", nil, &all); err != nil {
		return nil, err
	}
	live := &spec.Live{API: toys, OrganizationID: "shop-1", OrganizationName: "Acme", Resources: []spec.Resource{
		{Address: spec.Address{Kind: "shop", Name: "shop-1"}, ID: "shop-1", Spec: spec.Tree{"name": "Acme"}},
	}}
	names := map[string]string{}
	for _, t := range all {
		names[t.ID] = t.Name
	}
	for _, t := range all {
		parts := []any{}
		for _, p := range t.Parts {
			parts = append(parts, p)
		}
		r := spec.Resource{
			Address: spec.Address{Kind: "widget", Name: t.Name}, ID: t.ID,
			Spec: spec.Tree{"name": t.Name, "colour": t.Colour, "parts": parts},
		}
		if t.Inside != "" {
			r.Spec["inside"], r.Refs = names[t.Inside], map[string]string{"inside": t.Inside}
		}
		live.Resources = append(live.Resources, r)
	}
	return live, nil
}

func (b *toyBackend) Steps(c diff.Change) ([]apply.Step, error) {
	if c.Address.Kind != "widget" {
		return nil, fmt.Errorf("%s: toys have no such kind", c.Address)
	}
	return []apply.Step{{Title: string(c.Action) + " widget", Do: func(ctx context.Context) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		body := toy{Name: c.Address.Name}
		body.Colour, _ = c.After["colour"].(string)
		parts, _ := c.After["parts"].([]any)
		for _, p := range parts {
			body.Parts = append(body.Parts, fmt.Sprint(p))
		}
		for _, ref := range c.References {
			if body.Inside = ref.ID; ref.ID == "" {
				body.Inside = b.made[ref.Address]
			}
		}
		switch c.Action {
		case diff.Create:
			var made toy
			err := b.call(ctx, http.MethodPost, "/widgets/", body, &made)
			b.made[c.Address] = made.ID
			return err
		case diff.Update:
			return b.call(ctx, http.MethodPatch, "/widgets/"+c.ID, body, nil)
		default:
			return b.call(ctx, http.MethodDelete, "/widgets/"+c.ID, nil, nil)
		}
	}}}, nil
}

// toyRun plans and applies a manifest and verifies it, and gives the plan and the report.
func toyRun(t *testing.T, b *toyBackend, manifest string) (*diff.Plan, *apply.Report) {
	t.Helper()
	organizations, diags := spec.Load([]spec.File{{Name: "toys.yaml", Data: []byte(manifest)}}, spec.ClickHouse, toys)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	desired := organizations[0]
	plan := func(ctx context.Context) (*diff.Plan, error) {
		live, err := b.Observe(ctx, apply.ObserveOptions{})
		if err != nil {
			return nil, err
		}
		return diff.Compute(desired, live, diff.Selection{})
	}
	p, err := plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	opts := options()
	opts.Tick, opts.Settle = time.Millisecond, 1
	report := apply.Run(t.Context(), p, b, opts)
	apply.Verify(t.Context(), report, p, plan, opts)
	return p, report
}

// TestAnyAPI takes an API that nobody has from its manifests over a plan and an apply to an export and back.
func TestAnyAPI(t *testing.T) {
	shop := &toyShop{}
	server := httptest.NewServer(shop)
	defer server.Close()
	b := &toyBackend{url: server.URL, made: map[spec.Address]string{}}
	manifest := func(widgets, policy string) string {
		return "apiVersion: orgctl/v1\nkind: Organization\nmetadata: {name: acme}\nspec:\n  api: toys/v1\n  widgets:\n" + widgets + policy
	}

	p, report := toyRun(t, b, manifest(`
    - {name: arm, colour: red, inside: box, parts: [hand]}
    - {name: box, colour: plain}
    - {name: old, colour: grey, inside: box}
`, ""))
	if p.Summary.Create != 3 || !report.Converged {
		t.Fatalf("created: %+v, %+v", p.Summary, report)
	}

	// In between somebody changes a list at the console.
	shop.widgets[len(shop.widgets)-1].Parts = []string{"rust"}
	p, report = toyRun(t, b, manifest(`
    - {name: arm, colour: red, inside: box, parts: [hand, finger]}
    - {name: crate, colour: plain}
    - {name: box, colour: plain, inside: crate}
    - {name: old, ensure: absent}
`, ""))
	if p.Summary != (diff.Summary{Create: 1, Update: 2, Delete: 1}) || !report.Converged {
		t.Fatalf("changed: %+v, %+v, %+v", p.Summary, report, report.Remaining)
	}

	live, err := b.Observe(t.Context(), apply.ObserveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	exported, missing, err := spec.Export(live)
	if err != nil || len(missing) > 0 || !strings.Contains(string(exported), "api: toys/v1") {
		t.Fatalf("%v %v\n%s", err, missing, exported)
	}
	before := shop.writes
	p, report = toyRun(t, b, string(exported))
	if !p.Converged() || !report.Converged || shop.writes != before {
		t.Errorf("the export is not as the shop is: %+v\n%s", p.Changes, exported)
	}

	p, _ = toyRun(t, b, manifest("    - {name: arm, colour: blue}\n", ""))
	if len(p.Findings) != 1 || p.Findings[0].Code != diff.CodeImmutable {
		t.Errorf("a colour that cannot change: %+v", p.Findings)
	}
	p, report = toyRun(t, b, manifest("    - {name: crate}\n  ghosts:\n    - {name: boo}\n", ""))
	if p.Summary.Create != 1 || report.Converged || report.Results[0].Error != "ghost/boo: toys have no such kind" {
		t.Errorf("a kind that the backend does not know: %+v, %+v", p.Summary, report.Results)
	}
}
