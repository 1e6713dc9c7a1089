package diff_test

import (
	"testing"

	"github.com/orgctl/orgctl/pkg/diff"
)

func TestSelection(t *testing.T) {
	runStates(t, []state{
		{
			name: "only some",
			desired: `
spec:
  services: [{name: a, releaseChannel: fast}, {name: b, releaseChannel: fast, region: us-east-1}]
  keys: [{name: ci, state: disabled}]`,
			live: `
services: [{name: a, releaseChannel: slow}, {name: b, releaseChannel: slow, region: eu-west-1}, {name: c}]
keys: [{name: ci, state: enabled}, {name: stray}]`,
			sel: diff.Selection{Only: []string{"service/*", "key/c*"}, Except: []string{"service/[bc]"}},
			want: []string{
				`update service/a: releaseChannel "slow" -> "fast"`,
				`update key/ci: state "enabled" -> "disabled"`,
			},
		},
		{
			name: "a change without what it needs, and one that needs only to come later",
			desired: `
spec:
  privateEndpoints:
    - {id: new, cloudProvider: aws, region: us-east-1}
    - {id: old, cloudProvider: aws, region: us-east-1, ensure: absent}
  services: [{name: orders, privateEndpointIds: [new]}]`,
			live: `
privateEndpoints: [{id: old}]
services: [{name: orders, ipAccessList: [{source: 0.0.0.0/0}], privateEndpointIds: [old]}]`,
			sel: diff.Selection{Only: []string{"service/orders", "privateEndpoint/old"}},
			want: []string{
				`update service/orders: privateEndpointIds -["old"] +["new"]`,
				`delete privateEndpoint/aws/us-east-1/old after service/orders`,
				`OC304 error service/orders: needs privateEndpoint/aws/us-east-1/new, which does not exist yet and is not selected`,
			},
		},
		{
			name: "nothing of what is there",
			desired: `
spec: {keys: [{name: ci, state: disabled}]}`,
			live: `
keys: [{name: ci, state: enabled}, {name: stray}]`,
			sel: diff.Selection{Except: []string{"key/*"}},
		},
	})
}

func TestParseSelector(t *testing.T) {
	tests := []struct{ pattern, want, err string }{
		{pattern: "service/orders", want: "service/orders"},
		{pattern: "service", want: "service"},
		{pattern: "privateEndpoint/aws/us-east-1/vpce-*", want: "privateEndpoint/aws/us-east-1/vpce-*"},
		{pattern: "services/orders", err: `"services/orders" names no kind; the kinds are organization, privateEndpoint, service, key, member, invitation`},
		{pattern: "service/", err: `"service/" is not of the form KIND/GLOB`},
		{pattern: "service/[", err: `"service/[" is not of the form KIND/GLOB`},
	}
	for _, test := range tests {
		got, err := diff.ParseSelector(test.pattern)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != test.want || text != test.err {
			t.Errorf("%s: %q, %q", test.pattern, got, text)
		}
	}
}
