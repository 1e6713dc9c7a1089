package diff_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

const (
	id1 = "11111111-1111-4111-8111-111111111111"
	id2 = "22222222-2222-4222-8222-222222222222"
)

func TestObjects(t *testing.T) {
	runStates(t, []state{
		{
			name: "nothing managed",
			live: `
services: [{name: orders}]
keys: [{name: ci}]`,
		},
		{
			name: "create, update, delete and nothing to do",
			desired: `
spec:
  name: Acme Analytics
  services:
    - {name: new, provider: aws, region: us-east-1, ipAccessList: []}
    - {name: changed, releaseChannel: fast}
    - {name: gone, ensure: absent}
    - {name: never, ensure: absent}
    - {name: same, releaseChannel: slow}`,
			live: `
services: [{name: changed, releaseChannel: slow}, {name: gone}, {name: same, releaseChannel: slow, state: stopped}]`,
			want: []string{
				`update organization/acme: name "Acme" -> "Acme Analytics"`,
				`update service/changed: releaseChannel "slow" -> "fast"`,
				`create service/new`,
				`delete service/gone`,
				`OC331 needs secretSink service/new`,
				`OC330 needs deleteLeave service/gone`,
			},
		},
		{
			name: "creation needs what the API needs",
			desired: `
spec: {services: [{name: orders}], keys: [{name: ci}], invitations: [{email: bo@example.com}]}`,
			want: []string{
				`create service/orders`, `create key/ci`, `create invitation/bo@example.com`,
				`OC301 error service/orders: cannot be created without ipAccessList`,
				`OC301 error service/orders: cannot be created without provider`,
				`OC301 error service/orders: cannot be created without region`,
				`OC301 error key/ci: cannot be created without ipAccessList`,
				`OC301 error key/ci: cannot be created without roles`,
				`OC301 error invitation/bo@example.com: cannot be created without roles`,
				`OC331 needs secretSink service/orders`, `OC331 needs secretSink key/ci`,
			},
		},
		{
			name: "creation needs more with some settings, and what is live does not",
			desired: `
spec:
  serviceDefaults: {provider: aws, region: us-east-1, ipAccessList: []}
  services:
    - {name: own, byocId: byoc-1, maxReplicaMemoryGb: 48}
    - {name: wide, minReplicas: 2, maxReplicas: 4}
    - {name: explicit, autoscalingMode: horizontal, minReplicas: 2, maxReplicas: 2, minReplicaMemoryGb: 16}
    - {name: encrypted, transparentDataEncryptionKeyId: key-1}
    - {name: fine, minReplicas: 2, maxReplicas: 4, minReplicaMemoryGb: 16, maxReplicaMemoryGb: 16}
    - {name: counted, minReplicas: 2, maxReplicas: 2}
    - {name: live, byocId: byoc-1, minReplicas: 2, maxReplicas: 4, transparentDataEncryptionKeyId: key-2}
    - {name: gone, ensure: absent, byocId: byoc-1}`,
			live: `
services:
  - {name: live, provider: aws, region: us-east-1, ipAccessList: [], byocId: byoc-1, autoscalingMode: horizontal, minReplicas: 2, maxReplicas: 4,
     hasTransparentDataEncryption: true, transparentDataEncryptionKeyId: key-1}`,
			want: []string{
				`create service/counted`, `create service/encrypted`, `create service/explicit`, `create service/fine`,
				`update service/live: transparentDataEncryptionKeyId "key-1" -> "key-2"`,
				`create service/own`, `create service/wide`,
				`OC301 error service/encrypted: cannot be created with transparentDataEncryptionKeyId and without hasTransparentDataEncryption`,
				`OC301 error service/explicit: cannot be created with a varying number of replicas and without maxReplicaMemoryGb`,
				`OC301 error service/own: cannot be created with byocId and without minReplicaMemoryGb`,
				`OC301 error service/wide: cannot be created with a varying number of replicas and without maxReplicaMemoryGb`,
				`OC301 error service/wide: cannot be created with a varying number of replicas and without minReplicaMemoryGb`,
				`OC331 needs secretSink service/counted`, `OC331 needs secretSink service/encrypted`, `OC331 needs secretSink service/explicit`,
				`OC331 needs secretSink service/fine`, `OC331 needs secretSink service/own`, `OC331 needs secretSink service/wide`,
			},
		},
		{
			name: "a key of an encryption that a service does not have",
			desired: `
spec: {services: [{name: plain, transparentDataEncryptionKeyId: key-1}]}`,
			live: `
services: [{name: plain, hasTransparentDataEncryption: false}]`,
			want: []string{
				`OC306 blocked service/plain: transparentDataEncryptionKeyId is given and the service has no transparent data encryption`,
			},
		},
		{
			name: "what is set at creation stays",
			desired: `
spec: {services: [{name: orders, provider: gcp, region: us-east1, releaseChannel: fast}]}`,
			live: `
services: [{name: orders, provider: aws, region: us-east-1, releaseChannel: slow}]`,
			want: []string{
				`update service/orders: releaseChannel "slow" -> "fast"`,
				`OC310 blocked service/orders: provider is "aws" and cannot become "gcp": it is set at creation only`,
				`OC310 blocked service/orders: region is "us-east-1" and cannot become "us-east1": it is set at creation only`,
			},
		},
		{
			name: "protected",
			desired: `
spec:
  services:
    - {name: orders, protect: true, state: stopped, releaseChannel: fast}
    - {name: events, protect: true, releaseChannel: fast}`,
			live: `
services: [{name: orders, state: running, releaseChannel: fast}, {name: events, releaseChannel: slow}]`,
			want: []string{
				`update service/events: releaseChannel "slow" -> "fast"`,
				`update service/orders: state "running" -> "stopped"`,
				`OC311 blocked service/orders: is protected and would be deleted or stopped`,
			},
		},
		{
			name: "a role that does not exist",
			desired: `
spec: {keys: [{name: ci, roles: [developer, deployer]}]}`,
			live: `
roles: [Admin, Developer]
keys: [{name: ci, roles: [Developer]}]`,
			want: []string{
				`update key/ci: roles +["deployer"]`,
				`OC305 error key/ci: the organization has no role "deployer"`,
			},
		},
		{
			name: "an unhealthy service, one whose details the key may not read, and one that does not answer",
			desired: `
spec:
  services:
    - {name: ill, releaseChannel: fast}
    - {name: hidden, backupConfiguration: {backupPeriodInHours: 12}}
    - {name: silent, releaseChannel: fast, backupConfiguration: {backupPeriodInHours: 12}}`,
			live: `
services:
  - {name: ill, releaseChannel: fast, status: {health: degraded}}
  - {name: hidden, status: {refused: the key may not}}
  - {name: silent, releaseChannel: slow, status: {unreadable: it answers 400}}`,
			want: []string{
				`update service/silent: releaseChannel "slow" -> "fast"`,
				`OC323 blocked service/hidden: backupConfiguration.backupPeriodInHours is not checked: the key may not`,
				`OC321 blocked service/silent: backupConfiguration.backupPeriodInHours is not checked: it answers 400`,
				`OC322 warning service/ill: the service is degraded`,
			},
		},
		{
			name: "what does not go with what is live leaves its object as it is, and no other",
			desired: `
spec:
  services:
    - {name: orders, minReplicaMemoryGb: 64, releaseChannel: fast}
    - {name: events, releaseChannel: fast}`,
			live: `
services: [{name: orders, maxReplicaMemoryGb: 32, releaseChannel: slow}, {name: events, releaseChannel: slow}]`,
			want: []string{
				`update service/events: releaseChannel "slow" -> "fast"`,
				`OC306 blocked service/orders: minReplicaMemoryGb would be above maxReplicaMemoryGb: 64 > 32`,
			},
		},
		{
			name: "a creation that was interrupted is finished",
			desired: `
spec: {services: [{name: orders, tags: [{key: team, value: a}]}, {name: other}]}`,
			live: `
services:
  - {name: orders, tags: [], status: {unfinished: n0nce}}
  - {name: other, tags: [{key: team}], status: {unfinished: n1nce}}`,
			want: []string{
				`update service/orders: tags -[{key: "orgctl-op", value: "n0nce"}] +[{key: "team", value: "a"}], sets password`,
				`update service/other: tags -[{key: "orgctl-op", value: "n1nce"}], sets password`,
				`OC331 needs secretSink service/orders`, `OC331 needs secretSink service/other`,
			},
		},
		{
			name: "of a secondary no password is set, whatever the manifest says of its warehouse",
			desired: `
spec: {services: [{name: orders}, {name: reader}]}`,
			live: `
services:
  - {name: orders}
  - {name: reader, warehouse: orders, tags: [], status: {unfinished: n0nce, taggedOnly: it is idle}}`,
			want: []string{`update service/reader: tags -[{key: "orgctl-op", value: "n0nce"}]`},
		},
		{
			name: "a tag alone sets no password",
			desired: `
spec: {services: [{name: orders}]}`,
			live: `
services: [{name: orders, tags: [], status: {unfinished: n0nce, taggedOnly: it is idle}}]`,
			want: []string{
				`update service/orders: tags -[{key: "orgctl-op", value: "n0nce"}], sets password`,
				`OC331 needs secretSink service/orders`, `OC332 needs creation service/orders`,
			},
		},
		{
			name: "what is half made and undeclared",
			desired: `
spec: {services: []}`,
			live: `
services: [{name: orders, tags: [], status: {unfinished: n0nce}}, {name: other, tags: []}]`,
			want: []string{`unmanaged service/orders half made`, `unmanaged service/other`},
		},
	})
}

