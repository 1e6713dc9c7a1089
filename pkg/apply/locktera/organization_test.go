package locktera_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/backendtest"
	"github.com/orgctl/orgctl/pkg/client/locktera"
	sim "github.com/orgctl/orgctl/pkg/client/sim/locktera"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// TestWritesThatDoNotTake: an API that answers that all is well and changes nothing, or not that, fails what it has not done.
func TestWritesThatDoNotTake(t *testing.T) {
	const (
		named  = "spec: {api: locktera/v1, name: Other}"
		themed = "spec: {api: locktera/v1, customizations: {theme: dark, size: 3}}"
	)
	for name, c := range map[string]struct {
		world   world
		desired string
		want    string
	}{
		"the name is ignored":               {world{config: sim.Config{IgnoredWrites: []string{"name"}}}, named, "changed nothing, the name is still \"Sandbox\""},
		"the name has another field":        {world{config: sim.Config{NameKey: "org_name"}}, named, "LOCKTERA_NAME_KEY"},
		"that field is said wrongly":        {world{options: locktera.Options{NameKey: "org_name"}}, named, "LOCKTERA_NAME_KEY"},
		"customizations are ignored":        {world{config: sim.Config{IgnoredWrites: []string{"customizations"}}}, themed, "changed nothing, size is absent, theme is absent"},
		"one is ignored":                    {world{config: sim.Config{IgnoredWrites: []string{"customizations.theme"}}}, themed, "theme is absent: the update was lost, at least in part"},
		"they are wanted wrapped, refused":  {world{config: sim.Config{PutBody: "wrapped"}}, themed, "customizations is required"},
		"they are wanted as they are shown": {world{config: sim.Config{PutBody: "wrapped", WrappedCustomizations: true}}, themed, "; the API shows customizations wrapped, and may want them so: that is LOCKTERA_CUSTOMIZATIONS=wrapped"},
		"they are wanted bare":              {world{options: locktera.Options{WrapCustomizations: true}}, themed, "LOCKTERA_CUSTOMIZATIONS=bare"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, c.world)
				desired := backendtest.Manifest(t, c.desired)
				_, report := b.run().Apply(desired)
				if report.Results[0].Status != apply.Failed || !strings.Contains(report.Results[0].Error, c.want) {
					t.Fatalf("want %q, got %s", c.want, backendtest.Encode(t, report))
				}
				b.run().CheckTruth(report, desired)
			})
		})
	}
}

// A key that comes to have other permissions than asked for is made, and not as declared.
func TestOtherPermissionsThanAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, world{config: sim.Config{IgnoredWrites: []string{"permissions"}}})
		_, report := b.run().Apply(backendtest.Manifest(t, "spec: {api: locktera/v1, keys: [{name: ci, permissions: [write]}]}"))
		if report.Converged || len(report.Remaining.Findings) != 1 || report.Remaining.Findings[0].Code != diff.CodeImmutable {
			t.Error(backendtest.Encode(t, report))
		}
	})
}

