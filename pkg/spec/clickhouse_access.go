package spec

import "strings"

// keyKind is an API key (FACTS 6.1). Names are not unique in the API; its IP list is replaced whole.
var keyKind = &Kind{
	Name:       "key",
	Collection: "keys",
	Fields: []Field{
		{Path: "name", Equal: equalName},
		{Path: "state", Shown: true, Default: "enabled"},
		{Path: "roles", List: roleList, Ref: "role"},
		{Path: "expireAt", Equal: equalInstant, Nullable: true},
		{
			Path: "ipAccessList", List: ipList,
			Missing: "a key without an IP list denies everyone; write ipAccessList: [{source: 0.0.0.0/0}] if any address may use it",
		},
	},
	ToCreate: []string{"roles", "ipAccessList"},
	Secret:   func(Tree) bool { return true },
}

// memberKind is somebody who has joined (FACTS 6.2): created only by accepting an invitation.
var memberKind = &Kind{
	Name:       "member",
	Collection: "members",
	Fields:     personFields,
	KeyFields:  []string{"email"},
	Nameless:   true,
	Key:        emailOf,
	ToCreate:   []string{"roles"},
}

// invitationKind is somebody who has not joined yet (FACTS 6.3): there is no PATCH, so a change of roles sends a new one.
var invitationKind = &Kind{
	Name:       "invitation",
	Collection: "invitations",
	Fields:     personFields,
	KeyFields:  []string{"email"},
	Key:        emailOf,
	ToCreate:   []string{"roles"},
	MadeAnew:   "an invitation cannot be changed, so it is withdrawn and sent anew",
}

// emailOf: addresses are compared in lower case.
func emailOf(person Tree) string { return CanonicalName(strings.ToLower(text(person, "email"))) }

var personFields = []Field{
	{Path: "email", Equal: equalFold, Immutable: true},
	{Path: "roles", List: roleList, Ref: "role"},
}