func TestNames(t *testing.T) {
	runStates(t, []state{
		{
			name: "renamed",
			desired: `
spec:
  services:
    - {name: orders, previously: [shop, orders-v1]}
    - {name: reports, warehouse: orders}
  keys: [{name: ci, previously: [jenkins]}]`,
			live: `
services: [{name: orders-v1}, {name: reports, warehouse: orders-v1}]
keys: [{name: jenkins}]`,
			want: []string{
				`update service/orders: name "orders-v1" -> "orders"`,
				`update key/ci: name "jenkins" -> "ci"`,
			},
		},
		{
			name: "a former name says nothing once the new one exists",
			desired: `
spec: {keys: [{name: ci, previously: [jenkins]}]}`,
			live: `
keys: [{name: ci}, {name: jenkins}]`,
			want: []string{`unmanaged key/jenkins`},
		},
		{
			name: "ambiguous, also under a former name; nothing of the collection is pruned",
			desired: `
spec: {keys: [{name: ci}, {name: cd, previously: [old]}, {name: known}]}
policy: {prune: [keys]}`,
			live: `
keys: [{name: ci, id: ` + id1 + `}, {name: ci, id: ` + id2 + `}, {name: old, id: k1}, {name: old, id: k2}, {name: known}]`,
			want: []string{
				`unmanaged key/ci#` + id1, `unmanaged key/ci#` + id2, `unmanaged key/old#k1`, `unmanaged key/old#k2`,
				`OC302 blocked key/cd: 2 live objects are named old: k1, k2`,
				`OC302 blocked key/ci: 2 live objects are named ci: ` + id1 + `, ` + id2,
				`OC313 blocked key/old#k1: is not declared, and not pruned while it is uncertain what is meant by key/cd, key/ci`,
				`OC313 blocked key/old#k2: is not declared, and not pruned while it is uncertain what is meant by key/cd, key/ci`,
			},
		},
		{
			name: "pinned",
			desired: `
spec: {keys: [{name: ci, id: ` + id2 + `, state: disabled}, {name: cd, id: ` + id1 + `}]}`,
			live: `
keys: [{name: ci, id: ` + id1 + `, state: enabled}, {name: ci, id: ` + id2 + `, state: enabled}]`,
			want: []string{
				`update key/cd: name "ci" -> "cd"`,
				`update key/ci: state "enabled" -> "disabled"`,
			},
		},
		{
			name: "pinned to nothing: left alone, or gone already",
			desired: `
spec: {keys: [{name: ci, id: ` + id1 + `}, {name: cd, id: ` + id2 + `, ensure: absent}]}`,
			live: `
keys: [{name: other, id: k}]`,
			want: []string{
				`unmanaged key/other`,
				`OC303 blocked key/ci: no live key has the id ` + id1,
			},
		},
		{
			name: "absent and ambiguous, absent and pinned",
			desired: `
spec: {keys: [{name: a, ensure: absent}, {name: b, id: ` + id2 + `, ensure: absent}]}`,
			live: `
keys: [{name: a, id: a1}, {name: a, id: a2}, {name: b, id: ` + id1 + `}, {name: b, id: ` + id2 + `}]`,
			want: []string{
				`delete key/b#` + id2,
				`unmanaged key/a#a1`, `unmanaged key/a#a2`, `unmanaged key/b#` + id1,
				`OC302 blocked key/a: 2 live objects are named a: a1, a2`,
			},
		},
	})
}

