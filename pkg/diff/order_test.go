package diff_test

import (
	"strings"
	"testing"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

func TestOrder(t *testing.T) {
	runStates(t, []state{
		{
			name: "endpoints before and after the services that use them",
			desired: `
spec:
  privateEndpoints:
    - {id: new, cloudProvider: aws, region: us-east-1}
    - {id: old, cloudProvider: aws, region: us-east-1, ensure: absent}
  services: [{name: orders, privateEndpointIds: [new]}]`,
			live: `
privateEndpoints: [{id: old}]
services: [{name: orders, ipAccessList: [{source: 0.0.0.0/0}], privateEndpointIds: [old]}]`,
			want: []string{
				`create privateEndpoint/aws/us-east-1/new`,
				`update service/orders: privateEndpointIds -["old"] +["new"] after privateEndpoint/aws/us-east-1/new`,
				`delete privateEndpoint/aws/us-east-1/old after service/orders`,
			},
		},
		{
			name: "another way in before an endpoint goes, for those that use it",
			desired: `
spec:
  privateEndpoints: [{id: old, cloudProvider: aws, region: us-east-1, ensure: absent}]
  services:
    - {name: a, ipAccessList: [{source: 192.0.2.1}], privateEndpointIds: []}
    - {name: b, releaseChannel: fast}
    - {name: c, ipAccessList: [{source: 192.0.2.1}]}
    - {name: d, region: eu-west-1, ipAccessList: [{source: 192.0.2.1}]}`,
			live: `
privateEndpoints: [{id: old}]
services:
  - {name: a, ipAccessList: [], privateEndpointIds: [old]}
  - {name: b, releaseChannel: slow}
  - {name: c, ipAccessList: []}
  - {name: d, region: eu-west-1, ipAccessList: [], privateEndpointIds: [old]}`,
			want: []string{
				`update service/a: ipAccessList +[{source: "192.0.2.1"}]; privateEndpointIds -["old"]`,
				`update service/b: releaseChannel "slow" -> "fast"`,
				`update service/c: ipAccessList +[{source: "192.0.2.1"}]`,
				`update service/d: ipAccessList +[{source: "192.0.2.1"}]`,
				`delete privateEndpoint/aws/us-east-1/old after service/a`,
			},
		},
		{
			name: "what begins to refer to an object comes after its renaming, what refers to it already need not",
			desired: `
spec:
  services:
    - {name: z-orders, previously: [orders]}
    - {name: etl, warehouse: z-orders, ipAccessList: []}
    - {name: reports, warehouse: z-orders, releaseChannel: fast}`,
			live: `
services: [{name: orders}, {name: reports, warehouse: orders, releaseChannel: slow}]`,
			want: []string{
				`update service/reports: releaseChannel "slow" -> "fast"`,
				`update service/z-orders: name "orders" -> "z-orders"`,
				`create service/etl after service/z-orders`,
			},
		},
		{
			name: "core dumps end with the services before they end with the organization",
			desired: `
spec: {enableCoreDumps: false, services: [{name: a, enableCoreDumps: false}, {name: b, releaseChannel: fast}]}`,
			live: `
services: [{name: a, enableCoreDumps: true}, {name: b, enableCoreDumps: false, releaseChannel: slow}]`,
			want: []string{
				`update service/a: enableCoreDumps true -> false`,
				`update organization/acme: enableCoreDumps null -> false after service/a`,
				`update service/b: releaseChannel "slow" -> "fast"`,
			},
		},
		{
			name: "a service that forbids them does not wait for an organization that allows them, nor a new one that wants them for less",
			desired: `
spec:
  enableCoreDumps: true
  services:
    - {name: a, enableCoreDumps: false}
    - {name: new, provider: aws, region: us-east-1, ipAccessList: [], enableCoreDumps: true}`,
			live: `
services: [{name: a, enableCoreDumps: true}]`,
			want: []string{
				`update organization/acme: enableCoreDumps null -> true`,
				`update service/a: enableCoreDumps true -> false`,
				`create service/new after organization/acme`,
				`OC331 needs secretSink service/new`,
			},
		},
		{
			name: "each dismissal waits for an appointment of its own, as far as they go",
			desired: `
spec:
  members:
    - {email: a@example.com, role: developer}
    - {email: b@example.com, role: developer}
    - {email: c@example.com, ensure: absent}
    - {email: x@example.com, role: admin}
    - {email: y@example.com, role: admin}`,
			live: `
members:
  - {email: a@example.com, roles: [Admin]}
  - {email: b@example.com, roles: [Admin]}
  - {email: c@example.com, roles: [Admin]}
  - {email: x@example.com, roles: [Developer]}
  - {email: y@example.com, roles: [Developer]}`,
			want: []string{
				`update member/x@example.com: roles -["Developer"] +["admin"]`,
				`update member/a@example.com: roles -["Admin"] +["developer"] after member/x@example.com`,
				`update member/y@example.com: roles -["Developer"] +["admin"]`,
				`update member/b@example.com: roles -["Admin"] +["developer"] after member/y@example.com`,
				`delete member/c@example.com after member/x@example.com`,
			},
		},
		{
			name: "an endpoint is registered anew once nobody uses it",
			desired: `
spec:
  privateEndpoints:
    - {id: used, cloudProvider: aws, region: us-east-1, description: new}
    - {id: freed, cloudProvider: aws, region: us-east-1, description: new}
    - {id: taken, cloudProvider: aws, region: us-east-1, description: new}
  services: [{name: orders, privateEndpointIds: [used, taken]}]`,
			live: `
privateEndpoints: [{id: used, description: old}, {id: freed, description: old}, {id: taken, description: old}]
services: [{name: orders, privateEndpointIds: [used, freed]}]`,
			want: []string{
				`update service/orders: privateEndpointIds -["freed"] +["taken"]`,
				`update privateEndpoint/aws/us-east-1/freed: description "old" -> "new" after service/orders`,
				`OC320 blocked privateEndpoint/aws/us-east-1/taken: its description is "old", the manifest says "new"; it is not registered anew while services use it`,
				`OC320 blocked privateEndpoint/aws/us-east-1/used: its description is "old", the manifest says "new"; it is not registered anew while services use it`,
			},
		},
		{
			name: "primary before secondary, and the other way round when they go",
			desired: `
spec:
  services:
    - {name: z-primary, provider: aws, region: us-east-1, ipAccessList: []}
    - {name: a-secondary, warehouse: z-primary, ipAccessList: []}
    - {name: b-primary, ensure: absent}
    - {name: c-secondary, ensure: absent}`,
			live: `
services: [{name: b-primary}, {name: c-secondary, warehouse: b-primary}]`,
			want: []string{
				`create service/z-primary`,
				`create service/a-secondary after service/z-primary`,
				`delete service/c-secondary`,
				`delete service/b-primary after service/c-secondary`,
				`OC331 needs secretSink service/z-primary`,
				`OC330 needs deleteLeave service/c-secondary`, `OC330 needs deleteLeave service/b-primary`,
			},
		},
		{
			name: "a pruned primary waits for its secondary, a namesake of it does not",
			desired: `
spec: {services: [{name: keep}]}
policy: {prune: [services], maxDeletes: {percent: 100}, allowDelete: [service/*]}`,
			live: `
services: [{name: p, id: p1}, {name: p, id: p2}, {name: s, warehouse: p, refs: {warehouse: p2}}, {name: keep}]`,
			want: []string{
				`delete service/p#p1 pruned`,
				`delete service/s pruned`,
				`delete service/p#p2 pruned after service/s`,
			},
		},
		{
			name: "grants before revocations, core dumps as the organization allows, no key waits for another",
			desired: `
spec:
  enableCoreDumps: true
  services: [{name: orders, enableCoreDumps: true}]
  keys: [{name: new, roles: [developer], ipAccessList: []}, {name: old, ensure: absent}]
  members: [{email: ana@example.com, role: developer}, {email: bo@example.com, role: admin}, {email: cy@example.com, ensure: absent}]`,
			live: `
services: [{name: orders, enableCoreDumps: false}]
keys: [{name: old}]
members: [{email: ana@example.com, roles: [Admin]}, {email: bo@example.com, roles: [Developer]}, {email: cy@example.com, roles: [Admin]}]`,
			want: []string{
				`update organization/acme: enableCoreDumps null -> true`,
				`update service/orders: enableCoreDumps false -> true after organization/acme`,
				`create key/new`,
				`update member/bo@example.com: roles -["Developer"] +["admin"]`,
				`update member/ana@example.com: roles -["Admin"] +["developer"] after member/bo@example.com`,
				`delete key/old`,
				`delete member/cy@example.com after member/bo@example.com`,
				`OC331 needs secretSink key/new`,
			},
		},
	})
}

// Services that are each other's primary cannot come from a valid manifest; a plan of them names the circle.
func TestCycleNamesItsPath(t *testing.T) {
	service := func(name, warehouse string) spec.Resource {
		return spec.Resource{Address: spec.Address{Kind: "service", Name: name}, Spec: spec.Tree{
			"name": name, "warehouse": warehouse, "ipAccessList": []any{},
		}}
	}
	desired := &spec.Organization{Name: "acme", Resources: []spec.Resource{
		service("a", "b"), service("b", "c"), service("c", "b"), service("d", ""),
	}}
	_, err := diff.Compute(desired, observed(t, ""), diff.Selection{})
	if err == nil {
		t.Fatal("no error")
	}
	const want = "changes depend on each other in a circle: "
	path, ok := strings.CutPrefix(err.Error(), want)
	if !ok || path != "service/c -> service/b -> service/c" {
		t.Errorf("the error is %q", err)
	}
}
