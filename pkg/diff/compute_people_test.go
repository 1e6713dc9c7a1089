package diff_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/diff"
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
				`delete member/ana@example.com pruned`,
				`unmanaged service/other`, `drift invitation/bo@example.com`,
				`OC346 blocked organization/acme: no members are declared, and 1 of 1 live ones would be deleted`,
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
		{
			name: "no members are declared, whoever is invited",
			desired: `
spec: {invitations: [{email: bo@example.com, role: developer}]}
policy: {prune: [members]}`,
			live: `
members: [{email: ana@example.com, roles: [Developer]}]
invitations: [{email: bo@example.com, roles: [Developer]}]`,
			want: []string{
				`delete member/ana@example.com pruned`,
				`OC346 blocked organization/acme: no members are declared, and 1 of 1 live ones would be deleted`,
			},
		},
		{
			name: "twins: one is meant, the other is surplus",
			desired: `
spec:
  members: [{email: ana@example.com, id: "samlp|A|x", role: developer}, {email: joined@example.com}]
  invitations: [{email: bo@example.com, id: b1, role: developer}]
policy: {prune: [members, invitations], maxDeletes: {percent: 100}}`,
			live: `
members:
  - {email: ana@example.com, id: "samlp|A|x", roles: [Developer]}
  - {email: ana@example.com, id: "samlp|B|x", roles: [Developer]}
  - {email: joined@example.com, roles: [Developer]}
invitations:
  - {email: bo@example.com, id: b1, roles: [Developer]}
  - {email: bo@example.com, id: b2, roles: [Developer]}
  - {email: joined@example.com, roles: [Developer]}`,
			want: []string{
				`delete member/ana@example.com#samlp|B|x pruned`,
				`delete invitation/bo@example.com#b2 pruned`,
				`delete invitation/joined@example.com pruned`,
			},
		},
		{
			name: "somebody who has joined is invited once more: no entry says so, but for one of an invitation",
			desired: `
spec:
  members: [{email: ana@example.com, role: admin}, {email: bob@example.com, role: developer}, {email: di@example.com, id: d1}, {email: new@example.com, role: developer}]
  invitations: [{email: cy@example.com, role: developer}]
policy: {exclusive: [members, invitations]}`,
			live: `
members:
  - {email: ana@example.com, roles: [Admin]}
  - {email: bob@example.com, roles: [Developer]}
  - {email: cy@example.com, roles: [Developer]}
  - {email: di@example.com, id: d1, roles: [Developer]}
invitations:
  - {email: bob@example.com, roles: [Admin]}
  - {email: cy@example.com, roles: [Admin]}
  - {email: di@example.com, roles: [Admin]}
  - {email: new@example.com, roles: [Developer]}`,
			want: []string{`drift invitation/bob@example.com`, `drift invitation/di@example.com`},
		},
		{
			name: "twins: nobody says which is meant",
			desired: `
spec:
  members: [{email: ana@example.com, role: developer}, {email: cy@example.com, ensure: absent}]
policy: {prune: [members, invitations]}`,
			live: `
members:
  - {email: ana@example.com, id: a1, roles: [Developer]}
  - {email: ana@example.com, id: a2, roles: [Developer]}
  - {email: cy@example.com, id: c1, roles: [Developer]}
  - {email: cy@example.com, id: c2, roles: [Developer]}
invitations: [{email: stray@example.com, roles: [Developer]}]`,
			want: []string{
				`unmanaged invitation/stray@example.com`,
				`OC302 blocked member/ana@example.com: 2 live objects are named ana@example.com: a1, a2`,
				`OC302 blocked member/cy@example.com: 2 live objects are named cy@example.com: c1, c2`,
				`OC313 blocked invitation/stray@example.com: is not declared, and not pruned while it is uncertain what is meant by member/ana@example.com, member/cy@example.com`,
			},
		},
		{
			name: "pins that are gone: an invitation is made anew when it changes, a member is not",
			desired: `
spec:
  members: [{email: ana@example.com, id: a1, role: developer}, {email: cy@example.com, id: c1, ensure: absent}]
  invitations: [{email: bo@example.com, id: b1, role: admin}, {email: di@example.com, id: d1, ensure: absent}]`,
			live: `
members: [{email: ana@example.com, id: a2, roles: [Developer]}, {email: cy@example.com, id: c2, roles: [Developer]}]
invitations: [{email: bo@example.com, id: b2, roles: [Developer]}, {email: di@example.com, id: d2, roles: [Developer]}]`,
			want: []string{
				`update invitation/bo@example.com: roles -["Developer"] +["admin"]`,
				`unmanaged member/ana@example.com`, `unmanaged member/cy@example.com#c2`, `unmanaged invitation/di@example.com#d2`,
				`OC303 blocked member/ana@example.com: no live member has the id a1`,
				`OC303 warning member/cy@example.com: no live member has the id c1, and cy@example.com is live as c2: nothing is deleted`,
			},
		},
		{
			name: "an id that is somebody else's",
			desired: `
spec: {members: [{email: ana@example.com, id: b1, role: developer}]}`,
			live: `
members: [{email: bo@example.com, id: b1, roles: [Developer]}]`,
			want: []string{
				`OC310 blocked member/ana@example.com: email is "bo@example.com" and cannot become "ana@example.com": it is set at creation only`,
			},
		},
		{
			name: "a member without an e-mail address may be anybody who is declared and not shown as invited",
			desired: `
spec:
  members:
    - {email: joined@example.com, role: developer}
    - {email: stays@example.com, id: m1, role: admin}
    - {email: goes@example.com, ensure: absent}
    - {email: waiting@example.com, role: developer}
  invitations: [{email: invited@example.com, role: developer}, {email: withdrawn@example.com, ensure: absent}]
policy: {prune: [members, invitations]}`,
			live: `
members: [{id: m1, roles: [Developer]}, {id: m2, roles: [Developer]}]
invitations: [{email: waiting@example.com, roles: [Developer]}, {email: stray@example.com, roles: [Developer]}]`,
			want: []string{
				`update member/stays@example.com: roles -["Developer"] +["admin"]`,
				`unmanaged member/m2`, `unmanaged invitation/stray@example.com`,
				`OC302 blocked member/goes@example.com: which live member this is, if any, cannot be told: the API shows no e-mail address of m2`,
				`OC302 blocked member/joined@example.com: which live member this is, if any, cannot be told: the API shows no e-mail address of m2`,
				`OC313 blocked member/m2: is not declared, and not pruned while it is uncertain what is meant by member/goes@example.com, member/joined@example.com, member/waiting@example.com, invitation/invited@example.com`,
				`OC302 blocked invitation/invited@example.com: which live member this is, if any, cannot be told: the API shows no e-mail address of m2`,
				`OC313 blocked invitation/stray@example.com: is not declared, and not pruned while it is uncertain what is meant by member/goes@example.com, member/joined@example.com, member/waiting@example.com, invitation/invited@example.com`,
			},
		},
		{
			name: "an invitation shows who has not joined, and not who the others are",
			desired: `
spec: {members: [{email: waiting@example.com, role: developer}]}
policy: {prune: [members], maxDeletes: {percent: 100}}`,
			live: `
members: [{id: m1, roles: [Developer]}]
invitations: [{email: waiting@example.com, roles: [Developer]}]`,
			want: []string{
				`unmanaged member/m1`,
				`OC313 blocked member/m1: is not declared, and not pruned while it is uncertain what is meant by member/waiting@example.com`,
			},
		},
		{
			name: "members without an e-mail address are told by their ids, and then nobody else is among them",
			desired: `
spec:
  members:
    - {email: ana@example.com, id: m1, role: admin}
    - {email: bo@example.com, id: m2, ensure: absent}
    - {email: new@example.com, role: developer}`,
			live: `members: [{id: m1, roles: [Admin]}, {id: m2, roles: [Developer]}]`,
			want: []string{
				`create invitation/new@example.com`,
				`delete member/m2`,
			},
		},
	})
}

