package diff_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/diff"
)

// noon is when the plans of these tests are applied.
var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// judged gives what the guards say, message and hint.
func judged(v diff.Verdict) []string {
	out := []string{}
	for _, f := range v.Findings {
		out = append(out, fmt.Sprintf("%s %s %s: %s; %s", f.Code, f.Severity, f.Address, f.Message, f.Hint))
	}
	for _, r := range v.Requirements {
		out = append(out, fmt.Sprintf("%s %s %s: %s; %s", r.Code, r.Kind, r.Address, r.Message, r.Hint))
	}
	return out
}

const (
	anotherAdmin = "make another member, one who has joined, an administrator"
	allowDumps   = "write enableCoreDumps: true in spec, too, or leave it out of the service"
	fewerKeys    = "delete keys first, in an apply of its own, or have the limit raised by the vendor's support"
	anotherKey   = ", or apply with another key"
	keepWayIn    = "keep an IP entry or an endpoint, or write access: closed if nobody is to connect"
	fewerDeletes = "raise policy.maxDeletes, declare with ensure: absent what is to go, or delete in smaller portions with --only"
	noPrimary    = "delete its secondaries in the same plan, or keep it running"
)

func TestGuards(t *testing.T) {
	tests := []struct {
		name, desired, live string
		caller              diff.Caller
		want                []string
	}{
		{
			name: "the last admin is demoted",
			desired: `
spec: {members: [{email: ana@example.com, role: developer}]}`,
			live: `
members: [{email: ana@example.com, roles: [Admin]}]`,
			want: []string{
				"OC340 blocked organization/acme: administrators would fall from 1 to 0, the least is 1: member/ana@example.com; " + anotherAdmin,
			},
		},
		{
			name: "the last admin is declared absent while another is only invited",
			desired: `
spec:
  members: [{email: ana@example.com, ensure: absent}]
  invitations: [{email: bo@example.com, role: admin}]`,
			live: `
members: [{email: ana@example.com, roles: [Admin]}]
invitations: [{email: bo@example.com, roles: [Admin]}]`,
			want: []string{
				"OC340 blocked organization/acme: administrators would fall from 1 to 0, the least is 1: member/ana@example.com; " + anotherAdmin,
			},
		},
		{
			name: "admins are pruned below the policy's least",
			desired: `
spec: {members: [{email: ana@example.com, role: admin}, {email: dev@example.com, role: developer}]}
policy: {prune: [members], minAdmins: 2}`,
			live: `
members:
  - {email: ana@example.com, roles: [Admin]}
  - {email: bo@example.com, roles: [Admin]}
  - {email: cy@example.com, roles: [Admin]}
  - {email: dev@example.com, roles: [Developer]}`,
			want: []string{
				"OC340 blocked organization/acme: administrators would fall from 3 to 1, the least is 2: member/bo@example.com, member/cy@example.com; " +
					anotherAdmin + ", or lower policy.minAdmins",
			},
		},
		{
			name: "admins stay below the least, where they were",
			desired: `
spec: {members: [{email: ana@example.com, role: admin}, {email: dev@example.com, role: developer}]}
policy: {minAdmins: 3}`,
			live: `
members: [{email: ana@example.com, roles: [Admin]}, {email: dev@example.com, roles: [Billing]}]`,
		},
		{
			name: "an admin is replaced: the new one is appointed first",
			desired: `
spec: {members: [{email: ana@example.com, role: developer}, {email: bo@example.com, role: admin}]}`,
			live: `
members: [{email: ana@example.com, roles: [Admin]}, {email: bo@example.com, roles: [Developer]}]`,
		},
		{
			name: "the key in use is pruned",
			desired: `
spec: {keys: [{name: ci, roles: [developer]}]}
policy: {prune: [keys]}`,
			live: `
caller: f00d
keys:
  - {name: ci, roles: [Developer], status: {keySuffix: aaaa}}
  - {name: boss, roles: [Admin], status: {keySuffix: f00d}}`,
			want: []string{"OC341 callerKey key/boss: is the key in use and would be deleted; keep it" + anotherKey},
		},
		{
			name: "everything at once is done to what may be the key in use",
			desired: `
spec:
  keys:
    - {name: boss, state: disabled, expireAt: 2026-07-01T12:00:00Z, roles: [developer], ipAccessList: []}
    - {name: twin, ensure: absent}`,
			live: `
caller: f00d
keys:
  - {name: boss, state: enabled, roles: [Admin], ipAccessList: [{source: 0.0.0.0/0}], status: {keySuffix: f00d}}
  - {name: twin, roles: [Developer], status: {keySuffix: f00d}}`,
			caller: diff.Caller{Now: noon},
			want: []string{
				"OC341 callerKey key/boss: may be the key in use (2 keys end alike) and would be disabled; keep it enabled" + anotherKey,
				"OC341 callerKey key/boss: may be the key in use (2 keys end alike) and would expire at 2026-07-01T12:00:00Z, which has passed; let it expire later" + anotherKey,
				"OC342 callerKey key/boss: may be the key in use (2 keys end alike) and would lose its role admin; keep its roles" + anotherKey,
				"OC343 callerKey key/boss: may be the key in use (2 keys end alike) and would be accepted from nowhere: its new ipAccessList admits nobody; " +
					"keep the addresses that it has, or name yours with --caller-ip if it is among the new ones" + anotherKey,
				"OC341 callerKey key/twin: may be the key in use (2 keys end alike) and would be deleted; keep it" + anotherKey,
			},
		},
		{
			name: "keys are created with an expiry that has passed, is now, and is to come",
			desired: `
spec:
  keys:
    - {name: past, roles: [developer], ipAccessList: [], expireAt: 2026-07-01T13:59:59+02:00}
    - {name: now, roles: [developer], ipAccessList: [], expireAt: 2026-07-01T12:00:00Z}
    - {name: soon, roles: [developer], ipAccessList: [], expireAt: 2026-07-01T12:00:01Z}
    - {name: never, roles: [developer], ipAccessList: [], expireAt: null}
    - {name: live, expireAt: 2020-01-01T00:00:00Z}`,
			live: `
keys: [{name: live, roles: [Developer], expireAt: "2019-01-01T00:00:00Z"}]`,
			caller: diff.Caller{Now: noon},
			want: []string{
				"OC350 blocked key/now: its expireAt, 2026-07-01T12:00:00Z, has passed; give it a later one, or null for a key that never expires",
				"OC350 blocked key/past: its expireAt, 2026-07-01T13:59:59+02:00, has passed; give it a later one, or null for a key that never expires",
			},
		},
		{
			name: "a key is created with an expiry, at a time that nobody told",
			desired: `
spec: {keys: [{name: past, roles: [developer], ipAccessList: [], expireAt: 2020-01-01T00:00:00Z}]}`,
		},
		{
			name: "core dumps that the organization forbids",
			desired: `
spec:
  services:
    - {name: new, provider: aws, region: us-east-1, ipAccessList: [], enableCoreDumps: true}
    - {name: off, enableCoreDumps: true}
    - {name: on, enableCoreDumps: true}
    - {name: other, enableCoreDumps: false}`,
			live: `
organization: {enableCoreDumps: false}
services: [{name: off, enableCoreDumps: false}, {name: on, enableCoreDumps: true}, {name: other, enableCoreDumps: true}]`,
			want: []string{
				"OC351 blocked service/new: enableCoreDumps is true and the organization forbids it; " + allowDumps,
				"OC351 blocked service/off: enableCoreDumps is true and the organization forbids it; " + allowDumps,
			},
		},
		{
			name: "core dumps that the organization is to allow",
			desired: `
spec: {enableCoreDumps: true, services: [{name: off, enableCoreDumps: true}]}`,
			live: `
organization: {enableCoreDumps: false}
services: [{name: off, enableCoreDumps: false}]`,
		},
		{
			name:    "as many keys as are allowed",
			desired: "spec: {keys: [" + numbered("{name: k%d, roles: [developer], ipAccessList: []}", 100) + "]}",
			live:    "keys: [" + numbered("{name: k%d, roles: [Developer], ipAccessList: []}", 60) + "]",
		},
		{
			name:    "more keys than are allowed, unless agreed otherwise",
			desired: "spec: {keys: [" + numbered("{name: k%d, roles: [developer], ipAccessList: []}", 101) + "]}",
			live:    "keys: [" + numbered("{name: k%d, roles: [Developer], ipAccessList: []}", 60) + "]",
			want:    []string{"OC352 warning organization/acme: 60 keys exist and 41 would be created, 100 are allowed unless agreed otherwise; " + fewerKeys},
		},
		{
			name:    "more keys than are allowed, for a moment",
			desired: "spec: {keys: [" + numbered("{name: k%d, roles: [developer], ipAccessList: []}", 99) + ", {name: new, roles: [developer], ipAccessList: []}]}\npolicy: {prune: [keys]}",
			live:    "keys: [" + numbered("{name: k%d, roles: [Developer], ipAccessList: []}", 100) + "]",
			want:    []string{"OC352 warning organization/acme: 100 keys exist and 1 would be created, 100 are allowed unless agreed otherwise; " + fewerKeys},
		},
		{
			name:    "more keys than are allowed exist already",
			desired: "spec: {keys: [" + numbered("{name: k%d, roles: [developer], ipAccessList: []}", 150) + "]}",
			live:    "keys: [" + numbered("{name: k%d, roles: [Developer], ipAccessList: []}", 150) + "]",
		},
		{
			name: "the key in use gets an expiry, at a time that nobody told",
			desired: `
spec: {keys: [{name: boss, expireAt: 2030-01-01T00:00:00Z}]}`,
			live: `
caller: f00d
keys: [{name: boss, roles: [Admin], status: {keySuffix: f00d}}]`,
			want: []string{"OC341 callerKey key/boss: is the key in use and would expire at 2030-01-01T00:00:00Z, which may be too soon; let it expire later" + anotherKey},
		},
		{
			name: "the key in use gets more time, or an end that is more than an hour away from that of the plan",
			desired: `
spec: {keys: [{name: a, expireAt: 2031-01-01T00:00:00Z}, {name: b, expireAt: null}, {name: c, expireAt: 2026-07-01T13:00:11Z}]}`,
			live: `
caller: f00d
keys:
  - {name: a, roles: [Admin], expireAt: "2030-01-01T00:00:00Z", status: {keySuffix: f00d}}
  - {name: b, roles: [Admin], expireAt: "2030-01-01T00:00:00Z", status: {keySuffix: f00d}}
  - {name: c, roles: [Admin], expireAt: "2030-01-01T00:00:00Z", status: {keySuffix: f00d}}`,
			caller: diff.Caller{Now: noon, Over: noon.Add(10 * time.Second)},
		},
		{
			name: "the key in use gets an end that is less than an hour away from that of the plan",
			desired: `
spec: {keys: [{name: boss, expireAt: 2026-07-01T14:00:10+01:00}]}`,
			live: `
caller: f00d
keys: [{name: boss, roles: [Admin], expireAt: "2030-01-01T00:00:00Z", status: {keySuffix: f00d}}]`,
			caller: diff.Caller{Now: noon, Over: noon.Add(10 * time.Second)},
			want: []string{
				"OC341 callerKey key/boss: is the key in use and would expire at 2026-07-01T14:00:10+01:00, " +
					"less than 1h0m0s after this plan, which may take 10s, has been applied; let it expire later" + anotherKey,
			},
		},
		{
			name: "the key in use ends with the plan, though the plan puts that off",
			desired: `
spec: {keys: [{name: boss, expireAt: null}]}`,
			live: `
caller: f00d
keys:
  - {name: boss, roles: [Admin], expireAt: "2026-07-01T12:00:10Z", status: {keySuffix: f00d}}
  - {name: other, roles: [Admin], expireAt: "2026-07-01T12:00:00Z", status: {keySuffix: beef}}`,
			caller: diff.Caller{Now: noon, Over: noon.Add(10 * time.Second)},
			want: []string{
				"OC341 callerKey key/boss: is the key in use and expires at 2026-07-01T12:00:10Z, " +
					"and applying this plan may take 10s; let it expire later, by a run of its own" + anotherKey,
			},
		},
		{
			name: "the key in use ends after the plan",
			desired: `
spec: {name: Acme Analytics}`,
			live: `
caller: f00d
keys: [{name: boss, roles: [Admin], expireAt: "2026-07-01T12:00:11Z", status: {keySuffix: f00d}}]`,
			caller: diff.Caller{Now: noon, Over: noon.Add(10 * time.Second)},
		},
		{
			name: "the key in use ends at a time that nobody can tell from that of the plan",
			desired: `
spec: {name: Acme Analytics}`,
			live: `
caller: f00d
keys: [{name: boss, roles: [Admin], expireAt: "2030-01-01T00:00:00Z", status: {keySuffix: f00d}}]`,
			caller: diff.Caller{Now: noon},
			want: []string{
				"OC341 callerKey key/boss: is the key in use and expires at 2030-01-01T00:00:00Z, " +
					"which may come before this plan has been applied; let it expire later, by a run of its own" + anotherKey,
			},
		},
		{
			name: "the key in use ends, and nothing is to be done",
			desired: `
spec: {keys: []}`,
			live: `
caller: f00d
keys: [{name: boss, roles: [Admin], expireAt: "2026-07-01T12:00:10Z", status: {keySuffix: f00d}}]`,
		},
		{
			name: "a key in use without admin loses all its roles",
			desired: `
spec: {keys: [{name: ci, roles: [reader]}]}`,
			live: `
caller: f00d
keys: [{name: ci, roles: [Deployer, Billing], status: {keySuffix: f00d}}]`,
			want: []string{"OC342 callerKey key/ci: is the key in use and would lose all of its roles; keep its roles" + anotherKey},
		},
		{
			name: "a key in use keeps one of its roles",
			desired: `
spec: {keys: [{name: ci, roles: [deployer]}]}`,
			live: `
caller: f00d
keys: [{name: ci, roles: [Deployer, Billing], status: {keySuffix: f00d}}]`,
		},
		{
			name: "the key in use is narrowed to who knows where",
			desired: `
spec: {keys: [{name: boss, ipAccessList: [{source: 203.0.113.0/25}]}]}`,
			live: `
caller: f00d
keys: [{name: boss, roles: [Admin], ipAccessList: [{source: 203.0.113.0/24}], status: {keySuffix: f00d}}]`,
			want: []string{
				"OC343 callerKey key/boss: is the key in use and might not be accepted any more: its new ipAccessList does not hold all that the current one holds; " +
					"keep the addresses that it has, or name yours with --caller-ip if it is among the new ones" + anotherKey,
			},
		},
		{
			name: "the key in use is narrowed to another place than the caller's",
			desired: `
spec: {keys: [{name: boss, ipAccessList: [{source: 203.0.113.0/25}]}]}`,
			live: `
caller: f00d
keys: [{name: boss, roles: [Admin], ipAccessList: [{source: 203.0.113.0/24}], status: {keySuffix: f00d}}]`,
			caller: diff.Caller{IP: netip.MustParseAddr("203.0.113.200")},
			want: []string{
				"OC343 callerKey key/boss: is the key in use and would not be accepted from 203.0.113.200: its new ipAccessList neither holds that address nor all that the current one holds; " +
					"keep the addresses that it has, or name yours with --caller-ip if it is among the new ones" + anotherKey,
			},
		},
		{
			name: "the key in use is narrowed around the caller",
			desired: `
spec: {keys: [{name: boss, ipAccessList: [{source: 203.0.113.128/25}]}]}`,
			live: `
caller: f00d
keys: [{name: boss, roles: [Admin], ipAccessList: [{source: 0.0.0.0/0}, {source: gateway}], status: {keySuffix: f00d}}]`,
			caller: diff.Caller{IP: netip.MustParseAddr("::ffff:203.0.113.200")},
		},
		{
			name: "the key in use gets the same addresses in other words, and more",
			desired: `
spec: {keys: [{name: boss, ipAccessList: [{source: 203.0.113.0/24}, {source: 192.0.2.1}]}]}`,
			live: `
caller: f00d
keys: [{name: boss, roles: [Admin], ipAccessList: [{source: 203.0.113.0/25}, {source: 203.0.113.128/25}], status: {keySuffix: f00d}}]`,
		},
		{
			name: "the key in use loses an entry that is no address",
			desired: `
spec: {keys: [{name: boss, ipAccessList: [{source: 0.0.0.0/0}]}]}`,
			live: `
caller: f00d
keys: [{name: boss, roles: [Admin], ipAccessList: [{source: gateway}], status: {keySuffix: f00d}}]`,
			want: []string{
				"OC353 warning key/boss: opens to every address: its new ipAccessList lets in all of IPv4; list the networks that it is used from",
				"OC343 callerKey key/boss: is the key in use and might not be accepted any more: its new ipAccessList does not hold all that the current one holds; " +
					"keep the addresses that it has, or name yours with --caller-ip if it is among the new ones" + anotherKey,
			},
		},
		{
			name: "a list that let everybody in still does, in other words",
			desired: `
spec: {keys: [{name: ci, ipAccessList: [{source: 0.0.0.0/1}, {source: 128.0.0.0/1}]}]}`,
			live: `
keys: [{name: ci, roles: [Developer], ipAccessList: [{source: 0.0.0.0/0}]}]`,
		},
		{
			name: "a list comes to let everybody in",
			desired: `
spec: {keys: [{name: ci, ipAccessList: [{source: 0.0.0.0/1}, {source: 128.0.0.0/1}]}]}`,
			live: `
keys: [{name: ci, roles: [Developer], ipAccessList: [{source: 0.0.0.0/1}]}]`,
			want: []string{
				"OC353 warning key/ci: opens to every address: its new ipAccessList lets in all of IPv4; list the networks that it is used from",
			},
		},
		{
			name: "other keys are nobody's lockout",
			desired: `
spec: {keys: [{name: ci, state: disabled}, {name: old, ensure: absent}]}`,
			live: `
caller: f00d
keys:
  - {name: ci, state: enabled, roles: [Admin], status: {keySuffix: aaaa}}
  - {name: old, roles: [Admin], status: {keySuffix: bbbb}}`,
		},
		{
			name: "a service loses its last entry",
			desired: `
spec: {services: [{name: orders, ipAccessList: []}]}`,
			live: `
services: [{name: orders, ipAccessList: [{source: 0.0.0.0/0}], privateEndpointIds: []}]`,
			want: []string{"OC344 blocked service/orders: would have no way in: no IP entry that admits anybody and no private endpoint that is registered; " + keepWayIn},
		},
		{
			name: "an address that nobody has is no way in",
			desired: `
spec:
  services:
    - {name: orders, ipAccessList: [{source: 0.0.0.0}]}
    - {name: events, ipAccessList: [{source: 0.0.0.0/32}]}
    - {name: old, ipAccessList: []}`,
			live: `
services:
  - {name: orders, ipAccessList: [{source: 192.0.2.1}]}
  - {name: events, ipAccessList: [{source: 192.0.2.1}]}
  - {name: old, ipAccessList: [{source: "::"}]}`,
			want: []string{
				"OC344 blocked service/events: would have no way in: no IP entry that admits anybody and no private endpoint that is registered; " + keepWayIn,
				"OC344 blocked service/orders: would have no way in: no IP entry that admits anybody and no private endpoint that is registered; " + keepWayIn,
			},
		},
		{
			name: "a service is closed on purpose",
			desired: `
spec: {services: [{name: orders, access: closed, ipAccessList: []}]}`,
			live: `
services: [{name: orders, ipAccessList: [{source: 0.0.0.0/0}]}]`,
		},
		{
			name: "a service is created closed, and one had no way in before",
			desired: `
spec:
  services:
    - {name: new, provider: aws, region: us-east-1, ipAccessList: []}
    - {name: old, ipAccessList: [], releaseChannel: fast}`,
			live: `
services: [{name: old, ipAccessList: [], releaseChannel: slow}]`,
		},
		{
			name: "a service changes from addresses to an endpoint",
			desired: `
spec:
  privateEndpoints: [{id: vpce-1, cloudProvider: aws, region: us-east-1}]
  services: [{name: orders, ipAccessList: [], privateEndpointIds: [vpce-1]}]`,
			live: `
services: [{name: orders, ipAccessList: [{source: 0.0.0.0/0}], privateEndpointIds: []}]`,
		},
		{
			name: "the only endpoint of a service is deleted under it",
			desired: `
spec:
  privateEndpoints: [{id: vpce-1, cloudProvider: aws, region: us-east-1, ensure: absent}]`,
			live: `
privateEndpoints: [{id: vpce-1}]
services: [{name: orders, ipAccessList: [], privateEndpointIds: [vpce-1]}]`,
			want: []string{"OC344 blocked service/orders: would have no way in: no IP entry that admits anybody and no private endpoint that is registered; " + keepWayIn},
		},
		{
			name: "the only endpoint of a service is deleted after the service got an entry",
			desired: `
spec:
  privateEndpoints: [{id: vpce-1, cloudProvider: aws, region: us-east-1, ensure: absent}]
  services: [{name: orders, ipAccessList: [{source: 192.0.2.1}]}]`,
			live: `
privateEndpoints: [{id: vpce-1}]
services: [{name: orders, ipAccessList: [], privateEndpointIds: [vpce-1]}]`,
		},
		{
			name: "too large a share is pruned",
			desired: `
spec: {keys: [` + numbered("{name: k%d}", 14) + `]}
policy: {prune: [keys]}`,
			live: `
keys: [` + numbered("{name: k%d}", 20) + `]`,
			want: []string{"OC345 blocked organization/acme: 6 of 20 keys (30 %) would be deleted, the limit is 25 %; " + fewerDeletes},
		},
		{
			name: "a share counts from 8 objects on",
			desired: `
spec: {keys: [` + numbered("{name: k%d}", 5) + `]}
policy: {prune: [keys]}`,
			live: `
keys: [` + numbered("{name: k%d}", 8) + `]`,
			want: []string{"OC345 blocked organization/acme: 3 of 8 keys (37.5 %) would be deleted, the limit is 25 %; " + fewerDeletes},
		},
		{
			name: "too many are pruned, and too large a share",
			desired: `
spec: {members: [` + numbered("{email: m%d@example.com, role: developer}", 7) + `]}
policy: {prune: [members], maxDeletes: {count: 3, percent: 36}}`,
			live: `
members: [` + numbered("{email: m%d@example.com, roles: [Developer]}", 11) + `]`,
			want: []string{"OC345 blocked organization/acme: 4 of 11 members (36.4 %) would be deleted, the limit is 3 and 36 %; " + fewerDeletes},
		},
		{
			name: "too many of few are pruned",
			desired: `
spec: {keys: [{name: k1}]}
policy: {prune: [keys], maxDeletes: {count: 1}}`,
			live: `
keys: [` + numbered("{name: k%d}", 3) + `]`,
			want: []string{"OC345 blocked organization/acme: 2 of 3 keys would be deleted, the limit is 1; " + fewerDeletes},
		},
		{
			name: "a share of few says nothing, the limit itself is allowed, what is declared absent does not count",
			desired: `
spec:
  keys: [{name: k1}]
  members: [` + numbered("{email: m%d@example.com, role: developer}", 6) + `]
  services: [` + numbered("{name: s%d, ensure: absent}", 9) + `]
policy: {prune: [keys, members]}`,
			live: `
keys: [` + numbered("{name: k%d}", 7) + `]
members: [` + numbered("{email: m%d@example.com, roles: [Developer]}", 8) + `]
services: [` + numbered("{name: s%d}", 9) + `]`,
		},
		{
			name: "re-created invitations are no deletions, and they are no members",
			desired: `
spec:
  members: [` + numbered("{email: m%d@example.com, role: developer}", 7) + `]
  invitations: [` + numbered("{email: i%d@example.com, role: developer}", 7) + `]
policy: {prune: [members, invitations]}`,
			live: `
members: [` + numbered("{email: m%d@example.com, roles: [Developer]}", 8) + `]
invitations: [` + numbered("{email: i%d@example.com, roles: [Admin]}", 8) + `]`,
		},
		{
			name: "nothing is declared",
			desired: `
spec: {keys: []}
policy: {prune: [keys]}`,
			live: `
keys: [{name: k1}, {name: k2}]`,
			want: []string{
				"OC346 blocked organization/acme: no keys are declared, and 2 of 2 live ones would be deleted; declare with ensure: absent what is to go, or take keys out of policy.prune",
			},
		},
		{
			name: "nothing declared is live",
			desired: `
spec: {keys: [{name: a, roles: [developer], ipAccessList: []}, {name: k1, ensure: absent}]}
policy: {prune: [keys]}`,
			live: `
keys: [{name: k1}, {name: k2}]`,
			want: []string{
				"OC347 blocked organization/acme: none of the 1 declared keys is live, and 1 of 2 live ones would be deleted; " +
					"declare what is to stay (orgctl export writes it) and with ensure: absent what is to go, or take keys out of policy.prune",
			},
		},
		{
			name: "all is declared absent, or nothing is pruned",
			desired: `
spec: {keys: [{name: k1, ensure: absent}, {name: k2, ensure: absent}], services: []}
policy: {prune: [keys]}`,
			live: `
keys: [{name: k1}, {name: k2}]
services: [{name: s1}]`,
		},
		{
			name: "one known person vouches for both lists",
			desired: `
spec: {members: [{email: ana@example.com, role: admin}], invitations: []}
policy: {prune: [members, invitations]}`,
			live: `
members: [{email: ana@example.com, roles: [Admin]}]
invitations: [{email: stray@example.com, roles: [Admin]}]`,
		},
		{
			name: "a primary is deleted, one of its secondaries is not",
			desired: `
spec: {services: [{name: p, ensure: absent}, {name: s1, ensure: absent}]}`,
			live: `
services: [{name: p}, {name: s1, warehouse: p}, {name: s2, warehouse: p}]`,
			want: []string{"OC348 blocked service/p: would be deleted while it is the primary of service/s2; " + noPrimary},
		},
		{
			name: "a primary is stopped with its secondaries, or given a new one",
			desired: `
spec:
  services:
    - {name: p, state: stopped}
    - {name: new, warehouse: p, ipAccessList: []}
    - {name: s, warehouse: p, state: stopped}`,
			live: `
services: [{name: p, state: running}, {name: s, warehouse: p, state: running}]`,
			want: []string{"OC348 blocked service/p: would be stopped while it is the primary of service/new, service/s; " + noPrimary},
		},
		{
			name: "a warehouse goes as a whole, its primary last",
			desired: `
spec: {services: [{name: p, ensure: absent}, {name: s, ensure: absent}]}`,
			live: `
services: [{name: p}, {name: s, warehouse: p}]`,
		},
		{
			name: "a primary that is renamed stops after its secondary is gone",
			desired: `
spec: {services: [{name: new, previously: [p], state: stopped}, {name: s, ensure: absent}]}`,
			live: `
services: [{name: p, state: running}, {name: s, warehouse: p}]`,
		},
		{
			name: "the namesake of a primary is deleted",
			desired: `
spec: {services: [{name: p, id: 11111111-1111-4111-8111-111111111111, ensure: absent}]}`,
			live: `
services:
  - {name: p, id: 11111111-1111-4111-8111-111111111111}
  - {name: p, id: 22222222-2222-4222-8222-222222222222}
  - {name: s, warehouse: p, refs: {warehouse: 22222222-2222-4222-8222-222222222222}}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			live := observed(t, test.live)
			p, err := diff.Compute(manifest(t, test.desired), live, diff.Selection{})
			if err != nil {
				t.Fatal(err)
			}
			if test.want == nil {
				test.want = []string{}
			}
			if d := cmp.Diff(test.want, judged(diff.Check(p, live, test.caller))); d != "" {
				t.Errorf("verdict (-want +got):\n%s", d)
			}
		})
	}
}

// numbered repeats a pattern for the numbers from 1 to n.
func numbered(pattern string, n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(pattern, i+1))
	}
	return strings.Join(all, ", ")
}
