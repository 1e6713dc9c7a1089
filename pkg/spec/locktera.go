package spec

import (
	"reflect"

	"github.com/orgctl/orgctl/schemas"
)

// Locktera is Locktera's organization API, known from documents alone: docs/api-facts-locktera.md.
var Locktera = &API{
	Name:      "locktera/v1",
	Title:     "Locktera",
	Schema:    embedded(schemas.Locktera),
	Kinds:     []*Kind{lockteraOrganizationKind, lockteraKeyKind},
	OpaqueIDs: true,
	check:     checkLocktera,
}

// lockteraOrganizationKind: customizations are written as a whole, and managed key by key.
var lockteraOrganizationKind = &Kind{
	Name: "organization",
	Fields: []Field{
		{Path: "name", Equal: equalName, Shown: true},
		{Path: "customizations.*", Equal: equalWhole, SameType: true, Detail: true},
	},
}

// lockteraKeyKind: keys are made and deleted, and nothing about one can be changed. Some servers show none of their names.
var lockteraKeyKind = &Kind{
	Name:       "key",
	Collection: "keys",
	Nameless:   true,
	Fields: []Field{
		{Path: "name", Immutable: true, Equal: equalName},
		{Path: "permissions", Immutable: true, List: idList, Shown: true},
	},
	ToCreate: []string{"permissions"},
	Secret:   func(Tree) bool { return true },
	Leave: "whoever uses the key is locked out for good, and the API does not tell which key is in use here: " +
		"the deletion has to be allowed by its name",
}

// equalWhole compares values of any type.
func equalWhole(want, have any) bool { return reflect.DeepEqual(want, have) }

// lockteraPermissions are those that the documents show.
var lockteraPermissions = []string{"read", "write"}

func checkLocktera(d *draft) {
	for _, key := range d.objects["keys"] {
		permissions := key.list("permissions")
		d.checkDistinct(permissions, key.value("permissions"), "permission", idList)
		for i, p := range permissions {
			permission, _ := p.(string)
			d.warnUnknown("permission", permission, lockteraPermissions, key.value("permissions", i))
		}
	}
}
