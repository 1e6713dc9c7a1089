package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// people is the desired state after members and invitations have been made one list.
type people struct {
	resources []spec.Resource
	meant     map[spec.Address]bool // all that a manifest speaks of, in both lists
	pinned    map[spec.Address]bool // of whom it means one entry of maybe several
	findings  []Finding             // about those who cannot be told from members without an e-mail address
	doubts    []spec.Address        // all who may be such a member, even if a live invitation says otherwise
}

// unitePeople reshapes declared people until matching them is matching by address. People are one list by e-mail that the
// API shows as two (FACTS 6.2, 6.3): nobody can be made a member, only invited, and an invitation that is accepted turns
// into a member. So
//
//   - a declared member who has not joined becomes a declared invitation;
//   - a declared invitation whose e-mail has joined is satisfied and says nothing more, not even about roles;
//   - a member declared absent is absent from both lists, an invitation declared absent only from its own;
//   - a declared member who has joined says nothing about an invitation: another one may offer another role;
//   - a member who is pinned by id is that one and nobody else;
//   - as long as there are members without an e-mail address whom no id pins, whoever has neither joined nor a live invitation
//     may be one of them, and is left alone.
func unitePeople(api *spec.API, resources []spec.Resource, live *spec.Live) people {
	of := api.People
	joined, invited := map[string]bool{}, map[string]bool{}
	nameless := namelessMembers(of, resources, live)
	for _, r := range live.Resources {
		switch r.Address.Kind {
		case of.Joined:
			joined[r.Address.Name] = true
		case of.Invited:
			invited[r.Address.Name] = true
		}
	}
	declared, wanted := map[spec.Address]bool{}, map[spec.Address]bool{}
	for _, r := range resources {
		declared[r.Address] = true
		wanted[r.Address] = !r.Intent.Absent
	}
	out := people{meant: map[spec.Address]bool{}, pinned: map[spec.Address]bool{}}
	for _, r := range resources {
		email := r.Address.Name
		member, invitation := spec.Address{Kind: of.Joined, Name: email}, spec.Address{Kind: of.Invited, Name: email}
		out.pinned[r.Address] = r.ID != ""
		if of.Has(r.Address.Kind) && len(nameless) > 0 && r.ID == "" && !joined[email] && (r.Address.Kind == of.Joined || !r.Intent.Absent) {
			out.doubts = append(out.doubts, r.Address)
			if !invited[email] {
				out.meant[member], out.meant[invitation] = true, true
				out.findings = append(out.findings, unknown(api.Kind(of.Joined), r, "e-mail address", nameless))
				continue
			}
		}
		switch r.Address.Kind {
		case of.Joined:
			out.meant[member] = true
			out.meant[invitation] = out.meant[invitation] || r.ID == "" && (r.Intent.Absent || !joined[email])
			asInvitation := r
			asInvitation.Address = invitation
			asInvitation.Intent.Fields = nil
			switch {
			case r.ID != "":
				out.resources = append(out.resources, r)
			case r.Intent.Absent:
				out.resources = append(out.resources, r)
				if invited[email] && !declared[invitation] {
					out.resources = append(out.resources, asInvitation)
				}
			case joined[email]:
				out.resources = append(out.resources, r)
			default:
				out.resources = append(out.resources, asInvitation)
			}
		case of.Invited:
			out.meant[member], out.meant[invitation] = true, true
			if r.Intent.Absent && wanted[member] && !joined[email] {
				continue // the member entry wants this invitation; withdrawing it would ping-pong
			}
			if r.Intent.Absent || !joined[email] {
				out.resources = append(out.resources, r)
			}
		default:
			out.resources = append(out.resources, r)
		}
	}
	return out
}

// namelessMembers are the ids of the live members without an e-mail address whom no declared id pins.
func namelessMembers(of spec.People, desired []spec.Resource, live *spec.Live) []string {
	var out []string
	for r := range ofKind(live, of.Joined) {
		pinned := func(d spec.Resource) bool { return d.Address.Kind == of.Joined && strings.EqualFold(d.ID, r.ID) }
		if r.Status[spec.StatusNameless] != nil && !slices.ContainsFunc(desired, pinned) {
			out = append(out, r.ID)
		}
	}
	return out
}

// unknown is the finding that a declared object may be any of some live ones of a kind, of which the API does not show what they are
// called.
func unknown(kind *spec.Kind, d spec.Resource, what string, nameless []string) Finding {
	return Finding{
		Code: CodeAmbiguous, Severity: SeverityBlocked, Address: d.Address, Pos: d.Intent.Pos,
		Message: fmt.Sprintf("which live %s this is, if any, cannot be told: the API shows no %s of %s", kind.Name, what, strings.Join(nameless, ", ")),
		Hint:    fmt.Sprintf("declare each of these %s with its id, for example id: %s", kind.Collection, nameless[0]),
	}
}
