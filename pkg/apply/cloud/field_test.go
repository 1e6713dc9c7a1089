package cloud_test

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// everything declares every field of every kind that can be changed after creation, and the create-only ones that the
// simulator lets an organization have together.
const everything = `
spec:
  name: Acme
  enableCoreDumps: true
  privateEndpoints:
    - {id: vpce-1, cloudProvider: aws, region: us-east-1, description: prod}
    - {id: vpce-2, cloudProvider: aws, region: us-east-1, description: other}
  services:
    - name: orders
      provider: aws
      region: us-east-1
      state: running
      isReadonly: false
      hasTransparentDataEncryption: true
      transparentDataEncryptionKeyId: key-1
      profile: v1-default
      complianceType: hipaa
      encryptionKey: arn:aws:kms:us-east-1:1:key/1
      encryptionAssumedRoleIdentifier: arn:aws:iam::1:role/r
      releaseChannel: default
      autoscalingMode: vertical
      numReplicas: 3
      minReplicaMemoryGb: 16
      maxReplicaMemoryGb: 64
      idleScaling: true
      idleTimeoutMinutes: 15.5
      ipAccessList: [{source: 203.0.113.0/24, description: HQ}]
      privateEndpointIds: [vpce-1]
      tags: [{key: team, value: orders}]
      endpoints: [{protocol: mysql, enabled: false}]
      enableCoreDumps: true
      backupConfiguration: {backupPeriodInHours: 24, backupRetentionPeriodInHours: 48, backupStartTime: "02:00"}
    - name: wide
      provider: aws
      region: us-east-1
      autoscalingMode: horizontal
      minReplicas: 2
      maxReplicas: 4
      minReplicaMemoryGb: 16
      maxReplicaMemoryGb: 16
      ipAccessList: []
    - name: reports
      warehouse: orders
      ipAccessList: []
  keys:
    - {name: ci, roles: [developer], state: enabled, expireAt: 2030-01-01T00:00:00.123456789Z, ipAccessList: [{source: 203.0.113.0/24}]}
  members:
    - {email: ana@example.com, role: developer}
  invitations:
    - {email: new@example.com, role: developer}
`

