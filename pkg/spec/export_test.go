package spec_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/spec"
)

const organizationID = "2404d339-6921-4f1c-bf80-b07d5e23b91a"

// liveOf is an organization of these objects, ids and natural keys filled in where a test does not care.
func liveOf(resources ...spec.Resource) *spec.Live {
	live := &spec.Live{OrganizationID: organizationID, OrganizationName: "Acme", NotChecked: map[string]string{}}
	for _, r := range resources {
		if r.Status == nil {
			r.Status = spec.Tree{}
		}
		live.Resources = append(live.Resources, r)
	}
	return live
}

func liveService(name, id string, fields spec.Tree) spec.Resource {
	out := spec.Resource{Address: spec.Address{Kind: "service", Name: name}, ID: id, Spec: spec.Tree{"name": name}}
	for k, v := range fields {
		out.Spec[k] = v
	}
	return out
}

func secondary(r spec.Resource, of string) spec.Resource {
	r.Refs = map[string]string{"warehouse": of}
	return r
}

func liveKey(name, id string, fields spec.Tree) spec.Resource {
	out := liveService(name, id, fields)
	out.Address.Kind = "key"
	return out
}

const (
	id1 = "00000000-0000-4000-8000-000000000001"
	id2 = "00000000-0000-4000-8000-000000000002"
	id3 = "00000000-0000-4000-8000-000000000003"
)

// Objects say so of what has no value. Wanted texts have a word in the place of these lines.
var withoutValues = strings.NewReplacer(
	"      FIXED\n", "      isReadonly: false\n      hasTransparentDataEncryption: false\n",
	"      OPEN\n", "      ipAccessList: []\n",
	"      LISTS\n", "      privateEndpointIds: []\n      tags: []\n      endpoints: []\n",
)

// policyBut is the policy of an export in which some collections are not exclusive.
func policyBut(open ...string) string {
	out := "policy:\n"
	exclusive := []string{"privateEndpoints", "services", "keys", "members", "invitations"}
	for _, collection := range open {
		out += "  # " + collection + " are not exclusive, so that further ones are no drift: not all of the live ones are declared\n"
		exclusive = slices.DeleteFunc(exclusive, func(c string) bool { return c == collection })
	}
	return out + "  exclusive:\n    - " + strings.Join(exclusive, "\n    - ") + "\n"
}

// exported is the spec of an export, one that can be validated, and what stands above the file.
func exported(t *testing.T, live *spec.Live) (head, body string, missing []string) {
	t.Helper()
	manifest, missing, err := spec.Export(live)
	if err != nil {
		t.Fatal(err)
	}
	if _, diags := spec.Load([]spec.File{{Name: "export.yaml", Data: manifest}}); diags.HasErrors() {
		t.Errorf("%v\n%s", diags, manifest)
	}
	head, body, _ = strings.Cut(string(manifest), "apiVersion: orgctl/v1\n")
	_, body, _ = strings.Cut(body, "spec:\n")
	return head, body, missing
}