// TestWritersMeanwhile: what somebody else writes in the midst of an update is seen: their update before ours is not overwritten
// where it is of the same, ours that they undid is a failure, and theirs of something else is remarked.
func TestWritersMeanwhile(t *testing.T) {
	custom := func(set map[string]any) sim.Edit {
		return sim.Edit{Kind: "organization", Set: map[string]any{"customizations": set}}
	}
	const desired = "spec: {api: locktera/v1, name: Other, customizations: {theme: dark}}"
	const put, get, patch = http.MethodPut, http.MethodGet, http.MethodPatch
	for name, c := range map[string]struct {
		behind       sim.Meanwhile
		fails        string // part of the error of the update, "" where it is applied
		remark       string
		leaves, kept map[string]string // customizations afterwards
	}{
		"the same, between plan and reading": {
			behind: sim.Meanwhile{Method: get, Path: "**/customizations", Nth: 1, Edit: custom(map[string]any{"theme": "theirs"})},
			fails:  `theme is "theirs" now and was absent`, leaves: map[string]string{"theme": "theirs"},
		},
		"something else, between plan and reading": {
			behind: sim.Meanwhile{Method: get, Path: "**/customizations", Nth: 1, Edit: custom(map[string]any{"logo_url": "theirs"})},
			leaves: map[string]string{"theme": "dark", "logo_url": "theirs"},
		},
		"the wanted value, between plan and reading": {
			behind: sim.Meanwhile{Method: get, Path: "**/customizations", Nth: 1, Edit: custom(map[string]any{"theme": "dark"})},
			leaves: map[string]string{"theme": "dark"},
		},
		"the same, after the writing": {
			behind: sim.Meanwhile{Method: put, Edit: custom(map[string]any{"theme": "theirs"})},
			fails:  `theme is "theirs": the update was lost`, leaves: map[string]string{"theme": "theirs"},
		},
		"something else, after the writing": {
			behind: sim.Meanwhile{Method: put, Edit: custom(map[string]any{"logo_url": "theirs"})},
			remark: "logo_url came to be other than read a moment before", leaves: map[string]string{"theme": "dark", "logo_url": "theirs"},
		},
		"the name, before the writing": {
			behind: sim.Meanwhile{Method: get, Path: "**/orgs/*", Nth: 1, Edit: sim.Edit{Kind: "organization", Set: map[string]any{"name": "Theirs"}}},
			fails:  `the name is "Theirs" now and was "Sandbox" when this was planned`,
		},
		"the name, after the writing": {
			behind: sim.Meanwhile{Method: patch, Edit: sim.Edit{Kind: "organization", Set: map[string]any{"name": "Theirs"}}},
			fails:  `shows "Theirs" now: somebody else may have written`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, world{config: sim.Config{Meanwhile: []sim.Meanwhile{c.behind}}})
				run := b.run()
				_, report := run.Apply(backendtest.Manifest(t, desired))
				if result := report.Results[0]; (c.fails == "") != (result.Status == apply.Applied) || !strings.Contains(result.Error, c.fails) {
					t.Errorf("%s: %s", result.Status, result.Error)
				}
				if report.Converged != (c.fails == "") {
					t.Errorf("converged: %v", report.Converged)
				}
				remarks := strings.Join(run.Backend.Remarks(), "\n")
				if (c.remark == "") != (remarks == "") || !strings.Contains(remarks, c.remark) {
					t.Errorf("remarks %q", remarks)
				}
				left := b.customizations()
				for key, want := range c.leaves {
					if left[key] != want {
						t.Errorf("%s is %v, want %s", key, left[key], want)
					}
				}
				b.server.SetConfig(sim.Config{})
				b.run().Converge(backendtest.Manifest(t, desired))
			})
		})
	}
}

// What is not declared stays as the API has it, be it of the database or null.
func TestUndeclaredCustomizationsStay(t *testing.T) {
	for name, config := range map[string]sim.Config{"replaced": {}, "merged": {PutCustomizations: "merge"}, "with store fields": {StoreFields: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, world{config: config})
				b.edit(sim.Edit{Kind: "organization", Set: map[string]any{"customizations": map[string]any{"theirs": map[string]any{"deep": []any{1.5}}}}})
				run := b.run()
				run.Converge(backendtest.Manifest(t, "spec: {api: locktera/v1, customizations: {theme: dark}}"))
				if left := backendtest.Encode(t, b.customizations()); !strings.Contains(left, "1.5") || strings.Contains(left, "_etag") {
					t.Errorf("left: %s", left)
				}
				if remarks := run.Backend.Remarks(); len(remarks) > 0 {
					t.Errorf("remarks: %q", remarks)
				}
			})
		})
	}
}

