package diff

import "github.com/orgctl/orgctl/pkg/spec"

// people is the desired state after members and invitations have been settled against who has joined.
type people struct {
	resources []spec.Resource
	emails    map[string]bool       // everybody that a manifest speaks of
	pinned    map[spec.Address]bool // of whom it means one entry of maybe several
}

// settlePeople reshapes declared people until matching them is matching by address. People are one list by e-mail that the
// API shows as two (FACTS 6.2, 6.3): nobody can be made a member, only invited, and an invitation that is accepted turns
// into a member. So
//
//   - a declared member who has not joined becomes a declared invitation;
//   - a declared invitation whose e-mail has joined is satisfied and says nothing more, not even about roles;
//   - a member declared absent is absent from both lists, an invitation declared absent only from its own;
//   - a member who is pinned by id is that one and nobody else.
func settlePeople(resources []spec.Resource, live *spec.Live) people {
	joined, invited := map[string]bool{}, map[string]bool{}
	for _, r := range live.Resources {
		switch r.Address.Kind {
		case "member":
			joined[r.Address.Name] = true
		case "invitation":
			invited[r.Address.Name] = true
		}
	}
	declared, wanted := map[spec.Address]bool{}, map[spec.Address]bool{}
	for _, r := range resources {
		declared[r.Address] = true
		wanted[r.Address] = !r.Intent.Absent
	}
	out := people{emails: map[string]bool{}, pinned: map[spec.Address]bool{}}
	for _, r := range resources {
		email := r.Address.Name
		out.pinned[r.Address] = r.ID != ""
		switch r.Address.Kind {
		case "member":
			out.emails[email] = true
			asInvitation := r
			asInvitation.Address.Kind = "invitation"
			asInvitation.Intent.Fields = nil
			switch {
			case r.ID != "":
				out.resources = append(out.resources, r)
			case r.Intent.Absent:
				out.resources = append(out.resources, r)
				if invited[email] && !declared[asInvitation.Address] {
					out.resources = append(out.resources, asInvitation)
				}
			case joined[email]:
				out.resources = append(out.resources, r)
			default:
				out.resources = append(out.resources, asInvitation)
			}
		case "invitation":
			out.emails[email] = true
			member := spec.Address{Kind: "member", Name: email}
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