// TestExportLeavesOutWhatManifestsCannotSay, and says the value and the reason.
func TestExportLeavesOutWhatManifestsCannotSay(t *testing.T) {
	const rest = "  privateEndpoints: []\n"
	for _, tc := range []struct {
		name string
		live *spec.Live
		want string
		open []string // collections that are not exclusive
	}{
		{
			"limits raised for a customer",
			liveOf(liveService("big", id1, spec.Tree{
				"minReplicaMemoryGb": int64(16), "maxReplicaMemoryGb": int64(720), "idleScaling": true, "idleTimeoutMinutes": int64(1),
				"backupConfiguration": spec.Tree{"backupPeriodInHours": int64(24), "backupRetentionPeriodInHours": int64(12)},
			})),
			`  services:
    # maxReplicaMemoryGb: 720 is left out: maxReplicaMemoryGb must be from 8 to 356, not 720 (OC226)
    # idleTimeoutMinutes: 1 is left out: idleTimeoutMinutes must be 5 or more, not 1 (OC226)
    # backupConfiguration.backupRetentionPeriodInHours: 12 is left out: backupRetentionPeriodInHours must be from 24 to 1080, not 12 (OC226)
    - name: big
      FIXED
      minReplicaMemoryGb: 16
      idleScaling: true
      OPEN
      LISTS
      backupConfiguration:
        backupPeriodInHours: 24
        backupStartTime: null
`, nil,
		},
		{
			"a list is kept or left out as a whole",
			liveOf(liveService("s", id1, spec.Tree{"tags": []any{spec.Tree{"key": "a"}, spec.Tree{"key": "http://x", "value": "y"}}, "state": "running"})),
			`  services:
    # tags: [{key: "a"}, {key: "http://x", value: "y"}] is left out: key must be letters, digits, dots, hyphens and underscores, not "http://x" (OC228)
    - name: s
      FIXED
      state: running
      OPEN
      privateEndpointIds: []
      endpoints: []
`, nil,
		},
		{
			"an object of which nothing is left is none",
			liveOf(liveService("s", id1, spec.Tree{"backupConfiguration": spec.Tree{
				"backupPeriodInHours": int64(0), "backupRetentionPeriodInHours": int64(12), "backupStartTime": "3",
			}})),
			`  services:
    # backupConfiguration.backupPeriodInHours: 0 is left out: backupPeriodInHours must be 1 or more, not 0 (OC226)
    # backupConfiguration.backupRetentionPeriodInHours: 12 is left out: backupRetentionPeriodInHours must be from 24 to 1080, not 12 (OC226)
    # backupConfiguration.backupStartTime: "3" is left out: backupStartTime must be a full hour from 00:00 to 23:00, not "3" (OC228)
    - name: s
      FIXED
      OPEN
      LISTS
`, nil,
		},
		{
			"names that manifests cannot have",
			liveOf(liveService("ends ", id1, nil), liveService("fine", id2, nil), liveService("two\nlines", id3, nil)),
			`  # service "ends " (` + id1 + `) is left out: name must be one line of text without spaces at its ends, not "ends " (OC228)
  # service "two\nlines" (` + id3 + `) is left out: name must be one line of text without spaces at its ends, not "two\nlines" (OC228)
  services:
    - name: fine
      FIXED
      OPEN
      LISTS
`,
			[]string{"services"},
		},
		{
			"what nobody sees",
			liveOf(liveService("or\u200bders", id1, nil), liveService("s", id2, spec.Tree{
				"ipAccessList": []any{spec.Tree{"source": "203.0.113.0/24", "description": "a\u2028- source: 0.0.0.0/0\u202e"}},
			})),
			`  # service "or\u200bders" (` + id1 + `) is left out: invisible character U+200B (OC204)
  services:
    # ipAccessList: [{description: "a\u2028- source: 0.0.0.0/0\u202e", source: "203.0.113.0/24"}] is left out: direction character U+202E (OC204)
    - name: s
      FIXED
      LISTS
`,
			[]string{"services"},
		},
		{
			"twins",
			liveOf(liveKey("ci", id1, spec.Tree{"state": "disabled"}), liveKey("ci", id2, nil), liveKey("ci", id3, nil)),
			"  services: []\n" + `  keys:
    # also live under this name and not managed here: ` + id2 + ", " + id3 + `
    - name: ci
      id: ` + id1 + `
      state: disabled
      roles: []
      expireAt: null
      ipAccessList: []
`,
			[]string{"keys"},
		},
		{
			"a secondary named like its primary",
			liveOf(liveService("a", id1, spec.Tree{"warehouse": "a", "isReadonly": true}), liveService("a", id2, nil)),
			`  services:
    # also live under this name and not managed here: ` + id2 + `
    # warehouse: "a" is left out: a service cannot be its own warehouse (OC252)
    # isReadonly: true is left out: isReadonly is given without warehouse (OC253)
    - name: a
      id: ` + id1 + `
      hasTransparentDataEncryption: false
      OPEN
      LISTS
`,
			[]string{"services"},
		},
		{
			"a secondary of another than the one that has its name here",
			liveOf(liveService("a", id1, nil), liveService("a", id2, nil), secondary(liveService("s", id3, spec.Tree{"warehouse": "a"}), id2)),
			`  services:
    # also live under this name and not managed here: ` + id2 + `
    - name: a
      id: ` + id1 + `
      FIXED
      OPEN
      LISTS
    # warehouse: "a" is left out: the one of that name that is meant, ` + id2 + `, is not exported
    - name: s
      FIXED
      OPEN
      LISTS
`,
			[]string{"services"},
		},
		{
			"a secondary of the one that has its name here",
			liveOf(liveService("a", id1, nil), liveService("a", id2, nil), secondary(liveService("s", id3, spec.Tree{"warehouse": "a"}), id1)),
			`  services:
    # also live under this name and not managed here: ` + id2 + `
    - name: a
      id: ` + id1 + `
      FIXED
      OPEN
      LISTS
    - name: s
      warehouse: a
      FIXED
      OPEN
      LISTS
`,
			[]string{"services"},
		},
		{
			"a secondary whose primary the key cannot see",
			liveOf(liveService("s", id1, spec.Tree{"warehouse": "", "isReadonly": true}), liveService("u", id2, spec.Tree{"warehouse": "gone"})),
			`  services:
    # warehouse: "" is left out: warehouse has 0 characters, at least 1 needed (OC229)
    # isReadonly: true is left out: isReadonly is given without warehouse (OC253)
    - name: s
      hasTransparentDataEncryption: false
      OPEN
      LISTS
    # warehouse: "gone" is left out: warehouse "gone" is no declared service (OC252)
    - name: u
      FIXED
      OPEN
      LISTS
`, nil,
		},
		{
			"a secondary whose primary is left out",
			liveOf(liveService("p ", id1, nil), liveService("s", id2, spec.Tree{"warehouse": "p "})),
			`  # service "p " (` + id1 + `) is left out: name must be one line of text without spaces at its ends, not "p " (OC228)
  services:
    # warehouse: "p " is left out: warehouse "p " is no declared service (OC252)
    - name: s
      FIXED
      OPEN
      LISTS
`,
			[]string{"services"},
		},
		{
			"IPv6",
			liveOf(liveKey("k", id1, spec.Tree{"state": "enabled", "ipAccessList": []any{spec.Tree{"source": "::/0"}, spec.Tree{"source": "203.0.113.7/32"}}})),
			"  services: []\n" + `  keys:
    # ipAccessList: [{source: "::/0"}, {source: "203.0.113.7/32"}] is left out: source "::/0" is IPv6 (OC261)
    - name: k
      state: enabled
      roles: []
      expireAt: null
`, nil,
		},
		{
			"names that other readers misread",
			liveOf(liveService("<<", id1, nil), liveService("=", id1, nil), liveService("~", id1, nil), liveService("0o7", id1, nil),
				liveService("12:30:45", id1, nil), liveService("1_000", id1, nil), liveService("1e3", id1, nil), liveService("2404d339-1", id1, nil),
				liveService("No", id1, nil), liveService("n", id1, nil), liveService("on", id1, nil), liveService("orders", id1, nil), liveService(".inf", id1, nil)),
			`  services:
    - name: "<<"
      FIXED
      OPEN
      LISTS
    - name: "="
      FIXED
      OPEN
      LISTS
    - name: "~"
      FIXED
      OPEN
      LISTS
    - name: "0o7"
      FIXED
      OPEN
      LISTS
    - name: "12:30:45"
      FIXED
      OPEN
      LISTS
    - name: "1_000"
      FIXED
      OPEN
      LISTS
    - name: "1e3"
      FIXED
      OPEN
      LISTS
    - name: 2404d339-1
      FIXED
      OPEN
      LISTS
    - name: "No"
      FIXED
      OPEN
      LISTS
    - name: "n"
      FIXED
      OPEN
      LISTS
    - name: "on"
      FIXED
      OPEN
      LISTS
    - name: orders
      FIXED
      OPEN
      LISTS
    - name: ".inf"
      FIXED
      OPEN
      LISTS
`, nil,
		},
		{
			"a creation that was interrupted",
			liveOf(spec.Resource{Address: spec.Address{Kind: "service", Name: "s"}, ID: id1, Spec: spec.Tree{"name": "s"}, Status: spec.Tree{spec.StatusUnfinished: "n"}}),
			`  services:
    # its tag orgctl-op says that its creation is not finished: the next apply may finish it
    - name: s
      FIXED
      OPEN
      LISTS
`, nil,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			head, body, _ := exported(t, tc.live)
			want := rest + withoutValues.Replace(tc.want)
			if !strings.Contains(want, "services:") {
				want += "  services: []\n"
			}
			if !strings.Contains(want, "  keys:") {
				want += "  keys: []\n"
			}
			want += "  members: []\n  invitations: []\n" + policyBut(tc.open...)
			if diff := cmp.Diff(want, body); diff != "" || head != "" {
				t.Errorf("%s(-want +got):\n%s", head, diff)
			}
		})
	}
}