// fieldEdits say, for every field of every kind, how somebody at the console changes it, and what of it a plan may answer
// with when it is not that field alone. A field without a line fails the test by name.
var fieldEdits = map[string]struct {
	name   string         // of the object; "" for the organization
	set    map[string]any // the edit
	fields []string       // of the one change; nil means the field itself
	// never says why the field cannot be edited behind the API's back.
	never string
}{
	"organization.name":            {set: map[string]any{"name": "Changed"}},
	"organization.enableCoreDumps": {set: map[string]any{"enableCoreDumps": false}},

	"privateEndpoint.id":            {never: "part of the identity"},
	"privateEndpoint.cloudProvider": {never: "part of the identity"},
	"privateEndpoint.region":        {never: "part of the identity"},
	"privateEndpoint.description":   {name: "vpce-2", set: map[string]any{"description": "changed"}},

	"service.name":                            {never: "part of the identity: see TestRename"},
	"service.provider":                        {name: "orders", set: map[string]any{"provider": "gcp"}},
	"service.region":                          {name: "orders", set: map[string]any{"region": "us-west-2"}},
	"service.tier":                            {never: "organizations of the new pricing have none (FACTS 5.1)"},
	"service.byocId":                          {never: "excludes what this service declares; compared like every other text"},
	"service.warehouse":                       {never: "the API derives it from the warehouse id, which nothing changes"},
	"service.isReadonly":                      {name: "orders", set: map[string]any{"isReadonly": true}},
	"service.backupId":                        {never: "never reported (FACTS 5.1)"},
	"service.profile":                         {name: "orders", set: map[string]any{"profile": "v1-highmem-s"}},
	"service.complianceType":                  {name: "orders", set: map[string]any{"complianceType": "pci"}},
	"service.encryptionKey":                   {name: "orders", set: map[string]any{"encryptionKey": "changed"}},
	"service.encryptionAssumedRoleIdentifier": {name: "orders", set: map[string]any{"encryptionAssumedRoleIdentifier": "changed"}},
	"service.hasTransparentDataEncryption":    {name: "orders", set: map[string]any{"hasTransparentDataEncryption": false}},
	"service.privatePreviewTermsChecked":      {never: "never reported (FACTS 5.1)"},
	"service.transparentDataEncryptionKeyId":  {name: "orders", set: map[string]any{"transparentDataEncryptionKeyId": "key-2"}},
	"service.state":                           {name: "orders", set: map[string]any{"state": "stopped"}},
	"service.releaseChannel":                  {name: "orders", set: map[string]any{"releaseChannel": "fast"}},
	"service.autoscalingMode": {
		name: "orders",
		set: map[string]any{
			"autoscalingMode": "horizontal", "numReplicas": nil, "minReplicas": 2, "maxReplicas": 4,
		},
		fields: []string{"autoscalingMode", "numReplicas"},
	},
	"service.minReplicaMemoryGb": {name: "orders", set: map[string]any{"minReplicaMemoryGb": 8}},
	"service.maxReplicaMemoryGb": {name: "orders", set: map[string]any{"maxReplicaMemoryGb": 120}},
	"service.numReplicas":        {name: "orders", set: map[string]any{"numReplicas": 5}},
	"service.minReplicas":        {name: "wide", set: map[string]any{"minReplicas": 3}},
	"service.maxReplicas":        {name: "wide", set: map[string]any{"maxReplicas": 9}},
	"service.idleScaling":        {name: "orders", set: map[string]any{"idleScaling": false}},
	"service.idleTimeoutMinutes": {name: "orders", set: map[string]any{"idleTimeoutMinutes": 30}},
	"service.ipAccessList":       {name: "orders", set: map[string]any{"ipAccessList": []any{map[string]any{"source": "0.0.0.0/0"}}}},
	"service.privateEndpointIds": {name: "orders", set: map[string]any{"privateEndpointIds": []any{"vpce-2"}}},
	"service.tags":               {name: "orders", set: map[string]any{"tags": []any{map[string]any{"key": "team", "value": "changed"}}}},
	"service.endpoints": {
		name: "orders", set: map[string]any{"endpoints": []any{map[string]any{"protocol": "mysql", "enabled": true}}},
	},
	"service.enableCoreDumps": {name: "orders", set: map[string]any{"enableCoreDumps": false}},
	"service.backupConfiguration.backupPeriodInHours": {
		name: "orders", set: map[string]any{"backupConfiguration": map[string]any{"backupPeriodInHours": 48}},
	},
	"service.backupConfiguration.backupRetentionPeriodInHours": {
		name: "orders", set: map[string]any{"backupConfiguration": map[string]any{"backupRetentionPeriodInHours": 96}},
	},
	"service.backupConfiguration.backupStartTime": {
		name: "orders", set: map[string]any{"backupConfiguration": map[string]any{"backupStartTime": "05:00"}},
	},

	"key.name":         {never: "part of the identity: see TestRename"},
	"key.state":        {name: "ci", set: map[string]any{"state": "disabled"}},
	"key.roles":        {name: "ci", set: map[string]any{"roles": []any{"admin"}}},
	"key.expireAt":     {name: "ci", set: map[string]any{"expireAt": nil}},
	"key.ipAccessList": {name: "ci", set: map[string]any{"ipAccessList": []any{map[string]any{"source": "198.51.100.7"}}}},

	"member.email":     {never: "part of the identity"},
	"member.roles":     {name: "ana@example.com", set: map[string]any{"roles": []any{"admin"}}},
	"invitation.email": {never: "part of the identity"},
	"invitation.roles": {name: "new@example.com", set: map[string]any{"roles": []any{"admin"}}},
}

func TestEveryOutOfBandEditIsUndone(t *testing.T) {
	for _, kind := range spec.Kinds() {
		for i := range kind.Fields {
			field := &kind.Fields[i]
			id := kind.Name + "." + field.Path
			t.Run(id, func(t *testing.T) {
				tc, ok := fieldEdits[id]
				switch {
				case !ok:
					t.Fatal("no edit is written down for this field")
				case tc.never != "":
					return
				}
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t.Context(), t, sim.Config{})
					b.edit(sim.Edit{Kind: "member", Create: true, Set: map[string]any{"email": "ana@example.com", "roles": []any{"developer"}}})
					desired := manifest(t, everything)
					b.converge(desired)
					if p := b.plan(desired); !p.Empty() {
						t.Fatalf("a second plan is not empty: %s", encode(t, p.Changes))
					}
					b.edit(sim.Edit{Kind: kind.Name, Name: tc.name, Set: tc.set})
					p := b.plan(desired)
					if field.Immutable {
						checkBlocked(t, p, id)
						return
					}
					checkUndoes(t, p, kind.Name, tc.fields, field.Path)
					b.converge(desired)
				})
			})
		}
	}
}

func checkUndoes(t *testing.T, p *diff.Plan, kind string, want []string, path string) {
	t.Helper()
	if want == nil {
		want = []string{path}
	}
	if len(p.Changes) != 1 || p.Changes[0].Address.Kind != kind || p.Changes[0].Action != diff.Update {
		t.Fatalf("want one update of a %s, got %s", kind, encode(t, p.Changes))
	}
	var got []string
	for _, f := range p.Changes[0].Fields {
		got = append(got, f.Path)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func checkBlocked(t *testing.T, p *diff.Plan, id string) {
	t.Helper()
	if len(p.Changes) != 0 || p.Worst() != diff.SeverityBlocked || len(p.Findings) != 1 || p.Findings[0].Code != diff.CodeImmutable {
		t.Fatalf("%s: want one blocking finding and no change, got %s", id, encode(t, p))
	}
}
