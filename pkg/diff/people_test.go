package diff_test

import (
	"testing"
)

func TestPeopleAndCollections(t *testing.T) {
	runStates(t, []state{
		{
			name: "undeclared objects: listed, drift, pruned, or nobody's business",
			desired: `
spec:
  services: [{name: orders}]
  keys: [{name: ci}]
policy: {prune: [keys, members], exclusive: [invitations]}`,
			live: `
services: [{name: orders}, {name: other}]
keys: [{name: ci}, {name: stray}]
members: [{email: ana@example.com}]
invitations: [{email: bo@example.com}]
notChecked: [privateEndpoints]`,
			want: []string{
				`delete key/stray pruned`,
				`unmanaged service/other`, `drift invitation/bo@example.com`,
			},
		},

		{
			name: "a member joins, an invitation is accepted, both lists are one",
			desired: `
spec:
  members:
    - {email: Here@example.com, role: developer}
    - {email: invited@example.com, role: developer}
    - {email: stranger@example.com, role: developer}
  invitations:
    - {email: accepted@example.com, role: admin}
    - {email: waiting@example.com, role: admin}
    - {email: new@example.com, role: developer}
policy: {prune: [members, invitations]}`,
			live: `
members: [{email: here@example.com, roles: [Developer]}, {email: accepted@example.com, roles: [Developer]}, {email: old@example.com, roles: [Developer]}]
invitations: [{email: invited@example.com, roles: [Developer]}, {email: waiting@example.com, roles: [Developer]}, {email: late@example.com, roles: [Developer]}]`,
			want: []string{
				`create invitation/new@example.com`,
				`create invitation/stranger@example.com`,
				`update invitation/waiting@example.com: roles -["Developer"] +["admin"]`,
				`delete member/old@example.com pruned`,
				`delete invitation/late@example.com pruned`,
			},
		},
		{
			name: "people who are to be absent",
			desired: `
spec:
  members: [{email: joined@example.com, ensure: absent}, {email: pending@example.com, ensure: absent}]
  invitations: [{email: kept@example.com, ensure: absent}, {email: waiting@example.com, ensure: absent}]`,
			live: `
members: [{email: joined@example.com, roles: [Developer]}, {email: kept@example.com, roles: [Developer]}]
invitations: [{email: pending@example.com, roles: [Developer]}, {email: waiting@example.com, roles: [Developer]}]`,
			want: []string{
				`delete member/joined@example.com`,
				`delete invitation/pending@example.com`,
				`delete invitation/waiting@example.com`,
			},
		},
	})
}
