package diff

import "github.com/orgctl/orgctl/pkg/spec"

// people is the desired state after members and invitations have been settled against who has joined.
type people struct {
	resources []spec.Resource
	emails    map[string]bool // everybody that a manifest speaks of
}

// settlePeople reshapes declared people until matching them is matching by address. People are one list by e-mail that the
// API shows as two (FACTS 6.2, 6.3): nobody can be made a member, only invited, and an invitation that is accepted turns
// into a member. So
//
//   - a declared member who has not joined becomes a declared invitation;
//   - a declared invitation whose e-mail has joined is satisfied and says nothing more, not even about roles;
//   - a member declared absent is absent from both lists, an invitation declared absent only from its own.
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
	declared := map[spec.Address]bool{}
	for _, r := range resources {
		declared[r.Address] = true
	}
	out := people{emails: map[string]bool{}}
	for _, r := range resources {
		email := r.Address.Name
		switch r.Address.Kind {
		case "member":
			out.emails[email] = true
			asInvitation := r
			asInvitation.Address.Kind = "invitation"
			asInvitation.Intent.Fields = nil
			switch {
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
			if r.Intent.Absent && declared[member] && !joined[email] {
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
