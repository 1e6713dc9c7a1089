package spec_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/orgctl/orgctl/pkg/spec"
)

const header = "apiVersion: orgctl/v1\nkind: Organization\nmetadata: {name: acme}\n"

// load loads documents without their header, a file each.
func load(t *testing.T, bodies ...string) *spec.Organization {
	t.Helper()
	var files []spec.File
	for i, body := range bodies {
		files = append(files, spec.File{Name: fmt.Sprintf("%c.yaml", 'a'+i), Data: []byte(header + body)})
	}
	organizations, diags := spec.Load(files)
	if len(diags) > 0 || len(organizations) != 1 {
		t.Fatalf("%d organizations, %v", len(organizations), diags)
	}
	return organizations[0]
}

func find(t *testing.T, o *spec.Organization, address string) spec.Resource {
	t.Helper()
	for _, r := range o.Resources {
		if r.Address.String() == address {
			return r
		}
	}
	t.Fatalf("no %s", address)
	return spec.Resource{}
}

// TestLoadSample holds every feature of the format in one organization.
func TestLoadSample(t *testing.T) {
	t.Chdir(filepath.Join("testdata", "good"))
	files, diags := spec.Read([]string{"acme.yaml"}, nil)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	got, diags := spec.Load(files)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	at := func(line, column int) spec.Pos { return spec.Pos{File: "acme.yaml", Line: line, Column: column} }
	count := 5
	want := []*spec.Organization{{
		Name: "acme", ID: "2404d339-6921-4f1c-bf80-b07d5e23b91a", Pos: at(2, 1),
		Resources: []spec.Resource{
			{
				Address: spec.Address{Kind: "organization", Name: "acme"}, ID: "2404d339-6921-4f1c-bf80-b07d5e23b91a",
				Spec:   spec.Tree{"name": "Acme Analytics"},
				Intent: spec.Intent{Pos: at(2, 1), Fields: map[string]spec.Pos{"name": at(8, 3)}},
			},
			{
				Address: spec.Address{Kind: "privateEndpoint", Name: "aws/us-east-1/vpce-0a1b"},
				Spec:    spec.Tree{"id": "vpce-0a1b", "description": "prod VPC", "cloudProvider": "aws", "region": "us-east-1"},
				Intent: spec.Intent{Pos: at(10, 7), Fields: map[string]spec.Pos{
					"id": at(10, 8), "description": at(10, 23), "cloudProvider": at(10, 46), "region": at(10, 66),
				}},
			},
			{
				Address: spec.Address{Kind: "service", Name: "orders"},
				Spec: spec.Tree{
					"name": "orders", "provider": "aws", "region": "us-east-1", "state": "running", "numReplicas": int64(3),
					"minReplicaMemoryGb": int64(16), "maxReplicaMemoryGb": int64(64), "idleScaling": true,
					"idleTimeoutMinutes": int64(15),
					"ipAccessList": []any{
						spec.Tree{"source": "203.0.113.0/24", "description": "HQ"},
						spec.Tree{"source": "198.51.100.7", "description": "vpn"},
					},
					"privateEndpointIds": []any{"vpce-0a1b"},
					"tags":               []any{spec.Tree{"key": "team", "value": "orders"}},
					"backupConfiguration": spec.Tree{
						"backupPeriodInHours": int64(24), "backupRetentionPeriodInHours": int64(48),
					},
				},
				Intent: spec.Intent{Protect: true, Pos: at(15, 7), Fields: map[string]spec.Pos{
					"name": at(15, 7), "provider": at(13, 21), "region": at(13, 36), "state": at(16, 7), "numReplicas": at(17, 7),
					"minReplicaMemoryGb": at(18, 7), "maxReplicaMemoryGb": at(19, 7), "idleScaling": at(20, 7),
					"idleTimeoutMinutes": at(21, 7), "ipAccessList": at(22, 7), "privateEndpointIds": at(23, 7), "tags": at(24, 7),
					"backupConfiguration.backupPeriodInHours":          at(25, 29),
					"backupConfiguration.backupRetentionPeriodInHours": at(25, 54),
				}},
			},
			{
				Address: spec.Address{Kind: "key", Name: "ci"},
				Spec: spec.Tree{
					"name": "ci", "roles": []any{"developer"}, "state": "enabled", "expireAt": "2027-06-30T00:00:00Z",
					"ipAccessList": []any{spec.Tree{"source": "203.0.113.0/24", "description": "HQ"}},
				},
				Intent: spec.Intent{Pos: at(28, 7), Fields: map[string]spec.Pos{
					"name": at(28, 8), "roles": at(28, 18), "state": at(28, 38), "expireAt": at(28, 54), "ipAccessList": at(28, 86),
				}},
			},
			{
				Address: spec.Address{Kind: "member", Name: "ana@example.com"},
				Spec:    spec.Tree{"email": "ana@example.com", "roles": []any{"admin"}},
				Intent:  spec.Intent{Pos: at(30, 7), Fields: map[string]spec.Pos{"email": at(30, 8), "roles": at(30, 32)}},
			},
			{
				Address: spec.Address{Kind: "invitation", Name: "newcomer@example.com"},
				Spec:    spec.Tree{"email": "newcomer@example.com", "roles": []any{"developer"}},
				Intent:  spec.Intent{Pos: at(32, 7), Fields: map[string]spec.Pos{"email": at(32, 8), "roles": at(32, 37)}},
			},
		},
		Declared: map[string]spec.Pos{
			"privateEndpoints": at(9, 3), "services": at(14, 3), "keys": at(27, 3), "members": at(29, 3), "invitations": at(31, 3),
		},
		Policy: spec.Policy{
			Exclusive: []string{"keys", "members"}, MinAdmins: 2, MaxDeletes: spec.MaxDeletes{Count: &count, Percent: 25},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestResolve shows what one resource becomes.
func TestResolve(t *testing.T) {
	noPlaces := cmpopts.IgnoreFields(spec.Intent{}, "Pos", "Fields")
	for _, tc := range []struct {
		name, body, address string
		want                spec.Tree
		id                  string
		intent              spec.Intent
	}{
		{
			name: "organization without settings", body: "spec: {keys: []}", address: "organization/acme", want: spec.Tree{},
		},
		{
			name:    "defaults are inherited",
			body:    "spec: {serviceDefaults: {provider: aws, protect: true, access: closed, tags: [{key: a}]}, services: [{name: s}]}",
			address: "service/s", want: spec.Tree{"name": "s", "provider": "aws", "tags": []any{spec.Tree{"key": "a"}}},
			intent: spec.Intent{Protect: true, Closed: true},
		},
		{
			name: "a service wins over defaults, lists and objects are replaced whole",
			body: `
spec:
  serviceDefaults: {provider: aws, protect: true, tags: [{key: a}], backupConfiguration: {backupPeriodInHours: 24}}
  services: [{name: s, provider: gcp, protect: false, tags: [], backupConfiguration: {backupRetentionPeriodInHours: 48}}]`,
			address: "service/s",
			want: spec.Tree{
				"name": "s", "provider": "gcp", "tags": []any{},
				"backupConfiguration": spec.Tree{"backupRetentionPeriodInHours": int64(48)},
			},
		},
		{
			name:    "a count replaces a default band",
			body:    "spec: {serviceDefaults: {minReplicas: 2, maxReplicas: 4}, services: [{name: s, numReplicas: 3}]}",
			address: "service/s", want: spec.Tree{"name": "s", "numReplicas": int64(3)},
		},
		{
			name:    "a band replaces a default count",
			body:    "spec: {serviceDefaults: {numReplicas: 3}, services: [{name: s, minReplicas: 2, maxReplicas: 4}]}",
			address: "service/s", want: spec.Tree{"name": "s", "minReplicas": int64(2), "maxReplicas": int64(4)},
		},
		{
			name:    "a default timeout goes where idling is off",
			body:    "spec: {serviceDefaults: {idleTimeoutMinutes: 30}, services: [{name: s, idleScaling: false}]}",
			address: "service/s", want: spec.Tree{"name": "s", "idleScaling": false},
		},
		{
			name: "a secondary inherits its place but no backups",
			body: `
spec:
  serviceDefaults: {provider: aws, region: us-east-1, backupConfiguration: {backupPeriodInHours: 24}}
  services: [{name: s, warehouse: p, isReadonly: true}, {name: p}]`,
			address: "service/s",
			want:    spec.Tree{"name": "s", "warehouse": "p", "isReadonly": true, "provider": "aws", "region": "us-east-1"},
		},
		{
			name: "sets are expanded in place and a repeated address is listed once",
			body: `
spec:
  ipSets:
    a: [{source: 10.0.0.1, description: one}, {source: 10.0.0.2}]
    b: [{source: 10.0.0.2/32, description: ""}, {source: 10.0.0.3}]
  keys: [{name: k, ipAccessList: [{source: 10.0.0.9}, {set: b}, {set: a}, {source: 10.0.0.1/32, description: one}]}]`,
			address: "key/k",
			want: spec.Tree{"name": "k", "ipAccessList": []any{
				spec.Tree{"source": "10.0.0.9"},
				spec.Tree{"source": "10.0.0.2/32", "description": ""},
				spec.Tree{"source": "10.0.0.3"},
				spec.Tree{"source": "10.0.0.1", "description": "one"},
			}},
		},
		{
			name:    "a default list with a set",
			body:    "spec: {ipSets: {a: [{source: 0.0.0.0/0}]}, serviceDefaults: {ipAccessList: [{set: a}]}, services: [{name: s}]}",
			address: "service/s", want: spec.Tree{"name": "s", "ipAccessList": []any{spec.Tree{"source": "0.0.0.0/0"}}},
		},
		{
			name: "an empty list replaces a default one",
			body: "spec: {serviceDefaults: {ipAccessList: [{source: 0.0.0.0/0}]}, services: [{name: s, ipAccessList: []}]}", address: "service/s",
			want: spec.Tree{"name": "s", "ipAccessList": []any{}},
		},
		{
			name:    "null resets",
			body:    "spec: {services: [{name: s, backupConfiguration: {backupStartTime: null, backupPeriodInHours: 12}}]}",
			address: "service/s",
			want:    spec.Tree{"name": "s", "backupConfiguration": spec.Tree{"backupStartTime": nil, "backupPeriodInHours": int64(12)}},
		},
		{
			name: "an empty object manages nothing",
			body: "spec: {services: [{name: s, backupConfiguration: {}}]}", address: "service/s", want: spec.Tree{"name": "s"},
		},
		{
			name: "a key that never expires",
			body: "spec: {keys: [{name: k, expireAt: null, ipAccessList: []}]}", address: "key/k",
			want: spec.Tree{"name": "k", "expireAt": nil, "ipAccessList": []any{}},
		},
		{
			name: "timestamps keep their text, quoted or not",
			body: "spec: {keys: [{name: k, expireAt: 2027-06-30T02:00:00.5+02:00}]}", address: "key/k",
			want: spec.Tree{"name": "k", "expireAt": "2027-06-30T02:00:00.5+02:00"},
		},
		{
			name:    "intent",
			body:    "spec: {keys: [{name: k, id: 2404D339-6921-4F1C-BF80-B07D5E23B91A, previously: [j, i], ensure: absent, role: admin}]}",
			address: "key/k", id: "2404d339-6921-4f1c-bf80-b07d5e23b91a",
			want: spec.Tree{"name": "k", "roles": []any{"admin"}}, intent: spec.Intent{Absent: true, Previously: []string{"j", "i"}},
		},
		{
			name: "e-mail addresses are lower case",
			body: "spec: {members: [{email: Ana@Example.COM}]}", address: "member/ana@example.com",
			want: spec.Tree{"email": "ana@example.com"},
		},
		{
			name: "ensure: present is the default",
			body: "spec: {members: [{email: a@b.c, ensure: present}]}", address: "member/a@b.c", want: spec.Tree{"email": "a@b.c"},
		},
		{
			name: "endpoints that are not declared may exist",
			body: "spec: {services: [{name: s, privateEndpointIds: [vpce-1]}]}", address: "service/s",
			want: spec.Tree{"name": "s", "privateEndpointIds": []any{"vpce-1"}},
		},
		{
			name:    "an endpoint is known by any of its registrations",
			body:    "spec: {privateEndpoints: [{id: v, cloudProvider: aws, region: r, ensure: absent}, {id: v, cloudProvider: aws, region: q}], services: [{name: s, privateEndpointIds: [v]}]}",
			address: "service/s", want: spec.Tree{"name": "s", "privateEndpointIds": []any{"v"}},
		},
		{
			name: "what is absent needs no reference to be there",
			body: `
spec:
  privateEndpoints: []
  services:
    - {name: s, ensure: absent, warehouse: p, privateEndpointIds: [gone]}
    - {name: p, ensure: absent}`,
			address: "service/s", want: spec.Tree{"name": "s", "warehouse": "p", "privateEndpointIds": []any{"gone"}},
			intent: spec.Intent{Absent: true},
		},
		{
			name: "no is text", body: "spec: {services: [{name: no}]}", address: "service/no", want: spec.Tree{"name": "no"},
		},
		{
			name: "a date is text where text is wanted",
			body: "spec: {services: [{name: 2027-06-30}]}", address: "service/2027-06-30", want: spec.Tree{"name": "2027-06-30"},
		},
		{
			name: "numbers by value",
			body: "spec: {services: [{name: s, numReplicas: 3.0, minReplicaMemoryGb: 1.6e1, idleTimeoutMinutes: 7.5}]}", address: "service/s",
			want: spec.Tree{"name": "s", "numReplicas": int64(3), "minReplicaMemoryGb": int64(16), "idleTimeoutMinutes": 7.5},
		},
		{
			name: "an equal band is vertical, too",
			body: "spec: {services: [{name: s, autoscalingMode: vertical, minReplicas: 2, maxReplicas: 2}]}", address: "service/s",
			want: spec.Tree{"name": "s", "autoscalingMode": "vertical", "minReplicas": int64(2), "maxReplicas": int64(2)},
		},
		{
			name: "anchors and merge keys",
			body: `
spec:
  services:
    - &small {name: a, numReplicas: 1, tags: &tags [{key: team}]}
    - &idle {name: b, idleScaling: true, region: us-east-1}
    - {<<: [*small, *idle], name: c, numReplicas: 2}
    - <<: *small
      name: d
      tags: *tags`,
			address: "service/c",
			want: spec.Tree{
				"name": "c", "numReplicas": int64(2), "tags": []any{spec.Tree{"key": "team"}}, "idleScaling": true, "region": "us-east-1",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := find(t, load(t, tc.body), tc.address)
			want := spec.Resource{Address: got.Address, ID: tc.id, Spec: tc.want, Intent: tc.intent}
			if diff := cmp.Diff(want, got, noPlaces); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPolicyDefaultsAndUnion(t *testing.T) {
	zero := 0
	for _, tc := range []struct {
		name   string
		bodies []string
		want   spec.Policy
	}{
		{"none", []string{""}, spec.Policy{MinAdmins: 1, MaxDeletes: spec.MaxDeletes{Percent: 25}}},
		{
			"joined over documents",
			[]string{
				"policy: {prune: [services], exclusive: [keys], minAdmins: 2, allowDelete: [service/b]}",
				"policy: {prune: [keys, services], minAdmins: 2, maxDeletes: {count: 0}, allowDelete: ['service/a-[0-9]*']}",
				"policy: {maxDeletes: {percent: 0}}",
			},
			spec.Policy{
				Prune: []string{"keys", "services"}, Exclusive: []string{"keys"}, MinAdmins: 2,
				MaxDeletes: spec.MaxDeletes{Count: &zero}, AllowDelete: []string{"service/a-[0-9]*", "service/b"},
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, load(t, tc.bodies...).Policy); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDocumentsMerge(t *testing.T) {
	o := load(t,
		"spec: {name: Acme, ipSets: {office: [{source: 10.0.0.0/8}]}, services: []}",
		"spec: {name: Acme, serviceDefaults: {provider: aws}, keys: [{name: ci, ipAccessList: [{set: office}]}]}\n---\n# nothing\n---\n"+header+
			"spec: {services: [{name: orders}], serviceDefaults: {provider: aws, region: us-east-1}}",
		"spec: {services: [{name: events, warehouse: orders}]}",
	)
	var addresses []string
	for _, r := range o.Resources {
		addresses = append(addresses, r.Address.String())
	}
	want := []string{"organization/acme", "service/events", "service/orders", "key/ci"}
	if diff := cmp.Diff(want, addresses); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	orders := find(t, o, "service/orders")
	if diff := cmp.Diff(spec.Tree{"name": "orders", "provider": "aws", "region": "us-east-1"}, orders.Spec); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, want := orders.FieldPos("region").String(), "b.yaml:11:69"; got != want {
		t.Errorf("region stands at %s, not %s", got, want)
	}
	declared := map[string]spec.Pos{"services": {File: "a.yaml", Line: 4, Column: 62}, "keys": {File: "b.yaml", Line: 4, Column: 54}}
	if diff := cmp.Diff(declared, o.Declared); diff != "" {
		t.Errorf("declared (-want +got):\n%s", diff)
	}
}

func TestOrderOfFilesDoesNotMatter(t *testing.T) {
	files := []spec.File{
		{Name: "a.yaml", Data: []byte(header + "spec: {services: [{name: s}], serviceDefaults: {provider: aws}}")},
		{Name: "b.yaml", Data: []byte("# moved down\n" + header + "spec: {services: [], serviceDefaults: {provider: aws}}")},
	}
	forward, diags := spec.Load(files)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	backward, diags := spec.Load([]spec.File{files[1], files[0]})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if diff := cmp.Diff(forward, backward); diff != "" {
		t.Errorf("(-forward +backward):\n%s", diff)
	}
}

func TestOrganizationID(t *testing.T) {
	const id = "2404d339-6921-4f1c-bf80-b07d5e23b91a"
	organizations, diags := spec.Load([]spec.File{
		{Name: "a.yaml", Data: []byte(strings.Replace(header, "}", ", id: "+strings.ToUpper(id)+"}", 1))},
		{Name: "b.yaml", Data: []byte(strings.Replace(header, "}", ", id: "+id+"}", 1))},
		{Name: "c.yaml", Data: []byte(header)},
	})
	if len(diags) > 0 || len(organizations) != 1 || organizations[0].ID != id {
		t.Errorf("%v, %v", organizations, diags)
	}
}

func TestSeveralOrganizations(t *testing.T) {
	organizations, diags := spec.Load([]spec.File{
		{Name: "a.yaml", Data: []byte(strings.Replace(header, "acme", "zeta", 1) + "spec: {services: [{name: orders}]}")},
		{Name: "b.yaml", Data: []byte(header + "spec: {services: [{name: orders}]}")},
		{Name: "empty.yaml"},
	})
	if len(diags) > 0 || len(organizations) != 2 || organizations[0].Name != "acme" || organizations[1].Name != "zeta" {
		t.Errorf("%v, %v", organizations, diags)
	}
}

func TestSpellingsOfOneManifest(t *testing.T) {
	plain := header + "spec:\n  services:\n    - name: orders\n"
	for name, data := range map[string]string{
		"byte order mark": "\uFEFF" + plain,
		"CRLF":            strings.ReplaceAll(plain, "\n", "\r\n"),
		"JSON":            `{"apiVersion":"orgctl/v1","kind":"Organization","metadata":{"name":"acme"},"spec":{"services":[{"name":"orders"}]}}`,
		"JSON with tabs":  "{\n\t\"apiVersion\": \"orgctl/v1\",\n\t\"kind\": \"Organization\",\n\t\"metadata\": {\"name\": \"acme\"},\n\t\"spec\": {\"services\": [{\"name\": \"orders\"}]}\n}\n",
		"document marks":  "%YAML 1.1\n---\n" + plain + "...\n",
		"explicit tags":   strings.Replace(plain, "name: orders", "name: !!str orders", 1),
	} {
		t.Run(name, func(t *testing.T) {
			organizations, diags := spec.Load([]spec.File{{Name: "acme", Data: []byte(data)}})
			if len(diags) > 0 {
				t.Fatal(diags)
			}
			want := spec.Tree{"name": "orders"}
			if diff := cmp.Diff(want, find(t, organizations[0], "service/orders").Spec); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestBadText are inputs that an editor or git would not keep as they are.
func TestBadText(t *testing.T) {
	utf16 := []byte{0xff, 0xfe}
	for _, b := range []byte(header) {
		utf16 = append(utf16, b, 0)
	}
	for _, tc := range []struct{ name, data, want string }{
		{"no file at all", "", "f.yaml:1:1: error OC202: the file holds no manifest; begin with apiVersion: orgctl/v1"},
		{"UTF-16", string(utf16), "f.yaml:1:1: error OC204: the file is UTF-16; save it as UTF-8"},
		{"Latin-1", header + "spec: {name: \"\u00fcber caf\xe9\"}", "f.yaml:4:23: error OC204: byte 0xE9 is not UTF-8; save the file as UTF-8"},
		{"UTF-16 without a mark", "\x00a", "f.yaml:1:1: error OC204: control character U+0000; remove it: what nobody sees, nobody can review"},
		{"control character after a mark", "\uFEFFa\x1b", "f.yaml:1:3: error OC204: control character U+001B; remove it: what nobody sees, nobody can review"},
		{"second mark", "a: 1\n\uFEFFb: 2", "f.yaml:2:1: error OC204: invisible character U+FEFF; remove it: what nobody sees, nobody can review"},
		{"10,000 brackets", strings.Repeat("[", 10_001), "f.yaml:1:1: error OC208: too many levels of nesting"},
		{"100 brackets of nested aliases", nestedAliases(100), "f.yaml:64:12: error OC208: alias *a62 leads to more than 64 levels of nesting"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			organizations, diags := spec.Load([]spec.File{{Name: "f.yaml", Data: []byte(tc.data)}})
			var got strings.Builder
			for _, d := range diags {
				got.WriteString(d.String())
			}
			if diff := cmp.Diff(tc.want, got.String()); diff != "" || organizations != nil {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// nestedAliases nests values without nesting any text.
func nestedAliases(levels int) string {
	var b strings.Builder
	b.WriteString("a0: &a0 []\n")
	for i := range levels {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, 1]\n", i+1, i+1, i)
	}
	return b.String()
}

func TestLoadNothing(t *testing.T) {
	organizations, diags := spec.Load(nil)
	if organizations != nil || len(diags) != 1 || diags[0].Code != spec.CodeNoManifest {
		t.Errorf("%v, %v", organizations, diags)
	}
}

// TestGood loads every file of testdata/good.
func TestGood(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "good", "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatal(err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, diags := spec.Load([]spec.File{{Name: name, Data: data}}); len(diags) > 0 {
				t.Error(diags)
			}
		})
	}
}