// TestPeopleMoveOnce goes through all that a manifest may say of one person, in both lists, and all that may be live: nothing is
// ever done twice to one entry, and what is done is what the two lists mean together.
func TestPeopleMoveOnce(t *testing.T) {
	const email = "ana@example.com"
	entry := map[string]string{
		"":        "[]",
		"present": "[{email: " + email + ", role: developer}]",
		"absent":  "[{email: " + email + ", ensure: absent}]",
	}
	here := map[bool]string{true: "[{email: " + email + ", roles: [Developer]}]", false: "[]"}
	for _, member := range []string{"", "present", "absent"} {
		for _, invitation := range []string{"", "present", "absent"} {
			if member == "present" && invitation == "present" {
				continue // refused by validation
			}
			for _, joined := range []bool{false, true} {
				for _, invited := range []bool{false, true} {
					var want []string
					wanted := member == "present" || invitation == "present"
					if wanted && !joined && !invited {
						want = append(want, "create invitation/"+email)
					}
					if member == "absent" && joined {
						want = append(want, "delete member/"+email)
					}
					withdrawn := invitation == "absent" && (member != "present" || joined) || member == "absent" && invitation == ""
					if invited && withdrawn {
						want = append(want, "delete invitation/"+email)
					}
					p := plan(t, "spec: {members: "+entry[member]+", invitations: "+entry[invitation]+"}",
						"members: "+here[joined]+"\ninvitations: "+here[invited], diff.Selection{})
					var got []string
					for _, c := range p.Changes {
						got = append(got, toldChange(c))
					}
					if d := cmp.Diff(want, got); d != "" || len(p.Findings) > 0 {
						t.Errorf("member %q, invitation %q, joined %v, invited %v (-want +got):\n%s\n%v",
							member, invitation, joined, invited, d, p.Findings)
					}
				}
			}
		}
	}
}
