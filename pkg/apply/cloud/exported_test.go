package cloud_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/apply/backendtest"
	"github.com/orgctl/orgctl/pkg/client/sim"
)

// bare is an organization of one object of each kind, with everything as the API makes it unless told otherwise.
const bare = `
spec:
  privateEndpoints: [{id: vpce-1, cloudProvider: aws, region: us-east-1}]
  services: [{name: orders, provider: aws, region: us-east-1, ipAccessList: []}]
  keys: [{name: ci, roles: [developer], ipAccessList: []}]
  members: [{email: ana@example.com, role: developer}]
  invitations: [{email: new@example.com, role: developer}]
`

var horizontally = map[string]any{"autoscalingMode": "horizontal", "minReplicas": 2, "maxReplicas": 4}

// firstEdits say, for every field of every kind, how somebody at the console gives it a value that it does not have in the bare
// organization.
var firstEdits = map[string]backendtest.Edit{
	"organization.name":            {Set: map[string]any{"name": "Changed"}},
	"organization.enableCoreDumps": {Set: map[string]any{"enableCoreDumps": false}},

	"privateEndpoint.id":            {Name: "vpce-1", Set: map[string]any{"id": "vpce-2"}},
	"privateEndpoint.cloudProvider": {Name: "vpce-1", Set: map[string]any{"cloudProvider": "gcp"}},
	"privateEndpoint.region":        {Name: "vpce-1", Set: map[string]any{"region": "us-west-2"}},
	"privateEndpoint.description":   {Name: "vpce-1", Set: map[string]any{"description": "changed"}},

	"service.name":                            {Name: "orders", Set: map[string]any{"name": "changed"}},
	"service.provider":                        {Name: "orders", Set: map[string]any{"provider": "gcp"}},
	"service.region":                          {Name: "orders", Set: map[string]any{"region": "us-west-2"}},
	"service.byocId":                          {Name: "orders", Set: map[string]any{"byocId": "changed"}},
	"service.isReadonly":                      {Name: "orders", Set: map[string]any{"isReadonly": true}},
	"service.profile":                         {Name: "orders", Set: map[string]any{"profile": "v1-highmem-s"}},
	"service.complianceType":                  {Name: "orders", Set: map[string]any{"complianceType": "pci"}},
	"service.encryptionKey":                   {Name: "orders", Set: map[string]any{"encryptionKey": "changed"}},
	"service.encryptionAssumedRoleIdentifier": {Name: "orders", Set: map[string]any{"encryptionAssumedRoleIdentifier": "changed"}},
	"service.hasTransparentDataEncryption":    {Name: "orders", Set: map[string]any{"hasTransparentDataEncryption": true}},
	"service.transparentDataEncryptionKeyId":  {Name: "orders", Set: map[string]any{"transparentDataEncryptionKeyId": "changed"}},
	"service.state":                           {Name: "orders", Set: map[string]any{"state": "stopped"}},
	"service.releaseChannel":                  {Name: "orders", Set: map[string]any{"releaseChannel": "fast"}},
	"service.autoscalingMode":                 {Name: "orders", Set: horizontally},
	"service.minReplicaMemoryGb":              {Name: "orders", Set: map[string]any{"minReplicaMemoryGb": 8}},
	"service.maxReplicaMemoryGb":              {Name: "orders", Set: map[string]any{"maxReplicaMemoryGb": 356}},
	"service.numReplicas":                     {Name: "orders", Set: map[string]any{"numReplicas": 7}},
	"service.minReplicas":                     {Name: "orders", Set: horizontally},
	"service.maxReplicas":                     {Name: "orders", Set: horizontally},
	"service.idleScaling":                     {Name: "orders", Set: map[string]any{"idleScaling": false}},
	"service.idleTimeoutMinutes":              {Name: "orders", Set: map[string]any{"idleTimeoutMinutes": 60}},
	"service.ipAccessList":                    {Name: "orders", Set: map[string]any{"ipAccessList": []any{map[string]any{"source": "0.0.0.0/0"}}}},
	"service.privateEndpointIds":              {Name: "orders", Set: map[string]any{"privateEndpointIds": []any{"vpce-1"}}},
	"service.tags":                            {Name: "orders", Set: map[string]any{"tags": []any{map[string]any{"key": "team"}}}},
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

	"key.name":         {Name: "ci", Set: map[string]any{"name": "changed"}},
	"key.state":        {Name: "ci", Set: map[string]any{"state": "disabled"}},
	"key.roles":        {Name: "ci", Set: map[string]any{"roles": []any{"admin"}}},
	"key.expireAt":     {Name: "ci", Set: map[string]any{"expireAt": "2031-01-01T00:00:00Z"}},
	"key.ipAccessList": {Name: "ci", Set: map[string]any{"ipAccessList": []any{map[string]any{"source": "198.51.100.7"}}}},

	"member.email":     {Name: "ana@example.com", Set: map[string]any{"email": "changed@example.com"}},
	"member.roles":     {Name: "ana@example.com", Set: map[string]any{"roles": []any{"admin"}}},
	"invitation.email": {Name: "new@example.com", Set: map[string]any{"email": "changed@example.com"}},
	"invitation.roles": {Name: "new@example.com", Set: map[string]any{"roles": []any{"admin"}}},
}

// exportedUnmanaged are the fields that an export cannot manage where the API shows none, and why. docs/manifest.md lists the
// same. Each that the simulator can be given is tried: a reason that no longer holds fails, too.
var exportedUnmanaged = map[string]string{
	"service.tier":                            "no value means none, and nothing gives a service one after its creation",
	"service.byocId":                          "no value means none, and nothing gives a service one after its creation",
	"service.warehouse":                       "no value means none, and nothing makes a primary a secondary",
	"service.profile":                         "no value means none, and nothing gives a service one after its creation",
	"service.complianceType":                  "no value means none, and nothing gives a service one after its creation",
	"service.encryptionKey":                   "no value means none, and nothing gives a service one after its creation",
	"service.encryptionAssumedRoleIdentifier": "no value means none, and nothing gives a service one after its creation",
	"service.transparentDataEncryptionKeyId":  "no value means none",
	"service.backupId":                        "never reported",
	"service.privatePreviewTermsChecked":      "never reported",
}

// TestExportIsNoDriftInAnyShape: what a server leaves out of its replies, be it as old or as new as may be, is none of it later.
func TestExportIsNoDriftInAnyShape(t *testing.T) {
	inShapes(t, func(t *testing.T, cfg sim.Config) {
		b := newBench(t.Context(), t, cfg)
		b.converge(manifest(t, small))
		if p := b.plan(b.exported()); !p.Converged() {
			t.Errorf("the export is not as the organization is: %s", encode(t, p))
		}
	})
}

// TestManualListsWhatExportLeavesUnmanaged, all of it and nothing else.
func TestManualListsWhatExportLeavesUnmanaged(t *testing.T) {
	manual, err := os.ReadFile("../../../docs/manifest.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(manual), "\n## What an export manages\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var listed []string
	for _, name := range regexp.MustCompile("(?m)^\\| (`.*`) \\|").FindAllStringSubmatch(section, -1) {
		for _, path := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(name[1], -1) {
			listed = append(listed, "service."+path[1])
		}
	}
	slices.Sort(listed)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(exportedUnmanaged)), listed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