// A plan carries the policy that its guards need, and only of collections that it may prune, declared or not.
func TestPolicyTravels(t *testing.T) {
	p := plan(t, `
spec:
  services: [{name: orders, access: closed, ipAccessList: []}]
  keys: [{name: ci}, {name: gone, ensure: absent}, {name: twin}]
  members: [{email: ana@example.com, role: admin}, {email: new@example.com, role: developer}]
  invitations: [{email: bo@example.com, role: admin}, {email: cy@example.com, role: admin}]
policy: {prune: [keys, members, privateEndpoints], minAdmins: 2, maxDeletes: {count: 5, percent: 50}}`, `
services: [{name: orders, ipAccessList: []}]
keys: [{name: twin, id: t1}, {name: twin, id: t2}]
members: [{email: ana@example.com, roles: [Admin]}, {email: bo@example.com, roles: [Admin]}]`, diff.Selection{})
	most := 5
	want := diff.Policy{
		MinAdmins: 2, MaxDeletes: diff.MaxDeletes{Count: &most, Percent: 50},
		Prune: []diff.Prune{
			{Collection: "privateEndpoints"},
			{Collection: "keys", Declared: 2, Matched: 1},    // ci is missing, twin is ambiguous
			{Collection: "members", Declared: 4, Matched: 2}, // new and cy are neither members nor invited
		},
		Closed: []spec.Address{{Kind: "service", Name: "orders"}},
	}
	if d := cmp.Diff(want, p.Policy); d != "" {
		t.Errorf("policy (-want +got):\n%s", d)
	}
}