// TestExportSaysWhatItDidNotRead, in the file and to whoever runs it.
func TestExportSaysWhatItDidNotRead(t *testing.T) {
	backups := spec.Tree{spec.StatusRefused: "the API key has no permission to view backups"}
	live := liveOf(
		spec.Resource{Address: spec.Address{Kind: "organization", Name: organizationID}, ID: organizationID, Spec: spec.Tree{"name": " Acme"}},
		spec.Resource{Address: spec.Address{Kind: "service", Name: "a"}, ID: id1, Spec: spec.Tree{"name": "a", "state": "broken"}, Status: backups},
		spec.Resource{Address: spec.Address{Kind: "service", Name: "b"}, ID: id2, Spec: spec.Tree{"name": "b", "warehouse": "a"}},
		spec.Resource{Address: spec.Address{Kind: "service", Name: "c"}, ID: id3, Spec: spec.Tree{"name": "c"}, Status: backups},
		spec.Resource{Address: spec.Address{Kind: "member", Name: id1}, ID: id1, Spec: spec.Tree{"email": id1, "roles": []any{"Admin"}}},
	)
	live.NotChecked["keys"] = "the API key has no permission to view API keys"
	head, body, missing := exported(t, live)
	wantHead := `# keys are not exported: the API key has no permission to view API keys
# name: " Acme" is left out: name must be one line of text without spaces at its ends, not " Acme" (OC228)
`
	wantBody := `  privateEndpoints: []
  services:
    # backupConfiguration is not exported: the API key has no permission to view backups
    # state: "broken" is left out: state must be running or stopped, not "broken" (OC225)
    - name: a
      FIXED
      OPEN
      LISTS
    - name: b
      warehouse: a
      FIXED
      OPEN
      LISTS
    # backupConfiguration is not exported: the API key has no permission to view backups
    - name: c
      FIXED
      OPEN
      LISTS
  # member "` + id1 + `" (` + id1 + `) is left out: email must be an e-mail address, not "` + id1 + `" (OC228)
  members: []
  invitations: []
policy:
  # members are not exclusive, so that further ones are no drift: not all of the live ones are declared
  exclusive:
    - privateEndpoints
    - services
    - invitations
`
	if diff := cmp.Diff(wantHead+withoutValues.Replace(wantBody), head+body); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := []string{
		"keys are not exported: the API key has no permission to view API keys",
		"members are not exclusive, so that further ones are no drift: not all of the live ones are declared",
		"backupConfiguration of 2 services is not exported: the API key has no permission to view backups",
		"3 things that a manifest cannot say are left out; comments in the manifest say which and why",
	}
	if diff := cmp.Diff(want, missing); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