// TestNotReadable: what the key may not read is refused where it is needed and not checked elsewhere; an answer in no documented shape
// is an error that says so, and not an empty organization.
func TestNotReadable(t *testing.T) {
	denied := func(path string) sim.Config {
		return sim.Config{Denied: []sim.Denial{{Method: http.MethodGet, Path: path}}}
	}
	hidden := denied("**/api_keys")
	hidden.NoRight = http.StatusNotFound
	const keys, custom, name = "spec: {api: locktera/v1, keys: []}", "spec: {api: locktera/v1, customizations: {theme: dark}}", "spec: {api: locktera/v1, name: Sandbox}"
	for what, c := range map[string]struct {
		config  sim.Config
		desired string
		fails   string // of the observation
		blocks  string // the code of the only finding
	}{
		"keys that are needed":               {denied("**/api_keys"), keys, "permission missing: observe API keys: 403", ""},
		"keys that are not needed":           {denied("**/api_keys"), name, "", ""},
		"keys that are hidden":               {hidden, keys, "404", ""},
		"customizations that are needed":     {denied("**/customizations"), custom, "", diff.CodeRefused},
		"customizations that are not needed": {denied("**/customizations"), name, "", ""},
		"the organization":                   {denied("**/orgs/*"), name, "403", ""},
		"an envelope":                        {sim.Config{Envelope: "items"}, keys, "unexpected shape", ""},
		"a key without an id":                {sim.Config{OmittedFields: []string{"id", "key_id"}}, keys, "neither id nor key_id", ""},
		"an organization without an id":      {sim.Config{OmittedFields: []string{"id"}, Shapes: sim.Shapes{APIKeys: "spec"}}, name, "", ""},
		"an organization without a name":     {sim.Config{OmittedFields: []string{"name"}}, "spec: {api: locktera/v1, name: Acme}", "", diff.CodeUnread},
		"keys without permissions": {
			sim.Config{OmittedFields: []string{"permissions"}}, "spec: {api: locktera/v1, keys: [{name: sandbox, permissions: [read]}]}", "", diff.CodeUnread,
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, world{config: c.config})
				p, err := b.run().TryPlan(backendtest.Manifest(t, c.desired), nil)
				switch {
				case (c.fails != "") != (err != nil), err != nil && !strings.Contains(err.Error(), c.fails):
					t.Errorf("want %q, got %v", c.fails, err)
				case err != nil:
				case !p.Empty(), c.blocks == "" && len(p.Findings) > 0, c.blocks != "" && (len(p.Findings) != 1 || p.Findings[0].Code != c.blocks):
					t.Errorf("want %s, got %s", c.blocks, backendtest.Encode(t, p))
				}
			})
		})
	}
}

// An export says that it has no customizations, whatever the reason, and is no less valid for that.
func TestExportSaysWhatIsUnread(t *testing.T) {
	denied := []sim.Denial{{Method: http.MethodGet, Path: "**/customizations"}}
	for name, c := range map[string]struct {
		config sim.Config
		size   string
		want   string
	}{
		"forbidden":  {sim.Config{Denied: denied}, "1", "customizations are not exported: the API key may not read it (403)"},
		"hidden":     {sim.Config{Denied: denied, NoRight: http.StatusNotFound}, "1", "customizations are not exported: the API says that there is none (404)"},
		"unreadable": {sim.Config{}, "1e400", "customizations are not exported: customization size: the number 1e400"},
		"read":       {sim.Config{}, "1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, world{config: c.config})
				b.edit(sim.Edit{Kind: "organization", Set: map[string]any{"customizations": map[string]any{"size": json.RawMessage(c.size)}}})
				run := b.run()
				live, err := run.Backend.Observe(t.Context(), apply.ObserveOptions{Detail: func(spec.Resource) bool { return true }})
				if err != nil {
					t.Fatal(err)
				}
				text, missing, err := spec.Export(live)
				if err != nil {
					t.Fatal(err)
				}
				said := strings.Join(missing, "\n")
				if (c.want == "") != (said == "") || !strings.HasPrefix(said, c.want) || c.want != "" && !strings.Contains(string(text), "# "+c.want) {
					t.Errorf("want %q, said %q, wrote\n%s", c.want, said, text)
				}
				if p := run.Plan(run.Exported()); !p.Empty() || len(p.Findings) > 0 {
					t.Errorf("does not plan empty: %s", backendtest.Encode(t, p))
				}
			})
		})
	}
}

