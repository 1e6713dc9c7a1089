package cloudapi_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/cloudapi"
)

// Only what is set is sent.
func TestRequestEncoding(t *testing.T) {
	for _, c := range []struct {
		name string
		in   any
		want string
	}{
		{"organization, nothing", cloudapi.OrganizationPatch{}, `{}`},
		{"organization, false and empty", cloudapi.OrganizationPatch{Name: new(""), EnableCoreDumps: new(false)}, `{"name":"","enableCoreDumps":false}`},
		{"service, nothing", cloudapi.ServicePatch{}, `{}`},
		{"service, everything", cloudapi.ServicePatch{
			Name: new("a"), ReleaseChannel: new("fast"), TransparentDataEncryptionKeyID: new("k"), EnableCoreDumps: new(false),
			Tags:               &cloudapi.Patch[cloudapi.Tag]{Add: []cloudapi.Tag{{Key: "k"}}, Remove: []cloudapi.Tag{{Key: "k", Value: "v"}}},
			PrivateEndpointIDs: &cloudapi.Patch[string]{Add: []string{"vpce-1"}},
			Endpoints:          []cloudapi.ServiceEndpointChange{{Protocol: "mysql"}},
		}, `{"name":"a","tags":{"remove":[{"key":"k","value":"v"}],"add":[{"key":"k"}]},"privateEndpointIds":{"add":["vpce-1"]},` +
			`"releaseChannel":"fast","endpoints":[{"protocol":"mysql","enabled":false}],"transparentDataEncryptionKeyId":"k","enableCoreDumps":false}`},
		{"scaling, nothing", cloudapi.ReplicaScalingPatch{}, `{}`},
		{"scaling, fraction", cloudapi.ReplicaScalingPatch{IdleTimeoutMinutes: new(7.5)}, `{"idleTimeoutMinutes":7.5}`},
		{"backup, nothing", cloudapi.BackupConfigurationPatch{}, `{}`},
		{"backup, values", cloudapi.BackupConfigurationPatch{
			BackupPeriodInHours: cloudapi.Value(24.0), BackupRetentionPeriodInHours: cloudapi.Value(0.0), BackupStartTime: cloudapi.Value(""),
		}, `{"backupPeriodInHours":24,"backupRetentionPeriodInHours":0,"backupStartTime":""}`},
		{"backup, resets", cloudapi.BackupConfigurationPatch{
			BackupPeriodInHours: cloudapi.Null[float64](), BackupStartTime: cloudapi.Null[string](),
		}, `{"backupPeriodInHours":null,"backupStartTime":null}`},
		{"key, nothing", cloudapi.KeyPatch{}, `{}`},
		{"key, empty lists", cloudapi.KeyPatch{Roles: []string{}, AssignedRoleIDs: []string{}, IPAccessList: []cloudapi.IPAccessEntry{}}, `{"roles":[],"assignedRoleIds":[],"ipAccessList":[]}`},
		{"key, expiry", cloudapi.KeyPatch{ExpireAt: cloudapi.Value("2027-06-30T00:00:00Z")}, `{"expireAt":"2027-06-30T00:00:00Z"}`},
		{"new key", cloudapi.KeyCreate{Name: "ci", HashData: &cloudapi.HashData{KeyIDHash: "a", KeyIDSuffix: "b", KeySecretHash: "c"}}, `{"name":"ci","hashData":{"keyIdHash":"a","keyIdSuffix":"b","keySecretHash":"c"}}`},
		{"member, nothing", cloudapi.MemberPatch{}, `{}`},
		{"new invitation", cloudapi.InvitationCreate{Email: "a@example.com", AssignedRoleIDs: []string{"r"}}, `{"email":"a@example.com","assignedRoleIds":["r"]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := json.Marshal(c.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The shape of the current API, in its vertical form.
const currentService = `{
  "id": "6f2c", "name": "orders", "provider": "aws", "region": "moon-north-1", "state": "levitating", "clickhouseVersion": "25.8",
  "endpoints": [{"protocol": "mysql", "host": "x.example.com", "port": 3306, "username": null}],
  "autoscalingMode": "vertical", "minReplicaMemoryGb": 16, "maxReplicaMemoryGb": 64.0, "numReplicas": 3.0, "minTotalMemoryGb": 48,
  "idleScaling": true, "idleTimeoutMinutes": 15, "ipAccessList": [{"source": "203.0.113.10/32"}], "createdAt": "2026-08-01T10:00:00Z",
  "privateEndpointIds": [], "dataWarehouseId": "9d1e", "isPrimary": true, "isReadonly": false, "releaseChannel": "default",
  "tags": [{"key": "team", "value": "orders"}, {"key": "flag"}], "enableCoreDumps": true, "tier": null, "profile": null,
  "currentScaling": {"effectiveMinReplicas": 3, "effectiveIdleScaling": true, "somethingNew": {"a": 1}},
  "somethingNew": [{"a": 1}]
}`

// The shape of the oldest API: totals only, no modes, the primary flag as text.
const oldService = `{
  "id": "6f2c", "name": "orders", "provider": "gcp", "region": "us-east1", "state": "running",
  "endpoints": [{"protocol": "https", "host": "x.example.com", "port": 8443.0}],
  "tier": "production", "minTotalMemoryGb": 48, "maxTotalMemoryGb": 360, "numReplicas": 3, "idleScaling": false,
  "ipAccessList": null, "isPrimary": "true"
}`

func TestServiceDecoding(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want cloudapi.Service
	}{
		"current": {currentService, cloudapi.Service{
			ID: "6f2c", Name: "orders", Provider: "aws", Region: "moon-north-1", State: "levitating", ClickHouseVersion: "25.8",
			Endpoints:       []cloudapi.ServiceEndpoint{{Protocol: "mysql", Host: "x.example.com", Port: new(3306.0)}},
			AutoscalingMode: "vertical", MinReplicaMemoryGB: new(16.0), MaxReplicaMemoryGB: new(64.0), NumReplicas: new(3.0), MinTotalMemoryGB: new(48.0),
			IdleScaling: new(true), IdleTimeoutMinutes: new(15.0), IPAccessList: []cloudapi.IPAccessEntry{{Source: "203.0.113.10/32"}},
			CreatedAt: "2026-08-01T10:00:00Z", PrivateEndpointIDs: []string{}, DataWarehouseID: "9d1e", IsPrimary: new(cloudapi.Bool(true)),
			IsReadonly: new(false), ReleaseChannel: "default", Tags: []cloudapi.Tag{{Key: "team", Value: "orders"}, {Key: "flag"}},
			EnableCoreDumps: new(true),
			CurrentScaling:  &cloudapi.CurrentScaling{EffectiveMinReplicas: new(3.0), EffectiveIdleScaling: new(true)},
		}},
		"old": {oldService, cloudapi.Service{
			ID: "6f2c", Name: "orders", Provider: "gcp", Region: "us-east1", State: cloudapi.StateRunning,
			Endpoints: []cloudapi.ServiceEndpoint{{Protocol: "https", Host: "x.example.com", Port: new(8443.0)}},
			Tier:      "production", MinTotalMemoryGB: new(48.0), MaxTotalMemoryGB: new(360.0), NumReplicas: new(3.0), IdleScaling: new(false),
			IsPrimary: new(cloudapi.Bool(true)),
		}},
		"nothing": {`{}`, cloudapi.Service{}},
	} {
		t.Run(name, func(t *testing.T) {
			var got cloudapi.Service
			if err := json.Unmarshal([]byte(c.in), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Anything the API shows may be null or missing.
func TestEveryResponseToleratesNull(t *testing.T) {
	for name, target := range map[string]any{
		"organization": new(cloudapi.Organization), "service": new(cloudapi.Service), "service created": new(cloudapi.ServiceCreated),
		"backup configuration": new(cloudapi.BackupConfiguration),
		"endpoint":             new(cloudapi.PrivateEndpoint), "key": new(cloudapi.APIKey),
		"key created": new(cloudapi.KeyCreated), "member": new(cloudapi.Member), "invitation": new(cloudapi.Invitation),
		"role": new(cloudapi.Role), "quota": new(cloudapi.Quota), "activity": new(cloudapi.Activity),
	} {
		zero, err := json.Marshal(target)
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal(zero, &members); err != nil {
			t.Fatal(err)
		}
		for member := range members {
			members[member] = nil
		}
		nulls, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(nulls, target); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if again, err := json.Marshal(target); err != nil || string(again) != string(zero) {
			t.Errorf("%s: nulls decode to %s, want %s (%v)", name, again, zero, err)
		}
	}
}

func TestBool(t *testing.T) {
	for in, want := range map[string]bool{`true`: true, `"true"`: true, `"True"`: true, `false`: false, `"false"`: false} {
		var got cloudapi.Bool
		if err := json.Unmarshal([]byte(in), &got); err != nil || bool(got) != want {
			t.Errorf("%s: %t, %v, want %t", in, got, err, want)
		}
	}
	for _, in := range []string{`"maybe"`, `2`, `{}`} {
		var got cloudapi.Bool
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("%s was taken for %t", in, got)
		}
	}
}
