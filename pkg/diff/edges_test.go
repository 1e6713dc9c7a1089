package diff_test

import (
	"fmt"
	"testing"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// crowd is an organization in which many objects come and as many go, with what guards and orders look at.
func crowd(n int) (*spec.Organization, *spec.Live) {
	desired := &spec.Organization{Name: "acme", Declared: map[string]spec.Pos{}, Policy: spec.Policy{MinAdmins: 1}}
	live := &spec.Live{OrganizationID: "org-1", Roles: []spec.Role{{ID: "r1", Name: "Admin"}, {ID: "r2", Name: "Developer"}}}
	want := func(kind, name string, tree spec.Tree, absent bool) {
		desired.Resources = append(desired.Resources, spec.Resource{
			Address: address(kind, name), Spec: tree, Intent: spec.Intent{Absent: absent},
		})
	}
	have := func(kind, name string, tree spec.Tree) {
		a := address(kind, name)
		live.Resources = append(live.Resources, spec.Resource{Address: a, ID: a.Name, Spec: tree, Status: spec.Tree{}})
	}
	endpoint := func(id string) spec.Tree { return spec.Tree{"id": id, "cloudProvider": "aws", "region": "us-east-1"} }
	for i := range n {
		key, old := fmt.Sprintf("new-%d", i), fmt.Sprintf("old-%d", i)
		want("key", key, spec.Tree{"name": key, "roles": []any{"Developer"}, "ipAccessList": []any{}}, false)
		want("key", old, spec.Tree{}, true)
		have("key", old, spec.Tree{"name": old, "roles": []any{"Developer"}})
		limited := fmt.Sprintf("limited-%d", i)
		want("key", limited, spec.Tree{"expireAt": "2030-01-01T00:00:00Z"}, false)
		have("key", limited, spec.Tree{"name": limited, "roles": []any{"Developer"}})

		want("member", key, spec.Tree{"email": key, "roles": []any{"Admin"}}, false)
		want("member", old, spec.Tree{"email": old, "roles": []any{"Developer"}}, false)
		have("member", key, spec.Tree{"email": key, "roles": []any{"Developer"}})
		have("member", old, spec.Tree{"email": old, "roles": []any{"Admin"}})

		service := fmt.Sprintf("service-%d", i)
		place := func(more spec.Tree) spec.Tree {
			more["name"], more["provider"], more["region"] = service, "aws", "us-east-1"
			return more
		}
		want("privateEndpoint", old, endpoint(old), true)
		have("privateEndpoint", old, endpoint(old))
		want("service", service, place(spec.Tree{
			"ipAccessList": []any{spec.Tree{"source": "192.0.2.1"}}, "privateEndpointIds": []any{}, "enableCoreDumps": false,
		}), false)
		have("service", service, place(spec.Tree{
			"ipAccessList": []any{}, "privateEndpointIds": []any{old}, "enableCoreDumps": true,
		}))
	}
	want("organization", "acme", spec.Tree{"enableCoreDumps": false}, false)
	live.Resources = append(live.Resources, spec.Resource{
		Address: address("organization", "org-1"), ID: "org-1", Spec: spec.Tree{"enableCoreDumps": true}, Status: spec.Tree{},
	})
	sortWorld(desired, live)
	return desired, live
}

// What waits for what grows with the plan and not with its square: a plan is read, hashed and sent by people and programs.
func TestEdgesAreFew(t *testing.T) {
	const n = 2000
	desired, live := crowd(n)
	p, err := diff.Compute(desired, live, diff.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Worst() != diff.SeverityWarning { // so many keys are usually not allowed
		t.Fatalf("the plan has findings: %v", p.Findings)
	}
	count := map[string]int{}
	for _, c := range p.Changes {
		count[c.Address.Kind] += len(c.DependsOn)
	}
	// An endpoint waits for its service, a dismissal for one appointment, the organization for all services; of the keys that
	// shall expire one waits for all that nothing else waits for (keys that come or go, endpoints, dismissals, organization), and
	// the others for that one.
	for kind, most := range map[string]int{"privateEndpoint": n, "member": n, "organization": n, "key": 4*n + 1 + n - 1, "service": 0} {
		if count[kind] != most {
			t.Errorf("%d changes wait %d times on behalf of a %s, want %d", len(p.Changes), count[kind], kind, most)
		}
	}
}
