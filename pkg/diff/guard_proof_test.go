package diff_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/diff"
)

func TestProofs(t *testing.T) {
	office := netip.MustParseAddr("203.0.113.9")
	tests := []struct {
		name, desired, live string
		caller              diff.Caller
		want                []string
	}{
		{
			name: "all holds, also where the plan touches it",
			desired: `
spec:
  keys: [{name: boss, previously: [chief], ipAccessList: [{source: 203.0.113.0/28}]}]
  members: [{email: ana@example.com, role: admin}, {email: bo@example.com, role: admin}, {email: cy@example.com, ensure: absent}]
  invitations: [{email: di@example.com, role: admin}]`,
			live: `
caller: f00d
keys: [{name: chief, roles: [Admin], ipAccessList: [{source: 203.0.113.0/24}], status: {keySuffix: f00d}}]
members: [{email: ana@example.com, roles: [admin]}, {email: bo@example.com, roles: [Developer]}, {email: cy@example.com, roles: [Admin]}]`,
			caller: diff.Caller{IP: office},
			want: []string{
				"OC340 organization/acme: admins after: 2", "OC342 key/boss: this key keeps admin",
				"OC343 key/boss: caller 203.0.113.9 stays allowed",
			},
		},
		{
			name:    "an empty plan proves as much",
			desired: `spec: {keys: []}`,
			live: `
caller: f00d
keys: [{name: boss, roles: [Admin], ipAccessList: [{source: 0.0.0.0/0}], status: {keySuffix: f00d}}]
members: [{email: ana@example.com, roles: [Admin]}]`,
			caller: diff.Caller{IP: office},
			want: []string{
				"OC340 organization/acme: admins after: 1", "OC342 key/boss: this key keeps admin",
				"OC343 key/boss: caller 203.0.113.9 stays allowed",
			},
		},
		{
			name: "what does not hold is not claimed",
			desired: `
spec:
  keys: [{name: boss, roles: [developer], ipAccessList: [{source: 192.0.2.1}]}]
  members: [{email: ana@example.com, role: developer}]`,
			live: `
caller: f00d
keys: [{name: boss, roles: [Admin], ipAccessList: [{source: 203.0.113.0/24}], status: {keySuffix: f00d}}]
members: [{email: ana@example.com, roles: [Admin]}]`,
			caller: diff.Caller{IP: office},
		},
		{
			name:    "a key that goes keeps nothing",
			desired: `spec: {keys: [{name: boss, state: disabled}]}`,
			live: `
caller: f00d
keys: [{name: boss, state: enabled, roles: [Admin], ipAccessList: [{source: 0.0.0.0/0}], status: {keySuffix: f00d}}]
notChecked: [members]`,
			caller: diff.Caller{IP: office},
		},
		{
			name:    "what is not known is not claimed",
			desired: `spec: {keys: []}`,
			live: `
caller: f00d
keys: [{name: boss, roles: [Developer], ipAccessList: [{source: 0.0.0.0/0}], status: {keySuffix: f00d}}, {name: ci, roles: [Admin], status: {keySuffix: aaaa}}]
notChecked: [members]`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			live := observed(t, test.live)
			p, err := diff.Compute(manifest(t, test.desired), live, diff.Selection{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, proof := range diff.Proofs(p, live, test.caller) {
				got = append(got, fmt.Sprintf("%s %s: %s", proof.Code, proof.Address, proof.Statement))
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("proofs (-want +got):\n%s", d)
			}
		})
	}
}