func TestCollectionsNotChecked(t *testing.T) {
	p := plan(t, "spec: {services: []}", "notChecked: [keys]", diff.Selection{})
	if d := cmp.Diff([]diff.NotChecked{{Collection: "keys", Reason: "may not list keys"}}, p.NotChecked); d != "" {
		t.Errorf("not checked (-want +got):\n%s", d)
	}
}

func TestRisk(t *testing.T) {
	p := plan(t, `
spec:
  services:
    - {name: started, state: running}
    - {name: scaled, numReplicas: 3}
    - {name: shrunk, numReplicas: 3}
    - {name: larger, maxReplicaMemoryGb: 32}
    - {name: cut, ipAccessList: [{source: 192.0.2.1}]}
    - {name: opened, ipAccessList: [{source: 192.0.2.1}, {source: 192.0.2.2}]}
    - {name: tagged, tags: []}
    - {name: gone, ensure: absent}
  keys: [{name: mine, state: disabled}, {name: other, state: disabled}, {name: new, roles: [admin], ipAccessList: []}]
  members:
    - {email: demoted@example.com, role: developer}
    - {email: appointed@example.com, role: admin}
    - {email: moved@example.com, role: billing}
    - {email: removed@example.com, ensure: absent}
    - {email: dismissed@example.com, ensure: absent}
  invitations: [{email: new@example.com, role: admin}]`, `
caller: f00d
services:
  - {name: started, state: stopped}
  - {name: scaled, autoscalingMode: vertical, numReplicas: 1}
  - {name: shrunk, autoscalingMode: vertical, numReplicas: 4}
  - {name: larger, maxReplicaMemoryGb: 16}
  - {name: cut, ipAccessList: [{source: 192.0.2.1}, {source: 192.0.2.2}]}
  - {name: opened, ipAccessList: [{source: 192.0.2.1}]}
  - {name: tagged, tags: [{key: a}]}
  - {name: gone}
keys: [{name: mine, state: enabled, status: {keySuffix: f00d}}, {name: other, state: enabled, status: {keySuffix: beef}}]
members:
  - {email: demoted@example.com, roles: [Admin]}
  - {email: appointed@example.com, roles: [Developer]}
  - {email: moved@example.com, roles: [Developer]}
  - {email: removed@example.com, roles: [Developer]}
  - {email: dismissed@example.com, roles: [Admin]}`, diff.Selection{})
	got := map[string]diff.Risk{}
	for _, c := range p.Changes {
		got[c.Address.String()] = c.Risk
	}
	want := map[string]diff.Risk{
		"service/started": diff.RiskDisruptive, "service/scaled": diff.RiskNone, "service/shrunk": diff.RiskDisruptive,
		"service/larger": diff.RiskDisruptive, "service/cut": diff.RiskDisruptive,
		"service/opened": diff.RiskNone, "service/tagged": diff.RiskNone, "service/gone": diff.RiskDestructive,
		"key/mine": diff.RiskLockout, "key/other": diff.RiskNone, "key/new": diff.RiskNone,
		"member/demoted@example.com": diff.RiskLockout, "member/appointed@example.com": diff.RiskLockout,
		"member/moved@example.com": diff.RiskDisruptive, "member/removed@example.com": diff.RiskDestructive,
		"member/dismissed@example.com": diff.RiskLockout, "invitation/new@example.com": diff.RiskNone,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("risks (-want +got):\n%s", d)
	}
}

// Whoever lacks something is told where to write it: only services have defaults.
func TestIncompleteSaysWhere(t *testing.T) {
	p := plan(t, `
spec: {services: [{name: orders, provider: aws}], keys: [{name: ci}], invitations: [{email: bo@example.com}]}`, "", diff.Selection{})
	var got []string
	for _, f := range p.Findings {
		got = append(got, f.Address.String()+": "+f.Hint)
	}
	want := []string{
		"service/orders: write ipAccessList: [] if nobody may connect yet",
		"service/orders: write region: in the service, or in serviceDefaults for all services",
		"key/ci: a key without an IP list denies everyone; write ipAccessList: [{source: 0.0.0.0/0}] if any address may use it",
		"key/ci: write roles: in the key",
		"invitation/bo@example.com: write roles: in the invitation",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("hints (-want +got):\n%s", d)
	}
}
