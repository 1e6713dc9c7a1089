package cloud_test

import "github.com/orgctl/orgctl/pkg/apply/backendtest"

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
var fieldEdits = map[string]backendtest.FieldEdit{
	"organization.name":            {Set: map[string]any{"name": "Changed"}},
	"organization.enableCoreDumps": {Set: map[string]any{"enableCoreDumps": false}},

	"privateEndpoint.id":            {Never: "part of the identity"},
	"privateEndpoint.cloudProvider": {Never: "part of the identity"},
	"privateEndpoint.region":        {Never: "part of the identity"},
	"privateEndpoint.description":   {Name: "vpce-2", Set: map[string]any{"description": "changed"}},

	"service.name":                            {Never: "part of the identity: see TestRename"},
	"service.provider":                        {Name: "orders", Set: map[string]any{"provider": "gcp"}},
	"service.region":                          {Name: "orders", Set: map[string]any{"region": "us-west-2"}},
	"service.tier":                            {Never: "organizations of the new pricing have none (FACTS 5.1)"},
	"service.byocId":                          {Never: "excludes what this service declares; compared like every other text"},
	"service.warehouse":                       {Never: "the API derives it from the warehouse id, which nothing changes"},
	"service.isReadonly":                      {Name: "orders", Set: map[string]any{"isReadonly": true}},
	"service.backupId":                        {Never: "never reported (FACTS 5.1)"},
	"service.profile":                         {Name: "orders", Set: map[string]any{"profile": "v1-highmem-s"}},
	"service.complianceType":                  {Name: "orders", Set: map[string]any{"complianceType": "pci"}},
	"service.encryptionKey":                   {Name: "orders", Set: map[string]any{"encryptionKey": "changed"}},
	"service.encryptionAssumedRoleIdentifier": {Name: "orders", Set: map[string]any{"encryptionAssumedRoleIdentifier": "changed"}},
	"service.hasTransparentDataEncryption":    {Name: "orders", Set: map[string]any{"hasTransparentDataEncryption": false}},
	"service.privatePreviewTermsChecked":      {Never: "never reported (FACTS 5.1)"},
	"service.transparentDataEncryptionKeyId":  {Name: "orders", Set: map[string]any{"transparentDataEncryptionKeyId": "key-2"}},
	"service.state":                           {Name: "orders", Set: map[string]any{"state": "stopped"}},
	"service.releaseChannel":                  {Name: "orders", Set: map[string]any{"releaseChannel": "fast"}},
	"service.autoscalingMode": {
		Name: "orders",
		Set: map[string]any{
			"autoscalingMode": "horizontal", "numReplicas": nil, "minReplicas": 2, "maxReplicas": 4,
		},
		Shows: []string{"autoscalingMode", "numReplicas"},
	},
	"service.minReplicaMemoryGb": {Name: "orders", Set: map[string]any{"minReplicaMemoryGb": 8}},
	"service.maxReplicaMemoryGb": {Name: "orders", Set: map[string]any{"maxReplicaMemoryGb": 120}},
	"service.numReplicas":        {Name: "orders", Set: map[string]any{"numReplicas": 5}},
	"service.minReplicas":        {Name: "wide", Set: map[string]any{"minReplicas": 3}},
	"service.maxReplicas":        {Name: "wide", Set: map[string]any{"maxReplicas": 9}},
	"service.idleScaling":        {Name: "orders", Set: map[string]any{"idleScaling": false}},
	"service.idleTimeoutMinutes": {Name: "orders", Set: map[string]any{"idleTimeoutMinutes": 30}},
	"service.ipAccessList":       {Name: "orders", Set: map[string]any{"ipAccessList": []any{map[string]any{"source": "0.0.0.0/0"}}}},
	"service.privateEndpointIds": {Name: "orders", Set: map[string]any{"privateEndpointIds": []any{"vpce-2"}}},
	"service.tags":               {Name: "orders", Set: map[string]any{"tags": []any{map[string]any{"key": "team", "value": "changed"}}}},
	"service.endpoints": {
		Name: "orders", Set: map[string]any{"endpoints": []any{map[string]any{"protocol": "mysql", "enabled": true}}},
	},
	"service.enableCoreDumps": {Name: "orders", Set: map[string]any{"enableCoreDumps": false}},
	"service.backupConfiguration.backupPeriodInHours": {
		Name: "orders", Set: map[string]any{"backupConfiguration": map[string]any{"backupPeriodInHours": 48}},
	},
	"service.backupConfiguration.backupRetentionPeriodInHours": {
		Name: "orders", Set: map[string]any{"backupConfiguration": map[string]any{"backupRetentionPeriodInHours": 96}},
	},
	"service.backupConfiguration.backupStartTime": {
		Name: "orders", Set: map[string]any{"backupConfiguration": map[string]any{"backupStartTime": "05:00"}},
	},

	"key.name":         {Never: "part of the identity: see TestRename"},
	"key.state":        {Name: "ci", Set: map[string]any{"state": "disabled"}},
	"key.roles":        {Name: "ci", Set: map[string]any{"roles": []any{"admin"}}},
	"key.expireAt":     {Name: "ci", Set: map[string]any{"expireAt": nil}},
	"key.ipAccessList": {Name: "ci", Set: map[string]any{"ipAccessList": []any{map[string]any{"source": "198.51.100.7"}}}},

	"member.email":     {Never: "part of the identity"},
	"member.roles":     {Name: "ana@example.com", Set: map[string]any{"roles": []any{"admin"}}},
	"invitation.email": {Never: "part of the identity"},
	"invitation.roles": {Name: "new@example.com", Set: map[string]any{"roles": []any{"admin"}}},
}