// TestNumbers: a number is compared as it is spelt, in whatever spelling, and is not taken for one nearby. One that cannot be told
// from others leaves all customizations unread.
func TestNumbers(t *testing.T) {
	for live, c := range map[string]struct{ declared, unlike string }{
		"9007199254740993":     {"9007199254740993", "9007199254740992"},
		"9007199254740993.0":   {"9007199254740993", "9007199254740992"},
		"-9223372036854775808": {"-9223372036854775808", "-9223372036854775807"},
		"9223372036854775807":  {"9223372036854775807", "9223372036854775806"},
		"3.0":                  {"3", "4"},
		"1.5e3":                {"1500", "1501"},
		"0e999999999":          {"0", "1"},
		"0.10":                 {"0.1", "0.2"},
		"0.30000000000000004":  {"0.30000000000000004", "0.3"},
		"1e300":                {"1.0e+300", "1.0e+301"},
		"12345678901234567890": {}, "1e400": {}, "1e-400": {}, "1e-999999999": {}, "0.1234567890123456789": {},
		`{"deep":[1,12345678901234567890]}`: {},
	} {
		t.Run(live, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, world{})
				b.edit(sim.Edit{Kind: "organization", Set: map[string]any{"customizations": map[string]any{"size": json.RawMessage(live)}}})
				plan := func(size string) *diff.Plan {
					return b.run().Plan(backendtest.Manifest(t, "spec: {api: locktera/v1, customizations: {size: "+size+"}}"))
				}
				if c.declared == "" {
					p := plan("1")
					if !p.Empty() || len(p.Findings) != 1 || p.Findings[0].Code != diff.CodeUnread || !strings.Contains(p.Findings[0].Message, "customization size: the number ") {
						t.Error(backendtest.Encode(t, p))
					}
					return
				}
				if p := plan(c.declared); !p.Empty() || len(p.Findings) > 0 {
					t.Errorf("not as declared: %s", backendtest.Encode(t, p))
				}
				if p := plan(c.unlike); p.Empty() {
					t.Errorf("taken for %s", c.unlike)
				}
				b.run().Converge(backendtest.Manifest(t, "spec: {api: locktera/v1, customizations: {size: "+c.unlike+"}}"))
			})
		})
	}
}

// A person's id is as good as any to the API, and refused.
func TestPersonIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, world{config: sim.Config{Shape: "spec"}})
		for _, role := range []string{"user", "user_admin", "org_admin"} {
			b.edit(sim.Edit{Kind: "organization", Set: map[string]any{"role": role}})
			_, err := b.run().TryPlan(backendtest.Manifest(t, nothing), nil)
			if err == nil || !strings.Contains(err.Error(), "is a person (role "+role+")") {
				t.Errorf("%v", err)
			}
		}
	})
}

// TestNoOrganization: what is not said to be an organization or group is refused, whatever else it may be.
func TestNoOrganization(t *testing.T) {
	for shown, want := range map[string]string{
		`"role":"USER"`:                        "is a person (role USER)",
		`"role":"superuser"`:                   "has the role superuser, which is neither org nor group",
		`"role":""`:                            `has the role "", which is neither org nor group`,
		`"role":["user"]`:                      `has the role ["user"], which is neither org nor group`,
		`"role":3`:                             "has the role 3, which is neither org nor group",
		`"email":"jo@example.com"`:             "has no role, and a first name, last name or e-mail address",
		`"first_name":"Jo"`:                    "has no role, and a first name, last name or e-mail address",
		`"role":null,"last_name":"Doe"`:        "has no role, and a first name, last name or e-mail address",
		`"role":null`:                          "",
		`"role":"ORG","email":"i@example.com"`: "",
		`"role":"Group"`:                       "",
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t.Context(), t, world{})
			id := b.server.Credentials().OrganizationID
			wire := &bent{next: b.server.Transport(), answer: func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
				if !strings.HasSuffix(r.URL.Path, "/orgs/"+id) {
					return nil, nil
				}
				return says(200, `{"id":"`+id+`","name":"Acme",`+shown+`}`)(r)
			}}
			_, err := b.through(wire).TryPlan(backendtest.Manifest(t, nothing), nil)
			if (want == "") != (err == nil) || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), id)) {
				t.Errorf("%s: want %q, got %v", shown, want, err)
			}
		})
	}
}
